"""The page Today: what needs a person, grouped by cause; take it, put it off, or leave a remark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import ASKED, Need, todays_needs
from loaders.reports import reason_sentence
from loaders.store import now
from loaders.task_notes import end_note, write_note
from schemas import Environment
from web.console.asking import page_of_question
from web.console.reader_reports import KIND_NAMES
from web.forms import field, posted
from web.languages import reader_language
from web.pages import address, gettext_of, render, see, tell
from web.signing_in import Steward

router = APIRouter()
_DAYS = {"1": 1, "7": 7, "30": 30}  # for which something may be put off
_PAGES = {
    "dead_links": "/console/links",
    "certificates": "/console/links",
    "pairs": "/console/pairs",
    "clusters": "/console/pairs",
    "terms": "/console/terms",
    "applications": "/console/applications",
}


@router.get("")
def today(request: Request, all: bool = False) -> Response:  # noqa: A002 (the parameter's name in the address)
    """Show what needs a person; what is put off only with `all`."""
    env: Environment = request.app.state.env
    needs = todays_needs(env)
    shown = [need for need in needs if all or not need.snoozed_until]
    language, decide = reader_language(request), gettext_of(request, "then open the run and decide")
    causes = [(cause, list(group)) for cause, group in groupby(shown, key=lambda need: need.cause)]
    return render(
        request,
        "console/today.html",
        causes=causes,
        snoozed=len(needs) - len(shown),
        page_of=_page_of,
        kind_names={kind: gettext_of(request, text) for kind, text in KIND_NAMES.items()},
        now_text=now(),
        reason=lambda reason: reason_sentence(reason, language, decide=decide),
        days=list(_DAYS),
    )


@router.post("/notes")
def write(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Take something, put it off, or leave a remark."""
    env: Environment = request.app.state.env
    name, action, text = field(form, "name", 300), field(form, "action"), field(form, "note")
    if action == "take":
        write_note(env, name, "taken", who=account.name)
    elif action == "answered" and name.startswith(ASKED):
        end_note(env, name, "remarked")
    elif action == "give back":
        end_note(env, name, "taken")
    elif action == "wake":
        end_note(env, name, "snoozed")
    elif action == "snooze":
        days = _DAYS.get(field(form, "days"), 1)
        until = (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        write_note(env, name, "snoozed", who=account.name, until=until, note=text or None)
    elif text:
        write_note(env, name, "remarked", who=account.name, note=text)
    else:
        tell(request, gettext_of(request, "A remark needs a text."), is_error=True)
    return see("/console")


def _page_of(need: Need) -> str:
    """Return the page on which a need is decided."""
    if need.cause == "asked":
        return page_of_question(need.name)
    if need.kind:
        return address("/console/reports", kind=need.kind)
    if need.run:
        return address(f"/console/runs/{need.run}")
    if need.cause == "narrowed":
        return address("/console/quarantine", feed=need.feed, rule="license_narrowed")
    if need.cause == "rejected":
        return address("/console/quarantine", feed=need.feed, rule="unreadable")
    return _PAGES.get(need.cause) or address("/console/quarantine", feed=need.feed)
