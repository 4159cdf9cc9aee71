"""Plan a staging: decide what to do with each record that landed since the feed's last loaded run.

A record is left as it is, deleted, rejected or transformed (again).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from loaders.landing import (
    Harvest,
    LandingIndex,
    create_absence,
    create_rows,
    harvests,
    landing_index,
    past_with_lists,
)
from loaders.staging.folder import CHUNKS_FOLDER, OUTCOMES_FOLDER, relative_to_home, staging_folder
from loaders.staging.outcomes import without_nul
from loaders.staging.state import identifiers_of_pages, write_catalog_state
from loaders.store import (
    base_run,
    create_parquet_view,
    locked_run,
    note_planned,
    open_workspace,
    read_transaction,
    whole_file,
    write_parquet,
)
from schemas import Base, Environment, arrow_array, arrow_table

CHUNK_RECORDS = 5_000
OLDER_CHUNK = "older"  # begins the names of chunks with versions that are no longer the newest
_MAX_CHUNKS = 1_000  # Airflow maps a task over at most 1,024
_LOCATION = pa.schema(
    [("identifier", pa.string()), ("sha256", pa.string()), ("part", pa.string()), ("row", pa.int64())]
)
_NEWEST = """SELECT w.identifier, w.format, w.datestamp, w.sha256, coalesce(l.part, substr(w.path, ?)) AS part,
coalesce(l.row, w.row) AS row FROM work w LEFT JOIN location l USING (identifier) ORDER BY 5, 6"""
_OLDER = """SELECT o.identifier, o.format, o.datestamp, o.sha256, l.part, l.row
FROM older o JOIN older_location l USING (identifier, sha256) ORDER BY 5, 6"""
_LANDED_ROW = """CREATE VIEW seen_row AS SELECT identifier, harvest FROM every_row JOIN part USING (filename);
CREATE VIEW landed_row AS
SELECT l.identifier, l.format, l.datestamp, l.sha256, l.deleted, l.kept, filename AS path, p.harvest, p.ordinal,
    l.file_row_number AS row
FROM every_row l JOIN part p USING (filename), setting WHERE p.harvest >= setting.first"""
# The records that a steward declared to be gone, and that no run has listed since. Only a reprocess asks: else the
# catalog has it.
_ENDED = """CREATE TABLE ended AS
SELECT d.identifier FROM declared_gone d LEFT JOIN (
    SELECT identifier, max(run) AS run FROM every_row JOIN part USING (filename)
    SEMI JOIN declared_gone USING (identifier) GROUP BY identifier
) l USING (identifier), setting WHERE force GROUP BY d.identifier HAVING max(d.run) >= coalesce(max(l.run), '')"""
_SQL = Path(__file__).with_name("planning.sql")
_ACTIONS_SQL = Path(__file__).with_name("planned_actions.sql")


class StagingPlan(Base, frozen=True, kw_only=True):
    """What a staging has to judge; `chunks` are paths relative to ELIB_HOME."""

    run_id: str
    base_run_id: str | None = None
    listed: int = 0
    duplicates: int = 0
    unchanged: int = 0
    deleted: int = 0
    rejected: int = 0
    transform: int = 0
    chunks: tuple[str, ...] = ()
    whole_state: bool = True  # the state of every record of the feed was read, and not of the listed ones only


def plan_staging(
    env: Environment, run_id: str, *, absent_after: int, withdraw: bool = False, whole_state: bool = False
) -> StagingPlan:
    """Compare the feed's landing up to this run with the catalog, and write the chunks to transform.

    A reprocess judges every record that ever landed. A record is deleted when the newest `absent_after` whole lists
    lack it. With `withdraw`, which is for retired feeds, every record is deleted. Of the catalog the listed records are
    read; all of the feed only where a record may be gone without being listed, or with `whole_state`. Raises
    WrongRunState when the run is not running or landed.
    """
    with locked_run(env, run_id) as run:
        folder = staging_folder(env, run_id)
        reprocess, landing = run.kind == "reprocess", env.landing / run.feed
        with open_workspace(folder) as duck, landing_index(landing) as index:
            with read_transaction(env) as connection:
                base = base_run(connection, run.feed, run_id)
                after = None if reprocess else base
                new = [] if withdraw else harvests(landing, after=after, until=run_id)
                past = _with_earlier_lists(landing, new, after, run_id, absent_after)
                _create_landed_rows(duck, past, first=len(past) - len(new), force=reprocess, withdraw=withdraw)
                whole_state = whole_state or _may_be_unlisted(duck)
                listed = None if whole_state else _listed(duck, connection, run.feed, past)
                write_catalog_state(connection, run.feed, folder, listed=listed)
            _decide(duck, folder, past, absent_after)
            counts = _count(duck)
            chunks = _write_chunks(env, duck, folder, index, landing, counts["transform"])
            for name in ("deletions", "rejections", "restamped", "readable", "unrefused", "older"):
                write_parquet(duck, name, folder / f"{name}.parquet")
        rows = sum(footer.records for harvest in new for footer in harvest.footers if footer.run_id == run_id)
        staging_plan = StagingPlan(
            run_id=run_id, base_run_id=base, listed=rows, chunks=chunks, whole_state=whole_state, **counts
        )
        with whole_file(folder / "plan.json") as temporary:
            temporary.write_bytes(msgspec.json.encode(staging_plan))
        note_planned(env, run_id, listed=rows, duplicates=staging_plan.duplicates, base=base, until=run_id)
    return staging_plan


def _may_be_unlisted(duck: Any) -> bool:
    """Return whether unlisted records may have to be judged: after a whole list, in a reprocess or a withdrawal."""
    ((may_be,),) = duck.execute("SELECT force OR withdraw OR EXISTS (FROM sighting) FROM setting").fetchall()
    return bool(may_be)


def _listed(duck: Any, connection: Connection, feed: str, past: list[Harvest]) -> Iterator[str]:
    """Yield the identifiers of the records that the harvests list or could not read, each once, in order.

    With those of a page that could not be read: it may hold several records.
    """
    skipped = (record.identifier for harvest in past for record in harvest.skipped)
    unread = {without_nul(identifier) for identifier in skipped if identifier is not None}
    on_pages = identifiers_of_pages(connection, feed, unread) if unread else ()
    duck.register("given", pa.table({"identifier": arrow_array([*unread, *on_pages], pa.string())}))
    duck.execute("CREATE TABLE listed AS SELECT identifier FROM landed_row UNION SELECT identifier FROM given")
    duck.unregister("given")
    rows = duck.cursor().execute("FROM listed ORDER BY identifier")
    while some_rows := rows.fetchmany(CHUNK_RECORDS):
        yield from (identifier for (identifier,) in some_rows)


def read_staging_plan(env: Environment, run_id: str) -> StagingPlan:
    """Read the plan of a run's staging."""
    return msgspec.json.decode((staging_folder(env, run_id) / "plan.json").read_bytes(), type=StagingPlan)


def _with_earlier_lists(
    landing: Path, new: list[Harvest], after: str | None, until: str, absent_after: int
) -> list[Harvest]:
    """Return the new harvests with those before them that tell what is absent; where no list was seen, only them."""
    if after is None or not any(harvest.whole_list or harvest.repeats_a_list for harvest in new):
        return new
    return past_with_lists(landing, lists=max(1, absent_after - 1), after=after, until=until)


def _create_landed_rows(duck: Any, past: list[Harvest], *, first: int, force: bool, withdraw: bool) -> None:
    """Create the tables and views of what has landed. Harvests are numbered from the oldest, `first` is new."""
    duck.execute(
        "CREATE TABLE setting AS SELECT ?::INT AS first, ?::BOOL AS force, ?::INT AS newest, ?::BOOL AS withdraw",
        [first, force, len(past) - 1, withdraw],
    )
    create_rows(duck, past)
    duck.execute(_LANDED_ROW)


def _decide(duck: Any, folder: Path, past: list[Harvest], absent_after: int) -> None:
    """Compare what has landed with the state of the catalog in the folder; create the tables of what to do."""
    for name in ("state", "refused", "declared_gone"):
        create_parquet_view(duck, name, folder / f"{name}.parquet")
    duck.execute(_ENDED)
    duck.execute(_SQL.read_text(encoding="utf-8"))
    create_absence(duck, past, absent_after)
    duck.execute(_ACTIONS_SQL.read_text(encoding="utf-8"))


def _count(duck: Any) -> dict[str, int]:
    actions = dict(duck.execute("SELECT planned_action, count(*) FROM planned GROUP BY planned_action").fetchall())
    (duplicates,) = duck.execute("SELECT times FROM duplicates").fetchone()
    return {
        "duplicates": duplicates,
        "unchanged": actions.get("unchanged", 0),
        "deleted": actions.get("delete", 0),
        "rejected": actions.get("reject", 0),
        "transform": actions.get("transform", 0),
    }


def _write_chunks(
    env: Environment, duck: Any, folder: Path, index: LandingIndex, landing: Path, newest_records: int
) -> tuple[str, ...]:
    """Write the records to transform as chunks and return their paths relative to ELIB_HOME."""
    _locate_payloads(duck, index, "location", "SELECT identifier, sha256 FROM work WHERE NOT kept")
    _locate_payloads(duck, index, "older_location", "SELECT identifier, sha256 FROM older")
    for name in (CHUNKS_FOLDER, OUTCOMES_FOLDER):
        for left_over in (folder / name).glob("*.parquet"):  # of an earlier attempt
            left_over.unlink()
    chunks = folder / CHUNKS_FOLDER
    size = max(CHUNK_RECORDS, -(-newest_records // _MAX_CHUNKS))
    # Older versions first, so that a reader of both keeps the newest.
    older = _write_tables(duck.sql(_OLDER), chunks, OLDER_CHUNK, CHUNK_RECORDS)
    newest = _write_tables(duck.sql(_NEWEST, params=[len(str(landing)) + 2]), chunks, "chunk", size)
    return tuple(relative_to_home(env, path) for paths in (older, newest) for path in paths)


def _locate_payloads(duck: Any, index: LandingIndex, table: str, wanted_query: str) -> None:
    """Create a table of the parts and rows of payloads that the harvest listed without sending them again."""
    duck.execute(f"CREATE TABLE {table} (identifier VARCHAR, sha256 VARCHAR, part VARCHAR, row BIGINT)")
    wanted_rows = duck.cursor().execute(wanted_query)
    while wanted := wanted_rows.fetchmany(CHUNK_RECORDS):
        locations = index.locations(wanted)
        lost = next((version for version in wanted if version not in locations), None)
        if lost is not None:
            raise ValueError(f"landing lacks the payload {lost[1]} of {lost[0]!r}: restore the feed's older parts")
        rows = [
            {"identifier": identifier, "sha256": sha256, "part": part, "row": row}
            for identifier, sha256 in wanted
            for part, row in (locations[identifier, sha256],)
        ]
        duck.register("located", arrow_table(rows, _LOCATION))
        duck.execute(f"INSERT INTO {table} SELECT * FROM located")  # noqa: S608 (our names)
        duck.unregister("located")


def _write_tables(query: Any, folder: Path, name: str, size: int) -> Iterator[Path]:
    """Write a query's rows as files of `size` rows. Queries follow the order of payloads, so each part is read once."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, table in enumerate(_sized_tables(query.to_arrow_reader(size), size)):
        path = folder / f"{name}-{number:05d}.parquet"
        with whole_file(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        yield path


def _sized_tables(batches: Any, size: int) -> Iterator[pa.Table]:
    """Yield the batches as tables of exactly `size` rows; the last may be shorter."""
    collected: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        collected.append(batch)
        rows += batch.num_rows
        while rows >= size:
            whole = pa.Table.from_batches(collected)
            yield whole.slice(0, size)
            collected = whole.slice(size).to_batches()
            rows -= size
    if rows:
        yield pa.Table.from_batches(collected)
