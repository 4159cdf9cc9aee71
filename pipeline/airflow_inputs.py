"""What Airflow hands to a task, checked: a run's configuration and connections. Nothing here imports Airflow.

Airflow itself logs an `extra` that is not valid JSON and continues as if it were empty; here it is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pipeline.notifications import NotSent, Receiver
from schemas import FEED_NAME, HarvestFailed

_BOOLEAN_WORDS = {"true": True, "false": False}


class Connection(Protocol):
    """The attributes of an Airflow connection that the pipeline uses."""

    conn_type: str
    host: str | None
    port: int | None
    schema: str | None
    login: str | None
    password: str | None
    extra: str | None
    extra_dejson: Any  # the parsed extra; Airflow hides its values in logs once it is read


FindConnection = Callable[[str], Connection | None]  # the connection of that name; None where Airflow has none


class BadConnection(ValueError):
    """A connection that cannot be used: its name, why, and what to do. The message never contains a secret."""


class BadRequest(HarvestFailed, ValueError):
    """A run was triggered with something that it cannot use: what, and what to write instead."""

    def __init__(self, sentence: str) -> None:
        super().__init__("bad_configuration", sentence, again=True)


def wants_full(conf: Mapping[str, object] | None) -> bool:
    """Return whether a run's configuration asks for a full harvest: {"full": true}. Raises BadRequest."""
    unknown = sorted(set(conf or {}) - {"full"})
    if unknown:
        raise BadRequest(f'the run\'s configuration has {", ".join(unknown)}; it may only have {{"full": true}}')
    full = (conf or {}).get("full", False)
    word = str(full).strip().lower()
    if not isinstance(full, bool | str) or word not in _BOOLEAN_WORDS:
        raise BadRequest(f'the run\'s configuration has full = {full!r}; write {{"full": true}} or {{"full": false}}')
    return _BOOLEAN_WORDS[word]


def reprocess_choice(params: Mapping[str, object]) -> tuple[str, bool]:
    """Return the feed that a run of the DAG `reprocess` is for, and whether it takes over. Raises BadRequest."""
    feed, take_over = params.get("feed"), params.get("take_over", False)
    if not isinstance(feed, str) or not FEED_NAME.fullmatch(feed):
        raise BadRequest(f'the run\'s configuration has feed = {feed!r}; write the name of a feed: {{"feed": "name"}}')
    if not isinstance(take_over, bool):
        raise BadRequest(f"the run's configuration has take_over = {take_over!r}; write true or false")
    return feed, take_over


def feed_credentials(name: str | None, find: FindConnection) -> dict[str, str]:
    """Return what a feed's connection holds; nothing when the feed names none. Raises HarvestFailed."""
    if name is None:
        return {}
    from harvesters.causes import failed
    from harvesters.client import credentials

    try:
        connection, extra = read_connection(name, find)
    except BadConnection as error:
        raise failed("blocked", str(error)) from None
    return credentials(connection.login, connection.password, extra)


def notification_receiver(name: str, find: FindConnection) -> Receiver:
    """Return the connection that ELIB_NOTIFY names as a receiver of notifications. Raises NotSent."""
    try:
        connection, extra = read_connection(name, find)
    except BadConnection as error:
        raise NotSent(f"{error} (ELIB_NOTIFY names it)") from None
    return Receiver(
        name=name,
        kind=connection.conn_type or "",
        host=connection.host or "",
        port=connection.port,
        scheme=connection.schema or "",
        login=connection.login or "",
        password=connection.password or "",
        extra=extra,
    )


def read_connection(name: str, find: FindConnection) -> tuple[Connection, Mapping[str, Any]]:
    """Return the connection of that name and its `extra`, which must be a JSON object. Raises BadConnection."""
    connection = find(name)
    if connection is None:
        raise BadConnection(f"connection {name}: Airflow has none of that name that it can read; add or correct it")
    try:
        is_object = isinstance(json.loads(connection.extra or "{}"), dict)
    except json.JSONDecodeError:
        is_object = False
    if not is_object:
        raise BadConnection(f'connection {name}: its extra is not a JSON object; write it like {{"name": "value"}}')
    return connection, connection.extra_dejson
