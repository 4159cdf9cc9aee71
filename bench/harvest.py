"""`python -m bench.harvest [--records N] [--kills K]`: the harvest into landing, beside sickle's own iterator.

Records are served 100 a page on loopback by a process of its own (above 100 000 records the server renders each page
on request, which costs more than reading it). Each client runs in a process of its own, in turn, in the same run on the
same machine. With --kills the harvest is ended by SIGKILL at random moments and resumed; the landed records are then
compared with the list of those that were served. Figures are saved as JSON under ELIB_HOME/bench.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.__main__ import generated, machine
from bench.harvest_clients import CLIENTS, parts
from samples.generate import MAX_PRERENDERED_RECORDS
from samples.generated import identifier
from schemas import ROOT, environment

_TARGET_RATE = 9_000  # records/s into landing
_TARGET_MB = 300  # at a million records


def main() -> int:
    """Measure every client, and with --kills the killed harvest; return 1 when that one is not like the whole."""
    parser = argparse.ArgumentParser(prog="python -m bench.harvest", description=__doc__)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--page-size", type=int, default=100)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    killed = None
    with (
        tempfile.TemporaryDirectory(prefix="elib-bench-") as folder,
        generated(options.records, options.page_size) as url,
    ):
        clients = [_run_client(name, url, Path(folder) / name) for name in CLIENTS]
        if options.kills:
            killed = _kill_harvest(url, Path(folder), options.records, options.kills, options.seed)
    figures = {
        "records": options.records,
        "page_size": options.page_size,
        "rendered_on_demand": options.records > MAX_PRERENDERED_RECORDS,
        "clients": clients,
        "killed": killed,
    }
    _show(figures)
    _save(figures)
    return int(killed is not None and any(killed[name] for name in ("lost", "foreign", "twice", "different")))


def _start(name: str, url: str, home: Path, run: int = 1) -> subprocess.Popen[str]:
    """Start a client in a process of its own; it prints its figures, and nothing before them."""
    command = [sys.executable, "-m", "bench.harvest_clients", name, url, str(home), str(run)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _run_client(name: str, url: str, home: Path) -> dict[str, Any]:
    with _start(name, url, home) as client:
        out, _ = client.communicate()
    if client.returncode:
        raise SystemExit(f"{name} ended with code {client.returncode}")
    return dict(json.loads(out))


def _kill_harvest(url: str, folder: Path, records: int, kills: int, seed: int) -> dict[str, Any]:
    """Kill the harvest at random moments, go on until it is complete, and compare it with the uninterrupted one."""
    chance = random.Random(seed)
    home = folder / "killed"
    run = done = 0
    while True:
        run += 1
        with _start("ours", url, home, run) as harvest:
            if done < kills and _killed(harvest, home, chance.uniform(0.2, 1.0) * records / (kills + 1)):
                done += 1
                continue
            out, _ = harvest.communicate()
            if harvest.returncode:
                raise SystemExit(f"the harvest ended with code {harvest.returncode}")
            peak = json.loads(out)["peak_mb"]
            break
    return {"kills": done, "runs": run, **_compare(home, folder / "ours", records), "peak_mb_of_the_last_run": peak}


def _killed(harvest: subprocess.Popen[str], home: Path, after: float) -> bool:
    """Kill the harvest once it has landed about `after` more records; return False when it ended before."""
    before = _landed(home)
    while harvest.poll() is None:
        if _landed(home) - before >= after:
            time.sleep(random.random() * 0.5)
            harvest.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)  # between two counts; the moment of the kill is random
    return harvest.wait() == -signal.SIGKILL


def _landed(home: Path) -> int:
    """Estimate the number of landed records."""
    return sum(1 for _ in home.glob("landing/*/*/part-*.parquet")) * 5_000


def _compare(home: Path, whole: Path, records: int) -> dict[str, Any]:
    """Compare what was landed in pieces with what was served, and each payload with the uninterrupted harvest's."""
    killed, uninterrupted = _Landing(home), _Landing(whole)
    served = {_digest(identifier(number)) for number in range(records)}
    return {
        "rows": killed.rows,
        "lost": len(served - killed.payloads.keys()),
        "foreign": len(killed.payloads.keys() - served),
        "listed_again": killed.rows - len(killed.payloads),  # headers of a window that was requested again
        "twice": killed.kept - len(killed.payloads),  # payloads that lie in landing more than once
        "different": sum(payload != uninterrupted.payloads.get(name) for name, payload in killed.payloads.items()),
    }


class _Landing:
    """Landed records: counts of rows and of kept payloads, and digest of identifier → digest of payload."""

    def __init__(self, home: Path) -> None:
        self.rows = self.kept = 0
        self.payloads: dict[bytes, bytes] = {}
        for row in parts(home):
            self.rows += 1
            self.kept += row["kept"]
            name = _digest(row["identifier"])
            if row["kept"]:
                self.payloads[name] = _digest(row["payload"])
            self.payloads.setdefault(name, b"")


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()[:16]


def _show(figures: dict[str, Any]) -> None:
    demand = ", each page rendered on request" if figures["rendered_on_demand"] else ""
    print(f"{figures['records']} records, {figures['page_size']} a page{demand}; {machine()}")
    print(f"{'client':10} {'records/s':>10} {'seconds':>9} {'CPU us/record':>14} {'imports s':>10} {'peak MB':>8}")
    for row in figures["clients"]:
        spent = row["cpu_seconds"] / row["records"] * 1e6
        rate = row["records"] / row["seconds"]
        times = f"{row['seconds']:9.2f} {spent:14.0f} {row['imports']:10.2f}"
        print(f"{row['client']:10} {rate:10.0f} {times} {row['peak_mb']:8.0f}")
    print(f"target: ours {_TARGET_RATE} records/s or better, less than {_TARGET_MB} MB at a million records")
    if figures["killed"]:
        print("killed: " + ", ".join(f"{name} {value}" for name, value in figures["killed"].items()))


def _save(figures: dict[str, Any]) -> None:
    folder = environment().home / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC)
    path = folder / f"harvest-{at:%Y%m%dT%H%M%SZ}.json"
    whole = {"at": at.isoformat(timespec="seconds"), "machine": machine(), **figures}
    path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    print(f"saved in {path}")


if __name__ == "__main__":
    sys.exit(main())
