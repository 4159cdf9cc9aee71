"""What to do with each record that has landed since the feed's last loaded run: leave, delete, reject or transform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.landing import Harvest, LandingIndex, harvests, landing_index
from loaders.staging.folder import relative_to_home, staging_folder
from loaders.staging.outcomes import without_nul
from loaders.staging.state import write_catalog_state
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
from schemas import Base, Environment

CHUNK_RECORDS = 5_000  # records a chunk
_CHUNKS = 1_000  # at most: Airflow maps over 1 024
_PLACES = pa.schema([("identifier", pa.string()), ("sha256", pa.string()), ("part", pa.string()), ("row", pa.int64())])
_NEWEST = """SELECT w.identifier, w.format, w.datestamp, w.sha256, coalesce(p.part, substr(w.path, ?)) AS part,
coalesce(p.row, w.row) AS row FROM work w LEFT JOIN place p USING (identifier) ORDER BY 5, 6"""
_OLDER = """SELECT o.identifier, o.format, o.datestamp, o.sha256, p.part, p.row
FROM older o JOIN older_place p USING (identifier, sha256) ORDER BY 5, 6"""
_NOTHING_LISTED = """CREATE VIEW listing AS SELECT NULL::VARCHAR AS identifier, NULL::VARCHAR AS format,
NULL::VARCHAR AS datestamp, NULL::VARCHAR AS sha256, false AS deleted, false AS kept, NULL::VARCHAR AS filename,
0::BIGINT AS file_row_number LIMIT 0"""
_SQL = Path(__file__).with_name("planning.sql")


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


def plan_staging(env: Environment, run_id: str, *, withdraw: bool = False) -> StagingPlan:
    """Compare the feed's landing up to this run with the catalog. A reprocess judges every record that ever landed.

    `withdraw` plans the deletion of every record of a retired feed. Raises catalog_run.NotRunning.
    """
    with locked_run(env, run_id) as run:
        folder = staging_folder(env, run_id)
        with read_transaction(env) as connection:
            base = base_run(connection, run.feed, run_id)
            write_catalog_state(connection, run.feed, folder)
        landing = env.landing / run.feed
        past = harvests(landing, after=None if run.kind == "reprocess" else base, until=run_id)
        if withdraw:
            past = []
        with open_workspace(folder) as duck, landing_index(landing) as index:
            _prepare(duck, folder, past, force=run.kind == "reprocess", withdraw=withdraw)
            duck.execute(_SQL.read_text(encoding="utf-8"))
            found = _emit(env, duck, folder, index, landing)
        made = StagingPlan(run_id=run_id, base_run_id=base, listed=_listed(past, run_id), **found)
        with whole_file(folder / "plan.json") as beside:
            beside.write_bytes(msgspec.json.encode(made))
        note_planned(env, run_id, listed=made.listed, duplicates=made.duplicates, base=base, until=run_id)
    return made


def read_staging_plan(env: Environment, run_id: str) -> StagingPlan:
    """The plan that was made for a run."""
    return msgspec.json.decode((staging_folder(env, run_id) / "plan.json").read_bytes(), type=StagingPlan)


def _listed(past: list[Harvest], run_id: str) -> int:
    return sum(footer.records for one in past for footer in one.footers if footer.run_id == run_id)


def _prepare(duck: Any, folder: Path, past: list[Harvest], *, force: bool, withdraw: bool) -> None:
    whole = [number for number, one in enumerate(past) if one.whole_list]
    full = whole[-1] if whole else None
    if withdraw:
        full = 0
    duck.execute(
        "CREATE TABLE setting AS SELECT ?::INT AS whole, ?::BOOL AS force, ?::INT AS newest, ?::BOOL AS withdraw",
        [full, force, len(past) - 1, withdraw],
    )
    duck.execute("CREATE TABLE part (path VARCHAR, harvest INT, ordinal INT)")
    paths = [(str(path), number) for number, one in enumerate(past) for path in one.parts]
    if paths:
        duck.executemany("INSERT INTO part VALUES (?, ?, ?)", [(*one, order) for order, one in enumerate(paths)])
        create_parquet_view(
            duck, "listing", *(Path(path) for path, _ in paths), more=", filename = true, file_row_number = true"
        )
    else:
        duck.execute(_NOTHING_LISTED)
    for name in ("state", "refused"):
        create_parquet_view(duck, name, folder / f"{name}.parquet")
    duck.execute("CREATE TABLE skipped (identifier VARCHAR, since VARCHAR, until VARCHAR, reason VARCHAR, harvest INT)")
    skipped = [
        (one.identifier and without_nul(one.identifier), *(one.window or (None, None)), without_nul(one.reason), number)
        for number, harvest in enumerate(past)
        for one in harvest.skipped
        if number >= (full or 0)
    ]
    if skipped:
        duck.executemany("INSERT INTO skipped VALUES (?, ?, ?, ?, ?)", skipped)


def _emit(env: Environment, duck: Any, folder: Path, index: LandingIndex, landing: Path) -> dict[str, Any]:
    for name in ("deletions", "rejections", "restamped", "readable", "unrefused"):
        write_parquet(duck, name, folder / f"{name}.parquet")
    counts = dict(duck.execute("SELECT verdict, count(*) FROM judged GROUP BY verdict").fetchall())
    (duplicates,) = duck.execute("SELECT times FROM duplicates").fetchone()
    _place(duck, index, "place", "SELECT identifier, sha256 FROM work WHERE NOT kept")
    _place(duck, index, "older_place", "SELECT identifier, sha256 FROM older")
    write_parquet(duck, "older", folder / "older.parquet")
    _forget(folder)
    older = _chunks(
        duck.sql(_OLDER), folder / "chunks", "older", CHUNK_RECORDS
    )  # first: who reads both keeps the newest
    size = max(CHUNK_RECORDS, -(-counts.get("transform", 0) // _CHUNKS))
    newest = _chunks(duck.sql(_NEWEST, params=[len(str(landing)) + 2]), folder / "chunks", "chunk", size)
    written = [*older, *newest]
    return {
        "duplicates": duplicates,
        "unchanged": counts.get("unchanged", 0),
        "deleted": counts.get("delete", 0),
        "rejected": counts.get("reject", 0),
        "transform": counts.get("transform", 0),
        "chunks": tuple(relative_to_home(env, path) for path in written),
    }


def _place(duck: Any, index: LandingIndex, name: str, wanted_query: str) -> None:
    """Find where the payloads lie of what was landed without one."""
    duck.execute(f"CREATE TABLE {name} (identifier VARCHAR, sha256 VARCHAR, part VARCHAR, row BIGINT)")
    headers = duck.cursor().execute(wanted_query)
    while wanted := headers.fetchmany(CHUNK_RECORDS):
        places = index.places(wanted)
        lost = next((one for one in wanted if one not in places), None)
        if lost is not None:
            raise ValueError(f"landing lacks the payload {lost[1]} of {lost[0]!r}: restore the feed's older parts")
        rows = [
            {"identifier": one[0], "sha256": one[1], "part": places[one][0], "row": places[one][1]} for one in wanted
        ]
        duck.register("found", pa.Table.from_pylist(rows, schema=_PLACES))
        duck.execute(f"INSERT INTO {name} SELECT * FROM found")  # noqa: S608 (our names)
        duck.unregister("found")


def _forget(folder: Path) -> None:
    for kind in ("chunks", "outcomes"):
        for left in (folder / kind).glob("*.parquet"):  # of a try before
            left.unlink()


def _chunks(ordered: Any, folder: Path, name: str, size: int) -> Iterator[Path]:
    """Write what to transform, in the order in which the payloads lie, so that each part is read about once."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, batch in enumerate(_tables(ordered.to_arrow_reader(size), size)):
        path = folder / f"{name}-{number:05d}.parquet"
        with whole_file(path) as beside:
            pq.write_table(batch, beside, compression="zstd")
        yield path


def _tables(batches: Any, size: int) -> Iterator[pa.Table]:
    """The batches as tables of exactly `size` rows, the last one less."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        while rows >= size:
            whole = pa.Table.from_batches(held)
            yield whole.slice(0, size)
            held = whole.slice(size).to_batches()
            rows -= size
    if rows:
        yield pa.Table.from_batches(held)
