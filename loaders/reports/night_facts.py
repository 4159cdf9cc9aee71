"""What the catalog says about the last night, as plain JSON-able facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import timedelta

from sqlalchemy import Connection, case, func, select

from loaders.declarations import FileTrouble
from loaders.reports.page import SEVERITIES, Rules, moment
from loaders.reports.runs import COUNTS, Facts, last_runs, nights, of, publication, recent_runs, run_facts
from loaders.store import HarvestRunRow, IssueRow, MatchRow, ResourceRow, SourceRecordRow, UnmappedValueRow
from schemas import Feed

_URGENCY = ("failed", "held", "mistake", "missing", "moved", "quarantined", "rejected")
Troubles = Mapping[str, FileTrouble]  # what is wrong with feed files, by feed
_LANDED = ("listed", "landed", "duplicates")  # counts of a run that stand whatever becomes of it
_NIGHT = timedelta(hours=24)  # a run that began earlier is of another night


def night_facts(
    connection: Connection, feeds: Sequence[Feed], rules: Rules, at: str, troubles: Troubles | None = None
) -> Facts:
    """Everything that the report of the night shows. `rules` are the registry's texts by code."""
    last = last_runs(connection)
    standing = standings(connection)
    runs = recent_runs(connection, at)
    published = publication(connection)
    declared = {feed.name: feed for feed in feeds}
    wrong = troubles or {}
    listed = [
        feed_facts(name, declared.get(name), last.get(name), standing, runs, wrong.get(name))
        for name in _names(declared, {*last, *wrong})
    ]
    return {
        "at": at,
        "nights": nights(at),
        "feeds": listed,
        "totals": totals([one["run"] for one in listed if one["run"]], at),
        "statuses": statuses(listed),
        "resources": connection.scalar(select(func.count()).where(ResourceRow.withdrawn_at.is_(None))) or 0,
        "publish": published,
        "issues": _issues_by_rule(connection, [run["id"] for run in [*last.values(), published] if run], rules),
        "people": [*_unfit(published), *people(connection, listed)],
    }


def _names(declared: Mapping[str, Feed], others: Set[str]) -> list[str]:
    """Declared feeds in name order, then those of which no declaration is known."""
    return sorted(declared) + sorted(others - set(declared))


def standings(connection: Connection, feed: str | None = None) -> dict[str, Facts]:
    """How each feed's records stand, whatever its last run listed.

    records (all that are not deleted), readable, live and the resources that these make (unique) count a record with
    its last accepted version, if it has one; quarantined and rejected are the versions that wait, of live records too.
    """
    name, status, many = SourceRecordRow.feed, SourceRecordRow.status, func.count()
    counted = select(name, status, many, func.count(SourceRecordRow.resource_id.distinct()))
    counted = counted.where(of(SourceRecordRow, feed), status.in_(_STANDS)).group_by(name, status)
    waits = select(name, SourceRecordRow.pending_status, many)
    waits = waits.where(of(SourceRecordRow, feed), SourceRecordRow.pending_status.is_not(None))
    found: dict[str, Facts] = {}
    for of_feed, said, records, resources in connection.execute(counted):
        stands = found.setdefault(of_feed, dict(_NOTHING))
        for step in _STANDS[said]:
            stands[step] += records
        stands["unique"] += resources if said == "live" else 0
    for of_feed, ending, waiting in connection.execute(waits.group_by(name, SourceRecordRow.pending_status)):
        found.setdefault(of_feed, dict(_NOTHING))[str(ending)] = waiting
    return found


# How far a record of a status has come.
_STANDS = {"live": ("records", "readable", "live"), "quarantined": ("records", "readable"), "rejected": ("records",)}
_NOTHING = {"records": 0, "readable": 0, "live": 0, "unique": 0, "quarantined": 0, "rejected": 0}


def feed_facts(
    name: str,
    feed: Feed | None,
    run: Facts | None,
    standing: Mapping[str, Facts],
    runs: Mapping[str, Facts],
    trouble: FileTrouble | None = None,
) -> Facts:
    """One feed's line: who it is, its last run, its funnel and what waits as they stand, and its last nights."""
    stands = standing.get(name, _NOTHING)
    if trouble and trouble.state == "missing" and feed and feed.status == "retired" and not stands["live"]:
        trouble = None  # it has ended, and its file may go
    status = feed.status if feed else "missing"
    return {
        "name": name,
        "title": feed.title if feed else name,
        "partner": feed.partner if feed else "",
        "declared": trouble.state if trouble else status,
        "file": list(trouble.details) if trouble else [],
        "run": run,
        "funnel": funnel(stands),
        "standing": stands,
        "nights": runs.get(name, {}),
    }


def funnel(stands: Facts) -> dict[str, int]:
    """landed → normalized → valid → loaded → unique of the feed as it stands, where all that is valid is loaded."""
    said = {"landed": "records", "normalized": "readable", "valid": "live", "loaded": "live", "unique": "unique"}
    return {step: stands[name] for step, name in said.items()}


def totals(runs: Sequence[Facts], at: str) -> dict[str, int]:
    """What the last runs did this night: one that is not loaded has listed and landed, and changed nothing."""
    since = moment(at) - _NIGHT
    tonight = [run for run in runs if moment(run["started_at"]) >= since]
    return {name: sum(run[name] for run in tonight if name in _LANDED or run["status"] == "loaded") for name in COUNTS}


def statuses(listed: Sequence[Facts]) -> dict[str, int]:
    """How many feeds ended in which status; `none` never ran."""
    found: dict[str, int] = {}
    for one in listed:
        status = one["run"]["status"] if one["run"] else "none"
        found[status] = found.get(status, 0) + 1
    return found


def _issues_by_rule(connection: Connection, runs: Sequence[str], rules: Rules) -> list[Facts]:
    """For each rule the findings that stand, those new in the last runs and those fixed by them; errors first."""
    stands = IssueRow.resolved_run_id.is_(None)
    rows = connection.execute(
        select(
            IssueRow.code,
            IssueRow.severity,
            func.sum(case((stands, 1), else_=0)).label("standing"),
            func.sum(case((stands & IssueRow.first_run_id.in_(runs), 1), else_=0)).label("new"),
            func.sum(case((IssueRow.resolved_run_id.in_(runs), 1), else_=0)).label("fixed"),
            func.count(case((stands, IssueRow.feed)).distinct()).label("feeds"),
        ).group_by(IssueRow.code, IssueRow.severity)
    ).mappings()
    listed = [dict(row) | {"wrong": rules.get(row["code"], {}).get("wrong", "")} for row in rows]
    shown = [row for row in listed if row["standing"] or row["fixed"]]
    return sorted(shown, key=lambda row: (SEVERITIES.index(row["severity"]), -row["standing"], row["code"]))


def people(connection: Connection, listed: Sequence[Facts]) -> list[Facts]:
    """What needs a person: held and failed runs, quarantined records, pairs and clusters to review, unmapped terms."""
    wanted = _held_runs(connection) + [one for feed in listed for one in _feed_people(feed)]
    wanted.sort(key=lambda one: _URGENCY.index(one["what"]))
    pairs = (
        connection.scalar(select(func.count()).where((MatchRow.verdict == "review") | MatchRow.review.is_not(None)))
        or 0
    )
    clusters = connection.scalar(
        select(func.count()).where(ResourceRow.review.is_not(None), ResourceRow.withdrawn_at.is_(None))
    ) or 0  # fmt: skip
    terms = connection.scalar(
        select(func.count()).where(UnmappedValueRow.mapped_to.is_(None), UnmappedValueRow.count > 0)
    ) or 0  # fmt: skip
    more = (("pairs", pairs), ("clusters", clusters), ("terms", terms))
    return wanted + [
        {"what": what, "feed": None, "run": None, "count": count, "detail": []} for what, count in more if count
    ]


def _unfit(published: Facts | None) -> list[Facts]:
    """The corrections that the last publication could not apply: its notes name them."""
    if published is None or not published["notes"]:
        return []
    notes = published["notes"]
    return [{"what": "corrections", "feed": None, "run": published["id"], "count": len(notes), "detail": notes}]


def _held_runs(connection: Connection) -> list[Facts]:
    """Every run that waits for a decision; also one of an earlier night, when later runs of its feed failed."""
    rows = connection.execute(
        select(HarvestRunRow.__table__)
        .where(HarvestRunRow.status == "held")
        .order_by(HarvestRunRow.feed, HarvestRunRow.id)
    ).mappings()
    runs = [run_facts(dict(row)) for row in rows]
    return [
        {"feed": run["feed"], "run": run["id"], "what": "held", "count": 1, "detail": run["reasons"]} for run in runs
    ]


def _feed_people(one: Facts) -> list[Facts]:
    run = one["run"]
    wanted: list[tuple[str, int, list[str]]] = []
    if run and run["status"] == "failed":
        wanted.append(("failed", 1, [": ".join(text for text in (run["cause"], run["error"]) if text)]))
    if one["declared"] in ("mistake", "missing", "moved"):
        wanted.append((one["declared"], one["standing"]["live"], one["file"]))
    wanted += [(what, one["standing"][what], []) for what in ("quarantined", "rejected") if one["standing"][what]]
    about = {"feed": one["name"], "run": run["id"] if run else None}
    return [about | {"what": what, "count": count, "detail": detail} for what, count, detail in wanted]
