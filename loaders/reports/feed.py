"""Write the report of one feed: its funnel, completeness, findings and uncoded terms, with every list complete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, exists, func, select

from loaders.declarations import FileTrouble
from loaders.reports.completeness import Shares, compared_date, read_history, remember
from loaders.reports.fix_list import (
    LIST_COLUMNS,
    UNREADABLE,
    FixListFiles,
    count_fix_items,
    last_fixed,
    list_rows,
    open_fix_items,
    unreadable_texts,
)
from loaders.reports.kept_fields import read_field_shares
from loaders.reports.lists import write_list
from loaders.reports.night_facts import Absences, Troubles, count_issues, feed_facts, standings
from loaders.reports.page import SEVERITIES, Rules, current_time, write_pages
from loaders.reports.runs import ReportFacts, last_runs, nights, recent_runs
from loaders.reports.texts import LANGUAGES
from loaders.store import CurationRow, HarvestRunRow, IssueRow, SourceRecordRow, UnmappedValueRow, snapshot
from schemas import Feed

_TERM_COLUMNS = ("field", "value", "records", "first_seen")  # of the list of uncoded terms
_LISTS_VERSION = 3  # another number makes the lists be written again
_TERMS_ON_PAGE = 50  # the complete list has pages of its own


def write_feed_report(
    catalog_engine: Engine,
    reports_dir: Path,
    feed: Feed,
    languages: Sequence[str] = LANGUAGES,
    *,
    rules: Rules | None = None,
    at: str | None = None,
    troubles: Troubles | None = None,
    absences: Absences | None = None,
    web_url: str = "",
) -> list[Path]:
    """Write feeds/<name>.html in each language, its JSON, the complete lists, and the partner's fix-it list.

    Lists and completeness take long for a large feed; they are left as they are when nothing in them changed.
    """
    texts = {**(rules or {}), UNREADABLE: unreadable_texts()}
    folder, written = reports_dir / "feeds", list[Path]()
    with snapshot(catalog_engine) as connection:
        earlier = _earlier_facts(folder / f"{feed.name}.json")
        digest = _lists_digest(connection, feed.name, texts, languages)
        current = earlier.get("basis") == digest and (folder / f"{feed.name}.fix.json").exists()
        if not current:
            written = _write_lists(connection, folder, feed.name, texts, languages)
        kept_fields = folder / f"{feed.name}.fields.db"
        shares = earlier["shares"] if current else read_field_shares(connection, kept_fields, feed.name)
        trouble = (troubles or {}).get(feed.name)
        absent = list((absences or {}).get(feed.name, ()))
        facts = _facts(connection, feed, folder, texts, at or current_time(), shares, trouble, absent)
    return write_pages(folder, feed.name, "feed.html", {**facts, "basis": digest}, languages, texts, web_url) + written


def _earlier_facts(path: Path) -> ReportFacts:
    """Read the facts of the feed's last report; empty when there was none."""
    return dict(msgspec.json.decode(path.read_bytes())) if path.exists() else {}


def _lists_digest(connection: Connection, feed: str, rules: Rules, languages: Sequence[str]) -> str:
    """Return a digest of everything that the lists and the completeness depend on: the same digest, the same lists."""
    wrote_records = exists().where(SourceRecordRow.run_id == HarvestRunRow.id)
    last_run = connection.scalar(select(func.max(HarvestRunRow.id)).where(HarvestRunRow.feed == feed, wrote_records))
    live_records = connection.scalar(select(func.count()).select_from(SourceRecordRow).where(*_live(feed)))
    findings = connection.execute(
        select(func.max(IssueRow.run_id), func.count(), func.count(IssueRow.resolved_run_id)).where(
            IssueRow.feed == feed
        )
    ).one()
    accepted = connection.execute(  # a steward's acceptance changes a record without a run
        select(func.max(CurationRow.id), func.max(CurationRow.undone_at)).where(
            CurationRow.key.startswith(f"{feed}:", autoescape=True), CurationRow.action == "accept"
        )
    ).one()
    terms = connection.execute(
        select(UnmappedValueRow.field, UnmappedValueRow.value, UnmappedValueRow.count, UnmappedValueRow.mapped_to)
        .where(UnmappedValueRow.feed == feed)
        .order_by(UnmappedValueRow.field, UnmappedValueRow.value)
    ).all()
    basis = [
        _LISTS_VERSION, last_run, live_records, tuple(findings), tuple(accepted), [tuple(term) for term in terms],
        rules, languages,
    ]  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(basis, order="sorted")).hexdigest()


def _write_lists(connection: Connection, folder: Path, name: str, rules: Rules, languages: Sequence[str]) -> list[Path]:
    """Write the partner's fix-it list, and the pages of findings and of uncoded terms."""
    with FixListFiles(folder, name, rules, languages) as files:
        items = chain(files.write(open_fix_items(connection, name)), last_fixed(connection, name))
        rows, count = list_rows(items, rules), count_fix_items(connection, name)
        issue_pages = write_list(
            folder, f"{name}.issues", "list_issues", LIST_COLUMNS, rows, count, languages=languages, back=name
        )
    terms = (
        (field, value, str(n), first_seen[:10]) for field, value, n, first_seen in _uncoded_terms(connection, name)
    )
    count = _count_uncoded_terms(connection, name)
    term_pages = write_list(
        folder, f"{name}.unmapped", "list_unmapped", _TERM_COLUMNS, terms, count, languages=languages, back=name
    )
    return [*files.paths, *issue_pages, *term_pages]


def _facts(
    connection: Connection,
    feed: Feed,
    folder: Path,
    rules: Rules,
    at: str,
    shares: Shares,
    trouble: FileTrouble | None,
    absent: list[str],
) -> ReportFacts:
    """Read what the page shows, and remember today's completeness for next month."""
    name = feed.name
    run = last_runs(connection, name).get(name)
    score = connection.scalar(select(func.avg(SourceRecordRow.score)).where(*_live(name)))
    standing, history = standings(connection, name), recent_runs(connection, at, name)
    return {
        "at": at,
        "nights": nights(at),
        "feed": feed_facts(name, feed, run, standing, history, trouble, len(absent)),
        "absent": absent,
        "score": None if score is None else round(float(score), 1),
        "shares": shares,
        "completeness": _completeness(shares, folder / f"{name}.history.json", at[:10]),
        "issues": _issues_by_rule(connection, feed.name, run["id"] if run else "", rules),
        "issue_count": count_fix_items(connection, name),
        "unmapped": [dict(row._mapping) for row in _uncoded_terms(connection, name, _TERMS_ON_PAGE)],
        "unmapped_count": _count_uncoded_terms(connection, name),
    }


def _live(feed: str) -> tuple[Any, ...]:
    return (SourceRecordRow.feed == feed, SourceRecordRow.status == "live")


def _completeness(shares: Shares, history_path: Path, today: str) -> ReportFacts:
    """Return today's shares beside those of a month ago, where there are any, and remember today's."""
    history = read_history(history_path)
    since = compared_date(history, today)
    remember(history_path, history, today, shares)
    earlier = history[since] if since else {}
    fields = [{"field": name, "share": share, "before": earlier.get(name)} for name, share in shares.items()]
    return {"since": since, "fields": fields}


def _issues_by_rule(connection: Connection, feed: str, run_id: str, rules: Rules) -> list[ReportFacts]:
    """Count for each rule the findings that are new in the last run, older and open, and fixed by it; errors first."""
    shown = [
        {
            **{name: row[name] for name in ("code", "severity", "new", "fixed")},
            "standing": row["standing"] - row["new"],
            **{part: rules.get(row["code"], {}).get(part, "") for part in ("wrong", "why", "mend")},
        }
        for row in count_issues(connection, [run_id], feed)
    ]
    return sorted(
        shown, key=lambda row: (SEVERITIES.index(row["severity"]), -row["new"] - row["standing"], row["code"])
    )


def _uncoded_terms(connection: Connection, feed: str, limit: int | None = None) -> Iterator[Any]:
    """Yield the uncoded terms as rows of field, value, count and first_seen, the most frequent first."""
    row = UnmappedValueRow
    query = select(row.field, row.value, row.count, row.first_seen).where(*_is_uncoded(feed))
    return iter(connection.execute(query.order_by(row.count.desc(), row.field, row.value).limit(limit)))


def _count_uncoded_terms(connection: Connection, feed: str) -> int:
    query = select(func.count()).select_from(UnmappedValueRow).where(*_is_uncoded(feed))
    return connection.scalar(query) or 0


def _is_uncoded(feed: str) -> tuple[Any, ...]:
    return (UnmappedValueRow.feed == feed, UnmappedValueRow.mapped_to.is_(None), UnmappedValueRow.count > 0)
