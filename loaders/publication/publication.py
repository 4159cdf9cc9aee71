"""Publish the catalog: every cluster of live records becomes one resource, in one transaction or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Connection, insert, select

from loaders.publication.match_state import (
    MATCH_STATE,
    MatchResult,
    check_current,
    is_state_kept,
    keep_state,
    newest_publication_run,
    note_publishing,
    published_value,
    read_by_match,
    read_match_result,
    read_matches,
)
from loaders.publication.matches import write_matches
from loaders.publication.planning import plan_alone, plan_resources, read_catalog
from loaders.publication.resources import Merge, ResourceWriter, note_merge_version, rewrite_derived_columns
from loaders.publication.unchanged import inputs_of_published, is_published, lock_number, note_written
from loaders.staging import batch_errors
from loaders.store import (
    INTERRUPTED,
    PUBLICATION_LOCK,
    HarvestRunRow,
    WrongRunState,
    decode_measures,
    end_run,
    feed_name_of,
    hold_lock,
    name_run,
    new_run_id,
    now,
    read_publish_state,
    read_run,
    read_transaction,
    show_publications,
    this_worker,
    write_publish_state,
    write_transaction,
)
from schemas import Environment, sentence

log = logging.getLogger("elib.catalog")
_TERMS_STATE = "feed_terms"  # the row of publish_state: what was told of each feed at the last publication
_KIND = "publish"  # of the run, and what its id begins with


@contextmanager
def publication_lock(env: Environment) -> Iterator[None]:
    """Take the lock under which one process at a time publishes, from the beginning to the end of a publication.

    Raises FeedBusy when another process has it.
    """
    with hold_lock(env, PUBLICATION_LOCK, title="the publication"):
        yield


def begin_publication(env: Environment) -> str:
    """Begin a publication and return its run id; one on which no process works any more becomes failed.

    The caller has the publication's lock until the run has ended. Raises FeedBusy when another process has it.
    """
    show_publications(env)  # that of a publication which was killed before it could
    with publication_lock(env), write_transaction(env) as connection:
        running = select(HarvestRunRow.id).where(HarvestRunRow.kind == _KIND, HarvestRunRow.status == "running")
        for other_id in connection.scalars(running).all():
            why = "The process that ran it ended; the next publication does all of it."
            end_run(connection, other_id, "failed", cause=INTERRUPTED, error=why)
        run_id = new_run_id(connection, _KIND)
        values = {"id": run_id, "feed": None, "kind": _KIND, "status": "running", "started_at": now()}
        connection.execute(insert(HarvestRunRow).values(**values, worker=this_worker()))
    name_run(env, PUBLICATION_LOCK, run_id)
    return run_id


def unreported_publication(env: Environment) -> str | None:
    """Return the newest publication, however it ended; None when its report was measured already."""
    newest = select(HarvestRunRow.id, HarvestRunRow.measures).where(HarvestRunRow.kind == _KIND)
    with read_transaction(env) as connection:
        row = connection.execute(newest.order_by(HarvestRunRow.id.desc()).limit(1)).first()
    return None if row is None or "report" in decode_measures(row.measures).seconds else row.id


def publish_match(
    env: Environment,
    run_id: str,
    folder: Path,
    *,
    merge: Merge,
    trust: Mapping[str, int],
    terms: Mapping[str, str] | None = None,
    merge_version: str | None = None,
    inputs: str | None = None,
    whole: bool = False,
    then: Callable[[], None] = lambda: None,
) -> dict[str, int]:
    """Publish the match in `folder` (match_state.write_match_result), and return the run's counts.

    `merge` makes one record of a cluster's members; `trust` is how far each feed is trusted, 0 where it is not named.
    `terms` is what is told of each feed beside its metadata, as any text: where it is another than at the last
    publication, the feed's resources count as changed. With `merge_version`, which names the code of `merge`, only
    those resources are merged again whose members, decisions or relations changed since. `inputs` is a digest of all
    that this depends on besides the catalog: without it, or where the match read another, the next night does all of
    its work. The live members are read again here: those whose resources may have to change, or with `whole` all; the
    result is the same. When nothing changed, only the row of harvest_run changes. `then` is called once all of it is
    published, before the match is kept for the next night. Of a publication that is done already, only what follows is
    done that was not. Raises NothingMatched or Outdated when the match must be made again first.
    """
    run = read_run(env, run_id)
    if run.status not in {"running", "loaded"}:
        raise WrongRunState(sentence("%(run_id)s is %(status)s, not running", run_id=run_id, status=str(run.status)))
    if run.status == "running":
        matched = read_match_result(folder)
        note_publishing(env, folder, run_id)
        _publish(env, run_id, folder, matched, merge, trust, terms, merge_version, inputs=inputs, whole=whole)
    if folder.exists():
        show_publications(env)
        then()
        keep_state(env, folder)
    return read_run(env, run_id).counts


def _publish(
    env: Environment,
    run_id: str,
    folder: Path,
    matched: MatchResult,
    merge: Merge,
    trust: Mapping[str, int],
    terms: Mapping[str, str] | None,
    merge_version: str | None,
    *,
    inputs: str | None,
    whole: bool,
) -> None:
    """Publish the match in one transaction; the arguments are those of `publish_match`."""
    with write_transaction(env) as connection:
        check_current(connection, folder)
        is_current = lock_number(connection, read_by_match(folder))
        rewrite_derived_columns(connection)
        before = read_catalog(connection, matched, _held_narrowed_keys(env, connection), whole=whole)
        resources, identities = plan_resources(before, matched, run_id)
        writer = ResourceWriter(connection, run_id, before, merge, trust, merge_version)
        writer.write(resources)
        if merge_version is not None:
            note_merge_version(connection, merge_version)
        writer.withdraw_others({planned.id for planned in resources}, identities)
        writer.write_redirects(identities)
        writer.assign(resources, identities)
        writer.write_alone(plan_alone(connection, before, run_id))
        log.info("publish: %d resources were new or might have changed", writer.looked_at)
        if terms is not None:
            writer.touch_feeds(_changed_terms(connection, terms))
        writer.note_changes()
        write_matches(connection, lambda: read_matches(folder))
        write_publish_state(connection, MATCH_STATE, published_value(folder))
        note_written(connection, read_by_match(folder), is_current=is_current, inputs=inputs)
        notes = msgspec.json.encode(writer.problems).decode() if writer.problems else None
        listed = len(before.live) + before.standing + len(before.alone)
        counts = {**writer.counts, "landed": sum(writer.counts.values()), "listed": listed}
        counts["duplicates"] = len(before.live) - len(resources)
        end_run(connection, run_id, "loaded", notes=notes, **counts)


def nothing_changed(env: Environment, inputs: str) -> str | None:
    """Return the publication that still holds, because nothing on which a match or publication depends has changed.

    None when a match and a publication must be made. `inputs` is a digest of what they depend on besides the catalog.
    """
    with read_transaction(env) as connection:
        return _standing_publication(env, connection, inputs)


def published_inputs(env: Environment) -> str | None:
    """Return the inputs of `nothing_changed` with which everything was published last; None when they are not known."""
    with read_transaction(env) as connection:
        return inputs_of_published(connection)


def publish_unchanged(env: Environment, run_id: str, inputs: str) -> dict[str, int] | None:
    """End a publication before which nothing has changed: its counts are what the whole work would count.

    Returns None, and leaves the run as it is, when something has changed.
    """
    with write_transaction(env) as connection:
        standing = _standing_publication(env, connection, inputs)
        if standing is None:
            return None
        row = connection.execute(select(HarvestRunRow.__table__).where(HarvestRunRow.id == standing)).mappings().one()
        resources = row["added"] + row["changed"] + row["unchanged"]
        counts = {"landed": resources, "unchanged": resources, "listed": row["listed"], "duplicates": row["duplicates"]}
        holds = row["base_run_id"] or standing
        end_run(connection, run_id, "loaded", notes=row["notes"], base_run_id=holds, **counts)
    return read_run(env, run_id).counts


def _standing_publication(env: Environment, connection: Connection, inputs: str) -> str | None:
    if not (is_published(connection, inputs) and is_state_kept(env, connection)):
        return None
    return newest_publication_run(connection)


def _changed_terms(connection: Connection, terms: Mapping[str, str]) -> list[str]:
    """Keep the terms of the feeds; return the feeds whose terms were others. Of the first time nothing is known."""
    before = read_publish_state(connection, _TERMS_STATE)
    kept: dict[str, str] = terms if before is None else msgspec.json.decode(before)  # type: ignore[assignment]
    write_publish_state(connection, _TERMS_STATE, msgspec.json.encode(dict(terms), order="deterministic").decode())
    return sorted(name for name in terms if kept.get(name) != terms[name])


def _held_narrowed_keys(env: Environment, connection: Connection) -> set[str]:
    """Return the keys of the records whose licence a run that waits for a steward would narrow.

    Nothing of a held run is in the catalog, and yet an open licence that the partner took back is not shown as open.
    """
    held = select(HarvestRunRow.id).where(HarvestRunRow.status == "held")
    return {
        f"{feed_name_of(run_id)}:{identifier}"
        for run_id in connection.scalars(held)
        for identifier, errors in batch_errors(env, run_id).items()
        if any(code == "license_narrowed" for code, _ in errors)
    }
