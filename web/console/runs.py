"""The pages Runs: all of them, newest first; and one with what it changes, to be released, refused or undone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import (
    ChangeFilter,
    RunPlace,
    RunSummary,
    change_facets,
    has_changes,
    read_run_summary,
    run_changes,
    run_facets,
    runs_page,
)
from loaders.catalog import refuse, revoke_refusal, undo
from loaders.reports import reason_sentence
from loaders.staging import RowsUnreadable
from loaders.store import UPKEEP_KINDS, feed_lock, is_locked, read_kept, read_transaction, run_lock_name
from schemas import Environment
from transforms.rules import rule_texts
from web.console.background import progress_of, work_behind
from web.console.decisions import decide as make_decision
from web.console.work import begin_and_show
from web.forms import field, posted
from web.languages import marked, reader_language
from web.pages import address, error_in_words, gettext_of, render, see, tell
from web.signing_in import Steward

router = APIRouter()
PAGE_ROWS = 25
_PATH = "/console/runs"
_LICENSE_RULE = "license_narrowed"
_Text = Annotated[str, Query(max_length=500)]
Choice = tuple[str, str, int, bool]


@router.get("/runs")
def runs(request: Request, status: _Text = "", feed: _Text = "", after: _Text = "") -> Response:
    """Show the runs, newest first."""
    env: Environment = request.app.state.env
    began, _, last = after.partition("~")
    place = RunPlace(began, last) if after else None
    rows = read_kept(env, runs_page, status=status, feed=feed, after=place, limit=PAGE_ROWS + 1)
    counts = read_kept(env, run_facets, status=status, feed=feed)
    query = {"status": status, "feed": feed}
    titles = {"status": gettext_of(request, "Status"), "feed": gettext_of(request, "Feed")}
    end = rows[PAGE_ROWS - 1] if len(rows) > PAGE_ROWS else None
    return render(
        request,
        "console/runs.html",
        rows=rows[:PAGE_ROWS],
        facets=[(titles[name], choices(_PATH, query, name, counts[name])) for name in titles],
        first=address(_PATH, query) if after else "",
        more=address(_PATH, query, after=f"{end.started_at}~{end.id}") if end else "",
        is_left=partial(_is_left, env),
    )


def choices(path: str, query: dict[str, str], name: str, counts: list[tuple[str, int]]) -> list[Choice]:
    """Return the choices of a facet: label, link, count, and whether it is chosen; a chosen one leads back to all."""
    return [
        (label, address(path, query, **{name: None if query[name] == label else label}), count, query[name] == label)
        for label, count in counts
    ]


def _is_left(env: Environment, run: RunSummary) -> bool:
    """Return whether no process works on an unfinished run any more, or between two steps of its DAG."""
    return run.status == "running" and not is_locked(env, run_lock_name(run.kind, run.feed))


@router.get("/runs/{run_id}")
def run(
    request: Request, run_id: str, kind: _Text = "", field: _Text = "", rule: _Text = "", after: _Text = ""
) -> Response:
    """Show a run, what it changes, and what can be decided on it."""
    env: Environment = request.app.state.env
    known = _read(env, run_id)
    chosen = ChangeFilter(kind=kind, field=field, rule=rule)
    work = work_behind(env, known)
    language = reader_language(request)
    decide = gettext_of(request, "then decide below")
    return render(
        request,
        "console/run.html",
        run=known,
        reasons=[reason_sentence(each, language, decide=decide) for each in known.reasons],
        is_left=_is_left(env, known),
        work=work,
        progress=progress_of(env, work) if work else None,
        rules=rule_texts(),
        **_changes(request, env, known, chosen, after),
    )


def _read(env: Environment, run_id: str) -> RunSummary:
    with read_transaction(env) as connection:
        known = read_run_summary(connection, run_id)
    if known is None:
        raise HTTPException(404, "There is no run with this id.")
    return known


def _changes(request: Request, env: Environment, run: RunSummary, chosen: ChangeFilter, after: str) -> dict[str, Any]:
    """Return what the page shows of the run's changes; `trouble` says why there is nothing."""
    nothing = {"changes": [], "facets": [], "narrowed": 0, "first": "", "more": "", "trouble": "", "compared": 0}
    try:
        if not has_changes(env, run):
            return nothing | {"trouble": _no_changes(request, run)}
        facets = change_facets(env, run)
        page = run_changes(env, run, chosen, after=after, limit=PAGE_ROWS)
    except RowsUnreadable as error:
        return nothing | {"trouble": error_in_words(request, error)}
    path = f"{_PATH}/{run.id}"
    query = {"kind": chosen.kind, "field": chosen.field, "rule": chosen.rule}
    titles = {"kind": marked("Change"), "field": marked("Field"), "rule": marked("Rule")}
    counts = {"kind": facets.kinds, "field": facets.fields, "rule": facets.rules}
    return {
        "changes": page.changes,
        "facets": [(gettext_of(request, titles[name]), choices(path, query, name, counts[name])) for name in titles],
        "narrowed": dict(facets.rules).get(_LICENSE_RULE, 0),
        "first": address(path, query) if after else "",
        "more": address(path, query, after=page.after) if page.after else "",
        "trouble": "",
        "compared": facets.compared,
    }


def _no_changes(request: Request, run: RunSummary) -> str:
    if run.kind in ("publish", "undo", *UPKEEP_KINDS) or run.status == "running":
        return ""
    return gettext_of(request, "The list of what this run changed is no longer kept; its counts are.")


@router.post("/runs/{run_id}")
def decide(request: Request, run_id: str, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Release, refuse or undo a run, or revoke a refusal."""
    env: Environment = request.app.state.env
    known, back = _read(env, run_id), f"{_PATH}/{run_id}"
    action, reason = field(form, "action"), field(form, "reason")
    if action == "release":
        if known.status != "held":
            tell(request, gettext_of(request, "This run no longer needs a decision."), is_error=True)
            return see(back)
        return begin_and_show(request, "release", known.id, account.name, reason, back)
    deeds = _deeds(env, known.id, account.name, reason)
    if action not in deeds:
        raise HTTPException(422, "There is no such decision.")
    text, deed = deeds[action]

    def make() -> str:
        with feed_lock(env, known.feed or "", wait=False):  # a harvest may have it for hours
            return str(deed())

    return make_decision(request, back, make, text)


def _deeds(env: Environment, run_id: str, by: str, reason: str) -> dict[str, tuple[str, Callable[[], int | str]]]:
    """Return what can be done at once: the text that tells it, and what does it and returns the count."""
    signed = {"by": by, "reason": reason}
    refused = marked("Refused. Versions that are not loaded until the partner's data changes: %(count)s.")
    revoked = marked(
        "Revoked. Versions that can be loaded again, by the partner's next list or a reprocess: %(count)s."
    )
    return {
        "refuse": (refused, lambda: refuse(env, run_id, **signed)),
        "undo": (marked("Undone by the run %(count)s."), lambda: undo(env, run_id, **signed)),
        "revoke": (revoked, lambda: revoke_refusal(env, run_id, **signed)),
    }
