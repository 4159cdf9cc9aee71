"""One feed's DAG: harvest, plan, transform (mapped over chunks), check, stage, gate, load.

Whatever writes the catalog in its work runs in the pool; a harvest, which may last for hours, does not (decision 010).
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, Asset, task
from airflow.sdk.definitions.timetables.trigger import CronTriggerTimetable
from airflow.sdk.exceptions import AirflowSkipException

from commands.setup import POOL
from dags.run_conf import wants_full
from schemas import BadFeed, Environment, Feed, read_feeds

LOADED = Asset(name="catalog_loaded", uri="elib://catalog/loaded")
log = logging.getLogger("elib.feed")


def feed_dag(feed: Feed) -> DAG:
    """The DAG `feed_<name>`: scheduled by the feed file, never two runs at once; paused feeds have no schedule."""
    schedule = CronTriggerTimetable(feed.schedule, timezone="UTC") if feed.status != "paused" else None
    with DAG(
        dag_id=f"feed_{feed.name}",
        dag_display_name=feed.title,
        description=f"{feed.partner}: {feed.protocol} {feed.url}",
        doc_md=feed.note or None,
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        tags=["feed", feed.protocol, feed.partner],
        default_args={"retries": 0},
        auto_register=False,  # feeds.py names it; feed_errors.py builds it only to see that it can be built
    ) as dag:
        _tasks(feed)
    return dag


def _tasks(feed: Feed) -> None:
    name = feed.name

    @task(task_id="harvest", execution_timeout=timedelta(seconds=feed.request.budget + 3600))
    def harvest(**context: Any) -> dict[str, Any]:
        from pipeline.feed import harvest as body

        conf = context["dag_run"].conf
        return body(name, full=lambda: wants_full(conf), credentials=lambda: _credentials(feed.connection))

    @task(task_id="plan", pool=POOL)
    def plan(run: dict[str, Any]) -> list[str]:
        from pipeline.feed import plan as body

        return body(name, run["run_id"])

    @task(task_id="transform", max_active_tis_per_dagrun=2)
    def transform(chunk: str) -> dict[str, int]:
        from pipeline.feed import transform as body

        return body(name, chunk)

    @task(task_id="check", trigger_rule="none_failed")
    def check(run: dict[str, Any]) -> int:
        from pipeline.feed import check as body

        return body(name, run["run_id"])

    @task(task_id="stage", pool=POOL)
    def stage(run: dict[str, Any]) -> dict[str, int]:
        from pipeline.feed import stage as body

        return body(name, run["run_id"])

    @task(task_id="gate", pool=POOL)
    def gate(run: dict[str, Any], counts: dict[str, int]) -> bool:
        from pipeline.feed import gate as body

        return body(name, run["run_id"], counts)

    @task(task_id="load", pool=POOL, outlets=[LOADED])
    def load(run: dict[str, Any], passed: bool) -> dict[str, int]:
        from pipeline.feed import load as body

        if not passed:
            raise AirflowSkipException(f"{run['run_id']} is held: python -m loaders.review")
        return body(name, run["run_id"], passed)

    run = harvest()
    chunks = plan(run)
    mapped = transform.expand(chunk=chunks)
    checked, counts = check(run), stage(run)
    mapped >> checked >> counts
    load(run, gate(run, counts))


def _credentials(connection: str | None) -> dict[str, str]:
    """What the feed's Airflow connection holds; nothing when the feed names none. Raises HarvestFailed."""
    if connection is None:
        return {}
    from dags.connections import BadConnection, read_connection
    from harvesters.causes import failed
    from harvesters.client import credentials

    try:
        opened = read_connection(connection)
    except BadConnection as error:
        raise failed("blocked", str(error)) from None
    return credentials(opened.connection.login, opened.connection.password, opened.extra)


def build(folder: Path, only: str | None = None) -> tuple[list[DAG], list[str]]:
    """The DAG of every good feed file in name order, and one line for every file that makes none. Never raises.

    `only` is the id of the one DAG that is wanted.
    """
    feeds, bad = read_feeds(folder)
    dags: list[DAG] = []
    problems = [f"{error.path.name}: {error.sentence}" for error in bad]
    for feed in feeds:
        if only not in {None, f"feed_{feed.name}"}:
            continue
        try:
            dags.append(feed_dag(feed))
        except Exception as error:
            problems.append(f"{feed.name}.toml: {type(error).__name__}: {error}")
    return dags, problems


def dag_of_last_declaration(env: Environment, dag_id: str) -> list[DAG]:
    """The DAG of a feed whose file broke while a run of it goes on: what the run's tasks are found in.

    Only for a task's process, which may ask the catalog; the parsing of DAG files may not. Nothing where the catalog
    keeps no declaration: Airflow then says that there is no such DAG.
    """
    if not dag_id.startswith("feed_"):
        return []
    from sqlalchemy.exc import SQLAlchemyError

    from loaders.declarations import feed_in_use

    try:
        return [feed_dag(feed_in_use(env, dag_id.removeprefix("feed_")))]
    except (BadFeed, SQLAlchemyError) as error:
        log.warning("%s: no DAG, and no earlier declaration: %s", dag_id, error)
        return []
