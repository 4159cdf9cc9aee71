"""The DAG `catalog`: match a snapshot of the live records, publish, write the night's report, notify, mail partners,
ask for the downloads.

It runs after every load of a feed, and every morning in any case, so that a quiet night has its report too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, task
from airflow.sdk.definitions.timetables.assets import AssetOrTimeSchedule
from airflow.sdk.definitions.timetables.trigger import CronTriggerTimetable
from airflow.sdk.exceptions import AirflowSkipException

from dags.after_failure import notice_failure
from dags.one_sentence import ends_in_one_sentence
from dags.retrying import retries
from pipeline import CATALOG_LOADED, DOWNLOADS_DUE, POOL

with DAG(
    dag_id="catalog",
    dag_display_name="The catalog",
    description="Finds duplicates among the live records, publishes one resource per work, writes the night's report",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 5 * * *", timezone="UTC"), assets=[Asset(*CATALOG_LOADED)]
    ),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["catalog"],
    on_failure_callback=notice_failure(None),
    default_args=retries(),
) as dag:

    @task(task_id="match")
    def match() -> dict[str, Any]:
        """Match a snapshot of the live records."""
        from pipeline.catalog import match as body

        with ends_in_one_sentence():
            return body()

    @task(task_id="publish", pool=POOL)
    def publish(matched: dict[str, Any]) -> dict[str, int]:
        """Publish one resource per work."""
        from pipeline.catalog import publish as body

        with ends_in_one_sentence():
            return body(matched)

    @task(task_id="report", trigger_rule="all_done")
    def report(published: dict[str, int]) -> dict[str, str]:
        """Write the reports of the night."""
        from pipeline.catalog import report as body

        with ends_in_one_sentence():
            return body()

    @task(task_id="notify", trigger_rule="all_done", retries=2, retry_delay=timedelta(seconds=20), retry_policy=None)
    def notify(reported: dict[str, str], **context: Any) -> str:
        """Send one notification when something needs a person."""
        from dags import find_connection
        from pipeline.airflow_inputs import notification_receiver
        from pipeline.notifications import notify as body
        from schemas import environment

        run_type = context["dag_run"].run_type.value  # str() of it is 'DagRunType.SCHEDULED'
        with ends_in_one_sentence():
            return body(environment(), run_type, lambda name: notification_receiver(name, find_connection))

    @task(
        task_id="mail_partners", trigger_rule="all_done", retries=2, retry_delay=timedelta(minutes=5), retry_policy=None
    )
    def mail_partners(reported: dict[str, str], **context: Any) -> str:
        """Tell the partners who asked for it what is new to fix, at most once a week each."""
        import os

        from pipeline.catalog import WEB_URL_VARIABLE
        from pipeline.fix_mails import MAIL_URL_VARIABLE, send_fix_mails
        from pipeline.notifications import is_last_of_night
        from schemas import environment

        if not is_last_of_night(context["dag_run"].run_type.value):
            return "no mail was sent to partners: the morning's run of the catalog does it"
        with ends_in_one_sentence():
            return send_fix_mails(
                environment(), os.environ.get(MAIL_URL_VARIABLE, ""), os.environ.get(WEB_URL_VARIABLE, "")
            )

    @task(task_id="downloads", outlets=[Asset(*DOWNLOADS_DUE)])
    def downloads(published: dict[str, int], **context: Any) -> str:
        """Ask the DAG `downloads` for a dump, if anything changed; nothing here waits for it."""
        from pipeline.downloads import downloads_due
        from pipeline.notifications import is_last_of_night
        from schemas import environment

        if not is_last_of_night(context["dag_run"].run_type.value):
            raise AirflowSkipException("no download is asked for: the morning's run of the catalog does it")
        with ends_in_one_sentence():
            is_due, sentence = downloads_due(environment())
        if not is_due:
            raise AirflowSkipException(sentence)
        return sentence

    # Calling a task gives an XComArg, which stands for its result; the annotations are those of the results
    counts = cast(Any, publish(cast(Any, match())))
    reported = report(counts)
    notify(cast(Any, reported))
    mail_partners(cast(Any, reported))
    downloads(counts)
    # A leaf that ends as publish did: Airflow judges a run by its leaves, and those above always run
    counts >> EmptyOperator(task_id="published")
