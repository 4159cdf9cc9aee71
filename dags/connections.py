"""Airflow's connections, read so that a mistake in one is an error; only inside a task.

Airflow itself logs an `extra` that is not valid JSON and goes on as if there were none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from airflow.sdk import Connection


class BadConnection(ValueError):
    """A connection that cannot be used: its name, why, and what to do. It never names a secret."""


class Opened(NamedTuple):
    """A connection and its extra, an object of JSON."""

    connection: Connection
    extra: Mapping[str, Any]


def read_connection(name: str) -> Opened:
    """Read the Airflow connection of that name. Raises BadConnection."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection = Connection.get(name)
    except AirflowNotFoundException:
        mend = "Airflow has none of that name that it can read; add or correct it"
        raise BadConnection(f"connection {name}: {mend}") from None
    return Opened(connection, _read_extra(name, connection))


def _read_extra(name: str, connection: Connection) -> Mapping[str, Any]:
    try:
        is_object = isinstance(json.loads(connection.extra or "{}"), dict)
    except json.JSONDecodeError:
        is_object = False
    if not is_object:
        raise BadConnection(f'connection {name}: its extra is not a JSON object; write it like {{"name": "value"}}')
    return connection.extra_dejson
