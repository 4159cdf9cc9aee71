"""Routes of pages that are read: by GET, which the description of the API lists, and by HEAD, which it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def get_and_head(router: APIRouter, path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """Return a decorator that answers GET and HEAD with a function; `options` are those of FastAPI's `add_api_route`.

    One route of two methods would be one operation listed twice under one id.
    """

    def add(endpoint: Endpoint) -> Endpoint:
        router.add_api_route(path, endpoint, methods=["GET"], **options)
        router.add_api_route(path, endpoint, methods=["HEAD"], **{**options, "include_in_schema": False})
        return endpoint

    return add
