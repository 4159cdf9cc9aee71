"""The DAG `deadline`: notifies when the catalog is not ready at the hour of ELIB_READY_BY; without it, no DAG."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task
from airflow.sdk.definitions.timetables.trigger import CronTriggerTimetable

from dags.one_sentence import ends_in_one_sentence
from pipeline.notifications import READY_BY_VARIABLE, read_hour

hour = read_hour(os.environ.get(READY_BY_VARIABLE, ""))

if hour is not None:
    with DAG(
        dag_id="deadline",
        dag_display_name="The catalog's deadline",
        description=f"Notifies when no publication was loaded by {hour}",
        schedule=CronTriggerTimetable(hour.cron, timezone=hour.zone),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["catalog"],
    ) as dag:

        @task(task_id="ready", retries=2, retry_delay=timedelta(seconds=20))
        def ready(**context: Any) -> str:
            """Notify when the catalog is not ready by its hour."""
            from dags import find_connection
            from pipeline.airflow_inputs import notification_receiver
            from pipeline.notifications import check_ready
            from schemas import environment

            declared = read_hour(os.environ.get(READY_BY_VARIABLE, ""))
            if declared is None:
                return "no hour is declared"
            due = context["dag_run"].run_after  # a task that begins late, even after midnight, checks its own day
            with ends_in_one_sentence():
                receiver = lambda name: notification_receiver(name, find_connection)  # noqa: E731
                return check_ready(environment(), declared, receiver, due)

        ready()
