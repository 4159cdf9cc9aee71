"""The report of one feed: its funnel, completeness, findings and unmapped terms, with every list complete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, case, func, select

from loaders.models import Issue, SourceRecord, UnmappedValue
from loaders.reports import completeness, fix
from loaders.reports.lists import write_list
from loaders.reports.night_facts import SEVERITIES, feed_facts, last_runs, nights, recent_runs, standings
from loaders.reports.page import LANGUAGES, Rules, messages, write_pages
from loaders.reports.snapshot import snapshot
from schemas import Feed

Facts = dict[str, Any]
TERM = ("field", "value", "records", "first_seen")  # columns of the list of unmapped terms
SHOWN = 50  # rows of a list on the page itself; the complete list is beside


def feed_report(
    catalog_engine: Engine,
    reports_dir: Path,
    feed: Feed,
    languages: Sequence[str] = LANGUAGES,
    *,
    rules: Rules | None = None,
    at: str | None = None,
) -> list[Path]:
    """Write feeds/<name>.html in each language, its JSON, the complete lists, and the partner's fix-it list."""
    said, texts = (
        at or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        {**(rules or {}), fix.UNREADABLE: unreadable()},
    )
    folder, name = reports_dir / "feeds", feed.name
    with snapshot(catalog_engine) as connection:
        facts = facts_of(connection, feed, folder, texts, said)
        run = facts["feed"]["run"]["id"] if facts["feed"]["run"] else ""
        fixes = fix.write_fix_list(folder, name, fix.to_mend(connection, name, texts), texts, languages)
        found = fix.rows(connection, name, run, texts)
        lists = [
            *write_list(folder, f"{name}.issues", "list_issues", fix.ROW, found, facts["issue_count"]),
            *write_list(
                folder, f"{name}.unmapped", "list_unmapped", TERM, terms(connection, name), facts["unmapped_count"]
            ),
        ]
    return write_pages(folder, feed.name, "feed.html", facts, languages, texts) + fixes + lists


def unreadable() -> dict[str, str]:
    """What is said, in every language, about a record that could not be read: no rule ever saw it."""
    said = {"wrong": messages("en")["unreadable"], "why": "", "mend": messages("en")["unreadable_mend"]}
    for language in LANGUAGES:
        said[f"wrong.{language}"] = messages(language)["unreadable"]
        said[f"mend.{language}"] = messages(language)["unreadable_mend"]
    return said


def facts_of(connection: Connection, feed: Feed, folder: Path, rules: Mapping[str, Any], at: str) -> Facts:
    """What the page shows; the completeness of today is remembered for next month."""
    name = feed.name
    run = last_runs(connection, name).get(name)
    line = feed_facts(name, feed, run, standings(connection, name), recent_runs(connection, at, name))
    score = connection.scalar(select(func.avg(SourceRecord.score)).where(*live(name)))
    wanted = (UnmappedValue.feed == feed.name, UnmappedValue.mapped_to.is_(None), UnmappedValue.count > 0)
    return {
        "at": at,
        "nights": nights(at),
        "feed": line,
        "score": None if score is None else round(float(score), 1),
        "completeness": compare(connection, feed.name, folder / f"{feed.name}.history.json", at[:10]),
        "issues": rules_of(connection, feed.name, run["id"] if run else "", rules),
        "issue_count": fix.count(connection, name, run["id"] if run else ""),
        "unmapped": [dict(row._mapping) for row in unmapped_rows(connection, name, SHOWN)],
        "unmapped_count": connection.scalar(select(func.count()).select_from(UnmappedValue).where(*wanted)) or 0,
    }


def live(feed: str) -> tuple[Any, ...]:
    return (SourceRecord.feed == feed, SourceRecord.status == "live")


def compare(connection: Connection, feed: str, path: Path, today: str) -> Facts:
    """Today's shares by field, and those of a month ago with their date, where there are any."""
    query = select(SourceRecord.record).where(*live(feed), SourceRecord.record.is_not(None))
    rows = connection.execute(query.execution_options(yield_per=1_000))
    now = completeness.shares(row.record for row in rows)
    history = completeness.remembered(path)
    since = completeness.a_month_ago(history, today)
    completeness.remember(path, history, today, now)
    earlier = history[since] if since else {}
    fields = [{"field": name, "share": value, "before": earlier.get(name)} for name, value in now.items()]
    return {"since": since, "fields": fields}


def rules_of(connection: Connection, feed: str, run: str, rules: Rules) -> list[Facts]:
    """For each rule the findings that are new, standing (older ones) and fixed by the last run; errors first."""
    stands = Issue.resolved_run_id.is_(None)
    rows = connection.execute(
        select(
            Issue.code,
            Issue.severity,
            func.sum(case((stands & (Issue.first_run_id == run), 1), else_=0)).label("new"),
            func.sum(case((stands & (Issue.first_run_id != run), 1), else_=0)).label("standing"),
            func.sum(case((Issue.resolved_run_id == run, 1), else_=0)).label("fixed"),
        )
        .where(Issue.feed == feed)
        .group_by(Issue.code, Issue.severity)
    ).mappings()
    said = ("wrong", "why", "mend")
    listed = [dict(row) | {name: rules.get(row["code"], {}).get(name, "") for name in said} for row in rows]
    told = [row for row in listed if row["new"] or row["standing"] or row["fixed"]]
    return sorted(told, key=lambda row: (SEVERITIES.index(row["severity"]), -row["new"] - row["standing"], row["code"]))


def unmapped_rows(connection: Connection, feed: str, limit: int | None) -> Iterator[Any]:
    query = (
        select(UnmappedValue.field, UnmappedValue.value, UnmappedValue.count, UnmappedValue.first_seen)
        .where(UnmappedValue.feed == feed, UnmappedValue.mapped_to.is_(None), UnmappedValue.count > 0)
        .order_by(UnmappedValue.count.desc(), UnmappedValue.field, UnmappedValue.value)
    )
    return iter(connection.execute(query.limit(limit)))


def terms(connection: Connection, feed: str) -> Iterator[tuple[str, ...]]:
    """Every unmapped term as a row of the complete list."""
    for row in unmapped_rows(connection, feed, None):
        yield (row[0], row[1], str(row[2]), row[3][:10])
