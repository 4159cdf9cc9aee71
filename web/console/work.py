"""The page of a piece of work that is done in the background, and the forms that begin one."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, HTTPException
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.catalog import Unsigned, check_signature
from schemas import FEED_NAME, Environment
from web.console.background import Action, CannotBegin, begin_work, progress_of, read_work
from web.forms import field, posted
from web.pages import error_in_words, gettext_of, render, see, tell
from web.signing_in import Steward, own_path

router = APIRouter()


@router.get("/work/{work_id}")
def work(request: Request, work_id: str) -> Response:
    """Show how far a piece of work is; the page asks again while it goes on."""
    env: Environment = request.app.state.env
    known = read_work(env, work_id)
    if known is None:
        raise HTTPException(404, "There is no such work; only the latest are kept.")
    return render(request, "console/work.html", work=known, progress=progress_of(env, known))


@router.post("/work")
def begin(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Begin a harvest, a reprocess or a publication."""
    action: Any = field(form, "action")
    target = field(form, "target", 100)
    if action not in get_args(Action) or action == "release":
        raise HTTPException(422, "There is no such work.")
    if action != "publish" and not FEED_NAME.fullmatch(target):
        raise HTTPException(422, "There is no such feed.")
    back = own_path(field(form, "back"), "/console/feeds")
    target = "" if action == "publish" else target
    return begin_and_show(request, action, target, account.name, field(form, "reason"), back)


def begin_and_show(request: Request, action: Action, target: str, by: str, reason: str, back: str) -> Response:
    """Begin a piece of work and show its page; where that cannot be, go back and tell why."""
    try:
        check_signature(by, reason)
    except Unsigned:
        tell(request, gettext_of(request, "A reason is missing."), is_error=True)
        return see(back)
    try:
        begun = begin_work(request.app.state.env, action, target, by=by, reason=reason)
    except CannotBegin as error:
        tell(request, error_in_words(request, error), is_error=True)
        return see(back)
    return see(f"/console/work/{begun.id}")
