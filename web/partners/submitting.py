"""Submit an application with its last facts, answer the stewards' questions, take it back, or withdraw it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from harvesters.client import leads_inside
from loaders.applications import (
    Application,
    ApplicationTrouble,
    answer_question,
    remove_upload,
    reopen_application,
    submit_application,
    withdraw_application,
)
from schemas import Environment, sentence
from web.forms import field, limited, posted
from web.languages import LANGUAGES, language_name, marked
from web.links import settings_of
from web.mail import mail_address
from web.pages import error_in_words, gettext_of, mistakes_in_words, render, see, tell
from web.partners.access import NOT_PUBLIC, as_seen, own_application, page_of
from web.partners.declaration_form import METADATA_LICENSES, mistakes_of
from web.partners.drafts import draft_troubles, sources_like
from web.partners.mails import send_about

router = APIRouter()
MAX_ANSWER_CHARS = 4_000
RATES = ("0.1", "0.2", "0.5", "1", "2", "5")  # requests per second
_PER_CLIENT = "20/hour"


@router.get("/applications/{application_id}/submit")
def submit_page(request: Request, application_id: str) -> Response:
    """Ask for quiet hours, rate, contact, licence of the metadata and language of the mails."""
    application = own_application(request, application_id)
    if application.status not in ("draft", "tested"):
        return see(page_of(application))
    return _page(request, application, {})


def _page(request: Request, application: Application, entered: Mapping[str, str], trouble: str = "") -> Response:
    keys = application.declaration.get("request") or {}
    hours, _, zone = next(iter(keys.get("quiet_hours") or ()), "").partition(" ")
    begins, _, ends = hours.partition("-")
    known = {
        "begins": begins,
        "ends": ends,
        "zone": zone,
        "rate": f"{keys.get('rate', 1):g}",
        "mail": application.contact,
        "contact_name": application.contact_name or "",
        "metadata_license": application.declaration.get("metadata_license") or "CC0-1.0",
        "language": application.language,
    }
    return render(
        request,
        "partners/submit.html",
        status=422 if trouble else 200,
        application=application,
        values={**known, **entered},
        trouble=trouble,
        troubles=draft_troubles(request, application),
        same=sources_like(request, application),
        rates=RATES,
        licenses=METADATA_LICENSES,
        mail_languages=[(code, language_name(code)) for code in LANGUAGES],
    )


@router.post("/applications/{application_id}/submit", dependencies=[limited(_PER_CLIENT, "submit")])
def submit(request: Request, application_id: str, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Keep the last facts and submit the application; the stewards see it, and a mail says so."""
    env: Environment = request.app.state.env
    application = own_application(request, application_id)
    if application.status not in ("draft", "tested"):
        return see(page_of(application))
    entered = {name: field(form, name, 200) for name in ("begins", "ends", "zone", "rate", "mail", "contact_name")}
    entered |= {name: field(form, name, 200) for name in ("metadata_license", "language")}
    try:
        changes = _changes(application, entered)
    except ValueError as error:
        return _page(request, application, entered, error_in_words(request, error))
    trouble = _trouble(request, application, changes, form)
    if trouble:
        return _page(request, application, entered, trouble)
    try:
        submitted = submit_application(env, as_seen(application, form), **changes)
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
        return see(page_of(application))
    not_sent = send_about(settings_of(request), submitted, "received")
    text = gettext_of(request, "Submitted. A steward looks at it and writes to %(mail)s.", mail=submitted.contact)
    if not_sent is not None:
        text += " " + gettext_of(request, "No mail could be sent now: keep the link of this page.")
    tell(request, text)
    return see(page_of(submitted))


def _changes(application: Application, entered: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form changes of an application. Raises ValueError for a wrong mail address or number."""
    keys = dict(application.declaration)
    request = dict(keys.get("request") or {})
    if entered["rate"] not in ("", *RATES, f"{request.get('rate', 1):g}"):
        text = sentence("the rate is %(rate)s, and none of %(rates)s", rate=entered["rate"], rates=", ".join(RATES))
        raise ValueError(text)
    request["rate"] = float(entered["rate"]) if entered["rate"] else 1.0
    request["quiet_hours"] = [f"{entered['begins']}-{entered['ends']} {entered['zone']}".strip()]
    if not entered["begins"] and not entered["ends"]:
        del request["quiet_hours"]
    keys["request"] = request
    keys["metadata_license"] = entered["metadata_license"] or "CC0-1.0"  # written down: it is the consent
    language = entered["language"] if entered["language"] in LANGUAGES else application.language
    return {
        "contact": mail_address(entered["mail"]),
        "contact_name": entered["contact_name"] or None,
        "language": language,
        "declaration": keys,
    }


def _trouble(request: Request, application: Application, changes: dict[str, Any], form: FormData) -> str:
    """Return why the application cannot be submitted; empty when it can."""
    if form.get("consent") != "yes":
        return gettext_of(request, "We need your consent to the licence of the metadata.")
    if application.status != "tested":
        return gettext_of(request, "Test the source and look at the preview first.")
    env: Environment = request.app.state.env
    if leads_inside(str(changes["declaration"].get("url", "")), env.allow_private):
        return gettext_of(request, NOT_PUBLIC)
    troubles = draft_troubles(request, replace(application, declaration=changes["declaration"]))
    return "; ".join([*troubles, *mistakes_in_words(request, mistakes_of(changes["declaration"]))][:1])


@router.post("/applications/{application_id}/answer")
def answer(request: Request, application_id: str, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Answer the stewards' question."""
    env: Environment = request.app.state.env
    application = own_application(request, application_id)
    by = application.contact_name or application.contact
    try:
        answer_question(env, as_seen(application, form), by=by, answer=field(form, "answer", MAX_ANSWER_CHARS))
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
    else:
        tell(request, gettext_of(request, "Your answer is with the stewards."))
    return see(page_of(application))


@router.post("/applications/{application_id}/back")
def take_back(request: Request, application_id: str, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Take an application back to change it, or withdraw it."""
    env: Environment = request.app.state.env
    application = own_application(request, application_id)
    action = field(form, "action")
    if action not in ("change", "withdraw"):
        raise HTTPException(422, "There is no such decision.")
    try:
        if action == "change":
            reopen_application(env, as_seen(application, form))
        else:
            withdraw_application(env, as_seen(application, form))
            remove_upload(env, application.id)
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
    else:
        texts = {"withdraw": marked("Withdrawn."), "change": marked("You can change it again.")}
        tell(request, gettext_of(request, texts[action]))
    return see(page_of(application))
