"""The pages by which a partner signs in: a link by mail, which works once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.background import BackgroundTask
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.accounts import account_by_name
from loaders.applications import applications_of
from schemas import Environment
from web.forms import field, limited, posted
from web.guards import client_of
from web.languages import reader_language
from web.links import BadLink, read_sign_in, settings_of, sign_in_link, use_sign_in
from web.mail import MailNotSent, mail_address, send_mail
from web.pages import error_in_words, gettext_of, render, see, tell
from web.partners.mails import sign_in_mail
from web.signing_in import own_path, sign_in_by_mail

router = APIRouter()
_PER_CLIENT, _OF_CLIENT = "10/minute", "5/hour"  # links that are asked for; by one client for one address
# Links to one address, whoever asks. Each works for half an hour: when no more are sent, the last ones still do, so
# that nobody can keep a partner out by asking in their name.
_PER_ADDRESS = "3/15 minutes"
_AFTER = "/partners/feeds"


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = _AFTER) -> Response:  # noqa: A002 (the parameter's name in the address)
    """Ask for the mail address that a link is sent to."""
    return render(request, "partners/sign_in.html", next=own_path(next, _AFTER), is_sent=False)


@router.post("/sign-in", dependencies=[limited(_PER_CLIENT, "partner-sign-in")])
def ask_for_link(request: Request, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Send a link to a known address; the answer is the same, and as quick, for every address."""
    rates = request.app.state.rates
    after = own_path(field(form, "next"), _AFTER)
    try:
        mail = mail_address(field(form, "mail"))
    except ValueError as error:
        tell(request, error_in_words(request, error), is_error=True)
        return render(request, "partners/sign_in.html", status=422, next=after, is_sent=False)
    rates.check(request, _OF_CLIENT, "partner-link", mail, client_of(request))
    rates.check(request, _PER_ADDRESS, "partner-link", mail)
    response = render(request, "partners/sign_in.html", next=after, is_sent=True)
    response.background = BackgroundTask(_send_link, request, mail, after, reader_language(request))
    return response


def _send_link(request: Request, mail: str, after: str, language: str) -> None:
    """Send a link when a partner, or an application, has the address. That it fails is in the log."""
    env: Environment = request.app.state.env
    account = account_by_name(env, mail)
    is_partner = account is not None and account.role == "partner" and not account.disabled_at
    if not is_partner and (account is not None or not applications_of(env, mail, 1)):
        return
    settings = settings_of(request)
    text = sign_in_mail(language, sign_in_link(settings, mail, after))
    try:
        send_mail(settings, mail, text.subject, text.body)
    except MailNotSent:
        return  # send_mail has logged why; whoever asked is told the same in every case


@router.get("/sign-in/{token}")
def open_link(request: Request, token: str) -> Response:
    """Show the button that signs in: a program that looks at the links in mails does not use them up."""
    try:
        link = read_sign_in(settings_of(request), token)
    except BadLink as error:
        return _bad_link(request, error)
    return render(request, "partners/use_link.html", mail=link.mail, token=token)


@router.post("/sign-in/{token}", dependencies=[limited(_PER_CLIENT, "partner-link-used")])
def use_link(request: Request, token: str, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Sign in by a link, which works once."""
    env: Environment = request.app.state.env
    try:
        link = use_sign_in(env, settings_of(request), token)
    except BadLink as error:
        return _bad_link(request, error)
    if sign_in_by_mail(request, link.mail) is None:
        tell(
            request,
            gettext_of(request, "This address is not that of a partner, or its account is closed."),
            is_error=True,
        )
        return see("/partners/sign-in")
    return see(own_path(link.after, _AFTER))


def _bad_link(request: Request, error: BadLink) -> Response:
    tell(request, gettext_of(request, str(error)), is_error=True)
    return see("/partners/sign-in")
