"""Make decisions from forms: signed by the account, told on the next page, undone by a button; and the audit log."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, HTTPException
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.catalog import Unsigned
from loaders.curation import Batch, CannotDecide, SeenDecisions, undo_batch, undo_curation
from loaders.feed_status import FEED_STATUSES, StatusUnchanged, change_status
from loaders.store import FeedBusy, LeaseLost, LockUnusable, WrongRunState
from schemas import FEED_NAME, BadFeed, Environment
from web.forms import field, posted
from web.languages import marked
from web.pages import error_in_words, gettext_of, render, see, tell
from web.signing_in import Steward, own_path, signed_in

__all__ = ["decide", "field", "router", "seen_in", "status_undo"]
router = APIRouter()
WAIT_SECONDS = 5.0  # after which it is told that a decision waits
MAX_BACK_CHARS = 8_000
MAX_NUMBER_DIGITS = 10


class _Waiting(NamedTuple):
    """A decision that waits to be written: whose it is, what comes of it, where it goes on, and how it is told."""

    account: int
    made: Future[Batch | str]
    back: str
    text: str


_waiting: dict[str, _Waiting] = {}  # by a token of its page


def decide(request: Request, back: str, make: Callable[[], Batch | str], text: str) -> Response:
    """Make a decision and go back; the next page tells what was done, or why nothing was.

    `text` is told with the number of decisions, or what `make` returned instead, as %(count)s. A decision that cannot
    be written for WAIT_SECONDS, because a run or somebody else writes, goes on, and a page that says so is shown.
    """
    made: Future[Batch | str] = Future()
    threading.Thread(target=_carry_out, args=(made, make), daemon=True).start()
    wait([made], WAIT_SECONDS)
    if made.done():
        return _tell_made(request, back, made, text)
    account, token = signed_in(request), secrets.token_urlsafe(16)
    _waiting[token] = _Waiting(account.id if account else 0, made, back, text)
    return see(f"/console/waiting/{token}")


def _carry_out(made: Future[Batch | str], make: Callable[[], Batch | str]) -> None:
    try:
        made.set_result(make())
    except BaseException as error:  # it is raised where the result is asked for
        made.set_exception(error)


def _tell_made(request: Request, back: str, made: Future[Batch | str], text: str) -> Response:
    try:
        batch = made.result()
    except (
        CannotDecide,
        WrongRunState,
        FeedBusy,
        LeaseLost,
        LockUnusable,
        StatusUnchanged,
        BadFeed,
    ) as error:
        tell(request, error_in_words(request, error), is_error=True)
    except Unsigned:  # who decides is the account; the command line names its options
        tell(request, gettext_of(request, "A reason is missing."), is_error=True)
    else:
        count, batch_id = (batch, "") if isinstance(batch, str) else (batch.count, batch.id)
        tell(request, gettext_of(request, text, count=count), undo=batch_id)
    return see(back)


@router.get("/waiting/{token}")
def waiting(request: Request, account: Steward, token: str) -> Response:
    """Show that a decision waits; once it is made, go on where it belongs and tell what came of it."""
    known = _waiting.get(token)
    if known is None or known.account != account.id:
        raise HTTPException(404, "There is no such decision that waits; look at the list of decisions.")
    if not known.made.done():
        return render(request, "console/waiting.html", back=known.back)
    del _waiting[token]
    return _tell_made(request, known.back, known.made, known.text)


def seen_in(form: FormData) -> SeenDecisions | None:
    """Return which decisions there were when the page of a form was opened; None when it does not say so."""
    numbers = field(form, "seen").split(".")
    is_complete = len(numbers) == len(SeenDecisions._fields) and all(
        number.isdecimal() and len(number) < 2 * MAX_NUMBER_DIGITS for number in numbers
    )
    return SeenDecisions(*map(int, numbers)) if is_complete else None


def status_undo(feed: str, before: str) -> str:
    """Return what `undo` reads to give a feed the status that it had before."""
    return f"status:{feed}:{before}"


@router.post("/undo")
def undo(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Undo a batch of decisions, or one that is in none: `curation:` and its number."""
    env: Environment = request.app.state.env
    back = own_path(field(form, "back", MAX_BACK_CHARS), "/console/decisions")
    signed = {"by": account.name, "reason": field(form, "reason") or gettext_of(request, "undone at once")}
    batch = field(form, "batch")
    kind, _, number = batch.partition(":")
    feed, _, status = number.partition(":")

    def take_back() -> Batch:
        if kind == "curation" and number.isdecimal() and len(number) < MAX_NUMBER_DIGITS:
            undo_curation(env, int(number), **signed)
            return Batch("", 1)
        if kind == "status" and FEED_NAME.fullmatch(feed) and status in FEED_STATUSES:
            change_status(env, feed, status, **signed)
            return Batch("", 1)
        return Batch("", undo_batch(env, batch, **signed).count)

    return decide(request, back, take_back, marked("Undone: %(count)s."))
