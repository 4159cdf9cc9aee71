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


def run(home: Path, variables: dict[str, str], module: str, *words: str) -> str:
    """Return what a command prints, in a fresh AIRFLOW_HOME and with these variables only."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_", "PYTHON"))}
    given = {"AIRFLOW_HOME": str(home / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "ELIB_HOME": str(home)}
    ran = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=home, capture_output=True, text=True, check=True, timeout=900,
        env={**clean, **given, **variables},
    )  # fmt: skip
    return ran.stdout


def airflow(home: Path, variables: dict[str, str], *words: str) -> str:
    return run(home, variables, "airflow", *words)


def elib(home: Path, variables: dict[str, str], *words: str) -> str:
    return run(home, {"PYTHONPATH": str(ROOT), **variables}, "commands.cli", *words)


def rows(printed: str) -> list[dict[str, str]]:
    """Return the JSON that an airflow command prints after its warnings."""
    parsed: list[dict[str, str]] = json.loads(printed[printed.index("[{") :])
    return parsed


@pytest.fixture(scope="module")
def existing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An Airflow that was set up for these DAGs: its home, and the variables that it is given."""
    home = tmp_path_factory.mktemp("existing")
    lines = elib(home, {}, "dags-folder").splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    elib(home, variables, "setup", "--existing-airflow")
    return home, variables


@pytest.mark.slow
def test_setting_up_an_existing_airflow_makes_the_pool(existing: tuple[Path, dict[str, str]]) -> None:
    assert "catalog" in {pool["pool"] for pool in rows(airflow(*existing, "pools", "list", "-o", "json"))}


@pytest.mark.slow
@pytest.mark.parametrize("beside_own_dags", [False, True], ids=["dags folder", "bundle"])
def test_an_existing_airflow_finds_every_dag_without_import_errors(
    existing: tuple[Path, dict[str, str]], beside_own_dags: bool
) -> None:
    (home, variables), options = existing, ["--local"]
    if beside_own_dags:
        own, variables = home / "own", dict(variables)
        own.mkdir()
        (own / "own.py").write_text(OWN_DAG)
        bundles = {"dags-folder": str(own), "elib": variables["AIRFLOW__CORE__DAGS_FOLDER"]}
        local = "airflow.dag_processing.bundles.local.LocalDagBundle"
        options += ["--bundle-name", "dags-folder", "--bundle-name", "elib"]
        variables["AIRFLOW__CORE__DAGS_FOLDER"] = str(own)
        variables["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
            [{"name": name, "classpath": local, "kwargs": {"path": path}} for name, path in bundles.items()]
        )
    assert "No data found" in airflow(home, variables, "dags", "list-import-errors", *options)
    listed = {dag["dag_id"] for dag in rows(airflow(home, variables, "dags", "list", *options, "-o", "json"))}
    assert listed == FEED_DAGS | {"catalog", "downloads", "links", "reprocess"} | (
        {"own"} if beside_own_dags else set()
    )
