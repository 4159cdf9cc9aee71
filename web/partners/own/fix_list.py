"""The fix list of a feed: what is wrong by rule, what to do about it, and in which records; as pages and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from loaders.browse import (
    FIX_STATES,
    Fix,
    FixFilter,
    FixGroup,
    FixPlace,
    Night,
    all_fixes,
    fix_groups,
    fix_page,
    last_night,
)
from loaders.store import read_kept, read_transaction
from schemas import Environment
from web.languages import reader_language
from web.pages import address, render
from web.partners.own.feeds import declared_feed
from web.partners.own.fix_csv import csv_lines
from web.partners.own.fix_texts import SEVERITY_NAMES, STATE_NAMES, fix_texts
from web.signing_in import Partner, own_feed

router = APIRouter()
PAGE_ROWS = 50
_EXAMPLES, _MAX_EXAMPLE_GROUPS = 3, 12  # findings shown of a group, and groups of which they are shown
_CSV_RATE = "20/hour"  # of one account: each may read a whole list
_Text = Annotated[str, Query(max_length=200)]
_LongText = Annotated[str, Query(max_length=4_000)]


@router.get("/feeds/{name}/fixes")
def fix_list(
    request: Request,
    account: Partner,
    name: str,
    rule: _Text = "",
    severity: _Text = "",
    state: _Text = "",
    after_run: _Text = "",
    after: _LongText = "",
) -> Response:
    """Show what is to be fixed by rule, or the records of one rule."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    state = state if state in FIX_STATES else ""
    night = read_kept(env, last_night, name)
    groups = read_kept(env, fix_groups, name, night)
    facts = {
        "name": name,
        "feed": declared_feed(env, name),
        "night": _day(night),
        "state": state,
        "texts": fix_texts(),
        "state_names": STATE_NAMES,
        "severity_names": SEVERITY_NAMES,
        "path": f"/partners/feeds/{name}/fixes",
    }
    if not rule:
        return _overview(request, env, name, night, groups, facts)
    group = next((each for each in groups if each.rule == rule and severity in ("", each.severity)), None)
    if group is None:
        group = FixGroup(rule=rule, severity=severity if severity in SEVERITY_NAMES else "warning")
    return _group_page(request, env, name, night, group, facts, FixPlace(after_run, after) if after else None)


def _overview(
    request: Request, env: Environment, name: str, night: Night | None, groups: list[FixGroup], facts: dict[str, Any]
) -> Response:
    """Show the groups that have findings in the chosen state, the first ones with a few examples."""
    state = facts["state"]
    shown = [group for group in groups if (getattr(group, state) if state else group.open)]
    examples: dict[tuple[str, str], list[Fix]] = {}
    with read_transaction(env) as connection:
        for group in shown[:_MAX_EXAMPLE_GROUPS]:
            chosen = FixFilter(rule=group.rule, severity=group.severity, state=state)
            examples[group.rule, group.severity] = fix_page(connection, name, chosen, night, limit=_EXAMPLES)
    counts: dict[str, int] = {each: sum(getattr(group, each) for group in groups) for each in FIX_STATES}
    return render(
        request,
        "partners/own/fixes.html",
        groups=shown,
        examples=examples,
        counts=counts,
        total=sum(group.open for group in groups),
        states=_states(facts["path"], counts, state, {}),
        csv=address(f"{facts['path']}.csv", {"state": state}),
        **facts,
    )


def _group_page(
    request: Request,
    env: Environment,
    name: str,
    night: Night | None,
    group: FixGroup,
    facts: dict[str, Any],
    after: FixPlace | None,
) -> Response:
    state = facts["state"]
    chosen = FixFilter(rule=group.rule, severity=group.severity, state=state)
    with read_transaction(env) as connection:
        rows = fix_page(connection, name, chosen, night, after=after, limit=PAGE_ROWS + 1)
    query = {"rule": group.rule, "severity": group.severity, "state": state}
    last = rows[PAGE_ROWS - 1].place if len(rows) > PAGE_ROWS else None
    counts: dict[str, int] = {each: getattr(group, each) for each in FIX_STATES}
    return render(
        request,
        "partners/own/fix_group.html",
        group=group,
        rows=rows[:PAGE_ROWS],
        total=getattr(group, state) if state else group.open,
        states=_states(facts["path"], counts, state, query),
        first=address(facts["path"], query) if after else "",
        more=address(facts["path"], query, after_run=last.run_id, after=last.finding) if last else "",
        csv=address(f"{facts['path']}.csv", query),
        **facts,
    )


def _states(path: str, counts: dict[str, int], chosen: str, query: dict[str, str]) -> list[tuple[str, str, int, bool]]:
    """Return the states as choices: name, where it leads, how many, and whether it is chosen (then it leads back)."""
    return [
        (state, address(path, query, state=None if state == chosen else state), count, state == chosen)
        for state, count in counts.items()
    ]


def _day(night: Night | None) -> str:
    stamp = night.last.rpartition("-")[2] if night else ""
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:00Z" if stamp else ""


@router.get("/feeds/{name}/fixes.csv")
def fix_list_csv(
    request: Request, account: Partner, name: str, rule: _Text = "", severity: _Text = "", state: _Text = ""
) -> Response:
    """Send the findings as CSV in the reader's language, as they are read."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    if state not in ("", *FIX_STATES):
        raise HTTPException(404, "There is no such list.")
    request.app.state.rates.check(request, _CSV_RATE, "fix-list-csv", str(account.id))
    night = read_kept(env, last_night, name)
    groups = read_kept(env, fix_groups, name, night)
    language = reader_language(request)
    fixes = all_fixes(env, name, _filters(groups, rule, severity, state), night)
    return StreamingResponse(
        csv_lines(request, fixes, language),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="{name}.fix.{language}.csv"',
            "content-language": language,
            "cache-control": "no-store",
        },
    )


def _filters(groups: Sequence[FixGroup], rule: str, severity: str, state: str) -> list[FixFilter]:
    """Return what is meant of each group; without a state what is open, then what was fixed by the last night."""
    meant = [group for group in groups if rule in ("", group.rule) and severity in ("", group.severity)]
    states = (state,) if state else ("", "fixed")
    return [
        FixFilter(rule=group.rule, severity=group.severity, state=each)
        for each in states
        for group in meant
        if (getattr(group, each) if each else group.open)
    ]
