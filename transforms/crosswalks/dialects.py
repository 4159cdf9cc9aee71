"""Dialects: a few rows over a format's table, for partners that use its fields in their own way.

A feed file chooses one by name (`dialect = "eprints"`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from transforms.crosswalks.engine import Group, Reader


class _Dialect(NamedTuple):
    """Rows, ignored paths and readers that come before those of one format."""

    format: str
    rows: Mapping[str, str] = {}
    ignored: Mapping[str, str] = {}
    readers: Mapping[str, Reader] = {}


def _page_or_relation(group: Group) -> None:
    """Add an address as the resource's page, and any other text as what the resource is related to."""
    for value in group.take(""):
        if value.text.startswith("http"):
            group.add("url", value)
        else:
            group.add("relations", value, "references")


DIALECTS: dict[str, _Dialect] = {
    # EPrints puts the page into dc:relation, the file and a citation into dc:identifier
    "eprints": _Dialect("oai_dc", readers={"relation": _page_or_relation}),
    # the DSpace network of the University of Belgrade's computer centre, NaRDuS among it
    "rcub": _Dialect(
        "dim",
        {
            "dc.identifier.fulltext": "links:content",
            "dc.identifier.rcub": "identifiers",
            "dc.identifier.nardus": "url",
            "dc.contributor.mentor": "contributors:advisor||@authority",
            "dc.contributor.other": "contributors:unknown||@authority",
            "dc.rights.license": "license",
        },
        {"dc.description.other": "the abstract's citation"},
    ),
}
