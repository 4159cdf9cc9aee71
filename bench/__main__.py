"""`make bench [N=20000]`: the whole job over N generated records served on loopback, stage by stage.

Prints records per second and peak memory of each stage, and the whole job as a multiple of the time that sickle's own
record iterator takes for the same records in the same run: figures of different hours and machines compare by it.
Saves all as JSON under ELIB_HOME/bench. Library imports are timed apart: Airflow pays them once per task.
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

Figures = dict[str, Any]


def main() -> int:
    """Run the job over generated records and print its figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--page-size", type=int, default=100)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="elib-bench-") as folder,
        generated(arguments.records, arguments.page_size) as url,
    ):
        sickle = _time_sickle(url, Path(folder))
        stages = _run_job(Path(folder), url)
    _show(stages, sickle, arguments.records)
    _save(stages, sickle, arguments.records)
    return 0


@contextlib.contextmanager
def generated(records: int, page_size: int) -> Iterator[str]:
    """Serve generated records from a process of its own; yield the repository's address."""
    command = [sys.executable, "-m", "samples.generate", "--records", str(records), "--page-size", str(page_size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _time_sickle(url: str, home: Path) -> Figures:
    """Time sickle's iterator over the whole list, in a process of its own, before and with nothing else at work."""
    command = [sys.executable, "-m", "bench.harvest_clients", "sickle", url, str(home), "0"]
    return _last_line(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True))


def _run_job(home: Path, url: str) -> list[Figures]:
    """Run every stage in turn over a fresh home with one feed; return the figures of each."""
    (home / "feeds").mkdir()
    (home / "feeds" / f"{FEED}.toml").write_text(_feed_file(url), encoding="utf-8")
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
    for stage in STAGES:
        print(f"{stage} …", end=" ", flush=True, file=sys.stderr)
        command = [sys.executable, "-m", "bench.stages", stage]
        ended = subprocess.run(command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"the stage {stage} ended with code {ended.returncode}")
        figures.append(_last_line(ended))
    print(file=sys.stderr)
    return figures


def _last_line(ended: subprocess.CompletedProcess[str]) -> Figures:
    figures: Figures = json.loads(ended.stdout.strip().splitlines()[-1])
    return figures


def _feed_file(url: str) -> str:
    return (
        'title = "Generated records"\npartner = "Bench"\nprotocol = "oai_pmh"\nformat = "oai_dc"\n'
        f'url = "{url}"\n[request]\nrate = 100000\n'
    )


def _show(stages: list[Figures], sickle: Figures, records: int) -> None:
    print(f"{records} records; {machine()}")
    print(f"{'stage':10} {'records/s':>10} {'seconds':>9} {'× sickle':>9} {'imports s':>10} {'peak MB':>8}")
    seconds, imports = (sum(row[key] for row in stages) for key in ("seconds", "imports"))
    whole = {"stage": "whole", "records": records, "seconds": seconds, "imports": imports}
    whole["peak_mb"] = max(row["peak_mb"] for row in stages)
    for row in [{**sickle, "stage": "sickle"}, *stages, whole]:
        rate = row["records"] / row["seconds"] if row["seconds"] else 0
        times = row["seconds"] / sickle["seconds"]
        print(
            f"{row['stage']:10} {rate:10.0f} {row['seconds']:9.2f} {times:9.2f} {row['imports']:10.2f}"
            f" {row['peak_mb']:8.0f}"
        )
    print(f"The whole job takes {seconds / sickle['seconds']:.1f} times as long as sickle's iterator over its records.")


def _save(stages: list[Figures], sickle: Figures, records: int) -> None:
    folder = environment().home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    at = datetime.datetime.now(datetime.UTC)
    path = folder / f"job-{at:%Y%m%dT%H%M%SZ}.json"
    saved = {"at": at.isoformat(timespec="seconds"), "machine": machine(), "records": records}
    path.write_text(json.dumps({**saved, "sickle": sickle, "stages": stages}, indent=1), encoding="utf-8")
    print(f"saved in {path}")


def machine() -> str:
    """Describe the machine that the figures come from."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
