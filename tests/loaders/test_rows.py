"""Many rows written through one statement, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import StatementError

from loaders.catalog.loading import action_statement
from loaders.store import SourceRecordRow, read_transaction, write_rows, write_transaction
from schemas import Environment

TABLE: Any = SourceRecordRow.__table__
ROW = {"key": "books:1", "feed": "books", "identifier": "1", "format": "amb", "status": "live", "run_id": "books-1"}
PENDING = {"pending_sha256": "ab", "pending_record": None, "pending_record_sha256": None, "pending_reason": "100 % bad"}


def rows(env: Environment) -> list[dict[str, Any]]:
    with read_transaction(env) as connection:
        return [dict(row) for row in connection.execute(select(TABLE).order_by(TABLE.c.key)).mappings()]


def test_columns_that_are_not_named_get_their_defaults(env: Environment) -> None:
    with write_transaction(env) as connection:
        write_rows(connection, insert(TABLE), [ROW, {**ROW, "key": "books:2", "identifier": "é'2%"}])
        connection.execute(insert(TABLE), {**ROW, "key": "books:3"})
    first, second, third = rows(env)
    assert {**first, "key": "books:3"} == third and first["has_title"] is False
    assert (second["key"], second["identifier"]) == ("books:2", "é'2%")


def test_what_the_statement_says_itself_holds_for_every_row(env: Environment) -> None:
    waits = {**ROW, **PENDING, "pending_status": "rejected", "datestamp": None, "status": "rejected"}
    with write_transaction(env) as connection:
        write_rows(connection, insert(TABLE), [ROW])
        write_rows(connection, action_statement(connection, "set_pending"), [waits, {**waits, "key": "books:2"}])
    live, rejected = rows(env)
    assert (live["status"], live["pending_reason"]) == ("live", "100 % bad")
    assert (rejected["status"], rejected["pending_sha256"]) == ("rejected", "ab")


def test_a_row_that_lacks_a_value_is_an_error_and_changes_nothing(env: Environment) -> None:
    renamed = update(TABLE).where(TABLE.c.key == bindparam("of")).values(format=bindparam("to"))
    with write_transaction(env) as connection:
        write_rows(connection, insert(TABLE), [ROW])
    with pytest.raises(StatementError, match="'to'"), write_transaction(env) as connection:
        write_rows(connection, renamed, [{"of": "books:1", "to": "lom"}, {"of": "books:1"}])
    assert rows(env)[0]["format"] == "amb"


def test_no_rows_are_no_statement(env: Environment) -> None:
    with write_transaction(env) as connection:
        write_rows(connection, insert(TABLE), [])
    assert rows(env) == []
