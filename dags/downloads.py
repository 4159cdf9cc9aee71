"""The DAG `downloads`: write a dump of what is published, whenever the catalog's morning run asks for one.

It is no task of the DAG `catalog`, whose next run would wait for it. It holds neither the pool nor the catalog's lock.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset, task

from dags.one_sentence import ends_in_one_sentence
from dags.upkeep import add_notification, notice_failed_upkeep
from pipeline import DOWNLOADS_DUE

with DAG(
    dag_id="downloads",
    dag_display_name="The downloads",
    description="Writes the published resources as files, after the catalog's morning run, if anything changed",
    schedule=[Asset(*DOWNLOADS_DUE)],
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["catalog"],
    on_failure_callback=notice_failed_upkeep("downloads"),
) as dag:

    @task(task_id="write", retries=2, retry_delay=timedelta(minutes=10), execution_timeout=timedelta(hours=6))
    def write() -> str:
        """Write a dump, unless the newest one would be the same."""
        from pipeline.downloads import write_downloads
        from schemas import environment

        with ends_in_one_sentence():
            return write_downloads(environment())

    add_notification(write(), "downloads")
