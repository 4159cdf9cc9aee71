"""The API for other libraries' systems: search, one resource in every format, and changes. It only reads."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas import Environment
from web.api import changes, description, resources
from web.api.answers import rate_headers
from web.guards import Rates
from web.problems import FAULT_DETAIL, Problem, of_status, of_validation, problem_response
from web.routes import answer_head
from web.settings import WebSettings

log = logging.getLogger("elib.web")
__all__ = ["create_api"]
_EXPOSED = (
    "Content-Location, ETag, Last-Modified, Link, RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, "
    "RateLimit-Reset, Retry-After"
)
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", _EXPOSED.encode()),
]
_PREFLIGHT = [
    (b"allow", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
]


def create_api(env: Environment, settings: WebSettings, rates: Rates) -> FastAPI:
    """Return the application to mount at /api, over an installation."""
    api = FastAPI(**description.ABOUT, docs_url=None, redoc_url=None, openapi_url=None)
    api.state.env, api.state.settings, api.state.rates = env, settings, rates
    for each in (description, resources, changes):
        api.include_router(each.router, prefix="/v1")
    description.describe(api)
    answer_head(api)
    api.add_exception_handler(Problem, _problem)
    api.add_exception_handler(HTTPException, _problem)
    api.add_exception_handler(RequestValidationError, _problem)
    api.add_middleware(_AnyOrigin)
    return api


def _problem(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        error = of_validation(error)
    elif isinstance(error, HTTPException):
        problem = of_status(error.status_code, str(error.detail))
        problem.headers.update({"allow": "GET, HEAD, OPTIONS"} if error.status_code == 405 else {})
        error = problem
    assert isinstance(error, Problem)
    response = problem_response(request, error)
    response.headers.update(rate_headers(request))
    return response


class _AnyOrigin:
    """Lets the scripts of any page read the answers, without credentials (fetch.spec.whatwg.org); answers OPTIONS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": [*_CORS, *_PREFLIGHT]})
            await send({"type": "http.response.body", "body": b""})
            return

        has_begun = False

        async def open_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_CORS]
            await send(message)

        try:
            await self._app(scope, receive, open_send)
        except Exception as error:
            if has_begun:
                raise
            log.error("%s %s", scope["method"], scope["path"], exc_info=error)
            fault = problem_response(Request(scope), Problem("fault", FAULT_DETAIL))
            await fault(scope, receive, open_send)
