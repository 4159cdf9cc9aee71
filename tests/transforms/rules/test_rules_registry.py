"""Every rule is held against its own two examples; a new one is covered by being listed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas import Issue, Resource
from transforms.draft import Finding
from transforms.rules import RULES, WEIGHTS, Context, Rule, apply_rules, score, score_parts

COMPLETE: dict[str, Any] = {
    "key": "col:1",
    "identifiers": [{"scheme": "doi", "value": "10.54675/zjte2084"}],
    "title": {"en": "Plants and light"},
    "description": {
        "en": "How green plants turn light into food, with two experiments that need nothing but a window, a glass and "
        "some cress. Written for pupils of twelve to fourteen, with worksheets and notes for the teacher."
    },
    "keywords": [{"language": "en", "text": "botany"}],
    "languages": [{"tag": "en", "origin": "declared", "confidence": 1.0}],
    "contributors": [{"name": "Curie, Marie", "role": "author", "kind": "person"}],
    "publishers": ["Commonwealth of Learning"],
    "issued": "2021-05",
    "issued_year": 2021,
    "resource_types": [
        {"code": "text", "label": "Text", "source": "text", "uri": "https://w3id.org/kim/hcrt/text"},
    ],
    "formats": ["application/pdf"],
    "url": "https://learn.unesco.org/a/1",
    "license": {
        "uri": "https://creativecommons.org/licenses/by/4.0/",
        "spdx": "CC-BY-4.0",
        "label": "CC BY 4.0",
        "statement": "CC BY 4.0",
        "origin": "record",
        "open": True,
    },
    "levels": ["2"],
    "contexts": ["school"],
    "audiences": ["teacher", "learner"],
    "age_range": {"min": 12, "max": 14},
    "subjects": [{"scheme": "isced-f", "code": "0511", "label": "Biology"}],
}
RECORD_RULES = [rule for rule in RULES.values() if rule.find is not None]


def example(fragment: dict[str, Any]) -> tuple[Resource, Context]:
    """A complete record, and its context, with the fragment laid over them."""
    context = {name: value for name, value in fragment.items() if name in Context.__struct_fields__}
    record = {name: value for name, value in fragment.items() if name in Resource.__struct_fields__}
    assert len(context) + len(record) == len(fragment), "the example names a field that is nowhere"
    return msgspec.convert(COMPLETE | record, Resource, strict=True), Context(**context)


NO_CONTEXT = Context()


def issues_of(resource: Resource, context: Context = NO_CONTEXT) -> tuple[Issue, ...]:
    (issues,) = apply_rules([(resource, context)])
    return issues


def codes(fragment: dict[str, Any]) -> set[str]:
    return {issue.code for issue in issues_of(*example(fragment))}


def test_a_complete_record_has_no_finding_and_every_point() -> None:
    resource, _ = example({})
    assert issues_of(resource) == ()
    assert score(resource, ()) == 100 == sum(WEIGHTS.values())


@pytest.mark.parametrize("rule", RECORD_RULES, ids=lambda rule: rule.code)
def test_a_rule_accepts_its_good_example(rule: Rule) -> None:
    assert rule.code not in codes(rule.good)


@pytest.mark.parametrize("rule", RECORD_RULES, ids=lambda rule: rule.code)
def test_a_rule_finds_its_bad_example(rule: Rule) -> None:
    resource, context = example(rule.bad)
    issues = [issue for issue in issues_of(resource, context) if issue.code == rule.code]
    assert issues
    assert {issue.severity for issue in issues} == {rule.severity}
    assert {issue.key for issue in issues} == {"col:1"}
    assert all(len(issue.value) <= 200 and issue.path for issue in issues)


@pytest.mark.parametrize("rule", RECORD_RULES, ids=lambda rule: rule.code)
def test_a_breach_costs_points_of_the_rules_own_part(rule: Rule) -> None:
    resource, context = example(rule.bad)
    issues = issues_of(resource, context)
    full = score_parts(resource, ())[rule.part]
    assert score_parts(resource, issues)[rule.part] < WEIGHTS[rule.part]
    assert score_parts(resource, issues)[rule.part] <= full


def test_every_rule_has_its_texts_and_a_path() -> None:
    assert len(RULES) >= 40
    for code, rule in RULES.items():
        assert code == rule.code
        assert rule.wrong.endswith(".") and rule.why.endswith(".") and rule.mend.endswith("."), code
        assert rule.path


def test_the_same_finding_is_reported_once() -> None:
    resource, _ = example({"title": {"en": "Plants &amp; light"}})
    seen = Context(findings=(Finding(code="html_remains", path="title.en", value="Plants &amp; light"),))
    assert [issue.path for issue in issues_of(resource, seen) if issue.code == "html_remains"] == ["title.en"]


def test_all_findings_of_a_record_are_kept() -> None:
    resource, _ = example({"url": "http://localhost/a", "links": [{"url": "http://10.0.0.3/b"}]})
    private = [issue for issue in issues_of(resource) if issue.code == "address_private"]
    assert [(issue.path, issue.value) for issue in private] == [
        ("url", "http://localhost/a"),
        ("links[0].url", "http://10.0.0.3/b"),
    ]


def test_a_record_with_nothing_but_its_key_is_judged_too() -> None:
    bare = Resource(key="col:2")
    issues = issues_of(bare)
    assert {issue.code for issue in issues if issue.severity == "error"} == {"title_missing", "address_missing"}
    assert score(bare, issues) == 0


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "10.1.2.3",
        "169.254.169.254",
        "repo.local",
        "intranet",
        "[fd00::1]",
    ],
)
def test_every_spelling_of_a_private_address_is_an_error(host: str) -> None:
    assert "address_private" in codes({"url": f"https://{host}/a"})


@pytest.mark.parametrize("url", ["https://learn.unesco.org/a", "https://8.8.8.8/a", "https://пример.рф/a"])
def test_public_addresses_are_not_private(url: str) -> None:
    assert not codes({"url": url}) & {"address_private", "address_unsafe", "url_malformed"}


@pytest.mark.parametrize(
    "title", ["Testing soil", "Untitled works of Picasso", "Тестирование", "100", "Essai sur le don", "F = ma"]
)
def test_real_titles_are_no_placeholders(title: str) -> None:
    assert not codes({"title": {"und": title}}) & {"title_placeholder", "title_is_file_name"}


@pytest.mark.parametrize(
    "title", ["TEST", "test 3", "Untitled", "Без названия", "بدون عنوان", "ไม่มีชื่อ", "---", "Sans titre (2)"]
)
def test_placeholders_of_many_languages_are_errors(title: str) -> None:
    assert "title_placeholder" in codes({"title": {"und": title}})


@pytest.mark.parametrize(
    "text",
    [
        "Été à l’école",
        "Основы ботаники",
        "Наука и ЖИЗНЬ",
        "النباتات",
        "พืชและแสง",
        "Čovjek i šuma",
        "©2020 ½ cup",
        "Ångström",
    ],
)
def test_healthy_texts_are_not_taken_for_mojibake(text: str) -> None:
    assert "mojibake" not in codes({"title": {"und": text}})


@pytest.mark.parametrize("text", ["Ã‰tÃ©", "Ð‘Ð¾Ñ‚Ð°Ð½Ð¸ÐºÐ°", "ve\x9eba", "Ø§Ù„Ù†Ø¨Ø§Øª", "donâ€™t", "na\ufffdve"])
def test_mojibake_is_found_whatever_the_script(text: str) -> None:
    assert "mojibake" in codes({"title": {"und": text}})
