"""Batch rules: what a record's neighbours and its own past say about it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rules_registry import COMPLETE

from schemas import Issue, License, Resource
from transforms.normalize.license import license_of
from transforms.rules import (
    RULES,
    Facts,
    apply_batch_rules,
    batch,
    checked_links,
    common_digests,
    facts_of,
    license_issue,
)


def record(key: str, title: str, **fields: Any) -> Facts:
    plain = {"identifiers": [], "url": f"https://learn.unesco.org/{key}"}
    return facts_of(msgspec.convert(COMPLETE | plain | fields | {"key": key, "title": {"en": title}}, Resource))


def code_key_value(issues: Any) -> list[tuple[str, str, str]]:
    return sorted((issue.code, issue.key, issue.value) for issue in issues)


def test_every_batch_rule_has_a_row_in_the_registry() -> None:
    without_find = {rule.code for rule in RULES.values() if rule.find is None}
    assert {rule.code for rule in (*batch.RULES, *checked_links.RULES)} == without_find


def test_a_url_shared_by_unrelated_records_is_reported() -> None:
    page = {"url": "https://learn.unesco.org/catalogue"}
    records = [record("col:1", "Plants and light", **page), record("col:2", "Algebra for beginners", **page)]
    assert code_key_value(apply_batch_rules(records)) == [
        ("url_shared", "col:1", page["url"]),
        ("url_shared", "col:2", page["url"]),
    ]


def test_a_url_shared_by_editions_of_one_work_is_not_reported() -> None:
    page = {"url": "https://learn.unesco.org/plants"}
    records = [record("col:1", "Plants and light", **page), record("alecso:2", "Plants and Light, revised", **page)]
    assert code_key_value(apply_batch_rules(records)) == []


def test_an_identifier_shared_with_another_feed_is_reported_on_the_batchs_record_only() -> None:
    doi = {"identifiers": [{"scheme": "doi", "value": "10.54675/series"}]}
    issues = apply_batch_rules(
        [record("col:1", "Plants and light", **doi)], neighbours=[record("nardus:7", "Алгебра за почетнике", **doi)]
    )
    assert code_key_value(issues) == [("identifier_shared", "col:1", "doi:10.54675/series")]


def test_an_unrelated_record_is_reported_among_more_records_than_are_compared() -> None:
    page = {"url": "https://learn.unesco.org/course"}
    lessons = [record(f"col:{number}", f"Lesson {number} of the long course on light", **page) for number in range(60)]
    stranger = record("col:x", "Алгебра за почетнике", **page)
    assert code_key_value(apply_batch_rules([stranger, *lessons])) == code_key_value(
        apply_batch_rules([*lessons, stranger])
    )
    assert ("url_shared", "col:x", page["url"]) in code_key_value(apply_batch_rules([*lessons, stranger]))
    assert code_key_value(apply_batch_rules(lessons)) == []


def test_identifiers_of_the_partner_alone_are_not_compared() -> None:
    own = {"identifiers": [{"scheme": "oai", "value": "oai:x:1"}, {"scheme": "other", "value": "12"}]}
    assert (
        code_key_value(
            apply_batch_rules([record("col:1", "Plants and light", **own), record("col:2", "Algebra", **own)])
        )
        == []
    )


def test_a_record_repeated_inside_its_feed_names_the_other() -> None:
    records = [record(key, "Plants and light") for key in ("col:3", "col:1", "col:2", "alecso:1")]
    assert code_key_value(apply_batch_rules(records)) == [
        ("duplicated_in_feed", "col:1", "col:2"),
        ("duplicated_in_feed", "col:2", "col:1"),
        ("duplicated_in_feed", "col:3", "col:1"),
    ]


def test_other_editions_other_types_and_short_titles_are_not_reported_as_repeated() -> None:
    video = [{"code": "video", "label": "Video", "source": "video"}]
    records = [
        record("col:1", "Plants and light"),
        record("col:2", "Plants and light", issued_year=2011),
        record("col:3", "Plants and light", resource_types=video),
        record("col:4", "Preface"),
        record("col:5", "Preface"),
    ]
    assert code_key_value(apply_batch_rules(records)) == []


def license_named(statement: str | None) -> License | None:
    return license_of((statement,)) if statement else None


NAMES = {
    "cc0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "pd": "Public domain",
    "by": "https://creativecommons.org/licenses/by/4.0/",
    "by3": "https://creativecommons.org/licenses/by/3.0/igo/",
    "by, no version": "CC BY",
    "mit": "MIT License",
    "gpl": "GNU GPL 3.0",
    "sa": "https://creativecommons.org/licenses/by-sa/4.0/",
    "nc": "https://creativecommons.org/licenses/by-nc/4.0/",
    "nd": "https://creativecommons.org/licenses/by-nd/4.0/",
    "nc-sa": "https://creativecommons.org/licenses/by-nc-sa/4.0/",
    "nc-nd": "https://creativecommons.org/licenses/by-nc-nd/4.0/",
    "reserved": "All rights reserved",
    "unknown": "ask the author",
    "none": None,
}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        *[("cc0", "by"), ("pd", "sa"), ("by", "nc"), ("by", "nd"), ("by", "sa"), ("mit", "gpl"), ("sa", "nc-sa")],
        *[("nc", "nd"), ("nd", "nc"), ("nc", "nc-nd"), ("by", "reserved"), ("by", "unknown"), ("by", "none")],
        *[("nc", "none"), ("nc-nd", "reserved"), ("gpl", "none"), ("cc0", "unknown")],
    ],
)
def test_a_licence_that_permits_less_is_reported(before: str, now: str) -> None:
    narrowing = license_issue("col:1", license_named(NAMES[before]), license_named(NAMES[now]))
    assert narrowing is not None and (narrowing.code, narrowing.path, narrowing.severity) == (
        "license_narrowed",
        "license",
        "error",
    )
    assert " → " in narrowing.value


@pytest.mark.parametrize(
    ("before", "now"),
    [
        *[("by", "cc0"), ("by", "by3"), ("by3", "by, no version"), ("by", "mit"), ("nc", "by"), ("nc-nd", "nc")],
        *[("reserved", "none"), ("none", "reserved"), ("unknown", "nc"), ("none", "by"), ("sa", "gpl"), ("pd", "cc0")],
    ],
)
def test_a_licence_that_permits_as_much_or_more_is_not_reported(before: str, now: str) -> None:
    assert license_issue("col:1", license_named(NAMES[before]), license_named(NAMES[now])) is None


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["Plants and light", "Algebra", "Geometry of space"]), st.sampled_from("uvw"))))  # fmt: skip  # noqa: E501
def test_findings_name_only_the_batch_and_do_not_depend_on_order(rows: list[tuple[str, str, str]]) -> None:
    records = [record(f"{feed}:{n}", title, url=f"https://x.org/{url}") for n, (feed, title, url) in enumerate(rows)]
    batch_records, neighbours = records[::2], records[1::2]
    issues: list[Issue] = list(apply_batch_rules(batch_records, neighbours))
    again = list(apply_batch_rules(batch_records[::-1], neighbours[::-1]))
    assert {issue.key for issue in issues} <= {facts.key for facts in batch_records}
    assert code_key_value(issues) == code_key_value(again)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["Plants and light", "Algebra", "Geometry of space"]), st.sampled_from("uvwxyz"), st.sampled_from("12345")), max_size=14))  # fmt: skip  # noqa: E501
def test_records_that_share_nothing_have_no_issue_and_need_not_be_kept(rows: list[tuple[int, str, str, str]]) -> None:
    records = [
        record(f"col:{n}", title, url=f"https://x.org/{url}", identifiers=[{"scheme": "doi", "value": f"10.1/{doi}"}])
        for n, title, url, doi in rows
    ]
    newest = {facts.key: facts for facts in records}
    records_with = Counter(digest for facts in newest.values() for digest in common_digests(facts))
    kept = [facts for facts in newest.values() if any(records_with[digest] > 1 for digest in common_digests(facts))]
    assert list(apply_batch_rules(kept)) == list(apply_batch_rules(newest.values()))
    urls = Counter(facts.url for facts in newest.values())
    assert {facts.key for facts in newest.values() if urls[facts.url] > 1} <= {facts.key for facts in kept}
