"""An Airflow that exists already finds every DAG, set up as docs/operator.md says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas import ROOT, read_feeds

FEED_DAGS = {f"feed_{feed.name}" for feed in read_feeds(ROOT / "feeds")[0]}
OWN_DAG = "from airflow.sdk import DAG\nwith DAG('own'):\n    pass\n"


def airflow(home: Path, variables: dict[str, str], *words: str) -> str:
    """Return what an airflow command prints as JSON, in a fresh AIRFLOW_HOME and with these variables only."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_", "PYTHON"))}
    given = {"AIRFLOW_HOME": str(home / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    ran = subprocess.run(
        [sys.executable, "-m", "airflow", *words], cwd=home, capture_output=True, text=True, check=True, timeout=300,
        env={**clean, **given, **variables},
    )  # fmt: skip
    return ran.stdout[ran.stdout.find("[{") :] if "[{" in ran.stdout else ran.stdout


def printed_variables(home: Path) -> dict[str, str]:
    command = [sys.executable, "-m", "commands.cli", "dags-folder"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=home, capture_output=True, text=True, check=True, env=environment)
    return dict(line.split("=", 1) for line in ran.stdout.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("beside_own_dags", [False, True], ids=["dags folder", "bundle"])
def test_an_existing_airflow_finds_every_dag_without_import_errors(tmp_path: Path, beside_own_dags: bool) -> None:
    variables, options = printed_variables(tmp_path), ["--local"]
    if beside_own_dags:
        own = tmp_path / "own"
        own.mkdir()
        (own / "own.py").write_text(OWN_DAG)
        bundles = {"dags-folder": str(own), "elib": variables["AIRFLOW__CORE__DAGS_FOLDER"]}
        local = "airflow.dag_processing.bundles.local.LocalDagBundle"
        options += ["--bundle-name", "dags-folder", "--bundle-name", "elib"]
        variables["AIRFLOW__CORE__DAGS_FOLDER"] = str(own)
        variables["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
            [{"name": name, "classpath": local, "kwargs": {"path": path}} for name, path in bundles.items()]
        )
    airflow(tmp_path, variables, "db", "migrate")
    assert "No data found" in airflow(tmp_path, variables, "dags", "list-import-errors", *options)
    listed = {dag["dag_id"] for dag in json.loads(airflow(tmp_path, variables, "dags", "list", *options, "-o", "json"))}
    assert listed == FEED_DAGS | {"catalog"} | ({"own"} if beside_own_dags else set())
