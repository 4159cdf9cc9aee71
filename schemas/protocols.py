"""What a feed's protocol can do, one row per protocol. Rooms ask for a trait, never for a protocol's name.

`harvesters` binds each name to the function that harvests it.
"""

from __future__ import annotations

from typing import Literal

from schemas.base import Base

ProtocolName = Literal["oai_pmh", "rest", "opendatasoft", "rss", "csv", "sitemap", "files"]


class Protocol(Base, frozen=True, kw_only=True):
    """The traits of one protocol."""

    usual_format: str = ""  # the crosswalk of a feed whose file names none
    format_example: str = "the name of a crosswalk"  # what a feed file without its format is advised to name
    needs_identifier: bool = False  # its records do not name themselves: the feed file says which fields do
    has_sets: bool = False  # a feed may name sets of the list
    has_prefixes: bool = False  # the repository has names of its own for formats (metadataPrefix)
    has_verbs: bool = False  # [request] verb chooses how the list is requested
    reads_inbox: bool = False  # url may be inbox:NAME, files below ELIB_HOME
    has_declared_paging: bool = False  # [request] says how the list is paged; others page as their protocol does
    has_slices: bool = False  # [request] slice_by splits a list that is too long to page through
    has_json_records: bool = False  # a record is a JSON object, or a row by its columns, which [map] can read
    has_columns: bool = False  # a record is a row of a table
    has_details: bool = False  # [request] detail_url requests each record at its own address
    lists_by_datestamp: bool = False  # the list can be requested from a datestamp on
    requests_skipped_records: bool = False  # a record that was skipped can be requested by its identifier
    requests_each_record: bool = False  # the list only names the records: one request per record


PROTOCOLS: dict[str, Protocol] = {
    "oai_pmh": Protocol(
        format_example="the name of a crosswalk, such as oai_dc",
        has_sets=True,
        has_verbs=True,
        has_prefixes=True,
        lists_by_datestamp=True,
        requests_skipped_records=True,
    ),
    "rest": Protocol(needs_identifier=True, has_json_records=True, has_declared_paging=True, has_details=True),
    "opendatasoft": Protocol(usual_format="unesdoc", needs_identifier=True, has_json_records=True, has_slices=True),
    "rss": Protocol(usual_format="rss"),
    "csv": Protocol(
        usual_format="oercommons_csv", needs_identifier=True, has_json_records=True, has_columns=True, reads_inbox=True
    ),
    "sitemap": Protocol(usual_format="schema_org", requests_each_record=True),
    "files": Protocol(usual_format="lom", has_json_records=True, reads_inbox=True),
}
