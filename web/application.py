"""Put the web together: rooms of pages, sessions, guards, and what is answered when something goes wrong."""

from __future__ import annotations

import logging
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from loaders.applications import complete_acceptances
from loaders.migrations import migrate
from loaders.reports import STYLE
from loaders.sessions import SESSION_SECONDS
from schemas import Environment, environment
from web import console, library, metrics, oai, partners, sign_in_pages
from web.api import create_api
from web.files import File, Files
from web.guards import Guards, Rates
from web.languages import marked
from web.pages import address, gettext_of, render, see
from web.problems import FAULT_DETAIL, Problem, is_of_api, problem_response
from web.routes import answer_head
from web.settings import WebSettings, web_settings
from web.signing_in import PartnerSignInFirst, SignInFirst

log = logging.getLogger("elib.web")
_OF_STARLETTE = (marked("Not Found"), marked("Method Not Allowed"))  # what it says of a wrong address
UPLOADS = {partners.UPLOAD_PATH: partners.UPLOAD_MAX_BYTES}  # largest bodies of the paths that take files, in bytes


def create_app(env: Environment | None = None, settings: WebSettings | None = None) -> FastAPI:
    """Return the application over an installation (that of the environment's variables unless given)."""
    env = env or environment()
    settings = settings or web_settings(env)
    migrate(env)
    complete_acceptances(env)
    app = FastAPI(title="E-library for Teachers", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.env, app.state.settings, app.state.rates = env, settings, Rates(settings.redis_url)
    app.include_router(sign_in_pages.router)
    app.include_router(console.router)
    app.include_router(partners.router)
    app.include_router(library.router)
    app.include_router(oai.router)
    app.include_router(metrics.router)
    app.state.oai_pages = oai.PagesAhead()
    app.add_api_route("/static/base.css", _base_style, methods=["GET"], include_in_schema=False)
    app.mount("/static", Files(directory=Path(__file__).parent / "static"), name="static")
    app.add_api_route("/healthz", _healthy, methods=["GET"], include_in_schema=False)
    answer_head(app)
    app.mount("/api", create_api(env, settings, app.state.rates))
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(PartnerSignInFirst, _partner_sign_in_first)
    app.add_exception_handler(HTTPException, _explained)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_middleware(
        SessionMiddleware,
        secret_key=settings.secret,
        session_cookie="elib_session",
        max_age=SESSION_SECONDS,
        same_site="lax",
        https_only=settings.is_https,
    )
    app.add_middleware(
        Guards, is_https=settings.is_https, hosts=settings.hosts, upload_paths=UPLOADS, on_defect=_defect
    )
    return app


def _healthy() -> Response:
    return PlainTextResponse("ok\n")


def _base_style() -> Response:
    return File(STYLE, stat_result=STYLE.stat())


def _sign_in_first(request: Request, error: Exception) -> Response:
    back = address(request.url.path, request.query_params) if request.method == "GET" else "/console"
    return see(address("/sign-in", next=back))


def _partner_sign_in_first(request: Request, error: Exception) -> Response:
    back = address(request.url.path, request.query_params) if request.method == "GET" else "/partners/feeds"
    return see(address("/partners/sign-in", next=back))


def _explained(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    detail = str(getattr(error, "detail", "")) or HTTPStatus(status).phrase
    response = render(request, "error.html", status=status, code=status, detail=gettext_of(request, detail))
    response.headers.update(getattr(error, "headers", None) or {})
    return response


def _misread(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return render(request, "error.html", status=422, code=422, detail=f"{where}: {first['msg']}")


def _defect(request: Request, error: Exception) -> Response:
    log.error("%s %s", request.method, request.url.path, exc_info=error)
    if is_of_api(request.url.path):
        return problem_response(request, Problem("fault", FAULT_DETAIL))
    detail = gettext_of(request, "Something is wrong with this page. The operators find the reason in the log.")
    return render(request, "error.html", status=500, code=500, detail=detail)
