"""Report a problem with a resource: the form, which needs no account and sets no cookie, and what comes after it."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import Future, wait
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, HTTPException
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from loaders.browse import PublishedResource, ReaderMessage
from loaders.reader_reports import (
    READER_REPORT_KINDS,
    TAKEDOWN_DUE_HOURS,
    ReaderReportKind,
    is_reader_report_kept,
    keep_reader_report,
)
from loaders.store import now
from schemas import Environment
from web.forms import limited, read_form
from web.guards import client_of
from web.languages import marked, reader_language
from web.library.answers import count_request
from web.library.resources import find_published
from web.links import public_url, settings_of
from web.mail import MAX_MAIL_CHARS, mail_address
from web.pages import address, gettext_of, render, see

router = APIRouter()
MAX_TEXT_CHARS = 2_000
FORM_SECONDS = 24 * 3600  # for which an opened form may be sent
WAIT_SECONDS = 5.0  # after which a page says that the report waits for the catalog
WRITER_THREAD = "reader report"
MAX_WAITING = 50  # reports that wait for the catalog at once
PER_CLIENT, PER_RESOURCE, OF_ALL = "10/hour", "20/hour", "500/hour"
FORMS = "60/hour"  # of a client, those that are filled in wrongly among them
_TRAP = "website"  # a field that people do not see; programs fill it in
_SAME_SITE = ("same-origin", "none")
_KIND_NAMES: dict[ReaderReportKind, str] = {
    "dead": marked("The link is dead, or leads to something else"),
    "wrong": marked("Something in this description is wrong"),
    "not_free": marked("It cannot be used freely: it costs something, or asks for an account"),
    "takedown": marked("It is mine, and should not be here: take it down"),
}
_waiting = threading.BoundedSemaphore(MAX_WAITING)


class _Filled(NamedTuple):
    """What a reader filled in."""

    kind: str
    text: str
    contact: str


@router.get("/resources/{resource_id}/report")
def report_form(request: Request, resource_id: str, kind: str = "") -> Response:
    """Show the form; an id that was replaced leads to the form of the new one."""
    count_request(request)
    found = _reportable(request, resource_id)
    if isinstance(found, str):
        target = address(f"/resources/{found}/report", lang=request.query_params.get("lang"))
        return RedirectResponse(target, status_code=301)
    return _form(request, found, _Filled(kind, "", ""))


@router.post("/resources/{resource_id}/report", dependencies=[limited(FORMS, "report forms", has_session=False)])
def report(request: Request, resource_id: str, form: Annotated[FormData, Depends(read_form)]) -> Response:
    """Keep what a reader reports, and thank for it; or show the form again, as filled in, with what is wrong."""
    found = _reportable(request, resource_id)
    if isinstance(found, str):  # an id that was replaced since the form was opened
        return see(address(f"/resources/{found}/report", lang=request.query_params.get("lang")))
    filled = _Filled(*(_value(form, name) for name in _Filled._fields))
    trouble = _trouble(request, filled, form)
    if trouble:
        return _form(request, found, filled, status=422, trouble=trouble)
    if not _is_from_form(request, found.id, form):
        trouble = gettext_of(request, "The form is too old, or comes from another site. Please send it again.")
        return _form(request, found, filled, status=403, trouble=trouble)
    try:
        _count(request, found.id)
    except HTTPException as error:
        response = _form(request, found, filled, status=429, trouble=str(error.detail))
        response.headers.update(error.headers or {})
        return response
    message = ReaderMessage(
        id=secrets.token_urlsafe(16),
        at=now(),
        language=reader_language(request),
        text=filled.text,
        contact=mail_address(filled.contact) if filled.contact else "",
    )
    return _keep(request, found, filled, message)


def _value(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def _is_from_form(request: Request, resource_id: str, form: FormData) -> bool:
    """Return whether a form was opened here, for this resource, not long ago, and was sent from a page of ours.

    Nobody is signed in by it, so that a signed token suffices and no cookie is needed; the browser says from which site
    a form was sent, or, an older one, its origin (https://www.w3.org/TR/fetch-metadata/).
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = {request.headers.get("host", ""), urlsplit(public_url(settings_of(request))).netloc}
    if site not in _SAME_SITE if site else origin is not None and origin.partition("://")[2] not in own:
        return False
    try:
        meant = _serializer(request).loads(_value(form, "csrf_token"), max_age=FORM_SECONDS)
    except BadData:
        return False
    return bool(meant == resource_id)


def _trouble(request: Request, filled: _Filled, form: FormData) -> str:
    """Return why a report cannot be taken, in the reader's language; empty when it can."""
    if _value(form, _TRAP):
        return gettext_of(request, "Leave the field “Website” empty: only programs fill it in.")
    if filled.kind not in READER_REPORT_KINDS:
        return gettext_of(request, "Choose what is wrong.")
    if len(filled.text) > MAX_TEXT_CHARS:
        return gettext_of(request, "The text is longer than %(most)s characters.", most=MAX_TEXT_CHARS)
    if filled.contact:
        try:
            mail_address(filled.contact)
        except ValueError:
            return gettext_of(request, "This is not a mail address. Leave the field empty, or correct it.")
    return ""


def _count(request: Request, resource_id: str) -> None:
    rates = request.app.state.rates
    rates.check(request, PER_CLIENT, "reader-report", client_of(request))
    rates.check(request, PER_RESOURCE, "reader-report-on", resource_id)
    rates.check(request, OF_ALL, "reader-reports")


def _keep(request: Request, found: PublishedResource, filled: _Filled, message: ReaderMessage) -> Response:
    """Keep a report; while a run writes into the catalog, go to a page that waits for it."""
    env: Environment = request.app.state.env
    kind = next(each for each in READER_REPORT_KINDS if each == filled.kind)
    if not _waiting.acquire(blocking=False):
        text = gettext_of(request, "Too many reports wait to be kept just now. Please send it again in some minutes.")
        return _form(request, found, filled, status=503, trouble=text)
    kept: Future[None] = Future()
    arguments = (kept, env, found.id, kind, message)
    threading.Thread(target=_write, args=arguments, name=WRITER_THREAD, daemon=True).start()
    wait([kept], WAIT_SECONDS)
    query = {"kind": kind, "message": message.id, "lang": request.query_params.get("lang")}
    if kept.done():
        kept.result()
    return see(address(f"/resources/{found.id}/reported", query))


def _write(
    kept: Future[None], env: Environment, resource_id: str, kind: ReaderReportKind, message: ReaderMessage
) -> None:
    try:
        keep_reader_report(env, resource_id, kind, message)
        kept.set_result(None)
    except BaseException as error:  # it is raised where the result is asked for
        kept.set_exception(error)
    finally:
        _waiting.release()


@router.get("/resources/{resource_id}/reported")
def reported(
    request: Request,
    resource_id: str,
    kind: str = "",
    message: str = "",
) -> Response:
    """Thank for a report that is kept, and say what will happen; while it is not yet kept, say so and look again."""
    count_request(request)
    env: Environment = request.app.state.env
    if kind not in READER_REPORT_KINDS or not is_reader_report_kept(env, resource_id, message):
        return _unkept(render(request, "library/report_waits.html", id=resource_id))
    sends_mail = bool(settings_of(request).mail_url)
    page = render(
        request,
        "library/reported.html",
        id=resource_id,
        kind=kind,
        days=TAKEDOWN_DUE_HOURS // 24,
        sends_mail=sends_mail,
    )
    return _unkept(page)


def _reportable(request: Request, resource_id: str) -> PublishedResource | str:
    """Return a published resource, or the id that replaces this one. Raises HTTPException 404 and 410."""
    found = find_published(request, resource_id)
    if not isinstance(found, str) and found.record is None:
        raise HTTPException(410, "This resource is no longer in the library.")
    return found


def _form(
    request: Request, found: PublishedResource, filled: _Filled, *, status: int = 200, trouble: str = ""
) -> Response:
    page = render(
        request,
        "library/report.html",
        status=status,
        id=found.id,
        title=found.title,
        title_language=found.record.languages[0].tag if found.record and found.record.languages else "und",
        kinds=[(kind, gettext_of(request, text)) for kind, text in _KIND_NAMES.items()],
        filled=filled,
        trouble=trouble,
        token=_serializer(request).dumps(found.id),
        trap=_TRAP,
        most_chars=MAX_TEXT_CHARS,
        most_mail_chars=MAX_MAIL_CHARS,
    )
    return _unkept(page)


def _unkept(response: Response) -> Response:
    """Return a page that no browser or proxy keeps."""
    response.headers["cache-control"] = "no-store"
    return response


def _serializer(request: Request) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings_of(request).secret, salt="elib reader report")
