"""The feed's terms without a code, counted anew from its live records at every load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, text, update

from loaders.staging import row_batches, row_files, shorten_term
from loaders.store import UnmappedValueRow, write_rows

_TABLE: Any = UnmappedValueRow.__table__  # a Table; Any because bulk statements do not take a FromClause
_COUNT_TERMS = {
    "sqlite": """SELECT json_extract(pair.value, '$[0]') AS field, json_extract(pair.value, '$[1]') AS value, count(*)
        FROM source_record, json_each(source_record.unmapped) AS pair
        WHERE feed = :feed AND status = 'live' AND unmapped IS NOT NULL GROUP BY 1, 2""",
    "postgresql": """SELECT pair ->> 0 AS field, pair ->> 1 AS value, count(*)
        FROM source_record CROSS JOIN LATERAL jsonb_array_elements(unmapped::jsonb) AS pair
        WHERE feed = :feed AND status = 'live' AND unmapped IS NOT NULL GROUP BY 1, 2""",
}
_Term = tuple[str, str]  # field and value


def recount_uncoded_terms(connection: Connection, feed: str, seen_at: str, folder: Path | None = None) -> None:
    """Write to unmapped_value how many live records of the feed hold each term without a code.

    A term that no live record holds any more stays with count 0, and with the code that it now has, if the staging in
    `folder` shows one.
    """
    term_counts = connection.execute(text(_COUNT_TERMS[connection.dialect.name]), {"feed": feed})
    counts: dict[_Term, int] = {(field, value): count for field, value, count in term_counts}
    rows = connection.execute(select(_TABLE).where(_TABLE.c.feed == feed)).mappings()
    known: dict[_Term, Any] = {(row["field"], row["value"]): row for row in rows}
    new = [
        {"field": field, "value": value, "feed": feed, "count": count, "first_seen": seen_at, "mapped_to": None}
        for (field, value), count in counts.items()
        if (field, value) not in known
    ]
    write_rows(connection, insert(_TABLE), new)
    gone = {term for term, row in known.items() if term not in counts and row["mapped_to"] is None}
    codes = _read_codes(folder, gone) if folder is not None and gone else {}
    _update_known(connection, feed, known, counts, codes)


def _update_known(
    connection: Connection, feed: str, known: dict[_Term, Any], counts: dict[_Term, int], codes: dict[_Term, str]
) -> None:
    """Write the new count and code of every known term that changed; a term that is counted has no code."""
    changes = []
    for term, row in known.items():
        count = counts.get(term, 0)
        code = None if count else codes.get(term, row["mapped_to"])
        if (count, code) != (row["count"], row["mapped_to"]):
            changes.append({"f": term[0], "v": term[1], "n": count, "c": code})
    terms = update(_TABLE).where(
        _TABLE.c.feed == feed, _TABLE.c.field == bindparam("f"), _TABLE.c.value == bindparam("v")
    )
    write_rows(connection, terms.values(count=bindparam("n"), mapped_to=bindparam("c")), changes)


def _read_codes(folder: Path, wanted: set[_Term]) -> dict[_Term, str]:
    """Return the codes that the records of a staging give to these terms."""
    codes: dict[_Term, str] = {}
    for path in row_files(folder):
        for rows in row_batches(path, 1_000):
            for row in rows:
                codes |= _coded_terms(row["record"], wanted) if row["record"] else {}
    return codes


def _coded_terms(record: str, wanted: set[_Term]) -> dict[_Term, str]:
    terms = msgspec.json.decode(record).get("terms", ())
    codes = {(term["field"], shorten_term(term["source"])): term.get("code") for term in terms}
    return {term: code for term, code in codes.items() if code is not None and term in wanted}
