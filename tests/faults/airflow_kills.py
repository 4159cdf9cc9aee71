"""Kill Airflow's own task processes under its scheduler; the next run makes the catalog of undisturbed nights."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.dags.real_airflow import ENDED, free_port, kill_task, signed_in, start, trigger, until
from tests.faults.nights import contents, require_equal, run_night
from tests.faults.partners import Partners, declare, serving_partners
from tests.faults.trials import Trial

FEED = "books"
STEPS = ("harvest", "load", "match", "plan", "transform", "stage", "check", "gate", "report")
_CATALOG_STEPS = ("match", "report")
_DAG = f"feed_{FEED}"


@dataclass
class Airflow:
    """An Airflow over a home, and a home in which the same nights pass undisturbed."""

    client: httpx.Client
    home: Path
    undisturbed: Path
    partners: Partners

    def run(self, dag: str) -> str:
        """Trigger a DAG and wait for the end of its run; the run's state."""
        return self.end_of(dag, trigger(self.client, dag))

    def end_of(self, dag: str, run: str) -> str:
        def ended() -> str | None:
            state = self.client.get(f"/api/v2/dags/{dag}/dagRuns/{run}").raise_for_status().json()["state"]
            return state if state in ENDED else None

        return until(ended, f"the end of {run} of {dag}")


@contextmanager
def airflow_kills(folder: Path) -> Iterator[Callable[[int], Trial]]:
    """Start an Airflow, and return the trial of each seed: every task in turn."""
    home, undisturbed, port = folder / "home", folder / "undisturbed", free_port()
    with ExitStack() as stack:
        loopback, partners = stack.enter_context(serving_partners())
        for place in (home, undisturbed):
            declare(place / "feeds", loopback.url)
            (place / "feeds" / "sheets.toml").unlink()
        process = start(home, home / "feeds", port, output=stack.enter_context((folder / "airflow.log").open("wb")))
        try:
            client = signed_in(home, port, process)
            for dag in (_DAG, "catalog"):
                until(lambda dag=dag: client.get(f"/api/v2/dags/{dag}").status_code == 200 or None, f"the DAG {dag}")
                client.patch(f"/api/v2/dags/{dag}", json={"is_paused": False}).raise_for_status()
            airflow = Airflow(client, home, undisturbed, partners)
            _require_undisturbed(airflow)

            def trial(seed: int) -> Trial:
                task = STEPS[seed % len(STEPS)]
                return Trial(f"SIGKILL of the task {task}", lambda: _killed(airflow, seed, task))

            yield trial
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(timeout=600)
            shutil.rmtree(home / "airflow" / "logs", ignore_errors=True)


def _require_undisturbed(airflow: Airflow) -> None:
    """Run a night in both homes, which must then have the same catalog."""
    assert airflow.run(_DAG) == "success", "the night after the kill failed"
    assert airflow.run("catalog") == "success", "the publication after the kill failed"
    run_night(airflow.undisturbed, [FEED]).require_success()
    require_equal(contents(airflow.home), contents(airflow.undisturbed))


def _killed(airflow: Airflow, seed: int, task: str) -> None:
    dice = random.Random(seed)
    airflow.partners.night += 1
    dag = _DAG
    if task in _CATALOG_STEPS:
        airflow.client.patch("/api/v2/dags/catalog", json={"is_paused": True}).raise_for_status()
        assert airflow.run(_DAG) == "success"
        airflow.client.patch("/api/v2/dags/catalog", json={"is_paused": False}).raise_for_status()
        dag = "catalog"
    run = trigger(airflow.client, dag)
    kill_task(airflow.client, dag, run, task, delay=dice.uniform(0, 3))
    airflow.end_of(dag, run)
    _require_undisturbed(airflow)
