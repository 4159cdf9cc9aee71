"""What counts as unmapped or contradictory in one record, from its payload on."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from schemas import Assessment, Feed, SourceRecord
from transforms import transform

FEED = Feed(name="terms", title="Terms", partner="Terms", protocol="oai_pmh", url="https://terms.example/oai")


def assessed(format_: str, payload: str) -> Assessment:
    record = SourceRecord(feed="terms", identifier="1", format=format_, payload=payload, sha256="0")
    return transform(record, FEED)


def dublin(**said: str) -> Assessment:
    inside = "".join(f"<dc:{name}>{escape(text)}</dc:{name}>" for name, text in said.items())
    return assessed("qdc", f'<qualifieddc xmlns:dc="http://purl.org/dc/elements/1.1/">{inside}</qualifieddc>')


def unmapped(found: Assessment, field: str) -> list[str]:
    assert found.resource is not None
    return [term.source for term in found.resource.terms if term.field == field and term.code is None]


@pytest.mark.parametrize("extent", ["506857 bytes", "12 p.", "240 pages", "xii, 240 p.", "1,5 MB", "64 с."])
def test_an_extent_is_no_media_type(extent: str) -> None:
    found = dublin(title="Plants and light", format=extent)
    assert found.resource is not None
    assert unmapped(found, "formats") == []
    assert extent in [leaf.value for leaf in found.resource.unmapped]


@pytest.mark.parametrize("kind", ["a box", "12 monkeys film", "Quux 7"])
def test_what_is_neither_extent_nor_known_stays_counted(kind: str) -> None:
    assert unmapped(dublin(title="Plants and light", format=kind), "formats") == [kind]


@pytest.mark.parametrize(
    ("said", "context"),
    [
        ("adult-education", "continuing education"),
        ("career-technical", "vocational education"),
        ("higher education", "higher education"),
        ("school", "school"),
    ],
)
def test_a_level_that_only_names_a_context_is_not_unmapped(said: str, context: str) -> None:
    found = dublin(title="Plants and light", educationlevel=said)
    assert found.resource is not None
    assert unmapped(found, "levels") == []
    assert context in found.resource.contexts


@pytest.mark.parametrize(
    ("rights", "codes"),
    [
        ("All rights reserved", set()),
        ("Ask the librarian about it", {"license_unknown"}),
        ("CC BY 4.0, except the pictures, which are CC BY-NC 4.0", {"license_contradictory"}),
    ],
)
def test_findings_about_one_statement_of_rights(rights: str, codes: set[str]) -> None:
    found = dublin(title="Plants and light", rights=rights)
    asked = {"license_unknown", "license_contradictory"}
    assert {issue.code for issue in found.issues} & asked == codes
