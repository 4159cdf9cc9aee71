"""Make decisions from forms: signed by the account, told on the next page, undone by a button; and the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.catalog import Unsigned
from loaders.curation import Batch, CannotDecide, undo_batch, undo_curation
from loaders.store import FeedBusy, WrongRunState
from schemas import Environment
from web.forms import field, posted
from web.pages import gettext_of, see, tell
from web.signing_in import Steward, own_path

__all__ = ["decide", "field", "router"]
router = APIRouter()
MAX_BACK_CHARS = 8_000
MAX_NUMBER_DIGITS = 10


def decide(request: Request, back: str, make: Callable[[], Batch], text: str) -> Response:
    """Make a decision and go back; the next page tells what was done, or why nothing was.

    `text` is told with the number of decisions as %(count)s, in the reader's language.
    """
    try:
        batch = make()
    except (CannotDecide, WrongRunState, FeedBusy, Unsigned) as error:
        tell(request, str(error), is_error=True)
    else:
        tell(request, gettext_of(request, text, count=batch.count), undo=batch.id)
    return see(back)


@router.post("/undo")
def undo(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Undo a batch of decisions, or one that is in none: `curation:` and its number."""
    env: Environment = request.app.state.env
    back = own_path(field(form, "back", MAX_BACK_CHARS), "/console/decisions")
    signed = {"by": account.name, "reason": field(form, "reason") or gettext_of(request, "undone at once")}
    kind, _, number = field(form, "batch").partition(":")
    try:
        if kind == "curation" and number.isdecimal() and len(number) < MAX_NUMBER_DIGITS:
            undo_curation(env, int(number), **signed)
            batch = Batch(kind, 1)
        else:
            batch = undo_batch(env, field(form, "batch"), **signed)
    except (CannotDecide, Unsigned) as error:
        tell(request, str(error), is_error=True)
    else:
        tell(request, gettext_of(request, "Undone: %(count)s.", count=batch.count))
    return see(back)
