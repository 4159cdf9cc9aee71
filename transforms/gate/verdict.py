"""The gate: judges a feed as it would stand after the load, before anything changes.

A share means something from 50 records up only; below that a feed is judged by its counts.
"""

from __future__ import annotations

import logging
from collections.abc import Set
from typing import TYPE_CHECKING, Any

from schemas import Base, Feed, Reason
from transforms.gate.bounds import Bound, Standing, bounds, withdrawal
from transforms.rules import RULES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "key", "live_before", "live_after", "change", "absent", "errors", "codes",
    "has_language", "has_license", "restamped",
)  # fmt: skip
_CHANGES = frozenset({"none", "added", "changed", "deleted", "rejected", "quarantined"})
_TELLING = ("added", "changed", "deleted", "rejected", "quarantined")
_ERROR_CODES = tuple(code for code, rule in RULES.items() if rule.severity == "error")


class History(Base, frozen=True, kw_only=True):
    """What the feed's last loaded run left, in shares of its live records; None where there was none."""

    error_share: float | None = None
    language_share: float | None = None
    license_share: float | None = None


class GateResult(Base, frozen=True, kw_only=True):
    """The verdict; each reason is a code with its figures. `results` is JSON, of GX's SUMMARY."""

    held: bool
    reasons: tuple[Reason, ...]
    results: dict[str, Any]


class BadGate(Exception):
    """A frame, or an expectation, that the gate cannot judge: what and where."""


def judge(frame: pd.DataFrame, feed: Feed, history: History, counts: dict[str, int]) -> GateResult:
    """Whether a run may be loaded: held when any bound of the feed, its history or the registry is overstepped.

    `frame` has one row a record as the feed would stand, with the columns of COLUMNS (payload_changed is read too, if
    there); `codes` holds error codes with ';' between. A run in which nothing is added, changed, deleted, newly
    rejected or quarantined passes without great-expectations.
    Raises BadGate for a frame that is not so.
    """
    _checked(frame)
    _checked_expectations(feed)
    if not any(counts.get(name) for name in _TELLING) and _is_quiet(frame):
        return GateResult(held=False, reasons=(), results={"quiet": True, "counts": dict(counts)})
    codes = _codes_of(frame)
    measured = _measure(frame, codes)
    standing = Standing(
        sums={name: int(measured[name].sum()) for name in measured.columns},
        error_share=history.error_share,
        language_share=history.language_share,
        license_share=history.license_share,
    )
    wanted = withdrawal(standing) if feed.status == "retired" else bounds(feed.expect, standing, codes)
    verdicts = _validate(measured, wanted)
    broken = [bound for bound in wanted if not verdicts[bound.name]["success"]]
    results = {"quiet": False, "counts": dict(counts), "sums": standing.sums, "expectations": list(verdicts.values())}
    reasons = tuple(bound.reason for bound in broken if bound.reason)
    return GateResult(held=bool(broken), reasons=reasons, results=results)


def with_promised(frame: pd.DataFrame, keys: Set[str]) -> pd.DataFrame:
    """The frame with these records live before, also those that it does not know: a backup says that they were."""
    import pandas as pd

    if not keys:
        return frame
    known = frame.assign(live_before=frame["live_before"].astype(bool) | frame["key"].isin(keys))
    lost = sorted(keys - set(frame["key"]))
    if not lost:
        return known
    blank = {"live_before": True, "live_after": False, "change": "none", "absent": False, "errors": 0, "codes": ""}
    missing = pd.DataFrame({"key": lost, **blank, "has_language": False, "has_license": False, "restamped": False})
    return pd.concat([known, missing.reindex(columns=frame.columns, fill_value=False)], ignore_index=True)


def _is_quiet(frame: pd.DataFrame) -> bool:
    """Whether the run brings nothing new, good or bad."""
    same = frame["live_before"].astype(bool) == frame["live_after"].astype(bool)
    return bool(same.all()) and not frame["change"].isin(_TELLING).any()


def _checked(frame: pd.DataFrame) -> None:
    """Raises BadGate when the frame has other columns or changes than were agreed."""
    missing = set(COLUMNS) - set(frame.columns)
    if missing:
        raise BadGate(f"the gate's frame: columns missing {sorted(missing)}")
    strange = set(frame["change"].unique()) - _CHANGES
    if strange:
        raise BadGate(f"the gate's frame, column change: {sorted(map(str, strange))} are none of {sorted(_CHANGES)}")


def _checked_expectations(feed: Feed) -> None:
    """Raises BadGate when what the feed's file expects cannot be."""
    wanted = feed.expect.records
    if wanted is not None and not 0 <= wanted[0] <= wanted[1]:
        raise BadGate(f"feeds/{feed.name}.toml, [expect] records: {list(wanted)} is no range; write [least, most]")


def _codes_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """The error-level rules of the registry, and those of an earlier registry that records still carry."""
    seen = {code for said in frame["codes"].dropna().unique() for code in str(said).split(";") if code}
    return _ERROR_CODES + tuple(sorted(seen - set(_ERROR_CODES)))


def _measure(frame: pd.DataFrame, codes: tuple[str, ...]) -> pd.DataFrame:
    """The frame as zeros and ones that can be summed: one column a measure, and one an error code."""
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
        "changed": before & _rewritten(frame),
        "restamped": before & frame["restamped"].astype(bool),
        "with_language": after & frame["has_language"].astype(bool),
        "with_license": after & frame["has_license"].astype(bool),
    }
    said = frame["codes"].fillna("")
    some = said[said != ""].str.split(";")
    for code in codes:
        hits = some[[code in listed for listed in some]].index
        measures[f"error:{code}"] = pd.Series(frame.index.isin(hits), index=frame.index)
    return pd.DataFrame(measures).astype("int8")


def _rewritten(frame: pd.DataFrame) -> pd.Series[bool]:
    """The records that would change, and those whose payload changed though our reading of it did not."""
    changed = frame["change"] == "changed"
    return changed | frame["payload_changed"].astype(bool) if "payload_changed" in frame.columns else changed


def _validate(measured: pd.DataFrame, wanted: list[Bound]) -> dict[str, dict[str, Any]]:
    """Every bound as an expectation of great-expectations over the frame, its verdict by the bound's name."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.data_context.types import base
    from great_expectations.expectations.core.expect_column_sum_to_be_between import ExpectColumnSumToBeBetween

    logging.getLogger(base.__name__).setLevel(logging.WARNING)  # it sets itself to INFO
    plain = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(),
        progress_bars=base.ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=plain)
    asset = context.data_sources.add_pandas("staging").add_dataframe_asset("feed")
    batch = asset.add_batch_definition_whole_dataframe("as it would stand").get_batch({"dataframe": measured})
    suite = gx.ExpectationSuite(name="gate")
    for bound in wanted:
        suite.add_expectation(
            ExpectColumnSumToBeBetween(
                column=bound.column, min_value=bound.low, max_value=bound.high, meta={"name": bound.name}
            )
        )
    answer = batch.validate(suite, result_format="SUMMARY")
    return {verdict["name"]: verdict for verdict in map(_verdict_of, answer.results)}


def _verdict_of(result: Any) -> dict[str, Any]:
    """One expectation's verdict as JSON. Raises BadGate when it could not be evaluated."""
    said = result.expectation_config
    if result.exception_info.get("raised_exception", True):
        raise BadGate(f"expectation {said.meta['name']}: {result.exception_info.get('exception_message')}")
    return {
        "name": said.meta["name"],
        "type": said.type,
        "column": said.kwargs["column"],
        "min": said.kwargs.get("min_value"),
        "max": said.kwargs.get("max_value"),
        "observed": int(result.result["observed_value"]),
        "success": bool(result.success),
    }
