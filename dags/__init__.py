"""The DAG files: they say when each step runs. Only this package imports Airflow's authoring API."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from schemas import read_secret_files

if TYPE_CHECKING:
    from pipeline.airflow_inputs import Connection

read_secret_files(os.environ)  # where Airflow was not started by `elib`, which has read them already


def find_connection(name: str) -> Connection | None:
    """Return the Airflow connection of that name, or None where there is none; works only inside a task."""
    from airflow.sdk import Connection as AirflowConnection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return cast("Connection", AirflowConnection.get(name))
    except AirflowNotFoundException:
        return None


def activity(context: Any) -> Callable[[str], bool]:
    """Return a function that tells, by a DAG's id, whether a run of it goes on or waits; works only inside a task."""
    return lambda dag: context["ti"].get_dr_count(dag, states=["queued", "running"]) > 0
