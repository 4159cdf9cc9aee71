"""The page Register: who, and which address or file; what is recognised there; and another look at it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException
from starlette.background import BackgroundTask
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from loaders.applications import (
    Application,
    ApplicationTrouble,
    create_draft,
    keep_upload,
    remove_old_drafts,
    remove_upload,
    save_draft,
    suggested_name,
    upload_path,
)
from pipeline.detection import Detection, DetectionTask, detect_apart
from schemas import Environment
from web.forms import field, limited, posted
from web.guards import client_of
from web.languages import reader_language
from web.links import BadLink, draft_link, read_draft_link, settings_of
from web.mail import mail_address
from web.pages import error_in_words, gettext_of, render, see, tell
from web.partners.access import own_application, page_of, remember
from web.partners.mails import send_about

router = APIRouter()
UPLOAD_PATH = "/partners/register"
UPLOAD_MAX_BYTES = 64 * 1024 * 1024
MAX_ADDRESS_CHARS = 2_000
_FIELDS = ("partner", "contact_name", "mail", "address")
_PER_CLIENT, _OF_ALL, _PER_ADDRESS = "20/hour", "120/hour", "10/hour"  # looks at a source
_MAILS = "10/hour"  # about drafts to one address, whoever registers with it


@router.get("/register")
def register_page(request: Request) -> Response:
    """Ask who registers, and what."""
    return render(
        request, "partners/register.html", values=dict.fromkeys(_FIELDS, ""), trouble="", max_bytes=UPLOAD_MAX_BYTES
    )


@router.post("/register", dependencies=[limited(_PER_CLIENT, "register")])
def register(request: Request, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Look at the address or the file, keep what is recognised as a draft, and go to its page."""
    request.app.state.rates.check(request, _OF_ALL, "register of all")
    if field(form, "application"):
        return _look_again(request, own_application(request, field(form, "application", 30)), form)
    values = {name: field(form, name, MAX_ADDRESS_CHARS) for name in _FIELDS}
    trouble = _trouble(request, values, form)
    if trouble:
        facts = {"values": values, "trouble": trouble, "max_bytes": UPLOAD_MAX_BYTES}
        return render(request, "partners/register.html", status=422, **facts)
    return _begin(request, values, form)


def _trouble(request: Request, values: dict[str, str], form: FormData) -> str:
    """Return what is missing or wrong in the form; empty when nothing is."""
    if not values["partner"] or not values["partner"].isprintable():
        return gettext_of(request, "The name of the institution is missing.")
    try:
        values["mail"] = mail_address(values["mail"])
    except ValueError as error:
        return gettext_of(request, "The mail address is not right: %(why)s", why=error_in_words(request, error))
    if not values["address"] and _upload(form) is None:
        return gettext_of(request, "Give the address of the source, or a file.")
    return ""


def _upload(form: FormData) -> UploadFile | None:
    upload = form.get("file")
    return upload if isinstance(upload, UploadFile) and upload.filename else None


def _begin(request: Request, values: dict[str, str], form: FormData) -> Response:
    env: Environment = request.app.state.env
    request.app.state.rates.check(request, _PER_ADDRESS, "register for", values["mail"], client_of(request))
    application = create_draft(
        env,
        partner=values["partner"][:300],
        contact=values["mail"],
        contact_name=values["contact_name"][:200],
        language=reader_language(request),
    )
    remember(request, application.id)
    for old in remove_old_drafts(env):
        remove_upload(env, old)
    application = _look(env, application, values["address"], _upload(form))
    response = see(page_of(application))
    if settings_of(request).mail_url and request.app.state.rates.use(_MAILS, "mails", values["mail"]).is_allowed:
        response.background = BackgroundTask(send_about, settings_of(request), application, "draft")
    return response


def _look_again(request: Request, application: Application, form: FormData) -> Response:
    env: Environment = request.app.state.env
    if application.status not in ("draft", "tested"):  # its file is the one that was tested, or that is harvested
        tell(
            request,
            gettext_of(request, "This application cannot be changed now. Take it back first, where that can be done."),
            is_error=True,
        )
        return see(page_of(application))
    address, upload = field(form, "address", MAX_ADDRESS_CHARS), _upload(form)
    if not address and upload is None:
        tell(request, gettext_of(request, "Give the address of the source, or a file."), is_error=True)
        return see(page_of(application))
    try:
        _look(env, application, address, upload)
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
    return see(page_of(application))


def _look(env: Environment, application: Application, address: str, upload: UploadFile | None) -> Application:
    """Recognise what is at the address, or in the file, and keep it with the application."""
    kept = ""
    if upload is not None:
        kept = keep_upload(env, application.id, upload.filename or "", upload.file)
        detection = detect_apart(env, DetectionTask(address=kept, path=str(upload_path(env, kept))))
    else:
        detection = detect_apart(env, DetectionTask(address=address))
    facts = {"result": msgspec.to_builtins(detection), "chosen": 0, "upload": kept}
    return save_draft(env, application, detection=facts, **_chosen(env, application, detection, 0, kept))


def _chosen(env: Environment, application: Application, detection: Detection, number: int, kept: str) -> dict[str, Any]:
    """Return what an application is changed to by choosing a proposal; nothing but an address where there is none."""
    old = {key: application.declaration[key] for key in ("title", "partner") if key in application.declaration}
    if not detection.proposals:
        return {"declaration": {"partner": application.partner, **old, "url": detection.address}}
    proposal = detection.proposals[number]
    file_name = proposal.name.rpartition("/")[2] if kept else proposal.name  # of a kept file without its folder
    title = old.get("title") or file_name or application.partner
    declaration = {"title": title, "partner": application.partner, **proposal.declaration}
    if kept and str(declaration.get("url", "")).startswith("inbox:"):
        declaration["url"] = f"inbox:{kept}"
    changes: dict[str, Any] = {"declaration": declaration}
    if application.name is None and application.feed is None:
        changes["name"] = suggested_name(env, application.partner, title, application=application.id)
    return changes


def detection_of(application: Application) -> tuple[Detection | None, int, str]:
    """Return what was recognised, the number of the proposal that was chosen, and the uploaded file's path."""
    facts = application.detection
    if not facts:
        return None, 0, ""
    return msgspec.convert(facts["result"], Detection), facts["chosen"], facts["upload"]


@router.post("/applications/{application_id}/choose")
def choose(request: Request, application_id: str, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Choose another of the proposals; what was changed of the first is given up."""
    env: Environment = request.app.state.env
    application = own_application(request, application_id)
    detection, _, kept = detection_of(application)
    number = field(form, "proposal", 4)
    if detection is None or not number.isdecimal() or int(number) >= len(detection.proposals):
        raise HTTPException(422, "There is no such proposal.")
    facts = {**application.detection, "chosen": int(number)}
    try:
        save_draft(env, application, detection=facts, **_chosen(env, application, detection, int(number), kept))
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
    return see(page_of(application))


@router.get("/drafts/{token}")
def open_draft(request: Request, token: str) -> Response:
    """Open a draft by its link, in this browser from now on."""
    try:
        application_id = read_draft_link(settings_of(request), token)
    except BadLink as error:
        tell(request, gettext_of(request, str(error)), is_error=True)
        return see("/partners")
    remember(request, application_id)
    return see(page_of(own_application(request, application_id)))


def link_of_draft(request: Request, application: Application) -> str:
    """Return the address by which a draft is opened again."""
    return draft_link(settings_of(request), application.id)
