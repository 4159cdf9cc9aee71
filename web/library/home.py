"""The home page: what the library is, how much it has, and ways into it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import count_published
from loaders.search import NoLibraryIndex, Wanted, search_library
from loaders.store import read_kept
from schemas import Environment
from web.library.answers import count_request, kept
from web.library.searching import facet_label
from web.pages import render

router = APIRouter()
_SHOWN = {"level": 9, "type": 12, "language": 12, "subject": 15}  # values of each facet
_NEWEST = 5
_FIELDS = "isced-f:"  # subjects of the one list that is short enough to choose from


@router.get("/")
def home(request: Request) -> Response:
    """Show what the library is and has."""
    count_request(request)
    env: Environment = request.app.state.env
    ways: dict[str, list[tuple[str, str, str, int]]] = {}
    newest: list[Any] = []
    partners = languages = 0
    try:
        hits = search_library(env, Wanted("", ()), order="newest", limit=_NEWEST)
    except NoLibraryIndex:
        total = read_kept(env, count_published)  # what else it counts comes with the next publication
    else:
        total = hits.total
        newest = hits.resources
        partners, languages = (len(hits.facets[facet]) for facet in ("partner", "language"))
        for facet, most in _SHOWN.items():
            values = [each for each in hits.facets[facet] if facet != "subject" or each[0].startswith(_FIELDS)][:most]
            if facet == "level":
                values = sorted(values)
            ways[facet] = [(value, *facet_label(request, facet, value), count) for value, count in values]
    page = render(
        request,
        "library/home.html",
        total=total,
        partners=partners,
        languages_count=languages,
        ways=ways,
        newest=newest,
    )
    return kept(request, page)
