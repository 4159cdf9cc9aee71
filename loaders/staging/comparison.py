"""Judge the outcomes of a run against the catalog: count its records, write the rows to load and the gate's facts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.staging.folder import ROWS_FOLDER, outcome_path, staging_folder
from loaders.staging.outcomes import ISSUE_SCHEMA, OUTCOMES, issue_columns
from loaders.staging.planning import OLDER_CHUNK, StagingPlan, read_staging_plan
from loaders.staging.rows import note_staged_files
from loaders.store import (
    MAX_BOUND_VALUES,
    RUN_COUNTS,
    create_parquet_view,
    feed_name_of,
    locked_run,
    note_staged,
    open_workspace,
    whole_file,
    write_parquet,
)
from schemas import Environment, Issue, arrow_table

_SQL = Path(__file__).with_name("comparison.sql")
_ROWS_SQL = Path(__file__).with_name("rows.sql")
JudgedVersions = Literal["mended", "narrowed"]
_VERSIONS = pa.schema([("identifier", pa.string()), ("sha256", pa.string())])
_GATE_COLUMNS = [
    *("live_before", "live_after", "change", "absent", "errors", "codes"),
    *("has_language", "has_license", "restamped", "payload_changed"),
]
_BATCH_ISSUES = pa.schema([("identifier", pa.string()), *ISSUE_SCHEMA])


def write_batch_issues(env: Environment, run_id: str, issues: Iterable[Issue]) -> int:
    """Write the issues that the batch rules found, before `stage`; return how many.

    They must be of the whole feed: the load resolves the feed's open batch issues that are not among them. An error
    quarantines the version that is being staged.
    """
    start = len(feed_name_of(run_id)) + 1  # a key is feed:identifier
    rows = [{"identifier": issue.key[start:], **issue_columns(issue)} for issue in issues]
    with whole_file(staging_folder(env, run_id) / "batch.parquet") as temporary:
        pq.write_table(arrow_table(rows, _BATCH_ISSUES), temporary, compression="zstd")
    return len(rows)


def write_judged_versions(
    env: Environment, run_id: str, name: JudgedVersions, versions: Iterable[tuple[str, str]]
) -> None:
    """Write versions (identifier, sha256) that are judged on more than their own errors, before `stage`.

    The errors of those that are `mended` by a steward's corrections do not quarantine; the licence of those that are
    `narrowed` is a question, so that a reprocess may not choose them as the accepted version.
    """
    rows = [{"identifier": identifier, "sha256": sha256} for identifier, sha256 in versions]
    with whole_file(staging_folder(env, run_id) / f"{name}.parquet") as beside:
        pq.write_table(arrow_table(rows, _VERSIONS), beside, compression="zstd")


def accepted_versions(env: Environment, run_id: str) -> set[tuple[str, str]]:
    """Return the versions (identifier, sha256) that stewards have accepted, as the staging was planned."""
    rows = _read_rows(staging_folder(env, run_id) / "accepted_by_steward.parquet")
    return {(row["identifier"], row["sha256"]) for row in rows}


def batch_errors(env: Environment, run_id: str) -> dict[str, list[tuple[str, str]]]:
    """Return code and path of the errors that the batch rules found, by identifier."""
    path = staging_folder(env, run_id) / "batch.parquet"
    errors: dict[str, list[tuple[str, str]]] = {}
    for row in _read_rows(path) if path.exists() else ():
        if row["severity"] == "error":
            errors.setdefault(row["identifier"], []).append((row["code"], row["path"]))
    return errors


def stage(env: Environment, run_id: str) -> dict[str, int]:
    """Judge the outcomes of every chunk and return the run's counts: each record once, as the load would treat it.

    landed = added + changed + unchanged + deleted + rejected + quarantined; a record is *changed* when its normalized
    form differs. Raises ValueError naming the chunks that have no outcomes.
    """
    with locked_run(env, run_id):
        staging_plan = read_staging_plan(env, run_id)
        outcomes = [outcome_path(env, chunk) for chunk in staging_plan.chunks]
        missing = [path.name for path in outcomes if not path.exists()]
        if missing:
            raise ValueError(f"{run_id}: no outcomes for {', '.join(missing)}; transform these chunks first")
        counts = compare_outcomes(staging_folder(env, run_id), outcomes, staging_plan)
        note_staged(env, run_id, counts)
    return counts


def compare_outcomes(folder: Path, outcomes: list[Path], staging_plan: StagingPlan) -> dict[str, int]:
    """Judge outcomes against the catalog's state in the folder; write rows and facts there; return the run's counts."""
    with open_workspace(folder) as duck:
        _create_views(duck, folder, outcomes)
        duck.execute(_SQL.read_text(encoding="utf-8"))
        write_parquet(duck, "facts", folder / "facts.parquet")
        _write_rows(duck, folder, outcomes)
        note_staged_files(folder)
        changes = dict(duck.execute("SELECT change, count(*) FROM staged GROUP BY change").fetchall())
    counts = {name: int(changes.get(name, 0)) for name in RUN_COUNTS}
    counts["unchanged"] += staging_plan.unchanged
    counts["landed"] = sum(counts.values())
    return counts


def gate_facts(env: Environment, run_id: str, *, grouped: bool = False) -> list[dict[str, Any]]:
    """Return the feed as it would be after the load, one dict per record, for the gate.

    Its keys: key, live_before, live_after, change (none, added, changed, deleted, rejected, quarantined), absent,
    errors, codes (separated by ";"), has_title, has_language, has_license, license_open, restamped, payload_changed.
    Without the records that the plan did not read (StagingPlan.whole_state). With `grouped`, one dict for all records
    that are equal in what the gate counts, with their number as `records`, and no key.
    """
    path = staging_folder(env, run_id) / "facts.parquet"
    if grouped:
        with open_workspace(path.parent) as duck:  # pyarrow's own grouping would import pandas, as pq.read_table would
            create_parquet_view(duck, "facts", path)
            query = f"SELECT {', '.join(_GATE_COLUMNS)}, count(*) AS records FROM facts GROUP BY ALL"  # noqa: S608 (our names)
            groups: list[dict[str, Any]] = duck.sql(query).to_arrow_table().to_pylist()
        return groups
    feed = feed_name_of(run_id)
    with pq.ParquetFile(path) as file:
        return [{"key": f"{feed}:{row.pop('identifier')}", **row} for row in file.read().to_pylist()]


def read_identifiers(env: Environment, run_id: str) -> Iterator[list[str]]:
    """Yield the identifiers of the records of which the plan read the state, some at a time."""
    with pq.ParquetFile(staging_folder(env, run_id) / "state.parquet") as file:
        for batch in file.iter_batches(MAX_BOUND_VALUES, columns=["identifier"]):
            yield batch.column(0).to_pylist()


def _create_views(duck: Any, folder: Path, outcomes: list[Path]) -> None:
    """Create the views that comparison.sql reads."""
    nothing = folder / "nothing.parquet"
    pq.write_table(arrow_table([], OUTCOMES), nothing)
    older = [path for path in outcomes if path.name.startswith(f"{OLDER_CHUNK}-")]
    newest = [path for path in outcomes if path not in older]
    create_parquet_view(duck, "outcome", *(newest or [nothing]), more=", filename = true")
    create_parquet_view(duck, "older_outcome", *(older or [nothing]), more=", filename = true")
    for name, schema in {"batch": _BATCH_ISSUES, **dict.fromkeys(get_args(JudgedVersions), _VERSIONS)}.items():
        path = folder / f"{name}.parquet"
        if not path.exists():  # nothing was judged on more than its own errors
            path = folder / f"no_{name}.parquet"
            pq.write_table(arrow_table([], schema), path)
        create_parquet_view(duck, name, path)
    for name in ("state", "accepted_by_steward", "errors", "deletions", "rejections", "restamped", "readable", "older"):
        create_parquet_view(duck, name, folder / f"{name}.parquet")


def _write_rows(duck: Any, folder: Path, outcomes: list[Path]) -> None:
    """Write the rows to load, one file per chunk; records stay in the outcomes and are found by their row number."""
    shutil.rmtree(folder / ROWS_FOLDER, ignore_errors=True)
    write_parquet(duck, "plain_rows", folder / ROWS_FOLDER / "plain.parquet")
    query = _ROWS_SQL.read_text(encoding="utf-8")
    for path in outcomes:
        create_parquet_view(duck, "chunk", path, more=", file_row_number = true")
        duck.execute("SET VARIABLE file = ?", [str(path)])
        write_parquet(duck, f"({query})", folder / ROWS_FOLDER / path.name)


def _read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a small file."""
    with pq.ParquetFile(path) as file:  # pq.read_table would import pandas
        rows: list[dict[str, Any]] = file.read().to_pylist()
    return rows
