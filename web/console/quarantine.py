"""The page Quarantine: versions with errors, narrowed by facets; correct, accept or refuse some or all of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import Facets, WaitingFilter, waiting_facets, waiting_keys, waiting_page
from loaders.curation import CannotDecide, accept_all, correct_all, dry_run_correction, refuse_all
from loaders.store import read_kept
from schemas import Environment
from transforms.rules import errors_left, rule_texts
from web.console.decisions import decide
from web.forms import field, posted
from web.languages import marked
from web.pages import address, error_in_words, gettext_of, render, tell
from web.signing_in import Steward

router = APIRouter()
PAGE_ROWS = 25
MAX_VALUE_CHARS = 4_000
_PATH = "/console/quarantine"
_FILTER = ("feed", "rule", "field", "text")
_Text = Annotated[str, Query(max_length=500)]
Choice = tuple[str, str, int, bool]  # label, where it leads, how many it means, and whether it is chosen


@router.get("/quarantine")
def quarantine(
    request: Request, feed: _Text = "", rule: _Text = "", field: _Text = "", text: _Text = "", after: _Text = ""
) -> Response:
    """Show the waiting versions that the facets mean."""
    chosen = WaitingFilter(feed=feed, rule=rule, field=field, text=text)
    return _page(request, chosen, after)


def _page(request: Request, chosen: WaitingFilter, after: str = "", **facts: Any) -> Response:
    env: Environment = request.app.state.env
    rows = read_kept(env, waiting_page, chosen, after=after, limit=PAGE_ROWS + 1)
    facets = read_kept(env, waiting_facets, chosen)
    query = {name: getattr(chosen, name) for name in _FILTER}
    more = address(_PATH, query, after=rows[PAGE_ROWS - 1].key) if len(rows) > PAGE_ROWS else ""
    filled = {"path": "", "value": "", "reason": "", "ticked": [], "scope": "all", "dry_run": None} | facts
    return render(
        request,
        "console/quarantine.html",
        rows=rows[:PAGE_ROWS],
        chosen=chosen,
        facets=_facets(request, chosen, facets),
        total=facets.total,
        query=query,
        first=address(_PATH, query) if after else "",
        more=more,
        rules=rule_texts(),
        suggested_path=chosen.field or (facets.fields[0][0] if len(facets.fields) == 1 else ""),
        **filled,
    )


def _facets(request: Request, chosen: WaitingFilter, facets: Facets) -> list[tuple[str, list[Choice]]]:
    """Return each facet's title with its choices; a chosen one leads back to all."""
    query = {name: getattr(chosen, name) for name in _FILTER}
    titles = {"feed": marked("Feed"), "rule": marked("Rule"), "field": marked("Field")}
    counts = {"feed": facets.feeds, "rule": facets.rules, "field": facets.fields}

    def choice(name: str, label: str, count: int) -> Choice:
        is_chosen = query[name] == label
        return label, address(_PATH, query, **{name: None if is_chosen else label}), count, is_chosen

    return [
        (gettext_of(request, titles[name]), [choice(name, label, count) for label, count in counts[name]])
        for name in titles
    ]


@router.post("/quarantine")
def decide_on_waiting(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Correct, accept or refuse the ticked versions, or all that the facets mean; or show what correcting would do."""
    env: Environment = request.app.state.env
    chosen = WaitingFilter(**{name: field(form, name) for name in _FILTER})
    ticked = [str(key) for key in form.getlist("key")]
    scope, action, reason = field(form, "scope"), field(form, "action"), field(form, "reason")
    back = address(_PATH, {name: getattr(chosen, name) for name in _FILTER})

    def keys(connection: Connection) -> Any:
        return ticked if scope == "ticked" else waiting_keys(connection, chosen)

    by = account.name
    if action == "accept":
        return decide(
            request, back, lambda: accept_all(env, keys, by=by, reason=reason), marked("Accepted: %(count)s.")
        )
    if action == "refuse":
        return decide(request, back, lambda: refuse_all(env, keys, by=by, reason=reason), marked("Refused: %(count)s."))
    path, value = field(form, "path"), field(form, "value", MAX_VALUE_CHARS)
    if action == "correct":
        return decide(
            request,
            back,
            lambda: correct_all(env, keys, path, value, by=by, reason=reason),
            marked("Corrected: %(count)s."),
        )
    try:
        dry_run = dry_run_correction(env, keys, path, value, errors_left)
    except CannotDecide as error:
        tell(request, error_in_words(request, error), is_error=True)
        dry_run = None
    return _page(request, chosen, path=path, value=value, reason=reason, ticked=ticked, scope=scope, dry_run=dry_run)
