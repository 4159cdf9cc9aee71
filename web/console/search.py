"""The page Search: records and resources by title, person, key, identifier or address; a run by its id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import Found, find_exactly, record_titles, resource_titles
from loaders.declarations import feeds_in_use
from loaders.search import Hit, Hits, NoIndex, search_index
from loaders.store import read_transaction
from schemas import Environment
from transforms.search_words import search_words
from web.pages import address, error_in_words, render

router = APIRouter()
PAGE_ROWS = 20
MAX_PAGES = 300  # of one search
_PATH = "/console/search"
_KINDS = ("record", "resource")


class Line(NamedTuple):
    """A line of the list: where it leads, what it is called, and its status."""

    kind: str
    link: str
    title: str
    name: str
    status: str


@router.get("/search")
def search(
    request: Request,
    text: Annotated[str, Query(max_length=4_000)] = "",
    kind: Annotated[str, Query(max_length=20)] = "",
    page: Annotated[int, Query(ge=1, le=MAX_PAGES)] = 1,
) -> Response:
    """Show what is called so exactly, and what has the words in a title or a name."""
    env: Environment = request.app.state.env
    name, kind = text.strip(), kind if kind in _KINDS else ""
    exact, hits, lines, trouble = None, None, [], ""
    if name:
        try:
            start = (page - 1) * PAGE_ROWS
            hits = search_index(env, name, search_words, kind=kind, offset=start, limit=PAGE_ROWS)
        except NoIndex as error:
            trouble = error_in_words(request, error)
        feeds = [feed.name for feed in feeds_in_use(env).feeds]
        with read_transaction(env) as connection:
            exact = find_exactly(connection, name, feeds) if page == 1 else None
            lines = _lines(connection, hits.hits) if hits else []
    query = {"text": name, "kind": kind}
    return render(
        request,
        "console/search.html",
        text=text,
        exact=exact,
        hits=hits,
        lines=_without(lines, exact),
        trouble=trouble,
        kind=kind,
        kinds=[(each, address(_PATH, query, kind=each or None)) for each in ("", *_KINDS)],
        **_places(query, hits, page),
    )


def _places(query: dict[str, str], hits: Hits | None, page: int) -> dict[str, Any]:
    has_more = hits is not None and page * PAGE_ROWS < hits.total and page < MAX_PAGES
    return {
        "first": address(_PATH, query, page=page - 1) if page > 1 else "",
        "more": address(_PATH, query, page=page + 1) if has_more else "",
    }


def _lines(connection: Connection, hits: Sequence[Hit]) -> list[Line]:
    """Return a line of each hit as the catalog has it now; what is gone since has none."""
    records = {each.key: each for each in record_titles(connection, [hit.id for hit in hits if hit.kind == "record"])}
    resources = resource_titles(connection, [hit.id for hit in hits if hit.kind == "resource"])
    lines = []
    for hit in hits:
        if hit.kind == "record" and hit.id in records:
            member = records[hit.id]
            link = address("/console/records", {"key": hit.id})
            lines.append(Line(hit.kind, link, member.title, hit.id, member.status))
        elif hit.kind == "resource" and hit.id in resources:
            title, is_withdrawn = resources[hit.id]
            link = address(f"/console/resources/{hit.id}")
            lines.append(Line(hit.kind, link, title, hit.id, "withdrawn" if is_withdrawn else "published"))
    return lines


def _without(lines: Sequence[Line], exact: Found | None) -> list[Line]:
    """Return the lines of what is not shown above them already."""
    if exact is None:
        return list(lines)
    shown = {member.key for member in exact.records} | ({exact.resource[0]} if exact.resource else set())
    return [line for line in lines if line.name not in shown]
