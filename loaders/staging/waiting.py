"""List the records whose absence waits: the newest whole list lacks them, and it is too early to delete them."""

from __future__ import annotations

from loaders.landing import create_absence, create_rows, past_with_lists, waits_for_a_list
from loaders.staging.state import write_catalog_state
from loaders.store import create_parquet_view, open_workspace, read_transaction, temporary_folder
from schemas import Base, Environment, Feed

_CANDIDATES = """CREATE VIEW seen_row AS SELECT identifier, harvest FROM every_row JOIN part USING (filename);
CREATE VIEW candidate AS SELECT identifier, datestamp FROM state s WHERE status <> 'deleted'
AND NOT EXISTS (SELECT 1 FROM refused r WHERE r.identifier = s.identifier AND r.sha256 = '')"""


class WaitingAbsences(Base, frozen=True, kw_only=True):
    """A feed's records that wait to be deleted."""

    run_id: str = ""  # the newest run that landed anything
    lists: dict[str, int] = {}  # by identifier: how many whole lists lack the record so far


def waiting_absences(env: Environment, feed: Feed) -> WaitingAbsences:
    """Return the records of the feed whose absence waits for another whole list, worked out from landing."""
    landing = env.landing / feed.name
    if feed.status == "retired" or not waits_for_a_list(landing):
        return WaitingAbsences()
    past = past_with_lists(landing, lists=feed.absent_after, after=None)
    with temporary_folder(env.staging) as folder, open_workspace(folder) as duck:
        with read_transaction(env) as connection:
            write_catalog_state(connection, feed.name, folder)
        for table in ("state", "refused"):
            create_parquet_view(duck, table, folder / f"{table}.parquet")
        create_rows(duck, past)
        duck.execute(_CANDIDATES)
        create_absence(duck, past, feed.absent_after)
        waiting = duck.execute("SELECT identifier, lists FROM absence WHERE lists > 0 AND NOT gone ORDER BY identifier")
        return WaitingAbsences(run_id=past[-1].last.run_id, lists=dict(waiting.fetchall()))
