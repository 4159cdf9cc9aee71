"""Replay a feed's expectations on its last runs: which of them would have been held, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from schemas import Environment, Feed, Reason

if TYPE_CHECKING:
    from loaders.browse import RunSummary

MAX_REPLAYED = 10
_CHANGES = ("added", "changed", "deleted", "rejected", "quarantined")
_KINDS = ("harvest", "reprocess")
_JUDGED = ("loaded", "held", "refused", "superseded", "undone")


class Replayed(NamedTuple):
    """A run that expectations were replayed on: why it would have been held; None when its measures are not kept."""

    run: str
    started_at: str
    reasons: tuple[Reason, ...] | None
    was_held: bool


def replay_expectations(env: Environment, feed: Feed, limit: int = MAX_REPLAYED) -> list[Replayed]:
    """Return what the gate would have decided about the feed's last runs with the expectations of `feed`.

    Only what the feed declares is replayed: a run that was held for its first harvest, or as a refused one, is judged
    like any other.
    """
    from loaders.browse import runs_page
    from loaders.store import read_transaction
    from transforms.gate import replay

    with read_transaction(env) as connection:
        newest = runs_page(connection, feed=feed.name, limit=3 * limit)
    replayed = []
    for run in [each for each in newest if each.kind in _KINDS and each.status in _JUDGED][:limit]:
        results = _results(env, run)
        reasons = None if results is None else replay(feed, results)
        replayed.append(Replayed(run.id, run.started_at, reasons, bool(run.reasons)))
    return replayed


def _results(env: Environment, run: RunSummary) -> dict[str, Any] | None:
    """Return what the gate has measured of a run; None when that is not kept."""
    from loaders.reports import read_gate_results

    results = read_gate_results(env.reports, run.id)
    if results is None:
        return None if any(run.counts[name] for name in _CHANGES) else {"quiet": True}
    return results if results.get("quiet") or "sums" in results else None
