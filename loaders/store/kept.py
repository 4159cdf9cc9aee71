"""Keep what was counted in the catalog until somebody writes into it: pages count the same again and again.

Whether anything was written since is asked of the database: SQLite tells it to a connection that is kept for that
(`PRAGMA data_version`). On PostgreSQL each write transaction counts itself in a sequence while it has the lock under
which all write; while it is taken, nothing is kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from loaders.store.transactions import catalog_state, read_transaction
from schemas import Environment

MAX_KEPT = 500  # results; the one that was asked for least recently goes first
_P = ParamSpec("_P")
_T = TypeVar("_T")


_lock = threading.Lock()
_results: OrderedDict[Hashable, tuple[str, Any]] = OrderedDict()  # by what was asked: state of the catalog, and result


def read_kept(
    env: Environment,
    read: Callable[Concatenate[Connection, _P], _T],
    *arguments: _P.args,
    **named: _P.kwargs,
) -> _T:
    """Return read(connection, …) in a read transaction, or what it returned when nothing was written since.

    The arguments must be hashable, and the result depend on them and the catalog only: not on the time of day. Nobody
    may change the result.
    """
    state = catalog_state(env)
    question = (read, env.catalog_url, arguments, tuple(sorted(named.items())))
    with _lock:
        known = _results.get(question)
        if known is not None and known[0] == state:
            _results.move_to_end(question)
            result: _T = known[1]
            return result
    with read_transaction(env) as connection:
        result = read(connection, *arguments, **named)
    with _lock:
        _results[question] = (state, result)
        while len(_results) > MAX_KEPT:
            _results.popitem(last=False)
    return result
