"""The DAG `links`: check the published addresses that are due, by day, when no night runs.

ELIB_LINKS=off switches it off. It does not write in the pool: its writes are short, and it lasts for hours.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, task
from airflow.sdk.definitions.timetables.trigger import CronTriggerTimetable

from dags.one_sentence import ends_in_one_sentence
from dags.retrying import retries
from dags.upkeep import add_notification, notice_failed_upkeep

with DAG(
    dag_id="links",
    dag_display_name="The links",
    description="Checks whether the published addresses still lead to what they promise, each about every 30 days",
    schedule=CronTriggerTimetable("0 8 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["links"],
    on_failure_callback=notice_failed_upkeep("links"),
) as dag:

    @task(task_id="check", execution_timeout=timedelta(hours=20), **retries())
    def check() -> str:
        """Check what is due, as the settings ELIB_LINKS_… allow."""
        import os

        from pipeline.links import check_links, is_on
        from schemas import environment

        with ends_in_one_sentence():
            if not is_on(os.environ):
                return "The links are not checked: ELIB_LINKS is off."
            return " ".join(check_links(environment(), os.environ).notes)

    add_notification(check(), "links")
