"""The page Search: a record, resource or run by exactly what it is called."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import find_exactly
from loaders.declarations import feeds_in_use
from loaders.store import read_transaction
from schemas import Environment
from web.pages import render

router = APIRouter()


@router.get("/search")
def search(request: Request, text: Annotated[str, Query(max_length=4_000)] = "") -> Response:
    """Show what has this key, identifier, id or address."""
    env: Environment = request.app.state.env
    name = text.strip()
    result = None
    if name:
        feeds = [feed.name for feed in feeds_in_use(env).feeds]
        with read_transaction(env) as connection:
            result = find_exactly(connection, name, feeds)
    return render(request, "console/search.html", text=text, found=result)
