"""Read from the catalog what the report of the night shows, ready for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select

from loaders.declarations import FileTrouble
from loaders.reports.page import SEVERITIES, Rules, parse_time
from loaders.reports.runs import (
    COUNTS,
    ReportFacts,
    last_publication,
    last_runs,
    nights,
    of_feed,
    recent_runs,
    run_facts,
)
from loaders.reports.texts import reason_fact
from loaders.store import (
    ApplicationRow,
    HarvestRunRow,
    IssueRow,
    MatchRow,
    ReaderReportRow,
    ResourceRow,
    SourceRecordRow,
    UnmappedValueRow,
    failed_upkeep,
)
from schemas import Feed, Unusual

_URGENCY = ("failed", "held", "mistake", "missing", "moved", "shadowed", "empty", "quarantined", "rejected", "absent")
Troubles = Mapping[str, FileTrouble]  # what is wrong with feed files, by feed
UnusualFeeds = Mapping[str, Sequence[Unusual]]  # what is unusual in the last night of feeds, by feed
Absences = Mapping[str, Sequence[str]]  # identifiers of the records that wait to be deleted, by feed
_TAKEDOWN = "takedown"  # the kind of a reader's report
_ALWAYS_COUNTED = ("listed", "landed", "duplicates")  # counts of a run that hold whether or not it is loaded
_NIGHT = timedelta(hours=24)  # a run that began earlier belongs to another night
# The counts in which a record of each status is included.
_COUNTED_AS = {
    "live": ("records", "readable", "live"),
    "quarantined": ("records", "readable"),
    "rejected": ("records",),
}
_NO_RECORDS = {"records": 0, "readable": 0, "live": 0, "unique": 0, "quarantined": 0, "rejected": 0}


def night_facts(
    connection: Connection,
    feeds: Sequence[Feed],
    rules: Rules,
    at: str,
    troubles: Troubles | None = None,
    absences: Absences | None = None,
    unusual: UnusualFeeds | None = None,
) -> ReportFacts:
    """Read everything that the report of the night shows. `rules` are the registry's texts by code."""
    last = last_runs(connection)
    published = last_publication(connection)
    listed = _feed_lines(connection, feeds, last, at, troubles or {}, absences or {})
    return {
        "at": at,
        "nights": nights(at),
        "feeds": listed,
        "totals": _totals(connection, at),
        "statuses": _statuses(listed),
        "resources": connection.scalar(select(func.count()).where(ResourceRow.withdrawn_at.is_(None))) or 0,
        "publish": published,
        "issues": _issues_by_rule(connection, [run["id"] for run in [*last.values(), published] if run], rules),
        "people": [
            *_takedowns(connection),
            *map(upkeep_need, failed_upkeep(connection)),
            *_unfit_corrections(published),
            *_needs_attention(connection, listed, _feeds_without_records(connection, feeds)),
            *_unusual_feeds(listed, unusual or {}),
        ],
        "without_expect": _without_expectations(feeds),
    }


def _statuses(listed: Sequence[ReportFacts]) -> dict[str, int]:
    """Count the feeds by the status of their last run, `none` where there is none."""
    return dict(Counter(feed["run"]["status"] if feed["run"] else "none" for feed in listed))


def _feed_lines(
    connection: Connection,
    feeds: Sequence[Feed],
    last: Mapping[str, ReportFacts],
    at: str,
    troubles: Troubles,
    absences: Absences,
) -> list[ReportFacts]:
    """Return the line of each declared feed by name, then of each feed of which only runs or a bad file are known."""
    standing = standings(connection)
    history = recent_runs(connection, at)
    declared = {feed.name: feed for feed in sorted(feeds, key=lambda feed: feed.name)}
    undeclared = sorted({*last, *troubles} - set(declared))
    return [
        feed_facts(
            name, declared.get(name), last.get(name), standing, history, troubles.get(name), len(absences.get(name, ()))
        )
        for name in [*declared, *undeclared]
    ]


def standings(connection: Connection, feed: str | None = None) -> dict[str, ReportFacts]:
    """Count each feed's records as they are now, whatever its last run listed.

    `records` (all that are not deleted), `readable`, `live` and the resources formed by live records (`unique`) count a
    record by its last accepted version, if it has one; `quarantined` and `rejected` count the versions that are
    waiting, also those of live records.
    """
    name, status, count = SourceRecordRow.feed, SourceRecordRow.status, func.count()
    by_status = (
        select(name, status, count, func.count(SourceRecordRow.resource_id.distinct()))
        .where(of_feed(SourceRecordRow, feed), status.in_(_COUNTED_AS))
        .group_by(name, status)
    )
    waiting = (
        select(name, SourceRecordRow.pending_status, count)
        .where(of_feed(SourceRecordRow, feed), SourceRecordRow.pending_status.is_not(None))
        .group_by(name, SourceRecordRow.pending_status)
    )
    standing: dict[str, ReportFacts] = {}
    for feed_name, record_status, records, resources in connection.execute(by_status):
        counts = standing.setdefault(feed_name, dict(_NO_RECORDS))
        for counted_as in _COUNTED_AS[record_status]:
            counts[counted_as] += records
        counts["unique"] += resources if record_status == "live" else 0
    for feed_name, pending_status, records in connection.execute(waiting):
        standing.setdefault(feed_name, dict(_NO_RECORDS))[str(pending_status)] = records
    return standing


def feed_facts(
    name: str,
    feed: Feed | None,
    run: ReportFacts | None,
    standing: Mapping[str, ReportFacts],
    history: Mapping[str, ReportFacts],
    trouble: FileTrouble | None = None,
    absent: int = 0,
) -> ReportFacts:
    """Return one feed's line: its declaration, its last run, its records as they are now, and its last nights."""
    counts = standing.get(name, _NO_RECORDS)
    if _has_ended(feed, counts, trouble):
        trouble = None
    status = feed.status if feed else "missing"
    return {
        "name": name,
        "title": feed.title if feed else name,
        "partner": feed.partner if feed else "",
        "declared": trouble.state if trouble else status,
        "file": list(trouble.details) if trouble else [],
        "run": run,
        "funnel": _funnel(counts),
        "standing": counts,
        "absent": absent,
        "nights": history.get(name, {}),
    }


def _has_ended(feed: Feed | None, counts: ReportFacts, trouble: FileTrouble | None) -> bool:
    """Tell whether a feed is retired and has no live record: then its file may be missing."""
    missing = trouble is not None and trouble.state == "missing"
    return missing and feed is not None and feed.status == "retired" and not counts["live"]


def _funnel(counts: ReportFacts) -> dict[str, int]:
    """Return landed → normalized → valid → loaded → unique; all valid records are loaded."""
    steps = {"landed": "records", "normalized": "readable", "valid": "live", "loaded": "live", "unique": "unique"}
    return {step: counts[name] for step, name in steps.items()}


def _totals(connection: Connection, at: str) -> dict[str, int]:
    """Add up the counts of every run of a feed that began within the night, also of several of one feed.

    A run that is not loaded counts only with what it listed and landed; one that was undone had been loaded.
    """
    since = f"{parse_time(at) - _NIGHT:%Y-%m-%dT%H:%M:%S}"
    done = HarvestRunRow.status.in_(("loaded", "undone"))
    sums = []
    for name in COUNTS:
        count = getattr(HarvestRunRow, name)
        sums.append(func.sum(count if name in _ALWAYS_COUNTED else case((done, count), else_=0)))
    tonight = (HarvestRunRow.feed.is_not(None), HarvestRunRow.started_at >= since, HarvestRunRow.started_at <= at)
    row = connection.execute(select(*sums).where(*tonight)).one()
    return {name: int(total or 0) for name, total in zip(COUNTS, row, strict=True)}


def _issues_by_rule(connection: Connection, runs: Sequence[str], rules: Rules) -> list[ReportFacts]:
    """Count for each rule the open findings, those new in the last runs and those fixed by them; errors first."""
    shown = [{**row, "wrong": rules.get(row["code"], {}).get("wrong", "")} for row in count_issues(connection, runs)]
    return sorted(shown, key=lambda row: (SEVERITIES.index(row["severity"]), -row["standing"], row["code"]))


def count_issues(connection: Connection, runs: Sequence[str], feed: str | None = None) -> list[ReportFacts]:
    """Count by rule and severity the findings that are open, those new in some runs, those fixed by them, and feeds.

    Of all feeds or of one; rules without an open or a fixed finding are left out. The indexes of open and of resolved
    findings have every column that is read here: what was resolved long ago is not looked at.
    """
    by_rule = (IssueRow.feed, IssueRow.code, IssueRow.severity)  # in the order of the index, so that nothing is sorted
    is_new = case((IssueRow.first_run_id.in_(runs), 1), else_=0)
    opened = select(*by_rule, func.count(), func.sum(is_new)).where(IssueRow.resolved_run_id.is_(None))
    fixed = select(*by_rule, func.count()).where(IssueRow.resolved_run_id.in_(runs))
    counts: dict[tuple[str, str], ReportFacts] = {}

    def counted(code: str, severity: str) -> ReportFacts:
        row = {"code": code, "severity": severity, "standing": 0, "new": 0, "fixed": 0, "feeds": 0}
        return counts.setdefault((code, severity), row)

    for _, code, severity, standing, new in connection.execute(_of_rules(opened, feed)):
        row = counted(code, severity)
        row["standing"] += standing
        row["new"] += int(new)
        row["feeds"] += 1
    for _, code, severity, count in connection.execute(_of_rules(fixed, feed)):
        counted(code, severity)["fixed"] += count
    return list(counts.values())


def _of_rules(query: Any, feed: str | None) -> Any:
    return query.where(of_feed(IssueRow, feed)).group_by(IssueRow.feed, IssueRow.code, IssueRow.severity)


def _feeds_without_records(connection: Connection, feeds: Sequence[Feed]) -> frozenset[str]:
    """Return the active feeds that have never brought a record, though a record is expected of them."""
    ever = set(connection.scalars(select(SourceRecordRow.feed).distinct()))
    expecting = (feed.name for feed in feeds if feed.status == "active" and not feed.expect.may_be_empty)
    return frozenset(expecting) - ever


def _needs_attention(
    connection: Connection, listed: Sequence[ReportFacts], without_records: frozenset[str]
) -> list[ReportFacts]:
    """List what needs a person: runs, records, pairs and clusters to review, uncoded terms, reports, applications."""
    feed_needs = [need for feed in listed for need in _feed_needs(feed, is_empty=feed["name"] in without_records)]
    about_feeds = _held_runs(connection) + feed_needs
    about_feeds.sort(key=lambda need: _URGENCY.index(need["what"]))
    is_open = ReaderReportRow.decision_id.is_(None)
    counts = {
        "pairs": select(func.count()).where((MatchRow.verdict == "review") | MatchRow.review.is_not(None)),
        "clusters": select(func.count()).where(ResourceRow.review.is_not(None), ResourceRow.withdrawn_at.is_(None)),
        "terms": select(func.count()).where(UnmappedValueRow.mapped_to.is_(None), UnmappedValueRow.count > 0),
        "reader_reports": select(func.count()).where(is_open, ReaderReportRow.kind != _TAKEDOWN),
        "applications": select(func.count()).where(ApplicationRow.status == "submitted"),
    }
    return about_feeds + [
        {"what": what, "feed": None, "run": None, "count": count, "detail": []}
        for what, query in counts.items()
        if (count := connection.scalar(query))
    ]


def _takedowns(connection: Connection) -> list[ReportFacts]:
    """List how many readers' claims that a resource is their own work wait, and by when the first must be decided."""
    is_open = (ReaderReportRow.kind == _TAKEDOWN, ReaderReportRow.decision_id.is_(None))
    count, due = connection.execute(select(func.count(), func.min(ReaderReportRow.due_at)).where(*is_open)).one()
    detail = [due] if due else []
    return [{"what": "takedowns", "feed": None, "run": None, "count": count, "detail": detail}] if count else []


def upkeep_need(run: Mapping[str, Any]) -> ReportFacts:
    """Return a failed check of the links, or a failed writing of the downloads, as something that needs a person."""
    return {
        "what": run["kind"],
        "feed": None,
        "run": run["id"],
        "count": 1,
        "detail": [f"{run['cause']}: {run['error']}"],
    }


def _unfit_corrections(published: ReportFacts | None) -> list[ReportFacts]:
    """List the corrections that the last publication could not apply; its notes name them."""
    if published is None or not published["notes"]:
        return []
    notes = published["notes"]
    return [{"what": "corrections", "feed": None, "run": published["id"], "count": len(notes), "detail": notes}]


def _without_expectations(feeds: Sequence[Feed]) -> list[str]:
    """Return the active feeds whose file has no [expect]."""
    return [feed.name for feed in feeds if feed.status == "active" and "expect" not in feed.model_fields_set]


def _unusual_feeds(listed: Sequence[ReportFacts], unusual: UnusualFeeds) -> list[ReportFacts]:
    """List what is unusual in the last night of feeds; nothing is held because of it, so it comes last."""
    return [
        {"feed": feed["name"], "run": feed["run"]["id"], "what": "unusual", "count": len(unusual[feed["name"]])}
        | {"detail": [reason_fact(each.reason) for each in unusual[feed["name"]]]}
        for feed in listed
        if feed["run"] and unusual.get(feed["name"])
    ]


def _held_runs(connection: Connection) -> list[ReportFacts]:
    """List every held run, also one of an earlier night when later runs of its feed failed."""
    rows = connection.execute(
        select(HarvestRunRow.__table__)
        .where(HarvestRunRow.status == "held")
        .order_by(HarvestRunRow.feed, HarvestRunRow.id)
    ).mappings()
    runs = [run_facts(dict(row)) for row in rows]
    return [
        {"feed": run["feed"], "run": run["id"], "what": "held", "count": 1, "detail": run["reasons"]} for run in runs
    ]


def _feed_needs(feed: ReportFacts, *, is_empty: bool) -> list[ReportFacts]:
    """List what one feed needs: its failed run, its file, its first record, and its records that wait for review."""
    run, standing = feed["run"], feed["standing"]
    needs = _run_needs(run, is_empty=is_empty) if run else []
    if feed["declared"] in ("mistake", "missing", "moved", "shadowed"):
        needs.append((feed["declared"], standing["live"], feed["file"]))
    waiting = {"quarantined": standing["quarantined"], "rejected": standing["rejected"], "absent": feed["absent"]}
    needs += [(what, count, []) for what, count in waiting.items() if count]
    about = {"feed": feed["name"], "run": run["id"] if run else None}
    return [about | {"what": what, "count": count, "detail": detail} for what, count, detail in needs]


def _run_needs(run: ReportFacts, *, is_empty: bool) -> list[tuple[str, int, list[str]]]:
    """List what a feed's last run needs; a held one is listed with those of earlier nights."""
    if run["status"] == "failed":
        return [("failed", 1, [": ".join(text for text in (run["cause"], run["error"]) if text)])]
    return [("empty", 1, [])] if is_empty and run["status"] == "loaded" else []
