"""What a run would change, counted and written down before anything is: funnel, rows to load, facts for the gate."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.staging.chunk import outcome_path
from loaders.staging.folder import staging_folder
from loaders.staging.outcomes import FINDING, OUTCOMES, finding_name, without_nul
from loaders.staging.planning import StagingPlan, read_staging_plan
from loaders.staging.rows import ROWS
from loaders.store import (
    FUNNEL,
    create_parquet_view,
    feed_of,
    locked_run,
    note_staged,
    open_workspace,
    whole_file,
    write_parquet,
)
from schemas import Environment, Issue

if TYPE_CHECKING:
    import pandas

_OLDER = "older-"  # chunks of versions that are no longer the newest
_SQL = Path(__file__).with_name("merging.sql")
_ROWS_SQL = Path(__file__).with_name("rows.sql")
_BATCH_FINDINGS = pa.schema([("identifier", pa.string()), *FINDING])


def write_batch_issues(env: Environment, run_id: str, issues: Iterable[Issue]) -> int:
    """Write what the batch rules found beside their neighbours, before `stage`; returns how many.

    They must have judged the feed whole: at the load, an open batch finding of the feed that is not among them is
    resolved. An error quarantines the version that is being staged.
    """
    feed = feed_of(run_id)
    rows = [_batch_row(feed, one) for one in issues]
    with whole_file(staging_folder(env, run_id) / "batch.parquet") as beside:
        pq.write_table(pa.Table.from_pylist(rows, schema=_BATCH_FINDINGS), beside, compression="zstd")
    return len(rows)


def _batch_row(feed: str, one: Issue) -> dict[str, str]:
    path, value = without_nul(one.path), without_nul(one.value)
    return {
        "identifier": one.key[len(feed) + 1 :],
        "finding": finding_name(one.key, one.code, path, value),
        "code": one.code,
        "severity": one.severity,
        "path": path,
        "value": value,
    }


def stage(env: Environment, run_id: str) -> dict[str, int]:
    """Merge the outcomes of every chunk, and count every record judged once, as what the load would do with it.

    landed = added + changed + unchanged + deleted + rejected + quarantined. *Changed* compares the normalized record.
    Raises ValueError naming a chunk that has no outcomes.
    """
    with locked_run(env, run_id):
        folder = staging_folder(env, run_id)
        planned = read_staging_plan(env, run_id)
        outcomes = [outcome_path(env, chunk) for chunk in planned.chunks]
        lost = [path.name for path in outcomes if not path.exists()]
        if lost:
            raise ValueError(f"{run_id}: no outcomes for {', '.join(lost)}; transform these chunks first")
        counts = merge_outcomes(folder, outcomes, planned)
        note_staged(env, run_id, counts)
    return counts


def merge_outcomes(folder: Path, outcomes: list[Path], planned: StagingPlan) -> dict[str, int]:
    """Judge the outcomes against the state in the folder; write rows and facts there, and return the funnel."""
    with open_workspace(folder) as duck:
        _given(duck, folder, outcomes)
        duck.execute(_SQL.read_text(encoding="utf-8"))
        write_parquet(duck, "facts", folder / "facts.parquet")
        _write_rows(duck, folder, outcomes)
        found = dict(duck.execute("SELECT change, count(*) FROM judged GROUP BY change").fetchall())
    counts = {name: int(found.get(name, 0)) for name in FUNNEL}
    counts["unchanged"] += planned.unchanged
    counts["landed"] = sum(counts.values())
    return counts


def gate_facts(env: Environment, run_id: str) -> pandas.DataFrame:
    """The feed as it would stand after the load, one row a record, for the gate.

    key, live_before, live_after, change (none, added, changed, deleted, rejected, quarantined), absent, errors, codes
    (by ";"), has_title, has_language, has_license, license_open, restamped, payload_changed.
    """
    feed = feed_of(run_id)
    frame: pandas.DataFrame = pq.read_table(staging_folder(env, run_id) / "facts.parquet").to_pandas()
    frame.insert(0, "key", feed + ":" + frame.pop("identifier"))
    return frame


def _write_rows(duck: Any, folder: Path, outcomes: list[Path]) -> None:
    """Write what the load does, a file a chunk; the records stay in the outcomes, where a row's number finds them."""
    shutil.rmtree(folder / ROWS, ignore_errors=True)
    (folder / ROWS).mkdir()
    write_parquet(duck, "plain_rows", folder / ROWS / "plain.parquet")
    query = _ROWS_SQL.read_text(encoding="utf-8")
    for path in outcomes:
        create_parquet_view(duck, "chunk", path, more=", file_row_number = true")
        duck.execute("SET VARIABLE file = ?", [str(path)])
        write_parquet(duck, f"({query})", folder / ROWS / path.name)


def _given(duck: Any, folder: Path, outcomes: list[Path]) -> None:
    nothing = folder / "nothing.parquet"
    pq.write_table(OUTCOMES.empty_table(), nothing)
    older = [path for path in outcomes if path.name.startswith(_OLDER)]
    newest = [path for path in outcomes if path not in older]
    create_parquet_view(duck, "outcome", *(newest or [nothing]), more=", filename = true")
    create_parquet_view(duck, "older_outcome", *(older or [nothing]), more=", filename = true")
    batch = folder / "batch.parquet"
    if not batch.exists():
        batch = folder / "no_batch.parquet"
        pq.write_table(_BATCH_FINDINGS.empty_table(), batch)
    create_parquet_view(duck, "batch", batch)
    for name in ("state", "accepted", "errors", "deletions", "rejections", "restamped", "readable", "older"):
        create_parquet_view(duck, name, folder / f"{name}.parquet")
