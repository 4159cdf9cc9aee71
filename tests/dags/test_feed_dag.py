"""Which tasks stand in the pool of the catalog, and that setting up makes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas import ROOT
from tests.pipeline.feeds import FEED

PROGRAM = """
import json
import os
from commands.airflow_home import prepare
from schemas import environment
env = environment()
prepare(env)
from commands.setup import set_up
set_up(env)
set_up(env)
from airflow.models.pool import Pool
from airflow.utils.session import create_session
from dags.catalog import dag
from dags.feeds import build
from dags.reprocess import dag as reprocess
feeds, problems = build(env.feeds)
with create_session() as session:
    slots = {pool.pool: pool.slots for pool in session.query(Pool)}
tasks = {one.dag_id: {task.task_id: task.pool for task in one.tasks} for one in [*feeds, dag, reprocess]}
transforms = {dag.get_task("transform").partial_kwargs["max_active_tis_per_dagrun"] for dag in feeds}
os.environ["ELIB_TRANSFORMS_PER_FEED"] = "many"
refused = build(env.feeds)[1]
unpaused = [one.dag_id for one in feeds if one.is_paused_upon_creation is False]
settings = {"transforms": list(transforms), "refused": refused}
print(json.dumps({**settings, "unpaused": unpaused, "slots": slots, "tasks": tasks, "problems": problems}))
"""
STEPS = {"plan", "stage", "gate", "load"}
WRITERS = {"feed": STEPS, "catalog": {"publish"}, "reprocess": {"begin", *STEPS}}


@pytest.mark.slow
def test_tasks_that_write_the_catalog_use_its_pool_and_harvests_do_not(tmp_path: Path) -> None:
    """And of all feeds only the one that a partner registered runs without being unpaused first.

    How many chunks of a feed are transformed at once is a setting, and nonsense in it makes no DAG and is named.
    """
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "registered.toml").write_text(FEED.replace("Example University", "University " * 30))
    folders = os.pathsep.join([str(ROOT / "feeds"), str(tmp_path / "feeds")])
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_"))}
    settings = {"ELIB_HOME": str(tmp_path), "ELIB_FEEDS": folders, "ELIB_TRANSFORMS_PER_FEED": "5"}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**clean, **settings, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    parsed = json.loads(ran.stdout.splitlines()[-1])
    assert parsed["slots"]["catalog"] == 1 and parsed["problems"] == []
    assert parsed["unpaused"] == ["feed_registered"]
    assert len(parsed["tasks"]) > 10
    assert parsed["transforms"] == [5]
    assert len(parsed["refused"]) > 10
    assert all("ELIB_TRANSFORMS_PER_FEED: 'many' is not a whole number from 1 on" in line for line in parsed["refused"])
    for dag, tasks in parsed["tasks"].items():
        assert {name for name, pool in tasks.items() if pool == "catalog"} == WRITERS[dag.partition("_")[0]], dag
