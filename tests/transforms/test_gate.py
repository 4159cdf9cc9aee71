"""The gate holds what it must and passes what it may."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Expect, Feed, Issue, Resource
from transforms.gate import BadGate, GateResult, SharesBefore, judge, max_records_gone
from transforms.gate import verdict as gate_verdict
from transforms.gate.bounds import Bound
from transforms.rules import Context, apply_rules

ROOT = Path(__file__).parents[2]


def feed(**expect: Any) -> Feed:
    return Feed(
        name="col",
        title="OAsis",
        partner="Commonwealth of Learning",
        protocol="oai_pmh",
        url="https://oasis.col.org/oai",
        expect=Expect(**expect),
    )


def row(key: str, **changes: Any) -> dict[str, Any]:
    """Build the row of a live record that stays as it was, with `changes` in place of its values."""
    plain = {"key": key, "live_before": True, "live_after": True, "change": "none", "absent": False, "errors": 0}
    return plain | {"codes": "", "has_language": True, "has_license": True, "restamped": False} | changes


GONE = {"live_after": False, "change": "deleted"}
NEW = {"live_before": False, "change": "added"}
BAD = {"live_before": False, "live_after": False, "change": "quarantined", "errors": 1, "codes": "title_missing"}


def rows(number: int, start: int = 0, **changes: Any) -> list[dict[str, Any]]:
    return [row(f"col:{start + place}", **changes) for place in range(number)]


def verdict(*parts: list[dict[str, Any]], history: SharesBefore | None = None, **expect: Any) -> GateResult:
    listed = [record for part in parts for record in part]
    counts = Counter(record["change"] for record in listed)
    return judge(listed, feed(**expect), history or SharesBefore(), counts)


def names(result: GateResult) -> set[str]:
    return {expectation["name"] for expectation in result.results["expectations"] if not expectation["success"]}


def test_a_first_run_is_not_a_drop() -> None:
    assert not verdict(rows(200, **NEW)).held


def test_live_records_down_by_more_than_allowed_are_held_with_both_figures() -> None:
    result = verdict(rows(700), rows(300, start=700, live_after=False, change="quarantined"))
    assert result.held
    assert "live_drop" in names(result)
    assert result.reasons[0].code == "live_drop"
    assert result.reasons[0].figures == {"before": 1000, "after": 700, "gone": 300, "allowed": 50}


@pytest.mark.parametrize(("deleted", "held"), [(50, False), (51, True)])
def test_deletions_up_to_the_feeds_share_pass(deleted: int, held: bool) -> None:
    assert verdict(rows(1000 - deleted), rows(deleted, start=1000, **GONE)).held is held


@pytest.mark.parametrize(("deleted", "held"), [(20, False), (21, True)])
def test_up_to_twenty_records_may_go_whatever_their_share(deleted: int, held: bool) -> None:
    assert verdict(rows(100 - deleted), rows(deleted, start=100, **GONE)).held is held


@pytest.mark.parametrize(("before", "deleted", "held"), [(30, 15, False), (30, 16, True), (4, 2, False), (4, 3, True)])
def test_never_more_than_half_may_go(before: int, deleted: int, held: bool) -> None:
    assert verdict(rows(before - deleted), rows(deleted, start=100, **GONE), max_drop=1).held is held


def test_deletions_are_held_even_when_as_many_records_are_added() -> None:
    result = verdict(rows(100), rows(100, start=100, **GONE, absent=True), rows(100, start=200, **NEW))
    assert {"live_drop", "deletions"} <= names(result)
    assert any(reason.code == "deletions" and reason.figures["absent"] == 100 for reason in result.reasons)


@pytest.mark.parametrize(("number", "held"), [(9, True), (10, False), (20, False), (21, True)])
def test_the_expected_number_of_records_is_kept(number: int, held: bool) -> None:
    assert verdict(rows(number, **NEW), records=(10, 20)).held is held


def test_errors_up_sharply_are_held_and_name_the_rules() -> None:
    before = SharesBefore(error_share=0.02)
    assert not verdict(rows(180), rows(20, start=180, **BAD), rows(1, start=300, **NEW), history=before).held
    result = verdict(rows(150), rows(50, start=150, **BAD), rows(1, start=300, **NEW), history=before)
    assert names(result) == {"errors"}
    (reason,) = result.reasons
    assert (reason.figures["failed"], reason.figures["judged"], reason.figures["last"]) == (50, 201, 0.02)
    assert reason.figures["often"] == "title_missing 50"


def test_a_run_that_only_quarantines_is_held_above_its_error_share() -> None:
    waits = {"change": "quarantined", "errors": 1, "codes": "title_missing"}
    quiet = SharesBefore(error_share=0.0)
    assert names(verdict(rows(40), rows(60, 100, **waits), history=quiet)) == {"errors"}
    assert not verdict(rows(95), rows(5, 100, **waits), history=quiet).held


def test_a_declared_share_of_errors_holds_from_the_first_run() -> None:
    assert verdict(rows(60, **NEW), rows(40, start=60, **BAD), max_error_share=0.3).held
    assert not verdict(rows(60, **NEW), rows(40, start=60, **BAD), max_error_share=0.4).held


@pytest.mark.parametrize("field", ["language", "license"])
def test_coverage_down_is_held(field: str) -> None:
    before = SharesBefore(language_share=0.9, license_share=0.9)
    some = [row(f"col:{n}", **{f"has_{field}": n < 84}, change="changed" if n < 5 else "none") for n in range(100)]
    assert names(verdict(some, history=before)) == {f"with_{field}"}
    some[84][f"has_{field}"] = True
    assert not verdict(some, history=before).held


@pytest.mark.parametrize("field", ["language", "license"])
def test_declared_coverage_is_kept(field: str) -> None:
    some = [row(f"col:{n}", **{f"has_{field}": n < 70}, **NEW) for n in range(100)]
    assert verdict(some, **{f"{field}_share": 0.71}).held
    assert not verdict(some, **{f"{field}_share": 0.7}).held


def test_everything_changed_or_restamped_at_once_is_held() -> None:
    assert names(verdict(rows(100, change="changed"))) == {"all_changed"}
    assert names(verdict(rows(100, restamped=True), rows(1, start=200, **NEW))) == {"restamped"}
    assert not verdict(rows(89, change="changed"), rows(11, start=89)).held


def test_shares_mean_nothing_below_fifty_records() -> None:
    before = SharesBefore(error_share=0.0, language_share=1.0, license_share=1.0)
    few = rows(20, change="changed", restamped=True, has_language=False, has_license=False)
    assert not verdict(few, rows(25, start=20, **BAD), history=before, license_share=0.9, max_error_share=0.1).held


def test_facts_without_a_column_or_with_an_unknown_change_are_refused_by_name() -> None:
    good = rows(3, **NEW)
    lacking = {name: value for name, value in good[0].items() if name != "has_license"}
    with pytest.raises(BadGate, match="has_license"):
        judge([*good, lacking], feed(), SharesBefore(), {})
    with pytest.raises(BadGate, match="vanished"):
        judge([*good, row("col:9", change="vanished")], feed(), SharesBefore(), {})


def test_an_impossible_expectation_is_refused_with_its_file_and_key() -> None:
    with pytest.raises(BadGate, match=r"feeds/col.toml, \[expect\] records: \[20, 10\]"):
        verdict(rows(3, **NEW), records=(20, 10))


def test_an_error_of_an_earlier_registry_is_counted_too() -> None:
    facts = [*rows(3, **NEW), row("col:9", **BAD | {"codes": "title_missing;long_ago"})]
    assert judge(facts, feed(), SharesBefore(), {}).results["sums"]["error:long_ago"] == 1


def test_payloads_that_all_changed_are_held_when_the_facts_say_so() -> None:
    facts = {
        changed: [*rows(99, payload_changed=changed), row("col:99", change="changed")] for changed in (True, False)
    }
    assert names(judge(facts[True], feed(), SharesBefore(), {})) == {"all_changed"}
    assert not judge(facts[False], feed(), SharesBefore(), {}).held


def test_a_reprocess_that_reads_every_record_otherwise_is_not_held_unless_the_payloads_changed() -> None:
    for payload_changed, reasons in ((False, set()), (True, {"all_changed"})):
        facts = rows(100, change="changed", payload_changed=payload_changed)
        assert names(judge(facts, feed(), SharesBefore(), {"changed": 100}, reprocess=True)) == reasons
        assert names(judge(facts, feed(), SharesBefore(), {"changed": 100})) == {"all_changed"}


def test_gate_and_findings_count_the_same() -> None:
    """The gate's figure of each error-level rule is the number of records that have a finding of it."""
    spoiled = [
        Resource(key="col:1", url="http://10.0.0.1/a"),
        Resource(key="col:2", title={"en": "test"}, url="https://learn.unesco.org/a"),
        Resource(key="col:3", title={"en": "Plants"}, url="javascript:x"),
        Resource(key="col:4", title={"en": "Plants"}, url="https://learn.unesco.org/b"),
        Resource(key="col:5", title={"en": "Plants"}, url="http://10.0.0.1/a", links=()),
        Resource(key="col:6"),
    ]
    issues_by_record = apply_rules((resource, Context()) for resource in spoiled)
    errors: list[Issue] = [issue for issues in issues_by_record for issue in issues if issue.severity == "error"]
    listed = []
    for resource in spoiled:
        codes = [issue.code for issue in errors if issue.key == resource.key]
        change = "quarantined" if codes else "added"
        values = {"codes": ";".join(codes), "errors": len(codes), "change": change, "live_after": not codes}
        listed.append(row(resource.key, live_before=False, **values))
    result = verdict(listed)
    sums = result.results["sums"]
    counted = {name.removeprefix("error:"): number for name, number in sums.items() if name.startswith("error:")}
    expected = {code: len({issue.key for issue in errors if issue.code == code}) for code in counted}
    assert counted == expected
    assert sum(counted.values()) == len(errors) == 7
    assert sums["failed"] == len({issue.key for issue in errors}) == 5
    observed = {expectation["name"]: expectation["observed"] for expectation in result.results["expectations"]}
    assert {f"error:{code}": number for code, number in expected.items()}.items() <= observed.items()


def test_bounds_that_are_kept_have_the_verdicts_of_great_expectations() -> None:
    facts = rows(300, **NEW) + rows(100, start=300)
    result = judge(facts, feed(records=(10, 500)), SharesBefore(error_share=0.0, language_share=1.0), {"added": 300})
    assert not result.held
    bounds = [
        Bound(name=each["name"], column=each["column"], reason=None, low=each["min"], high=each["max"])
        for each in result.results["expectations"]
    ]
    assert result.results["expectations"] == list(gate_verdict._validate(bounds, result.results["sums"]).values())


def test_a_run_that_passes_is_judged_without_importing_great_expectations_or_pandas() -> None:
    program = (
        "import sys\n"
        "sys.path.insert(0, 'tests/transforms')\n"
        "from test_gate import NEW, SharesBefore, feed, judge, rows\n"
        "result = judge(rows(100, **NEW), feed(records=(50, 600)), SharesBefore(), {'added': 100})\n"
        "assert not result.held and result.results['expectations'], result\n"
        "assert not {'great_expectations', 'pandas'} & {*sys.modules}\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_a_quiet_run_passes_without_importing_great_expectations_or_pandas() -> None:
    program = (
        "import sys\n"
        "sys.path.insert(0, 'tests/transforms')\n"
        "from test_gate import SharesBefore, feed, judge, rows\n"
        "counts = {'added': 0, 'unchanged': 100}\n"
        "result = judge(rows(100, restamped=True), feed(records=(500, 600)), SharesBefore(), counts)\n"
        "assert not result.held and result.results['quiet'], result\n"
        "assert not {'great_expectations', 'pandas'} & {*sys.modules}\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(0, 10**6))
def test_the_records_allowed_to_go_are_at_most_half_and_at_least_as_declared(
    before: int, share: float, number: int
) -> None:
    allowed = max_records_gone(before, Expect(max_drop=share, max_drop_records=number))
    assert 0 <= allowed <= before / 2
    assert allowed == before // 2 or allowed >= number


@pytest.mark.parametrize(("share", "before", "allowed"), [(0.29, 100, 29), (0.07, 100, 7), (0.1, 300, 30)])
def test_a_share_that_is_a_whole_number_of_records_allows_that_many(share: float, before: int, allowed: int) -> None:
    assert max_records_gone(before, Expect(max_drop=share, max_drop_records=0)) == allowed
