"""What was counted is counted again as soon as anything was written, by whomever, and not before."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import Connection, event, func, select
from sqlalchemy.exc import DBAPIError

from loaders.store import OneState, TaskNoteRow, engine, in_one_state, read_kept, read_transaction
from loaders.store.transactions import MAX_SHARED
from loaders.task_notes import write_note
from schemas import ROOT, Environment

COUNTED: list[int] = []


def count_notes(connection: Connection, kind: str) -> int:
    """Count the notes of a kind, and note that it was done."""
    COUNTED.append(1)
    return connection.scalar(select(func.count()).where(TaskNoteRow.kind == kind)) or 0


def counted(env: Environment, kind: str = "taken") -> tuple[int, int]:
    """Return the count, and how often it was really counted."""
    COUNTED.clear()
    return read_kept(env, count_notes, kind), len(COUNTED)


def write_in_another_process(env: Environment) -> None:
    """Let another process write a note of the same kind."""
    other = "from schemas import environment; from loaders.task_notes import write_note; "
    other += "write_note(environment(), 'films', 'taken', who='Boris')"
    variables = {"ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", other], env=variables, check=True)


def test_what_was_counted_is_kept_until_anybody_writes(env: Environment) -> None:
    assert counted(env) == (0, 1)
    assert counted(env) == (0, 0)
    assert counted(env, "snoozed") == (0, 1)
    write_note(env, "books", "taken", who="Amina")
    assert counted(env) == (1, 1)
    assert counted(env) == (1, 0)
    write_in_another_process(env)
    assert counted(env) == (2, 1)


def test_a_request_reads_everything_in_one_transaction_until_it_writes_or_is_answered(env: Environment) -> None:
    begun: list[object] = []
    event.listen(engine(env), "begin", begun.append)
    with in_one_state() as request:
        assert counted(env) == (0, 1)
        write_in_another_process(env)
        assert counted(env) == (0, 0)  # as it was when the request first read
        with read_transaction(env) as connection:
            assert count_notes(connection, "taken") == 0
        read_in = len(begun)
        write_note(env, "books", "taken", who="Amina")
        assert counted(env) == (2, 1)  # its own write ends what it read in
        request.end()
        assert not request.is_open
        with read_transaction(env) as connection:
            assert count_notes(connection, "taken") == 2
    assert read_in <= 2  # the state, and the transaction
    assert engine(env).pool.checkedout() == 0


def test_a_request_reads_on_after_a_query_failed(env: Environment) -> None:
    with in_one_state():
        with pytest.raises(DBAPIError), read_transaction(env) as connection:
            connection.exec_driver_sql("SELECT nothing FROM nowhere")
        assert counted(env) == (0, 1)


def test_more_requests_than_share_a_transaction_read_in_their_own(env: Environment) -> None:
    requests = [OneState() for _ in range(MAX_SHARED + 1)]
    assert [request.connection(env) is not None for request in requests] == [True] * MAX_SHARED + [False]
    assert requests[-1].state(env) == requests[0].state(env)
    requests[0].end()
    assert requests[-1].connection(env) is not None
    for request in requests:
        request.end()
    assert engine(env).pool.checkedout() == 0
