"""Where a list goes on: the parameters of the next page, as the feed file's [request] declares them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import httpx
import msgspec
from lxml import etree

from harvesters import xml_records
from harvesters.http import Reply
from harvesters.json_records import NotJson, value_at
from harvesters.oai_windows import spoken
from schemas import Request


class Place(msgspec.Struct):
    """How far a harvest has come through one list."""

    offset: int = 0  # records behind us, for page and offset
    cursor: str | None = None  # or the next page's address
    listed: int = 0
    total: int | None = None
    pages: int = 0
    last: str = ""  # of the page before, to see one that repeats
    done: bool = False
    response_date: str | None = None
    missed: int = 0  # records in a row that the server could not give
    singles: int = 0  # the offset up to which records are asked for one by one


def page_params(asked: Request, place: Place, size: int) -> dict[str, Any]:
    """The parameters that ask for the page at a place."""
    sized: dict[str, Any] = {asked.size_param: size} if asked.size_param and asked.paging != "none" else {}
    if asked.paging == "page":
        return {asked.page_param: asked.first + place.offset // size, **sized}
    if asked.paging == "offset":
        return {asked.page_param: asked.first + place.offset, **sized}
    if asked.paging == "cursor" and place.cursor:
        return {asked.page_param: place.cursor, **sized}
    return sized


def next_cursor(asked: Request, reply: Reply) -> str | None:
    """The next page's cursor or address, None behind the last page."""
    if asked.paging == "link":
        links = httpx.Response(200, headers={"link": reply.headers.get("link", "")}).links
        following = links.get("next", {}).get("url")
        return urljoin(reply.url, following) if following else None
    if asked.paging == "cursor" and asked.cursor_path:
        said = value_at(msgspec.Raw(reply.body), asked.cursor_path)
        if said is None or said == "" or said is False:
            return None
        cursor = str(said)
        return urljoin(reply.url, cursor) if cursor.startswith("/") else cursor
    return None


def list_size(asked: Request, reply: Reply, root: etree._Element | None, before: int | None) -> int | None:
    """The number of records in the list, by header or path; the first one that is said counts."""
    if before is not None or not asked.trust_list_size:
        return before
    said: Any = reply.headers.get(asked.total_header) if asked.total_header else None
    if said is None and asked.total_path:
        try:
            here = msgspec.Raw(reply.body)
            said = value_at(here, asked.total_path) if root is None else xml_records.value_at(root, asked.total_path)
        except NotJson:
            return None
    number = str(said).strip()
    return int(number) if number.isdigit() else None


def server_date(reply: Reply) -> str | None:
    """The server's own clock as its Date header tells it, never later than ours."""
    said = reply.headers.get("date")
    try:
        at = parsedate_to_datetime(said) if said else None
    except ValueError:
        at = None
    return spoken(min(at.astimezone(UTC), datetime.now(UTC)), days=False) if at else None
