"""The gate's results, kept as JSON and a page for each run, the newest thirty of each feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loaders.reports.page import LANGUAGES, write_pages
from loaders.reports.reasons import Said, facts_of

_KEPT = 30  # runs of a feed


def keep_gate(
    reports_dir: Path,
    run_id: str,
    held: bool,
    reasons: Sequence[Said],
    results: Mapping[str, Any],
    languages: Sequence[str] = LANGUAGES,
) -> list[Path]:
    """Write gate/<run>.html in each language and gate/<run>.json, and remove the oldest of the feed past thirty."""
    folder = reports_dir / "gate"
    facts = {
        "run": run_id,
        "held": held,
        "reasons": [facts_of(one) for one in reasons],
        "results": dict(results),
    }
    written = write_pages(folder, run_id, "gate.html", facts, languages)
    _forget(folder, run_id.rpartition("-")[0])
    return written


def _forget(folder: Path, feed: str) -> None:
    """Remove the results of all runs of a feed but the newest."""
    runs = sorted(path.stem for path in folder.glob(f"{feed}-*.json"))
    for run in runs[:-_KEPT]:
        for path in folder.glob(f"{run}.*"):
            path.unlink()
