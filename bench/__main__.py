"""`make bench [N=20000]`: the whole job over N generated records served on loopback, stage by stage.

Prints records a second and peak memory of each stage and of the whole, and saves them as JSON under
ELIB_HOME/bench. Library imports are printed apart: Airflow pays them once a task.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from bench.stages import FEED, STAGES
from schemas import ROOT, environment


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--records", type=int, default=20_000)
    arguments.add_argument("--page-size", type=int, default=100)
    said = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="elib-bench-") as folder, generated(said.records, said.page_size) as url:
        home = Path(folder)
        figures = run_job(home, url)
    show(figures, said.records)
    save(figures, said.records)
    return 0


@contextlib.contextmanager
def generated(records: int, page_size: int) -> Iterator[str]:
    """The address of a repository of generated records, served by a process of its own."""
    command = [sys.executable, "-m", "samples.generate", "--records", str(records), "--page-size", str(page_size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def run_job(home: Path, url: str) -> list[dict[str, Any]]:
    """The figures of every stage in turn, over a fresh home with one feed."""
    (home / "feeds").mkdir()
    (home / "feeds" / f"{FEED}.toml").write_text(feed_file(url), encoding="utf-8")
    variables = {
        **os.environ,
        "ELIB_HOME": str(home),
        "ELIB_FEEDS": str(home / "feeds"),
        "ELIB_ALLOW_PRIVATE": "127.0.0.1",
        "ELIB_CATALOG_URL": os.environ.get("BENCH_CATALOG_URL", f"sqlite:///{home / 'catalog.db'}"),
        "PYTHONPATH": str(ROOT),
    }
    migrate = "from loaders.catalog import migrate; from schemas import environment; migrate(environment())"
    subprocess.run([sys.executable, "-c", migrate], env=variables, cwd=ROOT, check=True)
    with create_engine(variables["ELIB_CATALOG_URL"]).connect() as connection:
        if connection.execute(text("SELECT 1 FROM source_record LIMIT 1")).first():
            raise SystemExit("BENCH_CATALOG_URL: this catalog holds records; name an empty database")
    figures = []
    for name in STAGES:
        print(f"{name} …", end=" ", flush=True, file=sys.stderr)
        ended = subprocess.run(
            [sys.executable, "-m", "bench.stages", name],
            env=variables,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise SystemExit(f"the stage {name} ended with code {ended.returncode}")
        figures.append(json.loads(ended.stdout.strip().splitlines()[-1]))
    print(file=sys.stderr)
    return figures


def feed_file(url: str) -> str:
    return (
        'title = "Generated records"\npartner = "Bench"\nprotocol = "oai_pmh"\nformat = "oai_dc"\n'
        f'url = "{url}"\n[request]\nrate = 100000\n'
    )


def show(figures: list[dict[str, Any]], records: int) -> None:
    print(f"{records} records; {machine()}")
    print(f"{'stage':10} {'records/s':>10} {'seconds':>9} {'imports s':>10} {'peak MB':>8}")
    for row in figures:
        rate = row["records"] / row["seconds"] if row["seconds"] else 0
        print(f"{row['stage']:10} {rate:10.0f} {row['seconds']:9.2f} {row['imports']:10.2f} {row['peak_mb']:8.0f}")
    seconds, imports = (sum(row[key] for row in figures) for key in ("seconds", "imports"))
    peak = max(row["peak_mb"] for row in figures)
    print(f"{'whole':10} {records / seconds:10.0f} {seconds:9.2f} {imports:10.2f} {peak:8.0f}")


def save(figures: list[dict[str, Any]], records: int) -> None:
    folder = environment().home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    at = datetime.datetime.now(datetime.UTC)
    path = folder / f"job-{at:%Y%m%dT%H%M%SZ}.json"
    whole = {"at": at.isoformat(timespec="seconds"), "machine": machine(), "records": records, "stages": figures}
    path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    print(f"saved in {path}")


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
