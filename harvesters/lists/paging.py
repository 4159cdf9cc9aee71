"""Where a list continues and where it ends: the next page's parameters, as the feed file's [request] declares them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import httpx
import msgspec
from lxml import etree

from harvesters.causes import failed
from harvesters.client import Credentials, Reply
from harvesters.datestamps import format_datestamp
from harvesters.lists import xml_records
from harvesters.lists.json_records import NotJson, value_at
from schemas import Feed, Listing, Request

NUMBERED = ("page", "offset")
_MAX_DIGESTS = 200
_COUNT = re.compile(r"[0-9]{1,15}")


class Position(msgspec.Struct):
    """How far a harvest has come through one list; landed as JSON with every page, to continue from there."""

    offset: int = 0  # records behind us, for page and offset
    cursor: str | None = None  # of the next page, or its URL
    listed: int = 0
    overlapped: int = 0  # of them those that were listed before
    total: int | None = None
    pages: int = 0
    believed: bool = True  # whether nothing yet contradicts the total
    # the first and the last hundred, to recognize a page that comes again
    page_digests: list[str] = msgspec.field(default_factory=list, name="marks")
    promised: int | None = None  # the largest total that the server gave
    attempt: int = 0  # how often the list was begun again, with everything that it had given
    done: bool = False
    response_date: str | None = None
    missed: int = 0  # records in a row that the server could not give
    singles: int = 0  # the offset up to which records are requested one by one

    @property
    def reached(self) -> bool:
        """Return whether as many distinct records were listed as the total says."""
        return self.total is not None and self.listed - self.overlapped >= self.total

    @property
    def reached_by_repeats(self) -> bool:
        """Return whether the total is only reached by counting repeats: more records may follow."""
        return self.total is not None and self.listed >= self.total and not self.reached

    def listing(self, name: str) -> Listing:
        """Return where the last page is, in the list of that name."""
        list_name = f"{name} {self.attempt}" if self.attempt else name
        return Listing(name=list_name, page=max(0, self.pages - 1), size=self.promised)

    def remember_page(self, digest: str) -> None:
        """Remember a page by its digest, to recognize it if it comes again."""
        self.page_digests.append(digest)
        if len(self.page_digests) > _MAX_DIGESTS:
            del self.page_digests[_MAX_DIGESTS // 2]

    def note_total(self, total: int | None) -> None:
        """Note the total that holds from this page on; the largest one remains promised."""
        self.total = total
        if total is not None:
            self.promised = max(self.promised or 0, total)

    def drop_outgrown_total(self) -> None:
        """Forget a total that the list exceeds: it never was that of the list."""
        if self.total is not None and self.listed - self.overlapped > self.total:
            self.total, self.believed = None, False


def page_params(request: Request, position: Position, size: int) -> dict[str, Any]:
    """Return the parameters that request the page at a position."""
    if request.paging == "none":
        return {}
    params: dict[str, Any] = {request.size_param: size} if request.size_param else {}
    if request.paging == "page":
        params[request.page_param] = request.first + position.offset // size
    elif request.paging == "offset":
        params[request.page_param] = request.first + position.offset
    elif request.paging == "cursor" and position.cursor:
        params[request.page_param] = position.cursor
    return params


def is_url(request: Request, cursor: str) -> bool:
    """Return whether a cursor is the next page's URL."""
    return request.paging == "link" or cursor.startswith(("http://", "https://"))


def advance_by_number(request: Request, position: Position, count: int, size: int, *, new: int, alone: bool) -> None:
    """Move the position behind a page of `count` records, where `size` were requested; `new` were not listed before.

    A list that repeats records continues until as many distinct ones came as its total says, or nothing new.
    A total of no more than its own page (`alone`) is only believed when nothing follows.
    """
    position.offset += size if request.paging == "page" else count
    ended = position.reached or (new == 0 and position.reached_by_repeats)
    position.done = count == 0 or (ended and not alone)


def advance_by_cursor(feed: Feed, position: Position, reply: Reply, credentials: Credentials) -> None:
    """Move the position to the next page that a reply names; credentials in it are masked, since it is landed.

    Raises HarvestFailed("truncated") for a server that stays at its page.
    """
    before, cursor = position.cursor, _next_cursor(feed.request, reply)
    if cursor is not None:
        mask = credentials.mask if is_url(feed.request, cursor) else credentials.mask_token
        cursor = mask(cursor)
    position.cursor = cursor
    if cursor is not None and cursor == before:
        raise failed("truncated", f"{feed.url} gives the same cursor again after {position.listed} records")
    position.done = cursor is None


def _next_cursor(request: Request, reply: Reply) -> str | None:
    """Return the next page's cursor or URL, None behind the last page."""
    if request.paging == "link":
        links = httpx.Response(200, headers={"link": reply.headers.get("link", "")}).links
        url = links.get("next", {}).get("url")
        return urljoin(reply.url, url) if url else None
    if request.paging == "cursor" and request.cursor_path:
        value = value_at(msgspec.Raw(reply.body), request.cursor_path)
        if value is None or value == "" or value is False:
            return None
        cursor = str(value)
        return urljoin(reply.url, cursor) if cursor.startswith("/") else cursor
    return None


def end_at_repeated_page(feed: Feed, position: Position, digest: str, size: int, count: int) -> None:
    """End a list at a page that came before: its last page once more, or its first one again.

    Raises HarvestFailed("truncated") for a list that is not complete, or a server that cannot page.
    """
    short = position.total is not None and position.listed < position.total
    loop = feed.request.paging not in NUMBERED or digest not in (position.page_digests[0], position.page_digests[-1])
    ignores_page = position.pages == 1 and count >= size and not position.reached_by_repeats
    if short or loop or ignores_page:
        of = position.total if position.total is not None else "an unknown number of"
        raise failed("truncated", f"{feed.url} sends the same page again after {position.listed} of {of} records")
    position.done = True


def list_size(request: Request, reply: Reply, root: etree._Element | None, position: Position) -> int | None:
    """Return the number of records in the list, by header or path: the largest that was given so far.

    `root` is that of an XML response. None if it is unknown or not trusted.
    """
    if not (request.trust_list_size and position.believed):
        return None
    try:
        text = str(_total_value(request, reply, root)).strip()
    except NotJson:
        return position.total
    total = int(text) if _COUNT.fullmatch(text) else None
    return max((number for number in (total, position.total) if number is not None), default=None)


def _total_value(request: Request, reply: Reply, root: etree._Element | None) -> Any:
    """Return what the response has at the total's header, else at its path; None if neither is there."""
    value = reply.headers.get(request.total_header) if request.total_header else None
    if value is not None or not request.total_path:
        return value
    if root is not None:
        return xml_records.value_at(root, request.total_path)
    return value_at(msgspec.Raw(reply.body), request.total_path)


def server_date(reply: Reply) -> str | None:
    """Return the server's own clock from its Date header, never later than ours; None if there is no valid one."""
    header = reply.headers.get("date")
    try:
        date = parsedate_to_datetime(header).astimezone(UTC) if header else None
    except (ValueError, OverflowError):
        date = None
    return format_datestamp(min(date, datetime.now(UTC)), days=False) if date else None
