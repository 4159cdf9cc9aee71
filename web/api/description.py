"""What the API says of itself: OpenAPI for machines, and a page for people."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from schemas import Resource
from web.api.answers import READING_RATE, SEARCHES_RATE, answer, at_most, site_of
from web.library.answers import kept
from web.pages import render
from web.problems import KINDS, PROBLEM_MEDIA_TYPE

router = APIRouter()
ABOUT: dict[str, Any] = {
    "title": "E-library for Teachers",
    "version": "1",
    "description": (
        "Search the library, read one resource in any of its formats, and follow its changes. Everything can be read "
        "without an account. Errors are problem details (RFC 9457)."
    ),
}
_RESOURCE_TYPES = ("application/ld+json", "application/xml", "application/marcxml+xml")
_CHANGE = {
    "type": "object",
    "required": ["action", "id", "visible_at"],
    "properties": {
        "action": {"enum": ["upsert", "withdraw", "redirect"]},
        "id": {"type": "string"},
        "visible_at": {"type": "string", "format": "date-time"},
        "resource": {"$ref": "#/components/schemas/Published"},
        "to": {"type": "string", "description": "Of a redirect: the id to use instead."},
    },
}


@router.get("/openapi.json", include_in_schema=False, dependencies=[at_most(READING_RATE)])
def openapi(request: Request) -> Response:
    """Return the description of the API in OpenAPI."""
    described = {**request.app.openapi(), "servers": [{"url": f"{site_of(request)}/api"}]}
    return answer(request, msgspec.json.encode(described))


@router.get("", include_in_schema=False, dependencies=[at_most(READING_RATE)])
def page(request: Request) -> Response:
    """Show what the API can do."""
    paths = request.app.openapi()["paths"]
    operations = [("GET", f"/api{path}", paths[path]["get"]) for path in paths]
    rates = [rate.partition("/")[0] for rate in (READING_RATE, SEARCHES_RATE)]
    return kept(request, render(request, "library/api.html", operations=operations, problems=KINDS, rates=rates))


def describe(api: FastAPI) -> None:
    """Add to the API's OpenAPI what its answers hold."""
    plain = api.openapi

    def described() -> dict[str, Any]:
        if api.openapi_schema is None:
            schema = plain()
            _add_schemas(schema)
            for path, operations in schema["paths"].items():
                _add_responses(path, operations["get"])
            api.openapi_schema = schema
        return api.openapi_schema

    api.openapi = described  # type: ignore[method-assign]


def _add_schemas(schema: dict[str, Any]) -> None:
    (_, components) = msgspec.json.schema_components([Resource], ref_template="#/components/schemas/{name}")
    text: dict[str, Any] = {"type": "string"}
    schema.setdefault("components", {})["schemas"] = {
        **components,
        "Published": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": text,
                "address": {**text, "format": "uri"},
                "visible_at": {**text, "format": "date-time"},
                "feeds": {"type": "array", "items": text},
                "partners": {"type": "array", "items": text},
                "metadata_license": {**text, "format": "uri"},
                "attribution": text,
                "withheld": {"type": "boolean", "description": "Its metadata may not be passed on."},
                "record": {"$ref": "#/components/schemas/Resource"},
            },
        },
        "Change": _CHANGE,
        "Changes": {
            "type": "object",
            "required": ["cursor", "has_more", "next", "publication", "changes"],
            "properties": {
                "cursor": {**text, "description": "What to give as `since` next time."},
                "has_more": {"type": "boolean"},
                "next": {**text, "format": "uri"},
                "publication": {"type": ["string", "null"]},
                "changes": {"type": "array", "items": {"$ref": "#/components/schemas/Change"}},
            },
        },
        "Found": {
            "type": "object",
            "required": ["total", "page", "page_size", "order", "found", "indexed_at", "links", "facets", "resources"],
            "properties": {
                "total": {"type": "integer"},
                "page": {"type": "integer"},
                "page_size": {"type": "integer"},
                "order": text,
                "found": {"enum": ["all", "mistyped", "some"]},
                "indexed_at": {**text, "format": "date-time"},
                "links": {"type": "object", "additionalProperties": {**text, "format": "uri"}},
                "facets": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"type": "object"}},
                },
                "resources": {"type": "array", "items": {"$ref": "#/components/schemas/Published"}},
            },
        },
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {"type": text, "title": text, "status": {"type": "integer"}, "detail": text},
        },
    }


def _add_responses(path: str, operation: dict[str, Any]) -> None:
    name = {"/v1/resources": "Found", "/v1/changes": "Changes"}.get(path, "Published")
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    if name == "Published":
        content |= {media_type: {} for media_type in _RESOURCE_TYPES}
    problem = {"content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    statuses = {"400", "404", "405", "429", "500"} | {
        "Published": {"403", "406", "410"},
        "Changes": {"410"},
        "Found": {"503"},
    }[name]
    titles = {str(status): title for status, title in KINDS.values()}
    operation["responses"] = {
        "200": {"description": "What was asked for", "content": content},
        "301": {"description": "The id was replaced; Location has the new address"},
        "304": {"description": "Unchanged: what the client has is right"},
        **{status: {"description": titles[status], **problem} for status in sorted(statuses)},
    }
    if name != "Published":
        del operation["responses"]["301"]
