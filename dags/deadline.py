"""The DAG `deadline`: at the hour of ELIB_READY_BY, says so when the catalog is not ready. No hour, no DAG."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task
from airflow.sdk.definitions.timetables.trigger import CronTriggerTimetable

from pipeline.notifications import VARIABLE, read_hour

hour = read_hour(os.environ.get(VARIABLE, ""))

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
            from pipeline.notifications import check_ready, read_hour
            from schemas import environment

            declared = read_hour(os.environ.get(VARIABLE, ""))
            due = context["dag_run"].run_after  # a task that begins late, even after midnight, looks at its own day
            return check_ready(environment(), declared, now=due) if declared else "no hour is declared"

        ready()
