"""The tasks of a run after it has begun: plan, transform (mapped over chunks), check, stage, gate, load.

A run's id says which feed it is of, so that the DAG of a feed and the DAG `reprocess` share these tasks.
"""

from __future__ import annotations

import os
from typing import Any, cast

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.one_sentence import ends_in_one_sentence
from pipeline import CATALOG_LOADED, POOL

_TRANSFORMS_VARIABLE = "ELIB_TRANSFORMS_PER_FEED"
_DEFAULT_TRANSFORMS = 2  # of one feed at once: what a machine of two cores has room for


def _transforms_per_feed() -> int:
    """Return how many chunks of a run are transformed at once. Raises ValueError."""
    value = os.environ.get(_TRANSFORMS_VARIABLE, "").strip() or str(_DEFAULT_TRANSFORMS)
    if not (value.isascii() and value.isdigit() and int(value)):
        raise ValueError(f"{_TRANSFORMS_VARIABLE}: {value!r} is not a whole number from 1 on")
    return int(value)


def add_steps(run: Any) -> None:
    """Add the tasks to the DAG that is being built; `run` stands for the result of the task that begins the run."""

    @task(task_id="plan", pool=POOL)
    def plan(run: dict[str, Any]) -> list[str]:
        from loaders.store import feed_name_of
        from pipeline.feed import plan as body

        name = feed_name_of(run["run_id"])
        with ends_in_one_sentence(name):
            return body(name, run["run_id"])

    @task(task_id="transform", max_active_tis_per_dagrun=_transforms_per_feed())
    def transform(chunk: str) -> dict[str, int]:
        from pipeline.feed import feed_of_chunk
        from pipeline.feed import transform as body

        name = feed_of_chunk(chunk)
        with ends_in_one_sentence(name):
            return body(name or "", chunk)

    @task(task_id="check", trigger_rule="none_failed")
    def check(run: dict[str, Any]) -> int:
        from loaders.store import feed_name_of
        from pipeline.feed import check as body

        name = feed_name_of(run["run_id"])
        with ends_in_one_sentence(name):
            return body(name, run["run_id"])

    @task(task_id="stage", pool=POOL)
    def stage(run: dict[str, Any]) -> dict[str, int]:
        from loaders.store import feed_name_of
        from pipeline.feed import stage as body

        name = feed_name_of(run["run_id"])
        with ends_in_one_sentence(name):
            return body(name, run["run_id"])

    @task(task_id="gate", pool=POOL)
    def gate(run: dict[str, Any], counts: dict[str, int]) -> bool:
        from loaders.store import feed_name_of
        from pipeline.feed import gate as body

        name = feed_name_of(run["run_id"])
        with ends_in_one_sentence(name):
            return body(name, run["run_id"], counts)

    @task(task_id="load", pool=POOL, outlets=[Asset(*CATALOG_LOADED)])
    def load(run: dict[str, Any], passed: bool, **context: Any) -> dict[str, int]:
        """Load the run. A held one fails here, so that it is seen (decision 074), until a person has decided.

        The event of the asset carries the run, its feed and its counts.
        """
        from loaders.store import feed_name_of
        from pipeline.endings import require_decision
        from pipeline.feed import load as body
        from schemas import environment

        name, run_id = feed_name_of(run["run_id"]), run["run_id"]
        with ends_in_one_sentence(name):
            if not passed and (status := require_decision(environment(), run_id)) != "loaded":
                raise AirflowSkipException(f"{run_id} is {status}")
            counts = body(name, run_id, passed)
        context["outlet_events"][Asset(*CATALOG_LOADED)].extra = {"feed": name, "run_id": run_id, **counts}
        return counts

    # Calling a task gives an XComArg, which stands for its result; the annotations are those of the results
    mapped = transform.expand(chunk=cast(Any, plan(run)))
    checked, counts = check(run), cast(Any, stage(run))
    mapped >> checked >> counts
    load(run, cast(Any, gate(run, counts)))
