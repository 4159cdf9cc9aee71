"""The publication: every cluster of live records becomes one resource, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from sqlalchemy import insert, select

from loaders.publication.match_state import (
    check_current,
    keep_state,
    note_published,
    published_value,
    read_found,
    read_matches,
)
from loaders.publication.matches import write_matches
from loaders.publication.planning import plan, read_before
from loaders.publication.resources import Merge, Publication
from loaders.store import (
    INTERRUPTED,
    FeedBusy,
    HarvestRunRow,
    NotRunning,
    end,
    is_gone,
    is_this,
    mint,
    now,
    read_run,
    this_worker,
    writing,
)
from schemas.environment import Environment

_NAME = "publish"


def begin(env: Environment) -> str:
    """Begin a publication and return its run id. One whose process is gone becomes failed.

    Raises FeedBusy when another publication is going on.
    """
    with writing(env) as connection:
        going_on = select(HarvestRunRow.id, HarvestRunRow.worker).where(
            HarvestRunRow.kind == _NAME, HarvestRunRow.status == "running"
        )
        for run, worker in connection.execute(going_on).all():
            if not (is_gone(worker) or is_this(worker)):
                raise FeedBusy(f"{run} is going on; wait for it, or end its process")
            sentence = "The process that ran it ended; the next publication does it all."
            end(connection, run, "failed", cause=INTERRUPTED, error=sentence)
        run_id = mint(connection, _NAME)
        values = {"id": run_id, "feed": None, "kind": _NAME, "status": "running", "started_at": now()}
        connection.execute(insert(HarvestRunRow).values(**values, worker=this_worker()))
    return run_id


def publish(env: Environment, run_id: str, folder: Path, *, merge: Merge, trust: Mapping[str, int]) -> dict[str, int]:
    """Publish what a match laid down in `folder` (publish_state.write_found), and return the counts.

    `merge` makes one record of a cluster's members; `trust` says how far each feed is trusted, 0 when it is not named.
    Which members live is read again here. A publication that is done already is left as it is. With nothing changed
    no row but that of harvest_run changes. Raises NothingMatched or Outdated when the match must be made again first.
    """
    run = read_run(env, run_id)
    if run.status == "loaded":
        return run.counts
    if run.status != "running":
        raise NotRunning(f"{run_id} is {run.status}, not running")
    found = read_found(folder)
    with writing(env) as connection:
        check_current(connection, folder)
        before = read_before(connection)
        targets, identities = plan(before, found, run_id)
        work = Publication(connection, run_id, before, merge, trust)
        work.write(targets)
        work.withdraw({target.id for target in targets}, identities)
        work.assign(targets, identities)
        write_matches(connection, read_matches(folder))
        note_published(connection, published_value(folder))
        notes = msgspec.json.encode(work.problems).decode() if work.problems else None
        counts = {**work.counts, "landed": sum(work.counts.values()), "listed": len(before.live)}
        counts["duplicates"] = len(before.live) - len(targets)
        end(connection, run_id, "loaded", notes=notes, **counts)
    keep_state(env, folder)
    return read_run(env, run_id).counts
