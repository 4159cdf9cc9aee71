"""The pages Applications: what partners ask for; compare, accept, ask or decline, and the mail that tells them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query
from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from harvesters.client import is_same_origin, leads_inside
from loaders.applications import (
    Application,
    ApplicationTrouble,
    accept_application,
    ask_partner,
    complete_acceptances,
    decline_application,
    list_applications,
    name_trouble,
    read_application,
    remove_upload,
    same_sources,
    sha256_of_file,
)
from loaders.declarations import feeds_in_use
from pipeline.self_test import TestLine
from schemas import BadFeed, Environment, Feed, Mistake, Sentence, read_declaration, sentence
from web.forms import field, posted
from web.languages import marked
from web.links import settings_of
from web.pages import error_in_words, gettext_of, render, see, tell
from web.partners import NOT_PUBLIC, Mail, mail_about, preview_page, send_about
from web.signing_in import Steward

router = APIRouter()
_PATH = "/console/applications"
_SECTIONS = ("request", "expect", "map")
MAX_TEXT_CHARS = 4_000
_Page = Annotated[int, Query(ge=1, le=1_000)]
_DONE = {"accept": marked("Accepted."), "ask": marked("Asked."), "decline": marked("Declined.")}
_KINDS = {"submitted": "received", "accepted": "accepted", "declined": "declined"}


class KeyChange(NamedTuple):
    """A key of a declaration, what it is now and what it would be; None where it is not set."""

    key: str
    old: str | None
    new: str | None

    @property
    def differs(self) -> bool:
        return self.old != self.new


@router.get("/applications")
def applications(request: Request, all: bool = False) -> Response:  # noqa: A002 (the parameter's name in the address)
    """List the applications that wait for a decision; with `all` also the decided ones and drafts."""
    env: Environment = request.app.state.env
    complete_acceptances(env)
    shown = list_applications(env) if all else list_applications(env, "submitted")
    return render(request, "console/applications.html", applications=shown, all=all)


@router.get("/applications/{application_id}")
def application(request: Request, application_id: str, page: _Page = 1) -> Response:
    """Show an application: who and what, its test and preview, and what it would change of a feed."""
    complete_acceptances(request.app.state.env)
    return _page(request, _read(request, application_id), page)


def _read(request: Request, application_id: str) -> Application:
    application = read_application(request.app.state.env, application_id)
    if application is None:
        raise HTTPException(404, "There is no such application.")
    return application


def _page(request: Request, shown: Application, page: int = 1, mail: Mail | None = None) -> Response:
    env: Environment = request.app.state.env
    in_use = feeds_in_use(env)
    old = next((each for each in in_use.feeds if each.name == shown.feed), None)
    test = shown.test or {}
    trouble = name_trouble(env, shown.name or "", application=shown.id) if shown.feed is None else None
    return render(
        request,
        "console/application.html",
        application=shown,
        credentials_to=receives_credentials(old, shown.declaration),
        changes=compare(old, shown.declaration),
        mistakes=_mistakes(shown.declaration),
        name_trouble=trouble if shown.status == "submitted" else None,
        same=same_sources(env, shown.declaration, in_use.feeds, application=shown.id, feed=shown.feed or ""),
        file_sha256=(sha256_of_file(env, shown.feed) if shown.feed else None) or "",
        shown=preview_page(request, test["trial"], page) if test.get("trial") else None,
        test=test,
        lines=msgspec.convert(test.get("lines", []), list[TestLine]),
        mail=mail,
        kind=_KINDS.get(shown.status, "received"),
    )


def compare(old: Feed | None, declaration: Mapping[str, Any]) -> list[KeyChange]:
    """Return each key of a feed's declaration, or of the one applied for, with both values; sections by their keys."""
    before = _keys(old.model_dump(mode="json", exclude_unset=True, exclude={"name"})) if old else {}
    try:
        declared = read_declaration("feed", declaration)
        after = _keys(declared.model_dump(mode="json", exclude_unset=True, exclude={"name"}))
    except BadFeed:  # the page names the mistakes; the values are shown as they were given
        after = _keys(declaration)
    return [KeyChange(key, before.get(key), after.get(key)) for key in sorted({*before, *after})]


def _keys(declaration: Mapping[str, Any]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for key, value in declaration.items():
        parts = value.items() if key in _SECTIONS and isinstance(value, dict) else ((None, value),)
        keys |= {f"{key}.{part}" if part else key: _text(each) for part, each in parts if each is not None}
    return keys


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mistakes(declaration: Mapping[str, Any]) -> list[Mistake]:
    try:
        read_declaration("feed", declaration)
    except BadFeed as error:
        return error.reasons
    return []


@router.post("/applications/{application_id}")
def decide(
    request: Request, application_id: str, account: Steward, form: Annotated[FormData, Depends(posted)]
) -> Response:
    """Accept, ask or decline; the partner gets a mail, or the steward is shown the one to send."""
    env: Environment = request.app.state.env
    seen = _as_seen(_read(request, application_id), form)
    action, text = field(form, "action"), field(form, "reason", MAX_TEXT_CHARS)
    try:
        if action == "accept":
            _check_address(request, seen, form)
            digest = field(form, "file_sha256", 64) or None
            name = field(form, "name", 64) or None
            decided = accept_application(env, seen, by=account.name, reason=text, name=name, file_sha256=digest)
        elif action == "ask":
            decided = ask_partner(env, seen, by=account.name, question=text)
        elif action == "decline":
            decided = decline_application(env, seen, by=account.name, reason=text)
            remove_upload(env, decided.id)
        else:
            raise HTTPException(422, "There is no such decision.")
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
        return see(f"{_PATH}/{application_id}")
    return _told(request, decided, action)


def _check_address(request: Request, application: Application, form: FormData) -> None:
    """Raise ApplicationTrouble for an address inside a network, and where credentials would go to another server."""
    env: Environment = request.app.state.env
    is_ended = application.declaration.get("status") == "retired"
    if not is_ended and leads_inside(str(application.declaration.get("url", "")), env.allow_private):
        raise ApplicationTrouble(Sentence(text=NOT_PUBLIC))
    old = next((each for each in feeds_in_use(env).feeds if each.name == application.feed), None)
    if receives_credentials(old, application.declaration) and form.get("credentials") != "yes":
        raise ApplicationTrouble(
            sentence("Tick that the credentials of this feed may be sent to its new server; nothing was accepted.")
        )


def receives_credentials(old: Feed | None, declaration: Mapping[str, Any]) -> str:
    """Return the server that would get the credentials of a feed, and has not had them; empty when none would."""
    url = str(declaration.get("url", ""))
    is_other = old is not None and (old.connection != declaration.get("connection") or not is_same_origin(old.url, url))
    return url if declaration.get("connection") and (old is None or is_other) else ""


def _as_seen(application: Application, form: FormData) -> Application:
    """Return the application with the version that the steward has seen, so that a later one is not decided unseen."""
    version = field(form, "version", 9)
    return replace(application, version=int(version) if version.isdecimal() else 0)


def _told(request: Request, decided: Application, action: str) -> Response:
    """Send the mail about a decision and go on; where it does not go out, show it to the steward."""
    done = gettext_of(request, _DONE[action])
    kind: Any = {"accept": "accepted", "ask": "question", "decline": "declined"}[action]
    settings = settings_of(request)
    not_sent = send_about(settings, decided, kind)
    if not_sent is None:
        sent = gettext_of(request, "The partner gets a mail.")
        tell(request, f"{done} {sent}")
        return see(f"{_PATH}/{decided.id}")
    reason = not_sent or gettext_of(request, "no mail server is set up")
    why = gettext_of(request, "No mail was sent: %(why)s", why=reason)
    tell(request, f"{done} {why}", is_error=bool(not_sent))
    return _page(request, decided, mail=mail_about(settings, decided, kind))


@router.post("/applications/{application_id}/mail")
def mail_to_send(
    request: Request, application_id: str, account: Steward, form: Annotated[FormData, Depends(posted)]
) -> Response:
    """Show a mail with a new sign-in link, for the steward to send by hand."""
    shown = _read(request, application_id)
    kind: Any = "question" if shown.has_open_question else _KINDS.get(shown.status, "draft")
    return _page(request, shown, mail=mail_about(settings_of(request), shown, kind))
