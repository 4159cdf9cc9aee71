"""Run the stages of the job for `make bench`, each in a process of its own so that its memory is its own.

`python -m bench.stages NAME` runs one stage over the feed of the prepared environment and prints one JSON line:
seconds of imports (and of reading models) whenever they happen, seconds of all else, processor seconds of both,
records, peak memory in MB.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FEED = "bench"
_STATE = "bench_state.json"
_OF_CATALOG = ("match", "publish", "report")


def _state(home: Path) -> dict[str, Any]:
    path = home / _STATE
    return dict(json.loads(path.read_text())) if path.exists() else {}


def harvest(state: dict[str, Any]) -> int:
    """Harvest the feed into landing."""
    from pipeline import feed as tasks

    state["run"] = tasks.harvest(FEED)
    return int(state["run"]["listed"])


def plan(state: dict[str, Any]) -> int:
    """Plan the chunks to transform."""
    from pipeline import feed as tasks

    state["chunks"] = tasks.plan(FEED, state["run"]["run_id"])
    return int(state["run"]["listed"])


def transform(state: dict[str, Any]) -> int:
    """Transform all chunks on BENCH_WORKERS processes (2 if not set), as Airflow maps them."""
    workers = int(os.environ.get("BENCH_WORKERS", "2"))
    if workers == 1:
        return sum(_transform_one(chunk) for chunk in state["chunks"])
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        return sum(pool.map(_transform_one, state["chunks"]))


def _transform_one(chunk: str) -> int:
    from pipeline import feed as tasks

    return int(sum(tasks.transform(FEED, chunk).values()))


def check(state: dict[str, Any]) -> int:
    """Apply the batch rules."""
    from pipeline import feed as tasks

    tasks.check(FEED, state["run"]["run_id"])
    return int(state["run"]["listed"])


def stage(state: dict[str, Any]) -> int:
    """Stage what differs from the last loaded run."""
    from pipeline import feed as tasks

    state["counts"] = tasks.stage(FEED, state["run"]["run_id"])
    return int(state["counts"]["landed"])


def gate(state: dict[str, Any]) -> int:
    """Judge the staged run."""
    from pipeline import feed as tasks

    state["passed"] = tasks.gate(FEED, state["run"]["run_id"], state["counts"])
    return int(state["counts"]["landed"])


def load(state: dict[str, Any]) -> int:
    """Load the run into the catalog."""
    from pipeline import feed as tasks

    tasks.load(FEED, state["run"]["run_id"], state["passed"])
    return int(state["counts"]["landed"])


def match(state: dict[str, Any]) -> int:
    """Match and cluster the catalog."""
    from pipeline import catalog as tasks_catalog

    state["matched"] = tasks_catalog.match()
    return int(state["counts"]["landed"])


def publish(state: dict[str, Any]) -> int:
    """Publish one resource per work."""
    from pipeline import catalog as tasks_catalog

    state["published"] = tasks_catalog.publish(state["matched"])
    return int(state["counts"]["landed"])


def report(state: dict[str, Any]) -> int:
    """Write every report."""
    from pipeline import catalog as tasks_catalog

    tasks_catalog.report()
    return int(state["counts"]["landed"])


STAGES: dict[str, Callable[[dict[str, Any]], int]] = {
    run.__name__: run for run in (harvest, plan, transform, check, stage, gate, load, match, publish, report)
}


class _ImportClock:
    """Seconds spent on importing modules, by import statements, importlib or C extensions."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0
        self._load = sys.modules["_frozen_importlib"]._find_and_load
        sys.modules["_frozen_importlib"]._find_and_load = self  # type: ignore[attr-defined]

    def __call__(self, name: str, import_: Any) -> Any:
        started = time.perf_counter()
        self._depth += 1
        try:
            return self._load(name, import_)
        finally:
            self._depth -= 1
            if not self._depth:
                self.seconds += time.perf_counter() - started


def _processor_seconds() -> float:
    """Return the processor time of this process and its ended children, imports included, in seconds."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, kinds))


def peak_megabytes() -> float:
    """Return the peak memory of this process or of one of its ended children, whichever is larger."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024


def main(name: str) -> None:
    """Run a stage and print its figures as one JSON line."""
    started = time.perf_counter()
    importlib.import_module("pipeline.catalog" if name in _OF_CATALOG else "pipeline.feed")
    home = Path(os.environ["ELIB_HOME"])
    state = _state(home)
    if name == "transform" and state["run"]["listed"]:
        importlib.import_module("bench.warm").warm()
    imported = time.perf_counter()
    later = _ImportClock()
    records = STAGES[name](state)
    ended = time.perf_counter()
    (home / _STATE).write_text(json.dumps(state))
    figures = {
        "stage": name,
        "imports": imported - started + later.seconds,
        "seconds": ended - imported - later.seconds,
        "processor": _processor_seconds(),
        "records": records,
        "peak_mb": peak_megabytes(),
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
