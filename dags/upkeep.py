"""What follows the one task of a DAG of upkeep (`links`, `downloads`): its failure is reported and notified at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import task

from dags.one_sentence import ends_in_one_sentence


def add_notification(work: Any, kind: str) -> None:
    """Add to the DAG that is being built what happens after `work`, the result of its task.

    The notification is a task of its own, so that it is also sent when the process of `work` was killed, and tried
    again when it cannot be sent.
    """

    @task(task_id="notify", trigger_rule="one_failed", retries=2, retry_delay=timedelta(seconds=20))
    def notify() -> str:
        """Write the night's report anew, and notify: what failed, why, and what to do."""
        from dags import find_connection
        from pipeline.airflow_inputs import notification_receiver
        from pipeline.upkeep import tell_failed_upkeep
        from schemas import environment

        with ends_in_one_sentence():
            return tell_failed_upkeep(environment(), kind, lambda name: notification_receiver(name, find_connection))

    work >> notify()
    # A leaf that ends as `work` did: Airflow judges a run by its leaves, and the notification of a failure ends well
    work >> EmptyOperator(task_id="done")


def notice_failed_upkeep(kind: str) -> Callable[[Any], None]:
    """Return a DAG's on_failure_callback: end the run that a killed process has left, and write the report anew."""

    def callback(context: Any) -> None:
        from loaders.store import end_interrupted_upkeep
        from pipeline.catalog import report_feed
        from schemas import environment

        end_interrupted_upkeep(environment(), kind)
        report_feed(None)

    return callback
