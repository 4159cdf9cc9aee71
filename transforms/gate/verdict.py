"""The gate: judge a feed as it would be after a load, before anything changes.

Shares count from 50 records up; a smaller feed is judged by its counts.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence, Set
from typing import Any

import msgspec

from schemas import Base, Feed, Reason
from transforms.gate.bounds import Bound, FeedMeasures, bounds_of, retirement_bounds
from transforms.rules import RULES

Facts = dict[str, Any]  # of a record, or of `records` equal ones
COLUMNS = (
    "live_before", "live_after", "change", "absent", "errors", "codes",
    "has_language", "has_license", "restamped",
)  # fmt: skip
_CHANGES = frozenset({"none", "added", "changed", "deleted", "rejected", "quarantined"})
_NEW_CHANGES = ("added", "changed", "deleted", "rejected", "quarantined")
_MEASURES = (
    *("live_before", "live_after", "gone", "deleted", "absent", "failed", "judged", "changed", "restamped"),
    *("with_language", "with_license", "narrowed"),
)
_NARROWED = "license_narrowed"
_ERROR = "error:"  # and the code: the measure of a rule
_ERROR_CODES = tuple(code for code, rule in RULES.items() if rule.severity == "error")


class SharesBefore(Base, frozen=True, kw_only=True):
    """Shares of the feed's live records after its last loaded run; None where there was none."""

    error_share: float | None = None
    language_share: float | None = None
    license_share: float | None = None


class GateResult(Base, frozen=True, kw_only=True):
    """The verdict; each reason is a code with its figures. `results` is JSON, of great-expectations' SUMMARY."""

    reasons: tuple[Reason, ...]
    results: dict[str, Any]

    @property
    def held(self) -> bool:
        """Whether the run must not be loaded: there is a reason."""
        return bool(self.reasons)


class BadGate(Exception):
    """A frame, or an expectation, that the gate cannot judge: what and where."""


def judge(
    facts: Sequence[Facts], feed: Feed, history: SharesBefore, counts: dict[str, int], *, reprocess: bool = False
) -> GateResult:
    """Judge whether a run may be loaded: it is held when it breaks a bound of the feed, its history or the registry.

    `facts` has one dict per record of the feed as it would be after the load, with COLUMNS and optionally
    payload_changed; `codes` holds error codes separated by ";". With `records` a dict stands for so many equal records.
    A run in which nothing is added, changed, deleted, newly rejected or quarantined passes without
    great-expectations. Of a `reprocess` only records with another payload count as changed at once: that our own code
    reads every record otherwise is what it is for.
    Raises BadGate for facts of another shape.
    """
    _check_facts(facts)
    _check_expectations(feed)
    if not any(counts.get(name) for name in _NEW_CHANGES) and _is_quiet(facts):
        return GateResult(reasons=(), results={"quiet": True, "counts": dict(counts)})
    codes = _codes_of(facts)
    measures = FeedMeasures(
        sums=_measure(facts, codes, reprocess),
        error_share=history.error_share,
        language_share=history.language_share,
        license_share=history.license_share,
    )
    bounds = retirement_bounds(measures) if feed.status == "retired" else bounds_of(feed.expect, measures, codes)
    verdicts = _verdicts(bounds, measures.sums)
    broken = [bound for bound in bounds if not verdicts[bound.name]["success"]]
    results = {
        "quiet": False,
        "counts": dict(counts),
        "sums": measures.sums,
        "before": msgspec.structs.asdict(history),
        "expectations": list(verdicts.values()),
    }
    reasons = tuple(bound.reason for bound in broken if bound.reason)
    return GateResult(reasons=reasons, results=results)


def replay(feed: Feed, results: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Return why a run would be held by the feed's expectations, from what `judge` has measured of the run.

    `results` are GateResult.results. Those of an older version lack the shares before the run; then nothing is compared
    with them.
    """
    if results.get("quiet"):
        return ()
    sums = {name: int(number) for name, number in results["sums"].items()}
    shares = results.get("before") or dict.fromkeys(SharesBefore.__struct_fields__)
    measures = FeedMeasures(sums=sums, **shares)
    codes = tuple(name.removeprefix(_ERROR) for name in sums if name.startswith(_ERROR))
    bounds = retirement_bounds(measures) if feed.status == "retired" else bounds_of(feed.expect, measures, codes)
    return tuple(bound.reason for bound in bounds if bound.reason and not _keeps(bound, sums[bound.column]))


def _keeps(bound: Bound, number: int) -> bool:
    return (bound.low is None or number >= bound.low) and (bound.high is None or number <= bound.high)


def with_restored(facts: Sequence[Facts], keys: Set[str]) -> list[Facts]:
    """Return the facts with these records live before the run: a restored backup lists them, its catalog may not."""
    known = [row | {"live_before": True} if row["key"] in keys else row for row in facts] if keys else list(facts)
    blank = {"live_before": True, "live_after": False, "change": "none", "absent": False, "errors": 0, "codes": ""}
    nothing = {"has_language": False, "has_license": False, "restamped": False}
    lost = keys - {row["key"] for row in facts} if keys else set()
    return known + [{"key": key, **blank, **nothing} for key in sorted(lost)]


def _is_quiet(facts: Sequence[Facts]) -> bool:
    """Whether the run changes nothing, for better or worse."""
    return all(bool(row["live_before"]) == bool(row["live_after"]) and row["change"] == "none" for row in facts)


def _check_facts(facts: Sequence[Facts]) -> None:
    """Raise BadGate when facts lack a column, or `change` is unknown."""
    for row in facts:
        if missing := set(COLUMNS) - row.keys():
            raise BadGate(f"the gate's facts lack {sorted(missing)}")
        if row["change"] not in _CHANGES:
            raise BadGate(f"the gate's facts: change is {row['change']!r}; use one of {sorted(_CHANGES)}")


def _check_expectations(feed: Feed) -> None:
    """Raise BadGate when the range of records is reversed or negative."""
    records = feed.expect.records
    if records is not None and not 0 <= records[0] <= records[1]:
        raise BadGate(f"feeds/{feed.name}.toml, [expect] records: {list(records)} is not a range; write [least, most]")


def _codes_of(facts: Sequence[Facts]) -> tuple[str, ...]:
    """Return the error-level rules of the registry, and those of an earlier registry that records still have."""
    codes = {code for row in facts for code in _listed_codes(row)}
    return _ERROR_CODES + tuple(sorted(codes - set(_ERROR_CODES)))


def _listed_codes(row: Facts) -> list[str]:
    return [code for code in (row["codes"] or "").split(";") if code]


def _measure(facts: Sequence[Facts], codes: tuple[str, ...], reprocess: bool) -> dict[str, int]:
    """Return how many records each measure counts, and how many have each error code."""
    sums = dict.fromkeys([*_MEASURES, *(f"{_ERROR}{code}" for code in codes)], 0)
    for row in facts:
        listed = _listed_codes(row)
        counted = [name for name, is_counted in _measures(row, listed, reprocess).items() if is_counted]
        for name in (*counted, *(f"{_ERROR}{code}" for code in set(listed))):
            sums[name] += row.get("records", 1)
    return sums


def _measures(row: Facts, codes: Collection[str], reprocess: bool) -> dict[str, bool]:
    """Return by which measures a record counts."""
    after, change = row["live_after"], row["change"]
    failed = row["errors"] > 0 or change in ("rejected", "quarantined")
    of_live = {
        "live_before": True,
        "gone": not after,
        "deleted": change == "deleted",
        "absent": row["absent"],
        "changed": _is_changed(row, reprocess),
        "restamped": row["restamped"],
        "narrowed": change == "quarantined" and _NARROWED in codes,
    }
    of_all = {"live_after": after, "failed": failed, "judged": after or failed}
    of_kept = {"with_language": row["has_language"], "with_license": row["has_license"]}
    return {**(of_live if row["live_before"] else {}), **of_all, **(of_kept if after else {})}


def _is_changed(row: Facts, reprocess: bool) -> bool:
    """Tell whether a record's payload changed; in a harvest, one without `payload_changed` may have changed too."""
    return bool(row.get("payload_changed", False)) or (row["change"] == "changed" and not reprocess)


def _verdicts(bounds: list[Bound], sums: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return each bound's verdict by its name.

    Sums that keep all bounds need no great-expectations, whose import takes longer than most nights' whole gate; what a
    person will look at is judged by it.
    """
    if all(_keeps(bound, sums[bound.column]) for bound in bounds):
        return {bound.name: _kept(bound, sums[bound.column]) for bound in bounds}
    return _validate(bounds, sums)


def _kept(bound: Bound, observed: int) -> dict[str, Any]:
    """Return the verdict that great-expectations gives on a bound that is kept."""
    return {
        "name": bound.name,
        "type": "expect_column_sum_to_be_between",
        "column": bound.column,
        "min": bound.low,
        "max": bound.high,
        "observed": observed,
        "success": True,
    }


def _validate(bounds: list[Bound], sums: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Check every bound as an expectation of great-expectations; return name of the bound → its verdict."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types import base
    from great_expectations.expectations.core.expect_column_sum_to_be_between import ExpectColumnSumToBeBetween

    logging.getLogger(base.__name__).setLevel(logging.WARNING)  # it sets itself to INFO
    gx_config = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(),
        progress_bars=base.ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=gx_config)
    asset = context.data_sources.add_pandas("staging").add_dataframe_asset("feed")
    batch = asset.add_batch_definition_whole_dataframe("after the load").get_batch({"dataframe": pd.DataFrame([sums])})
    suite = gx.ExpectationSuite(name="gate")
    for bound in bounds:
        suite.add_expectation(
            ExpectColumnSumToBeBetween(
                column=bound.column, min_value=bound.low, max_value=bound.high, meta={"name": bound.name}
            )
        )
    result = batch.validate(suite, result_format="SUMMARY")
    return {verdict["name"]: verdict for verdict in map(_verdict, result.results)}


def _verdict(result: Any) -> dict[str, Any]:
    """Return an expectation's verdict as JSON. Raises BadGate when it could not be evaluated."""
    config = result.expectation_config
    if result.exception_info.get("raised_exception", True):
        raise BadGate(f"expectation {config.meta['name']}: {result.exception_info.get('exception_message')}")
    return {
        "name": config.meta["name"],
        "type": config.type,
        "column": config.kwargs["column"],
        "min": config.kwargs.get("min_value"),
        "max": config.kwargs.get("max_value"),
        "observed": int(result.result["observed_value"]),
        "success": bool(result.success),
    }
