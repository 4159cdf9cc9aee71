"""`make bench [N=20000]`: three nights over N generated records served on loopback, stage by stage.

The nights: the first, an identical one, and one in which every hundredth record has another version; the second and
third harvest what is new since the night before. Prints records per second and peak memory of each stage, and each
night as a multiple of the time that sickle's own record iterator takes for the same records in the same run: figures
of different hours and machines compare by it. Saves all as JSON under ELIB_HOME/bench, after every stage; with --up-to
also nights.md and nights.svg there, the table and the chart of all sizes. Library imports are timed apart: Airflow pays
them once per task.
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

from bench import nights_chart
from bench.stages import FEED, STAGES
from schemas import ROOT, environment

Figures = dict[str, Any]
SICKLE_RECORDS = 100_000
NIGHTS = {"first": 0.0, "identical": 0.0, "changed": 0.01}  # and the share of the records that it changes


def main() -> int:
    """Run three nights over generated records of each size and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--up-to", action="store_true", help="also every power of ten from 10,000 below --records")
    parser.add_argument("--page-size", type=int, default=100)
    parser.add_argument("--nights", type=int, default=len(NIGHTS), help="how many of the three nights")
    arguments = parser.parse_args()
    folder = environment().home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    sizes = sizes_up_to(arguments.records) if arguments.up_to else [arguments.records]
    jobs = [_run_job(folder, records, arguments.page_size, arguments.nights) for records in sizes]
    if arguments.up_to:
        nights_chart.write(folder, jobs)
        print(f"table in {folder / nights_chart.TABLE}, chart in {folder / nights_chart.CHART}")
    return 0


def sizes_up_to(records: int) -> list[int]:
    """Return the powers of ten from 10,000 that are below a number of records, and that number."""
    return [size for size in (10**exponent for exponent in range(4, 8)) if size < records] + [records]


def _run_job(folder: Path, records: int, page_size: int, nights: int) -> Figures:
    """Time sickle and the nights of one size, print and return their figures; save them after every stage."""
    at = datetime.datetime.now(datetime.UTC)
    path = folder / f"job-{at:%Y%m%dT%H%M%SZ}-{records}.json"
    job: Figures = {"at": at.isoformat(timespec="seconds"), "machine": machine(), "records": records}
    with tempfile.TemporaryDirectory(prefix="elib-bench-") as home:
        job["sickle"] = _time_sickle(records, page_size, Path(home))
        job["nights"] = {}
        for night, stages in _run_nights(Path(home), records, page_size, nights):
            job["nights"][night] = stages
            job["catalog_bytes"] = sum(file.stat().st_size for file in Path(home).glob("catalog.db"))
            path.write_text(json.dumps(job, indent=1), encoding="utf-8")
    for night, stages in job["nights"].items():
        _show(night, stages, job["sickle"], records)
    if job["catalog_bytes"]:
        print(f"The catalog takes {job['catalog_bytes'] / records / 1000:.1f} kB per record.")
    print(f"saved in {path}")
    return job


@contextlib.contextmanager
def generated(records: int, page_size: int, *, revised: int = 0, port: int = 0) -> Iterator[str]:
    """Serve generated records from a process of its own; yield the repository's address."""
    options = {"records": records, "page-size": page_size, "revised": revised, "port": port}
    command = [sys.executable, "-m", "samples.generate"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _time_sickle(records: int, page_size: int, home: Path) -> Figures:
    """Time sickle's iterator in a process of its own, before and with nothing else at work.

    Above SICKLE_RECORDS, it walks that many, and its time is multiplied: each page costs it the same.
    """
    walked = min(records, SICKLE_RECORDS)
    with generated(walked, page_size) as url:
        command = [sys.executable, "-m", "bench.harvest_clients", "sickle", url, str(home), "0"]
        figures = _last_line(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True))
    scaled = {name: figures[name] * records / walked for name in ("seconds", "cpu_seconds")}
    return {**figures, **scaled, "records": records, "walked": walked}


def _run_nights(home: Path, records: int, page_size: int, count: int) -> Iterator[tuple[str, list[Figures]]]:
    """Run the nights one after the other over a fresh home with one feed; yield the figures so far after each stage."""
    port = 0
    variables: dict[str, str] = {}
    for night, share in list(NIGHTS.items())[:count]:
        with generated(records, page_size, revised=int(records * share), port=port) as url:
            port = int(url.rpartition(":")[2].partition("/")[0])  # another address would be another feed
            variables = variables or prepared(home, url)
            for stages in _run_stages(night, variables):
                yield night, stages


def prepared(home: Path, url: str) -> dict[str, str]:
    """Make a home with one feed and an empty catalog; return the environment of its stages."""
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
    return variables


def _run_stages(night: str, variables: dict[str, str]) -> Iterator[list[Figures]]:
    """Run every stage of a night in turn, each in a process of its own; yield the figures so far after each."""
    figures: list[Figures] = []
    for stage in STAGES:
        print(f"{night} night, {stage} …", end=" ", flush=True, file=sys.stderr)
        command = [sys.executable, "-m", "bench.stages", stage]
        ended = subprocess.run(command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"{night} night: the stage {stage} ended with code {ended.returncode}")
        figures.append(_last_line(ended))
        yield figures
    print(file=sys.stderr)


def _last_line(ended: subprocess.CompletedProcess[str]) -> Figures:
    figures: Figures = json.loads(ended.stdout.strip().splitlines()[-1])
    return figures


def _feed_file(url: str) -> str:
    return (
        'title = "Generated records"\npartner = "Bench"\nprotocol = "oai_pmh"\nformat = "oai_dc"\n'
        f'url = "{url}"\n[request]\nrate = 100000\n'
    )


def _show(night: str, stages: list[Figures], sickle: Figures, records: int) -> None:
    print(f"{night} night of {records} records; {machine()}")
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
    times = seconds / sickle["seconds"]
    print(f"The {night} night takes {times:.1f} times as long as sickle's iterator over all records.")


def machine() -> str:
    """Describe the machine that the figures come from."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
