"""What unrelated records of different feeds share, reported for the records on both sides."""

from __future__ import annotations

from typing import Any

import msgspec
from test_rules_registry import COMPLETE

from schemas import Resource
from transforms.match import Live, features
from transforms.rules import CATALOG_RULE_CODES, RULES, apply_catalog_rules

DOI = [{"scheme": "doi", "value": "10.54675/series"}]
PAGE = "https://learn.unesco.org/catalogue/all"


def record(key: str, title: str, language: str = "en", **fields: Any) -> Live:
    plain = {"identifiers": [], "url": f"https://learn.unesco.org/{key}", "languages": [declared(language)]}
    text = COMPLETE | plain | fields | {"key": key, "title": {language: title}}
    return Live(feed=key.partition(":")[0], record_sha256=key, record=msgspec.convert(text, Resource))


def declared(tag: str) -> dict[str, Any]:
    return {"tag": tag, "origin": "declared", "confidence": 1.0}


def catalog_findings(*records: Live) -> list[tuple[str, str, str]]:
    return [(issue.code, issue.key, issue.value) for issue in apply_catalog_rules(features(records))]


def test_every_catalog_rule_is_in_the_registry() -> None:
    assert set(CATALOG_RULE_CODES) <= set(RULES)


def test_an_identifier_of_unrelated_records_is_reported_on_both_sides() -> None:
    findings = catalog_findings(
        record("col:1", "Plants and light", identifiers=DOI), record("nardus:7", "Bridges", identifiers=DOI)
    )
    assert findings == [
        ("identifier_shared_elsewhere", "col:1", "doi:10.54675/series = nardus:7"),
        ("identifier_shared_elsewhere", "nardus:7", "doi:10.54675/series = col:1"),
    ]


def test_a_url_of_unrelated_records_is_reported_on_both_sides() -> None:
    findings = catalog_findings(
        record("col:1", "Plants and light", url=PAGE), record("iite:7", "Bridges of steel", url=PAGE)
    )
    assert [finding[:2] for finding in findings] == [
        ("url_shared_elsewhere", "col:1"),
        ("url_shared_elsewhere", "iite:7"),
    ]


def test_one_work_in_two_feeds_its_translation_and_one_feed_alone_are_no_finding() -> None:
    work = (record("col:1", "Plants and light", url=PAGE), record("iite:7", "Plants and Light, revised", url=PAGE))
    assert catalog_findings(*work) == []
    assert catalog_findings(work[0], record("iite:8", "Les plantes et la lumière", "fr", url=PAGE)) == []
    assert catalog_findings(work[0], record("col:2", "Bridges of steel", url=PAGE)) == [], (
        "inside a feed the batch rules report it"
    )


def test_an_unrelated_record_among_many_is_reported_in_any_order() -> None:
    many = [record(f"col:{number}", f"Plants and light {number}", url=PAGE) for number in range(5)]
    stranger = record("iite:1", "Bridges of steel", url=PAGE)
    assert catalog_findings(*many, stranger) == catalog_findings(stranger, *reversed(many))
    assert len(catalog_findings(*many, stranger)) == 6
