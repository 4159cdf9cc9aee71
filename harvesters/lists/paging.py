"""Where a list goes on, and where it ends: the next page's parameters, as the feed file's [request] declares them."""

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
_NUMBER = re.compile(r"[0-9]{1,15}")


class Place(msgspec.Struct):
    """How far a harvest has come through one list."""

    offset: int = 0  # records behind us, for page and offset
    cursor: str | None = None  # or the next page's address
    listed: int = 0
    overlapped: int = 0  # of them those that were listed before
    total: int | None = None
    pages: int = 0
    believed: bool = True  # whether nothing yet speaks against the total
    marks: list[str] = []  # of the pages that it gave, the first and the last hundred, to see one that repeats
    promised: int | None = None  # the largest total that was said
    attempt: int = 0  # how often the list was begun again, with all that it had given
    done: bool = False
    response_date: str | None = None
    missed: int = 0  # records in a row that the server could not give
    singles: int = 0  # the offset up to which records are asked for one by one

    def listing(self, name: str) -> Listing:
        """Where the page stands that was given last, in the list of that name."""
        numbered = f"{name} {self.attempt}" if self.attempt else name
        return Listing(name=numbered, page=max(0, self.pages - 1), size=self.promised)

    def mark(self, mark: str) -> None:
        """Remember a page."""
        self.marks.append(mark)
        if len(self.marks) > 200:
            del self.marks[100]

    def outgrown(self) -> None:
        """A total that the list outgrows was never the list's."""
        if self.total is not None and self.listed - self.overlapped > self.total:
            self.total, self.believed = None, False

    @property
    def reached_by_repeats(self) -> bool:
        """Whether as many entries as the total says were listed, and some of them twice: others may follow."""
        return self.total is not None and self.listed - self.overlapped < self.total <= self.listed


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


def _next_cursor(asked: Request, reply: Reply) -> str | None:
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


def is_address(asked: Request, cursor: str) -> bool:
    """Whether a cursor is the next page's address."""
    return asked.paging == "link" or cursor.startswith(("http://", "https://"))


def go_on(
    feed: Feed, place: Place, reply: Reply, count: int, size: int, *, new: int, alone: bool, credentials: Credentials
) -> None:
    """Move the place behind a page of `count` records, `new` of them not listed before, where `size` were asked for.

    A list that repeats records goes on until it gave as many distinct ones as its total says, or nothing new.
    A total of no more than its own page (`alone`) is believed when nothing follows. Raises HarvestFailed("truncated").
    """
    paging = feed.request.paging
    if paging in NUMBERED:
        place.offset += size if paging == "page" else count
        reached = place.total is not None and place.listed - place.overlapped >= place.total
        ends = reached or (new == 0 and place.reached_by_repeats)
        place.done = count == 0 or (ends and not alone)
        return
    before = place.cursor
    following = _next_cursor(feed.request, reply)
    if following is not None:  # it is landed
        mask = credentials.mask if is_address(feed.request, following) else credentials.mask_token
        following = mask(following)
    place.cursor = following
    if place.cursor is not None and place.cursor == before:
        raise failed("truncated", f"{feed.url} gives the same cursor again after {place.listed} records")
    place.done = place.cursor is None


def end_or_loop(feed: Feed, place: Place, mark: str, size: int, count: int) -> None:
    """What a page means that came before: a list that stays at its last page or begins again has ended.

    Raises HarvestFailed("truncated") for a list that is not whole, or a server that cannot page.
    """
    short = place.total is not None and place.listed < place.total
    loop = feed.request.paging not in NUMBERED or mark not in (place.marks[0], place.marks[-1])
    if short or loop or (place.pages == 1 and count >= size and not place.reached_by_repeats):
        of = place.total if place.total is not None else "an unknown number of"
        raise failed("truncated", f"{feed.url} sends the same page again after {place.listed} of {of} records")
    place.done = True


def list_size(asked: Request, reply: Reply, root: etree._Element | None, place: Place) -> int | None:
    """The number of records in the list, by header or path; the largest that was said so far counts."""
    if not (asked.trust_list_size and place.believed):
        return None
    said: Any = reply.headers.get(asked.total_header) if asked.total_header else None
    if said is None and asked.total_path:
        try:
            here = msgspec.Raw(reply.body)
            said = value_at(here, asked.total_path) if root is None else xml_records.value_at(root, asked.total_path)
        except NotJson:
            return place.total
    number = str(said).strip()
    found = int(number) if _NUMBER.fullmatch(number) else None
    return max((one for one in (found, place.total) if one is not None), default=None)


def server_date(reply: Reply) -> str | None:
    """The server's own clock as its Date header tells it, never later than ours."""
    said = reply.headers.get("date")
    try:
        at = parsedate_to_datetime(said).astimezone(UTC) if said else None
    except (ValueError, OverflowError):  # no date, or one at the end of the calendar
        at = None
    return format_datestamp(min(at, datetime.now(UTC)), days=False) if at else None
