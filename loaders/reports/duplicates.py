"""Write the first pairs that a steward should review, side by side with the evidence, the most probable first."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, RowMapping, func, or_, select

from loaders.reports.lists import delete_other_pages
from loaders.reports.page import current_time, write_pages
from loaders.reports.runs import ReportFacts
from loaders.reports.texts import LANGUAGES
from loaders.store import JudgementRow, MatchRow, SourceRecordRow, snapshot

_PAGE_PAIRS = 50
MAX_SHOWN_PAIRS = 200  # the most probable; 25,000 took a hundred seconds of every night, and the console has all
_COMPARED_FIELDS = (
    "title", "contributors", "publishers", "issued", "languages", "resource_types", "levels", "identifiers", "url",
    "license", "description",
)  # fmt: skip
_TO_REVIEW = or_(MatchRow.verdict == "review", MatchRow.review.is_not(None))


def write_duplicates(
    catalog_engine: Engine,
    reports_dir: Path,
    languages: Sequence[str] = LANGUAGES,
    *,
    at: str | None = None,
    web_url: str = "",
) -> list[Path]:
    """Write duplicates.html in each language and its JSON; further pages are duplicates-2.html and so on.

    Only the first MAX_SHOWN_PAIRS are written; when there are more, each page says so, and where all of them are.
    `web_url` is the web's public address, for links to its pages.
    """
    at = at or current_time()
    written: list[Path] = []
    with snapshot(catalog_engine) as connection:
        count = connection.scalar(select(func.count()).select_from(MatchRow).where(_TO_REVIEW)) or 0
        shown = min(count, MAX_SHOWN_PAIRS)
        pages = max(-(-shown // _PAGE_PAIRS), 1)
        for number, rows in enumerate(_pages(connection), start=1):
            pairs = list(pair_facts(connection, rows))
            stem = "duplicates" if number == 1 else f"duplicates-{number}"
            facts = {"at": at, "count": count, "shown": shown, "pairs": pairs, "page_number": number, "pages": pages}
            written += write_pages(reports_dir, stem, "duplicates.html", facts, languages, web_url=web_url)
    delete_other_pages(reports_dir, "duplicates", written)
    return written


def _pages(connection: Connection) -> Iterator[Sequence[RowMapping]]:
    """Yield the rows of each page, in order and read once; one page without rows when no pair is to be reviewed."""
    query = select(MatchRow.__table__).where(_TO_REVIEW)
    query = query.order_by(MatchRow.probability.desc(), MatchRow.left_key, MatchRow.right_key)
    rows = connection.execute(query.limit(MAX_SHOWN_PAIRS).execution_options(yield_per=_PAGE_PAIRS)).mappings()
    first = rows.fetchmany(_PAGE_PAIRS)
    yield first
    while first and (more := rows.fetchmany(_PAGE_PAIRS)):
        yield more


def pair_facts(connection: Connection, rows: Sequence[RowMapping]) -> Iterator[ReportFacts]:
    """Yield each pair (rows of `match`) with both records, their evidence and the last judgement, if any."""
    keys = sorted({key for row in rows for key in (row["left_key"], row["right_key"])})
    records = _records(connection, keys)
    for row in rows:
        left, right = row["left_key"], row["right_key"]
        yield {
            "left_key": left,
            "right_key": right,
            "probability": row["probability"],
            "verdict": row["verdict"],
            "review": row["review"],
            "evidence": msgspec.json.decode(row["evidence"]),
            "fields": _compared_fields(records.get(left), records.get(right)),
            "missing": [key for key in (left, right) if key not in records],
            "judgement": _last_judgement(connection, left, right),
            "command": f"{shlex.quote(left)} {shlex.quote(right)}",
        }


def _records(connection: Connection, keys: Sequence[str]) -> dict[str, ReportFacts]:
    """Read the accepted version of each record, by key."""
    rows = connection.execute(
        select(SourceRecordRow.key, SourceRecordRow.record).where(
            SourceRecordRow.key.in_(keys), SourceRecordRow.record.is_not(None)
        )
    )
    return {row.key: msgspec.json.decode(row.record) for row in rows}


def _last_judgement(connection: Connection, left: str, right: str) -> ReportFacts | None:
    query = select(JudgementRow.verdict, JudgementRow.by, JudgementRow.at, JudgementRow.reason)
    query = query.where(
        JudgementRow.left_key == left, JudgementRow.right_key == right, JudgementRow.undone_at.is_(None)
    )
    row = connection.execute(query.order_by(JudgementRow.id.desc()).limit(1)).mappings().first()
    return dict(row) if row else None


def _compared_fields(left: ReportFacts | None, right: ReportFacts | None) -> list[ReportFacts]:
    """Return each field with the values of both records as (language, text); a field that neither has is left out."""
    compared = []
    for field in _COMPARED_FIELDS:
        left_values, right_values = (_values((record or {}).get(field)) for record in (left, right))
        if left_values or right_values:
            differs = left_values != right_values
            compared.append({"field": field, "left": left_values, "right": right_values, "differs": differs})
    return compared


def _values(value: Any) -> list[tuple[str, str]]:
    """Return a value of the shared record as pairs of language and text."""
    if not value:
        return []
    if isinstance(value, list):
        return [pair for part in value for pair in _values(part)]
    if not isinstance(value, dict):
        return [("", str(value))]
    return [("", label)] if (label := _label(value)) else [(tag, str(text)) for tag, text in value.items()]


# How an object of the shared record is shown, by the keys that it has.
_LABELS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], object]], ...] = (
    (("scheme", "value"), lambda identifier: f"{identifier['scheme']}: {identifier['value']}"),
    (("role", "name"), lambda contributor: f"{contributor['name']} ({contributor['role']})"),
    (("statement",), lambda licence: licence.get("uri") or licence["statement"]),
    (("source", "code"), lambda concept: concept.get("label") or concept["code"]),
    (("tag", "origin"), lambda language: language["tag"]),
)


def _label(value: Mapping[str, Any]) -> str:
    """Return the label of an object of the shared record, or an empty text for a map of language to text."""
    return next((str(label(value)) for keys, label in _LABELS if all(key in value for key in keys)), "")
