"""The gate's results, kept as JSON and a page for each run, the newest hundred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders.reports.page import LANGUAGES, write_pages

KEPT = 100  # runs


def keep_gate(
    reports_dir: Path,
    run_id: str,
    held: bool,
    reasons: Sequence[str],
    results: Mapping[str, Any],
    languages: Sequence[str] = LANGUAGES,
) -> list[Path]:
    """Write gate/<run>.html in each language and gate/<run>.json, and remove what is older than the newest hundred."""
    folder = reports_dir / "gate"
    facts = {"run": run_id, "held": held, "reasons": list(reasons), "results": dict(results)}
    written = write_pages(folder, run_id, "gate.html", facts, languages)
    forget(folder, written)
    return written


def forget(folder: Path, written: Sequence[Path]) -> None:
    """Remove the results of all runs but the newest, by their stamp."""
    runs = sorted((path.stem for path in folder.glob("*.json")), key=lambda run: run.rpartition("-")[2])
    for run in runs[:-KEPT]:
        for path in folder.glob(f"{run}.*"):
            if path not in written:
                path.unlink()
