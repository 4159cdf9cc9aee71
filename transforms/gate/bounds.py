"""The bounds that a run must keep, from the feed's [expect], its history and the registry of rules."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from schemas import Expect, Reason

_MIN_RECORDS_FOR_SHARES = 50  # below, a share means nothing
_MAX_SHARE_GONE = 0.5  # of the live records, in one run
_MAX_ERROR_SHARE_FACTOR, _MAX_ERROR_SHARE_INCREASE = 2.0, 0.10  # of the share before, whichever allows more
_MAX_COVERAGE_LOSS = 0.05  # of the share with a language or licence, in one run
_ALL_RECORDS_SHARE = 0.9  # of the live records, which counts as all of them


@dataclass(frozen=True, kw_only=True)
class FeedMeasures:
    """The feed as it would be after the load: the sum of each measure over its records; and the shares before."""

    sums: dict[str, int]
    error_share: float | None
    language_share: float | None
    license_share: float | None

    def __getitem__(self, name: str) -> int:
        return self.sums[name]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A range for the sum of a column; outside of it the run is held, for the reason."""

    name: str
    column: str
    reason: Reason | None
    low: float | None = None
    high: float | None = None


def bounds_of(expect: Expect, measures: FeedMeasures, codes: tuple[str, ...]) -> list[Bound]:
    """Return every bound that applies to a run."""
    return [
        *_narrowed_licenses(expect, measures),
        *_expected_count(expect, measures),
        *_losses(expect, measures),
        *_failures(expect, measures, codes),
        *_coverage("with_language", measures.language_share, expect.language_share, measures),
        *_coverage("with_license", measures.license_share, expect.license_share, measures),
        *_changes_at_once(measures),
    ]


def _narrowed_licenses(expect: Expect, measures: FeedMeasures) -> list[Bound]:
    """Bound the licences that narrow in one run, as losses are; it is the first reason, for it may cost rights.

    Each of these versions waits for a person in any case. A feed without a history is loaded anew, not narrowed.
    """
    before, narrowed = measures["live_before"], measures["narrowed"]
    if not before or measures.error_share is None:
        return []
    allowed = max_records_gone(before, expect)
    reason = _reason("license_narrowed", narrowed=narrowed, before=before, allowed=allowed)
    return [Bound(name="license_narrowed", column="narrowed", high=allowed, reason=reason)]


def _expected_count(expect: Expect, measures: FeedMeasures) -> list[Bound]:
    if expect.records is None:
        return []
    low, high = expect.records
    reason = _reason("records", live_after=measures["live_after"], low=low, high=high)
    return [Bound(name="records", column="live_after", low=low, high=high, reason=reason)]


def _losses(expect: Expect, measures: FeedMeasures) -> list[Bound]:
    """Bound the loss of live records, and deletions; a feed without live records has nothing to lose."""
    before = measures["live_before"]
    if not before:
        return []
    allowed = max_records_gone(before, expect)
    sums = {name: measures[name] for name in ("gone", "deleted", "absent")}
    drop = _reason("live_drop", before=before, after=measures["live_after"], gone=sums["gone"], allowed=allowed)
    deletions = _reason("deletions", before=before, deleted=sums["deleted"], absent=sums["absent"], allowed=allowed)
    return [
        Bound(name="live_drop", column="gone", high=allowed, reason=drop),
        Bound(name="deletions", column="deleted", high=allowed, reason=deletions),
    ]


def retirement_bounds(measures: FeedMeasures) -> list[Bound]:
    """Return the bounds of a retired feed: whatever it loses, a steward must confirm it."""
    reason = _reason("retired", before=measures["live_before"], gone=measures["gone"])
    return [Bound(name="retired", column="gone", high=0, reason=reason)]


def max_records_gone(before: int, expect: Expect) -> int:
    """Return how many live records may go: the feed's share or number, whichever is more, and half of them at most."""
    return min(max(_whole_records(expect.max_drop * before), expect.max_drop_records), floor(_MAX_SHARE_GONE * before))


def _failures(expect: Expect, measures: FeedMeasures, codes: tuple[str, ...]) -> list[Bound]:
    """Bound records with errors: one bound for all, and one per error-level rule to count its records."""
    judged, failed, before = measures["judged"], measures["failed"], measures.error_share
    max_records = _max_failed(expect, measures)
    frequent_codes = sorted(
        ((measures[f"error:{code}"], code) for code in codes if measures[f"error:{code}"]), reverse=True
    )
    reason = _reason(
        "errors",
        failed=failed,
        judged=judged,
        share=failed / judged if judged else 0.0,
        last=before,
        most=max_records,
        often=", ".join(f"{code} {number}" for number, code in frequent_codes[:3]),
    )
    rules = [Bound(name=f"error:{code}", column=f"error:{code}", high=judged, reason=None) for code in codes]
    return [Bound(name="errors", column="failed", high=max_records, reason=reason), *rules]


def _max_failed(expect: Expect, measures: FeedMeasures) -> int:
    share, before = expect.max_error_share, measures.error_share
    if share is None and before is not None:
        share = max(_MAX_ERROR_SHARE_FACTOR * before, before + _MAX_ERROR_SHARE_INCREASE)
    if share is None or measures["judged"] < _MIN_RECORDS_FOR_SHARES:
        return measures["judged"]
    return _whole_records(min(share, 1.0) * measures["judged"])


def _coverage(column: str, before: float | None, declared: float | None, measures: FeedMeasures) -> list[Bound]:
    """Bound how many records must have a language or licence."""
    live = measures["live_after"]
    min_share = declared if declared is not None else (before - _MAX_COVERAGE_LOSS if before is not None else None)
    if min_share is None or min_share <= 0 or live < _MIN_RECORDS_FOR_SHARES:
        return []
    reason = _reason(column, share=measures[column] / live, live=live, last=before, least=float(min_share))
    return [Bound(name=column, column=column, low=ceil(round(min_share * live, 6)), reason=reason)]


def _changes_at_once(measures: FeedMeasures) -> list[Bound]:
    """Bound datestamps and payloads that change in one run: all of them at once are suspicious."""
    before = measures["live_before"]
    if before < _MIN_RECORDS_FOR_SHARES:
        return []
    max_records = ceil(round(_ALL_RECORDS_SHARE * before, 6)) - 1
    stamped = _reason("restamped", restamped=measures["restamped"], before=before, most=max_records)
    changed = _reason("all_changed", changed=measures["changed"], before=before, most=max_records)
    return [
        Bound(name="restamped", column="restamped", high=max_records, reason=stamped),
        Bound(name="all_changed", column="changed", high=max_records, reason=changed),
    ]


def _reason(code: str, **figures: float | str | None) -> Reason:
    """Return a reason with the figures that are known."""
    return Reason(code=code, figures={name: value for name, value in figures.items() if value is not None})


def _whole_records(share: float) -> int:
    """Round down to whole records; 0.29 of 100 is 29, though not in binary."""
    return floor(round(share, 6))
