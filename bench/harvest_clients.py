"""Measure one client over a whole list: `python -m bench.harvest_clients NAME URL HOME RUN` prints its figures.

Library imports are measured apart: Airflow pays them once per task.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.stages import peak_megabytes
from schemas import Feed, environment

_FEED = "bench"
_IMPORTS = {
    "ours": ["harvesters.oai_pmh", "loaders.landing", "pandas"],  # pandas: pyarrow imports it
    "sickle": ["sickle"],
}
_REQUEST = {"rate": 100_000, "retries": 2, "backoff": 0.1}


def ours(url: str, home: Path, run: int) -> Callable[[], int]:
    """Return a function that harvests into landing, resuming what lies there, and returns the records it listed."""
    from harvesters import harvest
    from loaders.landing import ask, land

    env = environment({"ELIB_HOME": str(home), "ELIB_ALLOW_PRIVATE": "127.0.0.1"})
    declared = {"name": _FEED, "title": "Generated", "partner": "Bench", "protocol": "oai_pmh", "format": "oai_dc"}
    feed = Feed.model_validate({**declared, "url": url, "request": _REQUEST})

    def measured() -> int:
        question = ask(env.landing, feed)
        return land(env.landing, feed, f"{_FEED}-{run:04d}", harvest(feed, question, env), ask=question).listed

    return measured


def sickle(url: str, home: Path, run: int) -> Callable[[], int]:
    """Return a function that walks sickle's own iterator of records and does nothing with them."""
    from sickle import Sickle

    return lambda: sum(1 for _ in Sickle(url).ListRecords(metadataPrefix="oai_dc"))


CLIENTS: dict[str, Callable[[str, Path, int], Callable[[], int]]] = {"ours": ours, "sickle": sickle}


def parts(home: Path) -> Iterator[dict[str, Any]]:
    """Yield every landed row below a home."""
    from loaders.landing import part_paths, read_rows

    for folder in sorted((home / "landing" / _FEED).glob(f"{_FEED}-*")):
        for path in part_paths(folder):
            yield from read_rows(path, ["identifier", "sha256", "kept", "payload"])


def main(name: str, url: str, home: str, run: str) -> None:
    """Run a client and print its figures as one JSON line."""
    started = time.perf_counter()
    for library in _IMPORTS[name]:
        importlib.import_module(library)
    measured = CLIENTS[name](url, Path(home), int(run))
    began, worked = time.perf_counter(), time.process_time()
    records = measured()
    figures = {
        "client": name,
        "records": records,
        "imports": began - started,
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - worked,
        "peak_mb": peak_megabytes(),
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
