"""Many rows through one statement, past SQLAlchemy's work for each single row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Insert, case
from sqlalchemy.dialects import postgresql, sqlite


def write_rows(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute an insert, update or delete once for each row; all rows have the names of the first.

    Values go to the driver as they are: for columns of text, numbers and booleans, which all of the catalog's are.
    Raises KeyError when a row lacks a value that the statement needs.
    """
    if not rows:
        return
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    more = _constants(compiled, rows[0])
    names = compiled.positiontup if compiled.positional else list(compiled.bind_names.values())
    chosen = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    values = [chosen({**row, **more}) for row in rows] if more else [chosen(row) for row in rows]
    if compiled.positional:
        connection.exec_driver_sql(compiled.string, values)
    else:
        connection.exec_driver_sql(compiled.string, [dict(zip(names, one, strict=True)) for one in values])


def _constants(compiled: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the statement says itself, and the defaults of columns that the rows do not name."""
    said = {name: bind.value for name, bind in compiled.binds.items() if name not in row and not bind.required}
    return said | {column.key: column.default.arg for column in getattr(compiled, "insert_prefetch", ())}


def upsert(connection: Connection, table: Any, names: tuple[str, ...], *, waits: bool = False) -> Insert:
    """Insert, or change the named columns of the row that is there. `waits`: a live record stays live."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    made: Any = dialect.insert(table)
    changes: dict[str, Any] = {name: getattr(made.excluded, name) for name in names}
    if waits:
        changes["status"] = case((table.c.status == "live", "live"), else_=made.excluded.status)
    upserted: Insert = made.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)
    return upserted
