"""Every finding that normalization can make is made of a payload, and a rule turns it into an issue of the record."""

from __future__ import annotations

import pytest

from schemas import Feed, SourceRecord
from transforms import transform

FEED = Feed(name="sample", title="Sample", partner="Sample Partner", protocol="oai_pmh", url="https://a.example/oai")
DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
)
FRENCH = "Les plantes vertes transforment la lumière du soleil en nourriture, comme on le voit dans cette leçon."
FINDINGS = [  # the code of the issue, its path, and the elements of an oai_dc record
    ("date_impossible", "issued", "<dc:date>2010-13-45</dc:date>"),
    ("date_future", "issued", "<dc:date>2031-01-01</dc:date>"),
    ("date_ambiguous", "issued", "<dc:date>03/04/2012</dc:date>"),
    ("license_unknown", "license.statement", "<dc:rights>All mine</dc:rights>"),
    (
        "license_contradictory",
        "license.statement",
        "<dc:rights>CC BY 4.0</dc:rights><dc:rights>All rights reserved</dc:rights>",
    ),
    ("identifier_invalid", "identifiers", "<dc:identifier>ISBN 978-3-16-148410-1</dc:identifier>"),
    ("term_unmapped", "resource_types", "<dc:type>something unheard of</dc:type>"),
    ("language_contradicted", "description.en", f"<dc:description xml:lang='en'>{FRENCH}</dc:description>"),
    ("language_undetermined", "description.und", "<dc:description>Aquarium lamp</dc:description>"),
    ("text_shortened", "title", f"<dc:title>{'word ' * 21_000}</dc:title>"),
    ("mojibake_repaired", "description", "<dc:description>Ã‰tÃ© Ã  l’Ã©cole et Ã  la mer</dc:description>"),
]


@pytest.mark.parametrize(("code", "path", "elements"), FINDINGS, ids=[code for code, _, _ in FINDINGS])
def test_a_payload_leads_to_its_issue(code: str, path: str, elements: str) -> None:
    assert (code, path) in issues("oai_dc", f"{DC}{elements}</oai_dc:dc>")


def test_an_address_without_its_site_is_malformed() -> None:
    assert ("url_malformed", "url") in issues("rss", "<item><title>Bees</title><link>/relative/bees</link></item>")


def issues(format_: str, payload: str) -> set[tuple[str, str]]:
    record = SourceRecord(
        feed="sample", identifier="1", format=format_, payload=payload, harvested_at="2026-01-01T00:00:00Z"
    )
    return {(issue.code, issue.path) for issue in transform(record, FEED).issues}
