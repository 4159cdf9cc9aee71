"""The DAG `reprocess`: normalize again what one feed has landed, with today's tables; the partner is not asked.

The feed is chosen in the trigger form. It does what `elib reprocess` does, in the tasks of a feed's DAG.
"""

from __future__ import annotations

from typing import Any, cast

from airflow.sdk import DAG, Param, task

from dags.after_failure import notice_failed_reprocess
from dags.one_sentence import ends_in_one_sentence
from dags.retrying import retries
from dags.steps import add_steps
from pipeline import POOL
from schemas import environment, read_feeds

good_feeds, bad_files = read_feeds(environment().feeds)
# also feeds whose file has a mistake: they are read by their last good declaration
names = sorted({feed.name for feed in good_feeds} | {error.path.stem for error in bad_files})

if names:
    with DAG(
        dag_id="reprocess",
        dag_display_name="Reprocess a feed",
        description="Normalizes again what a feed has landed, without asking the partner",
        schedule=None,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["feed"],
        on_failure_callback=notice_failed_reprocess,
        default_args=retries(),
        params={
            "feed": Param(type="string", enum=names, title="Feed", description="Whose landed records to read again."),
            "take_over": Param(
                False,
                type="boolean",
                title="Take over",
                description="End the feed's unfinished run first. Only if its DAG is not running.",
            ),
        },
    ) as dag:

        @task(task_id="begin", pool=POOL)
        def begin(**context: Any) -> dict[str, Any]:
            """Begin the run over every record that the feed ever landed."""
            from dags import activity
            from pipeline.airflow_inputs import reprocess_choice
            from pipeline.feed import begin_reprocess, load_feed

            with ends_in_one_sentence(waits=False):  # a person who has asked for it should know at once
                name, take_over = reprocess_choice(context["params"])
                load_feed(environment(), name)
                is_active = activity(context)
                run_id = begin_reprocess(name, take_over=take_over, dag="reprocess", is_dag_active=is_active)
                return {"run_id": run_id}

        add_steps(cast(Any, begin()))
