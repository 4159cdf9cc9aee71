"""Errors of the API as problem details (RFC 9457), each with what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response

PROBLEM_MEDIA_TYPE = "application/problem+json"
_TYPE_BASE = "/api/v1#problem-"  # of the page that explains the kinds
FAULT_DETAIL = "The operators find the reason in the log."
KINDS: Mapping[str, tuple[int, str]] = {
    "bad-parameter": (400, "A parameter cannot be read"),
    "unknown-parameter": (400, "There is no such parameter"),
    "too-deep": (400, "The page is too deep"),
    "not-passed-on": (403, "The metadata may not be passed on"),
    "not-found": (404, "There is nothing at this address"),
    "method-not-allowed": (405, "This can only be read"),
    "not-acceptable": (406, "No format fits"),
    "withdrawn": (410, "The resource is withdrawn"),
    "unknown-cursor": (410, "The cursor is not known; start over"),
    "too-large": (413, "The request is too large"),
    "too-many-requests": (429, "There are too many requests"),
    "fault": (500, "The library has a fault"),
    "no-index": (503, "The search index is being made"),
}


class Problem(Exception):
    """An error of the API: its kind, a sentence about this case, further members, and headers."""

    def __init__(self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.members = kind, detail, members
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """Return the status of HTTP."""
        return KINDS[self.kind][0]

    def body(self, path: str) -> bytes:
        """Return the problem as JSON; `path` is that of the request."""
        about = {
            "type": f"{_TYPE_BASE}{self.kind}",
            "title": KINDS[self.kind][1],
            "status": self.status,
            "detail": self.detail,
            "instance": path.encode("utf-8", "replace").decode(),
        }
        return msgspec.json.encode({**about, **self.members})


def is_of_api(path: str) -> bool:
    """Return whether a path is one of the API, whose errors are problem details."""
    return path == "/api" or path.startswith("/api/")


def problem_response(request: Request, problem: Problem) -> Response:
    """Return the answer for a problem."""
    body = problem.body(request.url.path)
    headers = {"cache-control": "no-store", **problem.headers, "content-length": str(len(body))}
    content = b"" if request.method == "HEAD" else body
    return Response(content, status_code=problem.status, headers=headers, media_type=PROBLEM_MEDIA_TYPE)


def of_validation(error: RequestValidationError) -> Problem:
    """Return the problem of a request whose parameters cannot be read."""
    errors = [
        {"parameter": str(each["loc"][1]) if len(each["loc"]) > 1 else "", "message": str(each["msg"])}
        for each in error.errors()
    ]
    sentences = "; ".join(f"{each['parameter']}: {each['message']}" for each in errors)
    return Problem("bad-parameter", sentences, errors=errors)


def of_status(status: int, detail: str) -> Problem:
    """Return the problem of an error that the framework raises, such as 404 and 405."""
    kind = next((kind for kind, (known, _) in KINDS.items() if known == status), None)
    if kind is None:
        kind = "bad-parameter" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "fault"
    sentences = {
        "not-found": "There is nothing at this address; /api/v1 lists what there is.",
        "method-not-allowed": "The API is for reading: use GET, HEAD or OPTIONS.",
    }
    return Problem(kind, sentences.get(kind, detail))
