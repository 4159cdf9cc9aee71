"""Unmapped terms of a feed: counted anew from its live records, never added to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, text, update

from loaders.staging import row_batches, row_files, shorten_term
from loaders.store import UnmappedValueRow, write_rows

_TABLE: Any = UnmappedValueRow.__table__  # a Table; typed so that bulk statements take it
_COUNTS = {
    "sqlite": """SELECT json_extract(pair.value, '$[0]') AS field, json_extract(pair.value, '$[1]') AS value, count(*)
        FROM source_record, json_each(source_record.unmapped) AS pair
        WHERE feed = :feed AND status = 'live' AND unmapped IS NOT NULL GROUP BY 1, 2""",
    "postgresql": """SELECT pair ->> 0 AS field, pair ->> 1 AS value, count(*)
        FROM source_record CROSS JOIN LATERAL jsonb_array_elements(unmapped::jsonb) AS pair
        WHERE feed = :feed AND status = 'live' AND unmapped IS NOT NULL GROUP BY 1, 2""",
}
_Term = tuple[str, str]


def recount_unmapped(connection: Connection, feed: str, seen_at: str, folder: Path | None = None) -> None:
    """Make unmapped_value say how many live records of the feed hold each term without a code.

    A term that no live record holds any more stays with count 0, and with the code that it has been given, if the
    staging in `folder` shows one.
    """
    asked = connection.execute(text(_COUNTS[connection.dialect.name]), {"feed": feed})
    counts: dict[_Term, int] = {(field, value): count for field, value, count in asked}
    rows = connection.execute(select(_TABLE).where(_TABLE.c.feed == feed)).mappings()
    known: dict[_Term, Any] = {(row["field"], row["value"]): row for row in rows}
    new = [
        {"field": field, "value": value, "feed": feed, "count": count, "first_seen": seen_at, "mapped_to": None}
        for (field, value), count in counts.items()
        if (field, value) not in known
    ]
    if new:
        write_rows(connection, insert(_TABLE), new)
    gone = {term for term, row in known.items() if term not in counts and row["mapped_to"] is None}
    codes = _codes(folder, gone) if folder is not None and gone else {}
    changes = []
    for term, row in known.items():
        count = counts.get(term, 0)
        code = None if count else codes.get(term, row["mapped_to"])
        if (count, code) != (row["count"], row["mapped_to"]):
            changes.append({"f": term[0], "v": term[1], "n": count, "c": code})
    if changes:
        write_rows(connection, _change(feed), changes)


def _change(feed: str) -> Any:
    return (
        update(_TABLE)
        .where(_TABLE.c.feed == feed, _TABLE.c.field == bindparam("f"), _TABLE.c.value == bindparam("v"))
        .values(count=bindparam("n"), mapped_to=bindparam("c"))
    )


def _codes(folder: Path, wanted: set[_Term]) -> dict[_Term, str]:
    found: dict[_Term, str] = {}
    for path in row_files(folder):
        for rows in row_batches(path, 1_000):
            for row in rows:
                found |= _coded(row["record"], wanted) if row["record"] else {}
    return found


def _coded(record: str, wanted: set[_Term]) -> dict[_Term, str]:
    terms = msgspec.json.decode(record).get("terms", ())
    pairs = {(term["field"], shorten_term(term["source"])): term.get("code") for term in terms}
    return {pair: code for pair, code in pairs.items() if code is not None and pair in wanted}
