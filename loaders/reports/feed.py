"""The report of one feed: its funnel, completeness, findings and unmapped terms, with every list complete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, case, exists, func, select

from loaders.declarations import FileTrouble
from loaders.reports import completeness, fix
from loaders.reports.fix_files import FixList
from loaders.reports.lists import write_list
from loaders.reports.night_facts import Troubles, feed_facts, standings
from loaders.reports.page import LANGUAGES, SEVERITIES, Rules, messages, this_moment, write_pages
from loaders.reports.runs import last_runs, nights, recent_runs
from loaders.store import CurationRow, HarvestRunRow, IssueRow, SourceRecordRow, UnmappedValueRow, snapshot, undecoded
from schemas import Feed

_Facts = dict[str, Any]
_TERM = ("field", "value", "records", "first_seen")  # columns of the list of unmapped terms
_LAYOUT = 2  # of the lists; another number has them written again
_SHOWN = 50  # rows of a list on the page itself; the complete list is beside


def feed_report(
    catalog_engine: Engine,
    reports_dir: Path,
    feed: Feed,
    languages: Sequence[str] = LANGUAGES,
    *,
    rules: Rules | None = None,
    at: str | None = None,
    troubles: Troubles | None = None,
) -> list[Path]:
    """Write feeds/<name>.html in each language, its JSON, the complete lists, and the partner's fix-it list.

    Lists and completeness take long for a large feed; they are left as they are when nothing that they show changed.
    """
    said = at or this_moment()
    texts = {**(rules or {}), fix.UNREADABLE: unreadable()}
    folder, written = reports_dir / "feeds", list[Path]()
    with snapshot(catalog_engine) as connection:
        earlier = _earlier_facts(folder / f"{feed.name}.json")
        now = basis(connection, feed.name, texts, languages)
        same = earlier.get("basis") == now and (folder / f"{feed.name}.fix.json").exists()
        if not same:
            written = _write_lists(connection, folder, feed.name, texts, languages)
        shares = earlier["shares"] if same else _feed_shares(connection, feed.name)
        facts = _facts_of(connection, feed, folder, texts, said, shares, (troubles or {}).get(feed.name))
    return write_pages(folder, feed.name, "feed.html", {**facts, "basis": now}, languages, texts) + written


def _earlier_facts(path: Path) -> _Facts:
    """What the feed's report said before; nothing when there was none."""
    return dict(msgspec.json.decode(path.read_bytes())) if path.exists() else {}


def basis(connection: Connection, feed: str, rules: Rules, languages: Sequence[str]) -> str:
    """A mark of everything that the lists and the completeness show: the same mark, the same lists."""
    wrote = exists().where(SourceRecordRow.run_id == HarvestRunRow.id)
    changed = connection.scalar(select(func.max(HarvestRunRow.id)).where(HarvestRunRow.feed == feed, wrote))
    lives = connection.scalar(select(func.count()).select_from(SourceRecordRow).where(*live(feed)))
    found = connection.execute(
        select(func.max(IssueRow.run_id), func.count(), func.count(IssueRow.resolved_run_id)).where(
            IssueRow.feed == feed
        )
    ).one()
    accepted = connection.execute(  # by a steward: the record changes and no run writes it
        select(func.max(CurationRow.id), func.max(CurationRow.undone_at)).where(
            CurationRow.key.startswith(f"{feed}:", autoescape=True), CurationRow.action == "accept"
        )
    ).one()
    mapped = connection.execute(
        select(UnmappedValueRow.field, UnmappedValueRow.value, UnmappedValueRow.count, UnmappedValueRow.mapped_to)
        .where(UnmappedValueRow.feed == feed)
        .order_by(UnmappedValueRow.field, UnmappedValueRow.value)
    ).all()
    told = msgspec.json.encode(
        [_LAYOUT, changed, lives, tuple(found), tuple(accepted), [tuple(one) for one in mapped], rules, languages],
        order="sorted",
    )
    return hashlib.sha256(told).hexdigest()


def _write_lists(connection: Connection, folder: Path, name: str, rules: Rules, languages: Sequence[str]) -> list[Path]:
    """The partner's fix-it list, and the pages of findings and of unmapped terms."""
    with FixList(folder, name, rules, languages) as files:
        told = chain(files.keep(fix.to_mend(connection, name)), fix.last_fixed(connection, name))
        count = fix.count(connection, name)
        pages = write_list(folder, f"{name}.issues", "list_issues", fix.ROW, fix.rows(told, rules), count)
    unmapped, count = _terms(connection, name), _count_unmapped(connection, name)
    return [*files.paths, *pages, *write_list(folder, f"{name}.unmapped", "list_unmapped", _TERM, unmapped, count)]


def _count_unmapped(connection: Connection, feed: str) -> int:
    wanted = (UnmappedValueRow.feed == feed, UnmappedValueRow.mapped_to.is_(None), UnmappedValueRow.count > 0)
    return connection.scalar(select(func.count()).select_from(UnmappedValueRow).where(*wanted)) or 0


def unreadable() -> dict[str, str]:
    """What is said, in every language, about a record that could not be read: no rule ever saw it."""
    said = {"wrong": messages("en")["unreadable"], "why": "", "mend": messages("en")["unreadable_mend"]}
    for language in LANGUAGES:
        said[f"wrong.{language}"] = messages(language)["unreadable"]
        said[f"mend.{language}"] = messages(language)["unreadable_mend"]
    return said


def _facts_of(
    connection: Connection,
    feed: Feed,
    folder: Path,
    rules: Rules,
    at: str,
    shares: completeness.Shares,
    trouble: FileTrouble | None,
) -> _Facts:
    """What the page shows; the completeness of today is remembered for next month."""
    name = feed.name
    run = last_runs(connection, name).get(name)
    line = feed_facts(name, feed, run, standings(connection, name), recent_runs(connection, at, name), trouble)
    score = connection.scalar(select(func.avg(SourceRecordRow.score)).where(*live(name)))
    return {
        "at": at,
        "nights": nights(at),
        "feed": line,
        "score": None if score is None else round(float(score), 1),
        "shares": shares,
        "completeness": _compare(shares, folder / f"{name}.history.json", at[:10]),
        "issues": _rules_of(connection, feed.name, run["id"] if run else "", rules),
        "issue_count": fix.count(connection, name),
        "unmapped": [dict(row._mapping) for row in _unmapped_rows(connection, name, _SHOWN)],
        "unmapped_count": _count_unmapped(connection, name),
    }


def live(feed: str) -> tuple[Any, ...]:
    return (SourceRecordRow.feed == feed, SourceRecordRow.status == "live")


def _feed_shares(connection: Connection, feed: str) -> completeness.Shares:
    """The share of the live records that have each field, read one after the other."""
    query = select(undecoded(connection, SourceRecordRow.record)).where(
        *live(feed), SourceRecordRow.record.is_not(None)
    )
    return completeness.shares(connection.scalars(query.execution_options(yield_per=1_000)))


def _compare(now: completeness.Shares, path: Path, today: str) -> _Facts:
    """Today's shares by field beside those of a month ago, with their date, where there are any."""
    history = completeness.remembered(path)
    since = completeness.a_month_ago(history, today)
    completeness.remember(path, history, today, now)
    earlier = history[since] if since else {}
    fields = [{"field": name, "share": value, "before": earlier.get(name)} for name, value in now.items()]
    return {"since": since, "fields": fields}


def _rules_of(connection: Connection, feed: str, run: str, rules: Rules) -> list[_Facts]:
    """For each rule the findings that are new, standing (older ones) and fixed by the last run; errors first."""
    stands = IssueRow.resolved_run_id.is_(None)
    rows = connection.execute(
        select(
            IssueRow.code,
            IssueRow.severity,
            func.sum(case((stands & (IssueRow.first_run_id == run), 1), else_=0)).label("new"),
            func.sum(case((stands & (IssueRow.first_run_id != run), 1), else_=0)).label("standing"),
            func.sum(case((IssueRow.resolved_run_id == run, 1), else_=0)).label("fixed"),
        )
        .where(IssueRow.feed == feed)
        .group_by(IssueRow.code, IssueRow.severity)
    ).mappings()
    said = ("wrong", "why", "mend")
    listed = [dict(row) | {name: rules.get(row["code"], {}).get(name, "") for name in said} for row in rows]
    told = [row for row in listed if row["new"] or row["standing"] or row["fixed"]]
    return sorted(told, key=lambda row: (SEVERITIES.index(row["severity"]), -row["new"] - row["standing"], row["code"]))


def _unmapped_rows(connection: Connection, feed: str, limit: int | None) -> Iterator[Any]:
    query = (
        select(UnmappedValueRow.field, UnmappedValueRow.value, UnmappedValueRow.count, UnmappedValueRow.first_seen)
        .where(UnmappedValueRow.feed == feed, UnmappedValueRow.mapped_to.is_(None), UnmappedValueRow.count > 0)
        .order_by(UnmappedValueRow.count.desc(), UnmappedValueRow.field, UnmappedValueRow.value)
    )
    return iter(connection.execute(query.limit(limit)))


def _terms(connection: Connection, feed: str) -> Iterator[tuple[str, ...]]:
    """Every unmapped term as a row of the complete list."""
    for row in _unmapped_rows(connection, feed, None):
        yield (row[0], row[1], str(row[2]), row[3][:10])
