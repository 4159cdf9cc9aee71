"""What is done when the run of a DAG has failed: Airflow calls it also when a task's process was killed.

A task that ends by an exception records its failure and writes the reports itself (one_sentence.py); one that the
kernel kills, because memory ran out, can do neither. The DAG processor calls this in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any


def notice_failure(feed: str | None) -> Callable[[Any], None]:
    """Return a DAG's on_failure_callback, for the DAG of a feed, or of the catalog (None)."""

    def callback(context: Any) -> None:
        _end_and_report(feed, context, f"feed_{feed}" if feed else "catalog")

    return callback


def notice_failed_reprocess(context: Any) -> None:
    """Do the same for the DAG `reprocess`, whose run says which feed it is about."""
    dag_run = context.get("dag_run")
    if feed := ((dag_run.conf if dag_run else None) or {}).get("feed"):
        _end_and_report(feed, context, "reprocess")


def _end_and_report(feed: str | None, context: Any, dag: str) -> None:
    """End the runs that a killed process has left, and write the reports anew."""
    from pipeline.endings import end_and_report

    dag_run = context.get("dag_run")
    end_and_report(feed, (dag_run.end_date if dag_run else None) or datetime.now(UTC), dag=dag)
