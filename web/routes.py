"""Let every page that can be read by GET be asked for by HEAD too (RFC 9110, 9.3.2)."""

from __future__ import annotations

import copy

from fastapi import FastAPI
from fastapi.routing import APIRoute


def answer_head(app: FastAPI) -> None:
    """Add to each route of GET a route of HEAD, which the description of an API does not list.

    The server leaves the body out. One route of two methods would be one operation listed twice under one id.
    """
    routes = app.router.routes
    for place in reversed(range(len(routes))):
        route = routes[place]
        if isinstance(route, APIRoute) and "GET" in route.methods:
            by_head = copy.copy(route)
            by_head.methods, by_head.include_in_schema = {"HEAD"}, False
            routes.insert(place + 1, by_head)
