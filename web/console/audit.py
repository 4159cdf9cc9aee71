"""The page Decisions: who decided what, when and why, with what takes it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import AuditPlace, audit_facets, audit_page
from loaders.store import read_kept
from schemas import Environment
from web.console.runs import choices
from web.pages import address, gettext_of, render

router = APIRouter()
PAGE_ROWS = 25
_PATH = "/console/decisions"
_Text = Annotated[str, Query(max_length=500)]


@router.get("/decisions")
def decisions(request: Request, by: _Text = "", kind: _Text = "", after: _Text = "") -> Response:
    """Show the decisions of a person and of a kind, newest first."""
    env: Environment = request.app.state.env
    page = read_kept(env, audit_page, by=by, kind=kind, after=_place(after), limit=PAGE_ROWS)
    facets = read_kept(env, audit_facets)
    query = {"by": by, "kind": kind}
    titles = {"by": gettext_of(request, "Who"), "kind": gettext_of(request, "Decision")}
    return render(
        request,
        "console/decisions.html",
        entries=page.entries,
        facets=[(titles[name], choices(_PATH, query, name, facets[name])) for name in titles],
        first=address(_PATH, query) if after else "",
        more=address(_PATH, query, after="|".join(page.after)) if page.after else "",
        back=address(_PATH, query),
    )


def _place(after: str) -> AuditPlace | None:
    parts = after.split("|")
    return AuditPlace(*parts) if len(parts) == len(AuditPlace._fields) else None
