"""The DAG `catalog`: match a snapshot of the live records, publish, write the night's report, notify, mail partners,
ask for the downloads.

It runs after every load of a feed, and every morning in any case, so that a quiet night has its report too.
"""

from __future__ import annotations

import os
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

_BUCKETS_VARIABLE = "ELIB_BUCKETS_AT_ONCE"
_DEFAULT_BUCKETS = 2  # scored at once: what a machine of two cores and 4 GB has room for


def _buckets_at_once() -> int:
    """Return how many buckets of a match are scored at once. Raises ValueError."""
    value = os.environ.get(_BUCKETS_VARIABLE, "").strip() or str(_DEFAULT_BUCKETS)
    if not (value.isascii() and value.isdigit() and int(value)):
        raise ValueError(f"{_BUCKETS_VARIABLE}: {value!r} is not a whole number from 1 on")
    return int(value)


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
    def match(**context: Any) -> list[dict[str, Any]]:
        """Match a snapshot of the live records; of a catalog with very many, return the buckets that are to be scored.

        The result of a match without buckets, or None, is under the key `matched`.
        """
        from pipeline.catalog import begin_match

        with ends_in_one_sentence():
            begun = begin_match()
        context["ti"].xcom_push(key="matched", value=begun["matched"] or {})
        jobs: list[dict[str, Any]] = begun["jobs"]
        return jobs

    @task(task_id="score_bucket", max_active_tis_per_dagrun=_buckets_at_once())
    def score_bucket(job: dict[str, Any]) -> None:
        """Score the pairs of one bucket; skipped, without a process, where the records were matched at once."""
        from pipeline.catalog import score_bucket as body

        with ends_in_one_sentence():
            body(job)

    @task(task_id="join_match")
    def join_match(jobs: list[dict[str, Any]]) -> dict[str, Any]:
        """Make clusters from the pairs of all buckets; skipped where there are none."""
        from pipeline.catalog import join_match as body

        with ends_in_one_sentence():
            return body(jobs)

    @task(task_id="publish", pool=POOL, trigger_rule="none_failed")
    def publish(matched: dict[str, Any] | None, joined: dict[str, Any] | None) -> dict[str, int]:
        """Publish one resource per work."""
        from pipeline.catalog import publish as body

        with ends_in_one_sentence():
            return body(joined or matched or {})

    @task(task_id="report", trigger_rule="all_done")
    def report(published: dict[str, int], **context: Any) -> dict[str, str]:
        """End the runs that their DAG has left, and write the reports of the night."""
        from dags import activity
        from pipeline.catalog import report as body
        from pipeline.endings import end_left_runs
        from schemas import environment

        with ends_in_one_sentence():
            end_left_runs(environment(), activity(context))
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
    jobs = cast(Any, match())
    joined = join_match(jobs)
    score_bucket.expand(job=jobs) >> cast(Any, joined)
    counts = cast(Any, publish(jobs["matched"], cast(Any, joined)))
    reported = report(counts)
    notify(cast(Any, reported))
    mail_partners(cast(Any, reported))
    downloads(counts)
    # A leaf that ends as publish did: Airflow judges a run by its leaves, and those above always run
    counts >> EmptyOperator(task_id="published")
