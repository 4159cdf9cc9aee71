"""The page Links: how much of each host's addresses is checked, and which are dead."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import RECENT_DAYS, LinkFilter, dead_links_page, hosts_of_links
from loaders.declarations import feeds_in_use
from loaders.store import read_kept
from schemas import Environment
from web.pages import address, render

router = APIRouter()
PAGE_ROWS = 50
_PATH = "/console/links"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # as a date field sends it


_Text = Annotated[str, Query(max_length=300)]


@router.get("/links")
def links(
    request: Request,
    after: Annotated[str, Query(max_length=4_000)] = "",
    host: _Text = "",
    feed: _Text = "",
    since: _Text = "",
) -> Response:
    """Show the hosts with most addresses, and the dead addresses that the filter means, the last found first."""
    env: Environment = request.app.state.env
    at, _, url = after.partition("~")
    chosen = LinkFilter(host.strip().casefold(), feed.strip(), since if _DAY.fullmatch(since) else "")
    query = chosen._asdict()
    recent = (datetime.now(UTC) - timedelta(days=RECENT_DAYS)).strftime("%Y-%m-%dT00:00:00Z")
    rows = read_kept(env, dead_links_page, (at, url) if url else None, PAGE_ROWS + 1, chosen)
    last = rows[PAGE_ROWS - 1] if len(rows) > PAGE_ROWS else None
    return render(
        request,
        "console/links.html",
        counted=read_kept(env, hosts_of_links, recent),
        rows=rows[:PAGE_ROWS],
        chosen=chosen,
        feeds=[each.name for each in feeds_in_use(env).feeds],
        first=address(_PATH, query) if after else "",
        more=address(_PATH, query, after=f"{last.dead_at}~{last.url}") if last else "",
    )
