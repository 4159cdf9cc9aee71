"""The gate: judge a feed as it would be after a load, before anything changes.

Shares count from 50 records up; a smaller feed is judged by its counts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

import msgspec

from schemas import Base, Feed, Reason
from transforms.gate.bounds import Bound, FeedMeasures, bounds_of, retirement_bounds
from transforms.rules import RULES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "live_before", "live_after", "change", "absent", "errors", "codes",
    "has_language", "has_license", "restamped",
)  # fmt: skip
_CHANGES = frozenset({"none", "added", "changed", "deleted", "rejected", "quarantined"})
_NEW_CHANGES = ("added", "changed", "deleted", "rejected", "quarantined")
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
    frame: pd.DataFrame, feed: Feed, history: SharesBefore, counts: dict[str, int], *, reprocess: bool = False
) -> GateResult:
    """Judge whether a run may be loaded: it is held when it breaks a bound of the feed, its history or the registry.

    `frame` has one row per record of the feed as it would be after the load, with COLUMNS and optionally
    payload_changed; `codes` holds error codes separated by ";". With a column `records` a row stands for so many equal
    records. A run in which nothing is added, changed, deleted, newly rejected or quarantined passes without
    great-expectations. Of a `reprocess` only records with another payload count as changed at once: that our own code
    reads every record otherwise is what it is for.
    Raises BadGate for a frame of another shape.
    """
    _check_frame(frame)
    _check_expectations(feed)
    if not any(counts.get(name) for name in _NEW_CHANGES) and _is_quiet(frame):
        return GateResult(reasons=(), results={"quiet": True, "counts": dict(counts)})
    codes = _codes_of(frame)
    measured = _measure(frame, codes, reprocess)
    measures = FeedMeasures(
        sums={name: int(measured[name].sum()) for name in measured.columns},
        error_share=history.error_share,
        language_share=history.language_share,
        license_share=history.license_share,
    )
    bounds = retirement_bounds(measures) if feed.status == "retired" else bounds_of(feed.expect, measures, codes)
    verdicts = _verdicts(measured, bounds, measures.sums)
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


def with_restored(frame: pd.DataFrame, keys: Set[str]) -> pd.DataFrame:
    """Return the frame with these records live before the run: a restored backup lists them, its catalog may not."""
    import pandas as pd

    if not keys:
        return frame
    known = frame.assign(live_before=frame["live_before"].astype(bool) | frame["key"].isin(keys))
    lost = sorted(keys - set(frame["key"]))
    if not lost:
        return known
    blank = {"live_before": True, "live_after": False, "change": "none", "absent": False, "errors": 0, "codes": ""}
    nothing = {"has_language": False, "has_license": False, "restamped": False, "records": 1}
    missing = pd.DataFrame({"key": lost, **blank, **nothing})
    return pd.concat([known, missing.reindex(columns=frame.columns, fill_value=False)], ignore_index=True)


def _is_quiet(frame: pd.DataFrame) -> bool:
    """Whether the run changes nothing, for better or worse."""
    same = frame["live_before"].astype(bool) == frame["live_after"].astype(bool)
    return bool(same.all()) and not frame["change"].isin(_NEW_CHANGES).any()


def _check_frame(frame: pd.DataFrame) -> None:
    """Raise BadGate when columns are missing, or the column change has unknown values."""
    missing = set(COLUMNS) - set(frame.columns)
    if missing:
        raise BadGate(f"the gate's frame lacks the columns {sorted(missing)}")
    unknown = set(frame["change"].unique()) - _CHANGES
    if unknown:
        raise BadGate(f"the gate's frame: change holds {sorted(map(str, unknown))}; use one of {sorted(_CHANGES)}")


def _check_expectations(feed: Feed) -> None:
    """Raise BadGate when the range of records is reversed or negative."""
    records = feed.expect.records
    if records is not None and not 0 <= records[0] <= records[1]:
        raise BadGate(f"feeds/{feed.name}.toml, [expect] records: {list(records)} is not a range; write [least, most]")


def _codes_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the error-level rules of the registry, and those of an earlier registry that records still have."""
    codes = {code for joined in frame["codes"].dropna().unique() for code in str(joined).split(";") if code}
    return _ERROR_CODES + tuple(sorted(codes - set(_ERROR_CODES)))


def _measure(frame: pd.DataFrame, codes: tuple[str, ...], reprocess: bool) -> pd.DataFrame:
    """Return the frame as numbers of records to be summed: one column per measure, and one per error code."""
    import pandas as pd

    before, after = frame["live_before"].astype(bool), frame["live_after"].astype(bool)
    change, failed = frame["change"], (frame["errors"] > 0) | frame["change"].isin(["rejected", "quarantined"])
    measures = {
        "live_before": before,
        "live_after": after,
        "gone": before & ~after,
        "deleted": before & (change == "deleted"),
        "absent": before & frame["absent"].astype(bool),
        "failed": failed,
        "judged": after | failed,
        "changed": before & _rewritten(frame, reprocess),
        "restamped": before & frame["restamped"].astype(bool),
        "with_language": after & frame["has_language"].astype(bool),
        "with_license": after & frame["has_license"].astype(bool),
    }
    joined = frame["codes"].fillna("")
    code_lists = joined[joined != ""].str.split(";")
    narrowed = [_NARROWED in listed for listed in code_lists]
    measures["narrowed"] = pd.Series(frame.index.isin(code_lists[narrowed].index), index=frame.index)
    measures["narrowed"] &= before & (change == "quarantined")
    for code in codes:
        hits = code_lists[[code in listed for listed in code_lists]].index
        measures[f"{_ERROR}{code}"] = pd.Series(frame.index.isin(hits), index=frame.index)
    ones = pd.DataFrame(measures).astype("int8")
    return ones if "records" not in frame.columns else ones.mul(frame["records"].astype("int64"), axis="index")


def _rewritten(frame: pd.DataFrame, reprocess: bool) -> pd.Series[bool]:
    """Return the records whose payload changed; in a harvest also those that changed without the frame saying so."""
    import pandas as pd

    no_record = pd.Series(False, index=frame.index)
    payload = frame["payload_changed"].astype(bool) if "payload_changed" in frame.columns else no_record
    return payload if reprocess else payload | (frame["change"] == "changed")


def _verdicts(measured: pd.DataFrame, bounds: list[Bound], sums: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Return each bound's verdict by its name.

    Sums that keep all bounds need no great-expectations, whose import takes longer than most nights' whole gate; what a
    person will look at is judged by it.
    """
    if all(_keeps(bound, sums[bound.column]) for bound in bounds):
        return {bound.name: _kept(bound, sums[bound.column]) for bound in bounds}
    return _validate(measured, bounds)


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


def _validate(measured: pd.DataFrame, bounds: list[Bound]) -> dict[str, dict[str, Any]]:
    """Check every bound as an expectation of great-expectations; return name of the bound → its verdict."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
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
    batch = asset.add_batch_definition_whole_dataframe("after the load").get_batch({"dataframe": measured})
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
