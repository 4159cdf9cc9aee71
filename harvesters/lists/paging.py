"""Where a list continues and where it ends: the next page's parameters, as the feed file's [request] declares them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from lxml import etree

from harvesters.causes import failed
from harvesters.client import Credentials, Reply, join_address
from harvesters.completeness import record_count
from harvesters.datestamps import format_datestamp
from harvesters.lists import xml_records
from harvesters.lists.json_records import NotJson, value_at
from harvesters.lists.link_header import next_link
from schemas import Feed, HarvestFailed, Listing, Request

NUMBERED = ("page", "offset")
NO_CONTENT = frozenset({204, 205})  # statuses
_ADDRESS_STARTS = ("/", "?", "http://", "https://")
_MAX_DIGESTS = 200
_MAX_SIZES_TRIED = 20
_MAX_EMPTY_PAGES = 200  # in a row, each with a cursor of its own
_MAX_FRUITLESS_PAGES = 3  # in a row, of records that came before: a list may shift by one page while it is read
_SAME_PAGE_ADVICE = (
    "Compare [request] with the partner's documentation: the server ignores {param!r}, caps its pages, or counts from "
    "another number ([request] first). If its list is one page, remove paging."
)


class Position(msgspec.Struct):
    """How far a harvest has come through one list; landed as JSON with every page, to continue from there."""

    offset: int = 0  # for offset, the records behind us; for page, the pages behind us times their size
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
    missed: int = 0  # records in a row that the server could not give, and that are not counted as listed yet
    most_given: int = 0  # records on the fullest page: some servers give fewer than are requested
    single: int = 0  # records before the next one that is requested alone, of a page that fails
    single_end: int = 0  # records before the first one that is requested in a page again
    last_given: int = 0  # records on the last page that had any
    empty_pages: int = 0  # in a row
    is_floor: bool = False  # the server says that its total is only the least that there are
    fruitless: int = 0  # pages in a row that gave nothing but records that came before
    page_size: int = 0  # what is requested per page since the server gave less than the feed file asks for; 0: that

    @property
    def reached(self) -> bool:
        """Return whether as many distinct records were listed as the total says."""
        return self.total is not None and self.listed - self.overlapped >= self.total

    @property
    def reached_by_repeats(self) -> bool:
        """Return whether the total is only reached by counting repeats: more records may follow."""
        return self.total is not None and self.listed >= self.total and not self.reached

    @property
    def requests_singly(self) -> bool:
        """Return whether the next request is for one record."""
        return self.single < self.single_end

    @property
    def may_be_complete(self) -> bool:
        """Return whether nothing says that more records follow."""
        return self.total is None or (self.listed >= self.total and not self.is_floor)

    @property
    def ends_at_floor(self) -> bool:
        """Return whether a list has no more records than the least that there are, as a window that is full has."""
        return self.is_floor and self.total is not None and self.listed <= self.total

    @property
    def distinct(self) -> int:
        """Return how many records were listed, each counted once."""
        return self.listed - self.overlapped

    def may_leave_gaps(self, request: Request) -> bool:
        """Return whether the next page is the second by number, and the first had fewer records than were requested.

        A server that caps its pages, and counts them by the size requested, leaves out what is between two pages.
        """
        is_sized = request.paging == "page" and request.size_param is not None
        return is_sized and self.pages == 1 and 0 < self.last_given < request.size and not self.requests_singly

    def ends_with_full_page(self, size: int) -> bool:
        """Return whether the last page holds as many records as one can: more may follow it. `size` was asked for."""
        return self.last_given >= (size if self.pages == 1 else min(size, self.most_given))

    @property
    def is_fruitless(self) -> bool:
        """Return whether all that the list gives came before: as many pages in a row as had given records."""
        return self.fruitless >= max(_MAX_FRUITLESS_PAGES, self.pages - self.fruitless)

    def count_fruitless(self, count: int, new: int) -> None:
        """Count pages in a row that give nothing but records that came before."""
        is_fruitless = count > 0 and new == 0 and not self.requests_singly
        self.fruitless = self.fruitless + 1 if is_fruitless else 0

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
    if request.paging in NUMBERED and position.requests_singly:
        params[request.page_param] = request.first + position.single
    elif request.paging == "page":
        params[request.page_param] = request.first + position.offset // request.size
    elif request.paging == "offset":
        params[request.page_param] = request.first + position.offset
    elif request.paging == "cursor" and position.cursor:
        params[request.page_param] = position.cursor
    return params


def begin_singles(request: Request, position: Position) -> None:
    """Request the records of the page at the position one by one: as many as the server gives on a page."""
    given = min(request.size, position.most_given or request.size)
    position.single = position.offset if request.paging == "offset" else position.offset // request.size * given
    position.single_end = position.single + given


def pass_single(request: Request, position: Position, count: int = 1) -> None:
    """Move the position behind records that were requested alone; behind the last of them to the next page."""
    position.single += count
    if not position.requests_singly:
        position.offset = position.single if request.paging == "offset" else position.offset + request.size


def is_url(request: Request, cursor: str) -> bool:
    """Return whether a cursor is the next page's URL."""
    return request.paging == "link" or cursor.startswith(("http://", "https://"))


def advance_by_number(request: Request, position: Position, count: int, *, new: int, alone: bool) -> None:
    """Move the position behind a page of `count` records; `new` of them were not listed before.

    A list that repeats records continues until as many distinct ones came as its total says, or nothing new.
    A total is only believed when nothing follows it if it is that of its own page (`alone`), or ends with a full page:
    some servers stop counting before the end.
    """
    if position.requests_singly and count:
        pass_single(request, position, count)
    else:
        position.offset += request.size if request.paging == "page" else count
    ended = position.reached or (new == 0 and position.reached_by_repeats)
    position.done = count == 0 or (ended and not alone and not _may_go_on(request, position, count, new))


def advance_by_cursor(
    feed: Feed, position: Position, answer: CursorAnswer, credentials: Credentials, *, new: int
) -> None:
    """Move the position to the next page that a reply names; credentials in it are masked, since it is landed.

    A list ends without a next page; at a second empty page, or one with the same cursor; and when its total is
    reached, by a page that is not full, or by one of which nothing is `new`. Raises HarvestFailed("truncated") for a
    server that stays at its page.
    """
    sent, cursor = _sent_cursor(feed, position), _next_cursor(feed, answer)
    if cursor is not None:
        mask = credentials.mask if is_url(feed.request, cursor) else credentials.mask_token
        cursor = mask(cursor)
    stays = cursor == sent and not answer.elements
    if stays and not position.may_be_complete:
        raise failed("truncated", f"{feed.url} gives the same cursor again after {position.listed} records")
    ended = position.reached and not _may_go_on(feed.request, position, answer.elements, new)
    position.cursor = cursor
    position.done = cursor is None or stays or _is_empty_again(position, answer.elements) or ended


def _sent_cursor(feed: Feed, position: Position) -> str:
    declared = {**feed.request.body, **feed.request.params}.get(feed.request.page_param, "")
    return position.cursor if position.cursor is not None else str(declared)


def _is_empty_again(position: Position, count: int) -> bool:
    """Count empty pages in a row; return whether there are so many that the list has ended."""
    position.empty_pages = 0 if count else position.empty_pages + 1
    return position.empty_pages > _MAX_EMPTY_PAGES or (position.empty_pages > 1 and position.may_be_complete)


def _may_go_on(request: Request, position: Position, count: int, new: int) -> bool:
    """Return whether a list may go on behind its total: its last page is full, or the total is only the least."""
    full = count >= min(request.size, max(position.most_given, 1)) and new > 0
    return count > 0 and (full or position.is_floor)


class CursorAnswer(NamedTuple):
    """A page of a list that is paged by cursor."""

    reply: Reply
    root: etree._Element | None  # of an XML response
    elements: int  # how many


def _next_cursor(feed: Feed, answer: CursorAnswer) -> str | None:
    """Return the next page's cursor or URL, None behind the last page. Raises HarvestFailed if it is no address."""
    request, reply = feed.request, answer.reply
    if request.paging == "link":
        url = next_link(reply.headers.get("link", ""))
        return _join(feed, reply.url, url) if url is not None else None
    if request.paging != "cursor" or not request.cursor_path or reply.status in NO_CONTENT:
        return None
    cursor = _cursor_in(feed, answer, request.cursor_path)
    return _join(feed, reply.url, cursor) if cursor and _is_address(feed, cursor) else cursor


def _is_address(feed: Feed, cursor: str) -> bool:
    """Return whether a cursor is the next page's address: some opaque ones begin with a slash or question mark too."""
    if not cursor.startswith(_ADDRESS_STARTS):
        return False
    is_relative = cursor.startswith(("/", "?"))
    marks = ("=", "&") if cursor.startswith("?") else ("?", urlsplit(feed.url).path.rstrip("/"))
    named = "page_param" in feed.request.model_fields_set
    return not is_relative or not named or any(mark and mark in cursor[1:] for mark in marks)


def _cursor_in(feed: Feed, answer: CursorAnswer, path: str) -> str | None:
    """Return the text at the cursor's path, None for none. Raises HarvestFailed if the response is not readable."""
    try:
        value = _value_in(answer.reply, answer.root, path)
    except NotJson as error:
        raise failed("malformed", f"{feed.url} sends a response whose next cursor cannot be read ({error})") from error
    return None if value is None or value is False or str(value).strip() == "" else str(value)


def _join(feed: Feed, base: str, url: str) -> str:
    joined = join_address(base, url)
    if joined is None:
        raise failed("truncated", f"{feed.url} names a next page at an invalid address, {url[:200]!r}")
    return joined


class EndProbe(NamedTuple):
    """A request for a page that begins with the last records of a list and reaches beyond them."""

    position: Position
    size: int
    left: int  # records that it gives if the list ends there


def end_probe(request: Request, position: Position) -> EndProbe | None:
    """Return the request that shows whether a numbered list ends behind its last record; None if there is none.

    It asks for pages of another size, so that one of them begins before that record and ends behind it.
    """
    given, records = position.most_given, position.distinct
    if records == 0:
        return None
    if request.paging == "offset":
        return EndProbe(_alone(records - 1), max(given, 2), left=1) if request.size_param or given > 1 else None
    if request.paging != "page" or not request.size_param:
        return None
    sizes = (*range(given - 1, 1, -1)[:_MAX_SIZES_TRIED], given + 1, given + 2)
    size = next((size for size in sizes if records % size), None)
    return None if size is None else EndProbe(_alone(records // size), size, records % size)


def _alone(number: int) -> Position:
    """Return the position of a page by its own number or offset."""
    return Position(single=number, single_end=number + 1)


def is_repeated_end(feed: Feed, position: Position, digest: str, count: int) -> bool:
    """Return whether a page that came before may end its list: its last page once more, or its first one again.

    What ends a numbered list so is the whole of it only if its last page was not full; see `end_probe`.
    """
    if position.reached and not position.is_floor:
        return True
    if position.total is not None and position.listed < position.total:
        return False
    first, last = position.page_digests[0], position.page_digests[-1]
    if feed.request.paging == "cursor":
        return digest == last and count < position.most_given
    return feed.request.paging in NUMBERED and digest in (first, last)


def same_page_again(feed: Feed, position: Position) -> HarvestFailed:
    """Return the failure of a list that gives records again which it gave before, instead of others."""
    of = position.total if position.total is not None else "an unknown number of"
    what = f"{feed.url} sends the same page again after {position.distinct} of {of} records"
    request = feed.request
    if request.paging not in NUMBERED:
        return failed("truncated", what)
    where = "body" if request.page_in == "body" else "query"
    what = f"{what}, whatever number {request.page_param!r} of the {where} has"
    return failed("truncated", what, _SAME_PAGE_ADVICE.format(param=request.page_param))


def list_size(request: Request, reply: Reply, root: etree._Element | None, position: Position) -> int | None:
    """Return the number of records in the list, by header or path: the largest that was given so far.

    `root` is that of an XML response. None if it is unknown or not trusted.
    """
    if not (request.trust_list_size and position.believed):
        return None
    try:
        total = record_count(_total_value(request, reply, root))
    except NotJson:
        return position.total
    position.is_floor = position.is_floor or (total is not None and _says_at_least(request, reply, root))
    return max((number for number in (total, position.total) if number is not None), default=None)


def _total_value(request: Request, reply: Reply, root: etree._Element | None) -> Any:
    """Return what the response has at the total's header, else at its path; None if neither is there."""
    value = reply.headers.get(request.total_header) if request.total_header else None
    if value is not None or not request.total_path:
        return value
    return _value_in(reply, root, request.total_path)


def _says_at_least(request: Request, reply: Reply, root: etree._Element | None) -> bool:
    """Return whether a total is the least that there are: Elasticsearch says "relation": "gte" beside its value.

    https://www.elastic.co/guide/en/elasticsearch/reference/current/search-your-data.html#track-total-hits
    """
    path = (request.total_path or "").removesuffix(".value")
    if root is not None or not path:
        return False
    return bool(_value_in(reply, None, f"{path}.relation") == "gte")


def _value_in(reply: Reply, root: etree._Element | None, path: str) -> Any:
    """Return the value at a path of an XML or JSON response, None if there is none. Raises NotJson."""
    return xml_records.value_at(root, path) if root is not None else value_at(msgspec.Raw(reply.body), path)


def server_date(reply: Reply) -> str | None:
    """Return the server's own clock from its Date header, never later than ours; None if there is no valid one."""
    header = reply.headers.get("date")
    try:
        date = parsedate_to_datetime(header).astimezone(UTC) if header else None
    except (ValueError, OverflowError):
        date = None
    return format_datestamp(min(date, datetime.now(UTC)), days=False) if date else None
