"""What the gate allows: the bounds of one run, from the feed's [expect], its history and the registry of rules."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from schemas import Expect, Reason

_MEANINGFUL = 50  # records from which a share means something
_NEVER_MORE = 0.5  # of the feed may go in one run
ERRORS_TWICE, ERRORS_MORE = 2.0, 0.10  # of the share before, whichever allows more
_COVERAGE_LESS = 0.05  # of languages or licences may be lost in one run
_ALL = 0.9  # re-stamped or changed: at once


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The feed as it would stand: how many records each measure counts, and the shares before."""

    sums: dict[str, int]
    error_share: float | None
    language_share: float | None
    license_share: float | None

    def __getitem__(self, name: str) -> int:
        return self.sums[name]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The sum of a column must lie between low and high; if not, there is a reason to hold."""

    name: str
    column: str
    reason: Reason | None
    low: float | None = None
    high: float | None = None


def bounds(expect: Expect, standing: Standing, codes: tuple[str, ...]) -> list[Bound]:
    """Every bound that applies to a run."""
    return [
        *_expected_count(expect, standing),
        *_losses(expect, standing),
        *_failures(expect, standing, codes),
        *_coverage("with_language", standing.language_share, expect.language_share, standing),
        *_coverage("with_license", standing.license_share, expect.license_share, standing),
        *_at_once(standing),
    ]


def _expected_count(expect: Expect, standing: Standing) -> list[Bound]:
    if expect.records is None:
        return []
    low, high = expect.records
    reason = _because("records", live_after=standing["live_after"], low=low, high=high)
    return [Bound(name="records", column="live_after", low=low, high=high, reason=reason)]


def _losses(expect: Expect, standing: Standing) -> list[Bound]:
    """Live records down, and deletions; a feed without live records has nothing to lose."""
    before = standing["live_before"]
    if not before:
        return []
    allowed = most_that_may_go(before, expect)
    sums = {name: standing[name] for name in ("gone", "deleted", "absent")}
    down = _because("live_drop", before=before, after=standing["live_after"], gone=sums["gone"], allowed=allowed)
    deletions = _because("deletions", before=before, deleted=sums["deleted"], absent=sums["absent"], allowed=allowed)
    return [
        Bound(name="live_drop", column="gone", high=allowed, reason=down),
        Bound(name="deletions", column="deleted", high=allowed, reason=deletions),
    ]


def withdrawal(standing: Standing) -> list[Bound]:
    """A retired feed loses its records because its file says so; whatever it loses, a steward says so too."""
    reason = _because("retired", before=standing["live_before"], gone=standing["gone"])
    return [Bound(name="retired", column="gone", high=0, reason=reason)]


def most_that_may_go(before: int, expect: Expect) -> int:
    """The feed's share or number, whichever is more; never more than half of the live records."""
    return min(max(_whole(expect.max_drop * before), expect.max_drop_records), floor(_NEVER_MORE * before))


def _failures(expect: Expect, standing: Standing, codes: tuple[str, ...]) -> list[Bound]:
    """Records with errors: one bound for all, and one for each error-level rule of the registry."""
    judged, failed, before = standing["judged"], standing["failed"], standing.error_share
    share = expect.max_error_share
    if share is None and before is not None:
        share = max(ERRORS_TWICE * before, before + ERRORS_MORE)
    meaningful = share is not None and judged >= _MEANINGFUL
    most = _whole(min(share or 0.0, 1.0) * judged) if meaningful else judged
    often = sorted(((standing[f"error:{code}"], code) for code in codes if standing[f"error:{code}"]), reverse=True)
    reason = _because(
        "errors",
        failed=failed,
        judged=judged,
        share=failed / judged if judged else 0.0,
        last=before,
        most=most,
        often=", ".join(f"{code} {number}" for number, code in often[:3]),
    )
    rules = [Bound(name=f"error:{code}", column=f"error:{code}", high=judged, reason=None) for code in codes]
    return [Bound(name="errors", column="failed", high=most, reason=reason), *rules]


def _coverage(column: str, before: float | None, declared: float | None, standing: Standing) -> list[Bound]:
    """How many records must at least name their language or licence."""
    live = standing["live_after"]
    least = declared if declared is not None else (before - _COVERAGE_LESS if before is not None else None)
    if least is None or least <= 0 or live < _MEANINGFUL:
        return []
    reason = _because(column, share=standing[column] / live, live=live, last=before, least=float(least))
    return [Bound(name=column, column=column, low=ceil(round(least * live, 6)), reason=reason)]


def _at_once(standing: Standing) -> list[Bound]:
    """All datestamps re-stamped, or all payloads changed, in one run."""
    before = standing["live_before"]
    if before < _MEANINGFUL:
        return []
    most = ceil(round(_ALL * before, 6)) - 1
    stamped = _because("restamped", restamped=standing["restamped"], before=before, most=most)
    changed = _because("all_changed", changed=standing["changed"], before=before, most=most)
    return [
        Bound(name="restamped", column="restamped", high=most, reason=stamped),
        Bound(name="all_changed", column="changed", high=most, reason=changed),
    ]


def _because(code: str, **figures: float | str | None) -> Reason:
    """A reason with the figures that are known."""
    return Reason(code=code, figures={name: value for name, value in figures.items() if value is not None})


def _whole(share: float) -> int:
    """Whole records of a share; 0.29 of 100 is 29, though not in binary."""
    return floor(round(share, 6))
