"""The DAG files: they say when each step runs. Only this package imports Airflow's authoring API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

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
