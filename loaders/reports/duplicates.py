"""Pairs that wait for a steward, side by side with the evidence, the most probable first."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, RowMapping, func, or_, select

from loaders.reports.lists import remove_others
from loaders.reports.page import LANGUAGES, this_moment, write_pages
from loaders.store import JudgementRow, MatchRow, SourceRecordRow, snapshot

_Facts = dict[str, Any]
_PAIRS = 50  # on a page
FIELDS = (
    "title", "contributors", "publishers", "issued", "languages", "resource_types", "levels", "identifiers", "url",
    "license", "description",
)  # fmt: skip
_WAITS = or_(MatchRow.verdict == "review", MatchRow.review.is_not(None))


def duplicates(
    catalog_engine: Engine, reports_dir: Path, languages: Sequence[str] = LANGUAGES, *, at: str | None = None
) -> list[Path]:
    """Write duplicates.html in each language and its JSON; further pages are duplicates-2.html and so on."""
    said = at or this_moment()
    written: list[Path] = []
    with snapshot(catalog_engine) as connection:
        count = connection.scalar(select(func.count()).select_from(MatchRow).where(_WAITS)) or 0
        pages = max(-(-count // _PAIRS), 1)
        for number, rows in enumerate(_waiting(connection), start=1):
            pairs = list(_told_of(connection, rows))
            stem = "duplicates" if number == 1 else f"duplicates-{number}"
            facts = {"at": said, "count": count, "pairs": pairs, "page_number": number, "pages": pages}
            written += write_pages(reports_dir, stem, "duplicates.html", facts, languages)
    remove_others(reports_dir, "duplicates", written)
    return written


def _waiting(connection: Connection) -> Iterator[Sequence[RowMapping]]:
    """The pairs that wait, in order and read once, as the rows of each page; one page without rows when none waits."""
    query = (
        select(MatchRow.__table__)
        .where(_WAITS)
        .order_by(MatchRow.probability.desc(), MatchRow.left_key, MatchRow.right_key)
    )
    rows = connection.execute(query.execution_options(yield_per=_PAIRS)).mappings()
    first = rows.fetchmany(_PAIRS)
    yield first
    while first and (more := rows.fetchmany(_PAIRS)):
        yield more


def _told_of(connection: Connection, rows: Sequence[RowMapping]) -> Iterator[_Facts]:
    """Pairs with both records, their evidence and an earlier judgement, if any."""
    keys = sorted({key for row in rows for key in (row["left_key"], row["right_key"])})
    records = _records_of(connection, keys)
    for row in rows:
        left, right = row["left_key"], row["right_key"]
        yield {
            "left_key": left,
            "right_key": right,
            "probability": row["probability"],
            "verdict": row["verdict"],
            "review": row["review"],
            "evidence": msgspec.json.decode(row["evidence"]),
            "fields": _compared(records.get(left), records.get(right)),
            "missing": [key for key in (left, right) if key not in records],
            "judgement": _last_judgement(connection, left, right),
            "command": f"{shlex.quote(left)} {shlex.quote(right)}",
        }


def _records_of(connection: Connection, keys: Sequence[str]) -> dict[str, _Facts]:
    """The accepted version of each record, by key."""
    rows = connection.execute(
        select(SourceRecordRow.key, SourceRecordRow.record).where(
            SourceRecordRow.key.in_(keys), SourceRecordRow.record.is_not(None)
        )
    )
    return {row.key: msgspec.json.decode(row.record) for row in rows}


def _last_judgement(connection: Connection, left: str, right: str) -> _Facts | None:
    query = select(JudgementRow.verdict, JudgementRow.by, JudgementRow.at, JudgementRow.reason)
    found = connection.execute(
        query.where(JudgementRow.left_key == left, JudgementRow.right_key == right)
        .order_by(JudgementRow.id.desc())
        .limit(1)
    ).mappings()
    row = found.first()
    return dict(row) if row else None


def _compared(left: _Facts | None, right: _Facts | None) -> list[_Facts]:
    """Each field with what both records say: lists of language and text; fields that neither has are left out."""
    sides = [{field: _told((record or {}).get(field)) for field in FIELDS} for record in (left, right)]
    return [
        {
            "field": field,
            "left": sides[0][field],
            "right": sides[1][field],
            "differs": sides[0][field] != sides[1][field],
        }
        for field in FIELDS
        if sides[0][field] or sides[1][field]
    ]


def _told(value: Any) -> list[tuple[str, str]]:
    """A value of the shared record as language and text, one for each thing that it says."""
    if not value:
        return []
    if isinstance(value, list):
        return [one for part in value for one in _told(part)]
    if not isinstance(value, dict):
        return [("", str(value))]
    return [("", label)] if (label := _label_of(value)) else [(tag, str(text)) for tag, text in value.items()]


def _label_of(value: Mapping[str, Any]) -> str:
    """What a part of the record is called: a person's name, a tag, an identifier with its scheme, a licence."""
    if "scheme" in value and "value" in value:
        return f"{value['scheme']}: {value['value']}"
    if "role" in value and "name" in value:
        return f"{value['name']} ({value['role']})"
    if "statement" in value:
        return str(value.get("uri") or value["statement"])
    if "source" in value and "code" in value:
        return str(value.get("label") or value["code"])
    return str(value["tag"]) if "tag" in value and "origin" in value else ""
