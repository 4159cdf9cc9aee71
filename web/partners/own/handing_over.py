"""Hand a feed to a colleague: by a link in a mail to the colleague, who gets the feed when the link is used.

Until then the partner keeps it. The link proves who has the colleague's mail address, so that it is only sent there,
never shown.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.accounts import AccountTrouble, account_by_name, partners_of
from loaders.applications import hand_over
from loaders.store import read_transaction
from schemas import Environment
from web.forms import field, limited, posted
from web.languages import marked
from web.links import BadLink, hand_over_link, read_hand_over, settings_of, use_hand_over
from web.mail import MailNotSent, mail_address, send_mail
from web.pages import error_in_words, gettext_of, render, see, tell
from web.partners.own.feeds import declared_feed
from web.signing_in import Partner, own_feed, sign_in_by_mail

router = APIRouter()
_MAIL_RATE, _LINK_RATE = "5/hour", "30/hour"  # mails of one account; links tried from one address
_Form = Annotated[FormData, Depends(posted)]
_SUBJECT = marked("%(giver)s hands the feed %(title)s to you")
_BODY = marked(
    "%(giver)s would like you to look after the feed %(title)s in the E-library for Teachers.\n\n"
    "Open this link within seven days to take it over:\n%(link)s\n\n"
    "If you do not want it, do nothing: then nothing changes."
)


@router.post("/feeds/{name}/hand-over")
def offer_feed(request: Request, account: Partner, name: str, form: _Form) -> Response:
    """Send a colleague the link by which the feed is taken over."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    back = f"/partners/feeds/{name}/change"
    settings = settings_of(request)
    trouble = _trouble(request, env, account.name, field(form, "colleague"))
    if trouble:
        tell(request, trouble, is_error=True)
        return see(back)
    request.app.state.rates.check(request, _MAIL_RATE, "hand-over", str(account.id))
    colleague = mail_address(field(form, "colleague"))
    feed = declared_feed(env, name)
    values = {
        "giver": account.name,
        "title": feed.title if feed else name,
        "link": hand_over_link(settings, name, account.name, colleague),
    }
    try:
        send_mail(settings, colleague, gettext_of(request, _SUBJECT, **values), gettext_of(request, _BODY, **values))
    except MailNotSent as error:
        tell(
            request,
            gettext_of(request, "The mail was not sent: %(why)s", why=error_in_words(request, error)),
            is_error=True,
        )
        return see(back)
    text = marked("The link is sent to %(colleague)s. You keep the feed until it is used; it works for seven days.")
    tell(request, gettext_of(request, text, colleague=colleague))
    return see(back)


def _trouble(request: Request, env: Environment, giver: str, colleague: str) -> str:
    """Return why a feed cannot be offered to a colleague, in the reader's language; empty when it can."""
    if not settings_of(request).mail_url:
        return gettext_of(
            request, "This library sends no mail. Submit a change with your colleague as the contact instead."
        )
    try:
        colleague = mail_address(colleague)
    except ValueError:
        return gettext_of(request, "The colleague's mail address is not valid.")
    if colleague == giver:
        return gettext_of(request, "That is your own mail address.")
    account = account_by_name(env, colleague)
    if account is not None and (account.role != "partner" or account.disabled_at):
        return gettext_of(request, "This mail address cannot look after a feed. Choose another one.")
    return ""


@router.get("/hand-over/{token}")
def taking_over(request: Request, token: str) -> Response:
    """Ask whether the feed is to be taken over; opening the link alone, as scanners of mail do, changes nothing."""
    env: Environment = request.app.state.env
    try:
        link = read_hand_over(settings_of(request), token)
    except BadLink as error:
        raise HTTPException(404, str(error)) from error
    with read_transaction(env) as connection:
        is_offered = link.giver in partners_of(connection, link.feed)
    feed = declared_feed(env, link.feed)
    return render(
        request,
        "partners/own/hand_over.html",
        offer=link,
        token=token,
        title=feed.title if feed else link.feed,
        is_offered=is_offered,
    )


@router.post("/hand-over/{token}", dependencies=[limited(_LINK_RATE, "hand-over-link")])
def take_over(request: Request, token: str, form: _Form) -> Response:
    """Take a feed over: the colleague is signed in and sees it, the giver does not any more."""
    env: Environment = request.app.state.env
    try:
        link = use_hand_over(env, settings_of(request), token)
        is_done = hand_over(env, link.feed, giver=link.giver, taker=link.taker)
    except BadLink as error:
        raise HTTPException(404, str(error)) from error
    except AccountTrouble as error:
        raise HTTPException(403, "This mail address cannot look after a feed. Choose another one.") from error
    if not is_done:
        raise HTTPException(404, "The feed was handed to somebody else meanwhile.")
    if sign_in_by_mail(request, link.taker) is None:
        raise HTTPException(403, "This mail address cannot look after a feed. Choose another one.")
    tell(request, gettext_of(request, "You look after this feed now."))
    return see(f"/partners/feeds/{link.feed}")
