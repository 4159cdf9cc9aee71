"""Keep the gate's results as JSON and a page for each run, of the newest thirty runs of each feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from loaders.reports.page import write_pages
from loaders.reports.texts import LANGUAGES, reason_fact
from schemas import Reason

_MAX_RUNS_PER_FEED = 30


def read_gate_results(reports_dir: Path, run_id: str) -> dict[str, Any] | None:
    """Return the results of a run's gate; None when they are not kept: the run changed nothing, or is too old."""
    try:
        results: dict[str, Any] = msgspec.json.decode((reports_dir / "gate" / f"{run_id}.json").read_bytes())["results"]
    except (FileNotFoundError, msgspec.DecodeError, KeyError):
        return None
    return results


def write_gate_results(
    reports_dir: Path,
    run_id: str,
    held: bool,
    reasons: Sequence[Reason | str],
    results: Mapping[str, Any],
    languages: Sequence[str] = LANGUAGES,
) -> list[Path]:
    """Write gate/<run>.html in each language and gate/<run>.json, and delete the oldest of the feed beyond thirty."""
    folder = reports_dir / "gate"
    facts = {
        "run": run_id,
        "held": held,
        "reasons": [reason_fact(reason) for reason in reasons],
        "results": dict(results),
    }
    written = write_pages(folder, run_id, "gate.html", facts, languages)
    runs = sorted(path.stem for path in folder.glob(f"{run_id.rpartition('-')[0]}-*.json"))
    for old_run in runs[:-_MAX_RUNS_PER_FEED]:
        for path in folder.glob(f"{old_run}.*"):
            path.unlink()
    return written
