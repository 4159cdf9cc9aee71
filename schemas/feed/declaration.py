"""The keys of a feed file: a partner's real source, declared in TOML. Data only; unknown keys are errors."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.protocols import PROTOCOLS, Protocol, ProtocolName

FEED_NAME = re.compile(r"[a-z0-9_]{1,64}")


class _Declared(BaseModel):
    """The base of a feed file and of its sections."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class Request(_Declared):
    """How to request the list: paging, politeness, limits. Paths have dots between keys; a number is a list index."""

    # the request
    method: Literal["GET", "POST"] = "GET"  # of the first request; OAI-PMH switches when the server refuses it
    params: dict[str, str | int | list[str]] = {}  # always sent in the query
    body: dict[str, Any] = {}  # sent as JSON with POST
    headers: dict[str, str] = {}  # sent with every request; never credentials
    # how the list is paged
    paging: Literal["none", "page", "offset", "cursor", "link"] = "none"
    page_param: str = "page"  # the parameter that carries the page number, the offset or the cursor
    page_in: Literal["query", "body"] = "query"  # where that parameter goes: body for a search by POST
    size_param: str | None = None  # the parameter for the page size; None when the server decides
    size: int = Field(default=100, ge=1)  # records per page
    first: int = 0  # the first page's number or offset
    cursor_path: str | None = None  # where the response holds the next cursor, or the next page's address
    window: int | None = Field(default=None, ge=1)  # the server gives no record past this offset (Opendatasoft: 10 000)
    slice_by: str | None = None  # opendatasoft: the field whose values slice a result past its window
    # where things are in the response
    records_path: str = ""  # the list of records; empty: the response itself
    record_path: str = ""  # the record inside one element of that list; empty: the element itself
    detail_url: str | None = None  # the record's own URL, {field} taken from the listed element; one request per record
    detail_path: str = ""  # the record inside that response; empty: the response itself
    total_path: str | None = None  # the number of records in the whole list
    total_header: str | None = None  # or the response header with that number (WordPress: X-WP-Total)
    datestamp_path: str | None = None  # when the record was last changed, inside the record
    since_param: str | None = None  # the parameter for changes since the last complete harvest
    since_format: str | None = None  # of its value: unix, unix_ms, or as strftime; None: YYYY-MM-DDThh:mm:ssZ
    verb: Literal["ListRecords", "ListIdentifiers"] = "ListRecords"  # oai_pmh: the second asks for each record alone
    # files
    delimiter: str | None = None  # csv: between columns; None: detected
    escape: str | None = None  # csv: before a quotation mark or delimiter that is text; None: quotes are doubled
    skip_lines: int = Field(default=0, ge=0)  # csv: lines before the header
    multi_value: str | None = None  # csv: between several values of one column
    encoding: str | None = None  # csv: of the file; None: detected
    # patience and politeness
    rate: float = Field(default=1.0, gt=0)  # requests per second
    connections: int = Field(default=1, ge=1)  # to one host at a time, by all processes of this machine
    timeout: float = Field(default=60, gt=0, le=86_400)  # seconds per response
    budget: float = Field(default=6 * 3600, gt=0, le=7 * 86_400)  # seconds for the whole harvest
    retries: int = Field(default=5, ge=0)  # of one request, after the first try
    backoff: float = Field(default=2.0, ge=0, le=3_600)  # seconds before the first retry, then doubled, with jitter
    quiet_hours: list[str] = []  # no requests then: "08:00-18:00 Europe/Belgrade"
    max_pages: int = Field(default=1_000_000, ge=1)  # of one harvest
    max_bytes: int = Field(default=64 * 1024 * 1024, ge=1)  # of one response, decompressed
    max_redirects: int = Field(default=5, ge=0)  # of one request
    trust_list_size: bool = True  # false where the server is known to report a wrong number of records


class Expect(_Declared):
    """What the feed should look like after a run; the gate holds a run that breaks it."""

    records: tuple[int, int] | None = None
    max_drop: float = Field(default=0.05, ge=0, le=1)  # share of the live records that may go in one run
    max_drop_records: int = Field(default=20, ge=0)  # or so many, whichever is more; never more than half
    license_share: float | None = Field(default=None, ge=0, le=1)
    language_share: float | None = Field(default=None, ge=0, le=1)
    max_error_share: float | None = Field(default=None, ge=0, le=1)

    @property
    def may_be_empty(self) -> bool:
        """Return whether a feed without any record is as expected."""
        return self.records is not None and self.records[0] == 0


class MapEntry(_Declared):
    """Where one field of the shared record comes from, in a record that no crosswalk reads."""

    path: str | None = None  # a JMESPath expression, or the name of a column
    constant: str | None = None  # the same value for every record
    split: str | None = None  # between several values of one text
    language: str | None = None  # of the text, as a tag


MAP_FORMAT = "map"  # the format of records that only [map] reads
MapEntries = str | MapEntry | list[str | MapEntry]


class Feed(_Declared):
    """One feed. The file's stem is its name, which is never reused for another source."""

    name: str
    title: str = Field(min_length=1)
    partner: str = Field(min_length=1)
    protocol: ProtocolName
    url: str = Field(min_length=1)
    format: str = ""  # the crosswalk
    prefix: str | None = None  # oai_pmh: the repository's own metadataPrefix; None: the same as format
    note: str = ""
    status: Literal["active", "paused", "retired"] = "active"
    schedule: str = "0 1 * * *"
    trust: int = 0
    full_every: int | None = Field(default=None, ge=1)  # the whole list every so many runs; None: the protocol decides
    absent_after: int = Field(default=2, ge=1)  # whole lists in a row that lack a record before it is deleted
    sets: list[str] = []
    exclude_sets: list[str] = []  # oai_pmh: records in these sets, or in sets beneath them, are left out
    identifier: list[str] = []
    default_license: str | None = None
    default_language: str | None = None
    metadata_license: str | None = None  # under which the records themselves may be passed on; None: CC0
    calendar: Literal["gregorian", "hijri", "persian", "buddhist"] | None = None  # of years without a mark
    dialect: str | None = None
    address: str | None = None  # of a record's page, where the record states none: https://…/{id}
    connection: str | None = None  # the Airflow connection that holds the credentials
    one_to_one: bool = False  # the feed has no duplicates of its own
    map: dict[str, MapEntries] = {}  # our field, with a hint as in contributors:editor: where it comes from
    request: Request = Request()
    expect: Expect = Expect()

    @property
    def traits(self) -> Protocol:
        """Return what the feed's protocol can do."""
        return PROTOCOLS[self.protocol]

    @property
    def metadata_prefix(self) -> str:
        """Return the metadataPrefix to ask the repository for."""
        return self.format if self.prefix is None else self.prefix

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, keys: Any) -> Any:
        """Make one identifier field a list of one, and give a protocol its usual format."""
        if not isinstance(keys, dict):
            return keys
        traits = PROTOCOLS.get(str(keys.get("protocol")))
        usual_format = MAP_FORMAT if keys.get("map") else traits.usual_format if traits else ""
        filled_in = {"format": keys.get("format") or usual_format}
        if isinstance(keys.get("identifier"), str):
            filled_in["identifier"] = [keys["identifier"]]
        return {**keys, **filled_in}


SECTIONS: dict[str, type[BaseModel]] = {"request": Request, "expect": Expect}
