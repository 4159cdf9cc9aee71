"""Which applications a person may open: those begun in the browser, those of the account, those of a link."""

from __future__ import annotations

from fastapi import HTTPException
from msgspec.structs import replace
from starlette.datastructures import FormData
from starlette.requests import Request

from loaders.applications import Application, read_application
from schemas import Environment
from web.forms import field
from web.languages import marked
from web.signing_in import begin_visit, session_of, signed_in

NOT_PUBLIC = marked("The address is not on the public internet.")
_MAX_REMEMBERED = 10  # applications in a session, which is a cookie


def own_application(request: Request, application_id: str) -> Application:
    """Return an application that may be opened here. Raises HTTPException 404 for any other, known or not."""
    env: Environment = request.app.state.env
    application = read_application(env, application_id)
    if application is None or not _may_open(request, application):
        raise HTTPException(404, "There is no such application that you may open here. Sign in, or open its link.")
    return application


def as_seen(application: Application, form: FormData) -> Application:
    """Return the application with the version that whoever sent the form has seen, so that a later one is not lost."""
    version = field(form, "version", 9)
    return replace(application, version=int(version) if version.isdecimal() else 0)


def remember(request: Request, application_id: str) -> None:
    """Let the browser open an application for as long as its session lasts."""
    begin_visit(request)
    others = [each for each in request.session.get("applications", ()) if each != application_id]
    request.session["applications"] = [*others, application_id][-_MAX_REMEMBERED:]


def page_of(application: Application) -> str:
    """Return the path of an application's page."""
    return f"/partners/applications/{application.id}"


def _may_open(request: Request, application: Application) -> bool:
    if application.id in request.session.get("applications", ()) and session_of(request) is not None:
        return True
    account = signed_in(request)
    if account is None or account.role != "partner":
        return False
    return account.name == application.contact or application.feed in account.feeds
