"""One DAG per feed file: harvest, plan, transform (mapped over chunks), check, stage, gate, load.

Reading this file never raises: a feed file that makes no DAG is reported by feed_errors.py. Every task that writes the
catalog runs in the pool; a harvest, which may last for hours, does not (decision 010).

When Airflow reads this file to run a task, it says which DAG it wants, and only that one is built; if its feed file
broke since the run began, it is built from the feed's last good declaration.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from airflow.sdk import DAG, Param, get_parsing_context, task
from airflow.sdk.definitions.timetables.trigger import CronTriggerTimetable

from dags.after_failure import notice_failure
from dags.one_sentence import ends_in_one_sentence
from dags.retrying import retries
from dags.steps import add_steps
from schemas import BadFeed, Environment, Feed, FeedFolders, environment, read_feeds

log = logging.getLogger("elib.feed")
_MAX_TAG_CHARS = 100  # Airflow refuses a DAG with a longer tag
_FULL = "Ask the partner for the whole list again, not only for what is new since the last harvest."


def make_dag(feed: Feed, *, is_registered: bool = False) -> DAG:
    """Return the DAG `feed_<name>`, on the feed file's schedule, one run at a time; a paused feed has no schedule.

    That of a feed whose registration a steward accepted runs without being unpaused first.
    """
    schedule = CronTriggerTimetable(feed.schedule, timezone="UTC") if feed.status != "paused" else None
    with DAG(
        dag_id=f"feed_{feed.name}",
        dag_display_name=feed.title,
        description=f"{feed.partner}: {feed.protocol} {feed.url}",
        doc_md=feed.note or None,
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        tags=["feed", feed.protocol, feed.partner[:_MAX_TAG_CHARS]],
        default_args=retries(),
        params={"full": Param(False, type="boolean", title="Full harvest", description=_FULL)},
        on_failure_callback=notice_failure(feed.name),
        is_paused_upon_creation=False if is_registered else None,
        auto_register=False,  # Airflow finds it as a global of this file; feed_errors.py must not show it again
    ) as dag:
        _add_tasks(feed)
    return dag


def _add_tasks(feed: Feed) -> None:
    @task(task_id="harvest", execution_timeout=timedelta(seconds=feed.request.budget + 3600))
    def harvest(**context: Any) -> dict[str, Any]:
        from dags import activity, find_connection
        from pipeline.airflow_inputs import feed_credentials, wants_full
        from pipeline.feed import harvest as body

        conf = context["dag_run"].conf
        with ends_in_one_sentence(feed.name):
            return body(
                feed.name,
                full=lambda: wants_full(conf),
                credentials=lambda: feed_credentials(feed.connection, find_connection),
                dag=f"feed_{feed.name}",
                is_dag_active=activity(context),
            )

    add_steps(cast(Any, harvest()))


def build(folders: Path | FeedFolders, only: str | None = None) -> tuple[list[DAG], list[str]]:
    """Return the DAG of every good feed file in name order, and one line per file that makes none. Never raises.

    `only` is the id of the one DAG that is wanted.
    """
    feeds, bad_files = read_feeds(folders)
    built: list[DAG] = []
    problems = [f"{error.path.name}: {error.sentence}" for error in bad_files]
    for feed in feeds:
        if only not in {None, f"feed_{feed.name}"}:
            continue
        try:
            built.append(make_dag(feed, is_registered=_is_registered(feed, folders)))
        except Exception as error:
            problems.append(f"{feed.name}.toml: {type(error).__name__}: {error}")
    return built, problems


def _is_registered(feed: Feed, folders: Path | FeedFolders) -> bool:
    """Return whether the feed's file is among those that this installation writes itself."""
    folder = (folders / f"{feed.name}.toml").parent
    return os.path.realpath(folder) == os.path.realpath(environment().registered_feeds)


def _dag_of_last_declaration(env: Environment, dag_id: str) -> list[DAG]:
    """Return the DAG of a feed whose file broke while a run of it continues, so that the run's tasks are found.

    Only for a task's process, which may read the catalog; parsing may not. Empty where the catalog keeps no
    declaration: Airflow then says that there is no such DAG.
    """
    if not dag_id.startswith("feed_"):
        return []
    from sqlalchemy.exc import SQLAlchemyError

    from pipeline.feed import load_feed

    try:
        return [make_dag(load_feed(env, dag_id.removeprefix("feed_")))]
    except (BadFeed, SQLAlchemyError) as error:
        log.warning("%s: no DAG, and no earlier declaration: %s", dag_id, error)
        return []


wanted_dag = get_parsing_context().dag_id
dags, problems = build(environment().feeds, only=wanted_dag)
if wanted_dag and not dags:
    dags = _dag_of_last_declaration(environment(), wanted_dag)
globals().update({dag.dag_id: dag for dag in dags})
