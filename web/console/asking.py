"""Ask a partner about a record or a term: by mail, or with the text to send; remembered until it is answered."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.accounts import partners_of
from loaders.browse import ASKED
from loaders.store import read_transaction
from loaders.task_notes import end_note, write_note
from schemas import FEED_NAME, Environment, one_line
from web.forms import field, posted
from web.mail import MailNotSent, send_mail
from web.pages import address, error_in_words, gettext_of, render, see, tell
from web.signing_in import Steward, own_path

router = APIRouter()
MAX_QUESTION_CHARS = 4_000
_MAX_NAME_CHARS = 5_000


def name_of_record(key: str) -> str:
    """Return the name under which a question about a record is remembered."""
    return f"{ASKED}record:{key}"


def name_of_term(feed: str, term_field: str, value: str) -> str:
    """Return the name under which a question about a term of a feed is remembered."""
    return f"{ASKED}term:{feed}:{term_field}:{value}"


def page_of_question(name: str) -> str:
    """Return the page of what a question is about."""
    kind, _, about = name.removeprefix(ASKED).partition(":")
    if kind == "record":
        return address("/console/records", {"key": about})
    feed, _, rest = about.partition(":")
    return address("/console/terms", {"feed": feed, "field": rest.partition(":")[0], "text": rest.partition(":")[2]})


@router.post("/questions")
def ask(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Send a question to the partners of a feed, and remember it; without mail, show the text to send."""
    env: Environment = request.app.state.env
    name, text = field(form, "name", _MAX_NAME_CHARS), field(form, "text", MAX_QUESTION_CHARS)
    back = own_path(field(form, "back", _MAX_NAME_CHARS), "/console")
    feed = name.removeprefix(ASKED).partition(":")[2].partition(":")[0]
    if not name.startswith(ASKED) or not FEED_NAME.fullmatch(feed):
        raise HTTPException(422, "There is no such decision.")
    if not text:
        tell(request, gettext_of(request, "A question needs a text."), is_error=True)
        return see(back)
    with read_transaction(env) as connection:
        receivers = partners_of(connection, feed)
    subject = gettext_of(request, "A question about %(what)s", what=one_line(name.rpartition(f":{feed}:")[2])[:200])
    unsent = _send(request, receivers, subject, text)
    write_note(env, name, "remarked", who=account.name, note=text)
    if receivers and not unsent:
        tell(request, gettext_of(request, "Sent to %(whom)s.", whom=", ".join(receivers)))
        return see(back)
    mailto = f"mailto:{quote(','.join(unsent))}?subject={quote(subject)}&body={quote(text)}"
    return render(request, "console/question.html", text=text, receivers=unsent, mailto=mailto, back=back)


def _send(request: Request, receivers: list[str], subject: str, text: str) -> list[str]:
    """Send a mail to each; return those that it did not go to, and tell why."""
    unsent = []
    for receiver in receivers:
        try:
            is_sent = send_mail(request.app.state.settings, receiver, subject, text)
        except MailNotSent as error:
            tell(request, error_in_words(request, error), is_error=True)
            is_sent = False
        if not is_sent:
            unsent.append(receiver)
    return unsent


@router.post("/questions/answered")
def answered(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Note that a question was answered: it is on no list any more."""
    name = field(form, "name", _MAX_NAME_CHARS)
    if not name.startswith(ASKED):
        raise HTTPException(422, "There is no such decision.")
    end_note(request.app.state.env, name, "remarked")
    tell(request, gettext_of(request, "Answered. The question is on no list any more."))
    return see(own_path(field(form, "back", _MAX_NAME_CHARS), "/console"))
