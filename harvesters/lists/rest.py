"""JSON or XML over HTTP: plain arrays, and lists paged by page, offset, cursor or Link header, by GET or by POST.

What differs between partners is declared in the feed file's [request]; nothing about a partner is written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from harvesters.causes import MAX_CONSECUTIVE_FAILURES, RequestFailed, as_server_failure, failed, of_one_record
from harvesters.client import Client, SkippedPages
from harvesters.completeness import require_as_many_as_before, require_size
from harvesters.datestamps import format_since, parse_datestamp
from harvesters.lists.answers import Answer, answer_results, read_answer
from harvesters.lists.paging import (
    NUMBERED,
    CursorAnswer,
    Position,
    advance_by_cursor,
    advance_by_number,
    begin_singles,
    end_probe,
    is_repeated_end,
    is_url,
    list_size,
    page_params,
    pass_single,
    same_page_again,
    server_date,
)
from harvesters.records import split_results
from harvesters.repeats import SeenIdentifiers
from schemas import Ask, Environment, Feed, HarvestFailed, Page, Progress, RawResponse, Skipped, SourceRecord

_NO_SUCH_PAGE = frozenset({400, 404, 410, 416, 422})  # statuses
_WINDOW_ADVICE = "Narrow the list with [request] params into feeds of their own, or page it by cursor."
_TOTAL_ADVICE = (
    "Nothing is deleted for being absent from this list. Declare [request] total_path or size_param if the server has "
    "them; else narrow the list with [request] params."
)
_CURSOR_ADVICE = "Nothing was deleted. If this continues, ask the partner how long a cursor is valid, or for a total."
_FAR_PAGES = 100_000  # behind the end of any list: what a server answers there, it answers behind every end


def harvest(feed: Feed, ask: Ask, env: Environment, report: Progress) -> Iterator[Page]:
    """Yield the feed's records page by page, as `harvesters.harvest` promises."""
    with Client(feed, ask, env) as client:
        position = msgspec.convert(ask.position, Position) if ask.position else Position(cursor=ask.token)
        if position.done:
            position = Position(attempt=position.attempt + 1)  # a list that ended short is requested from its beginning
        yield from RestList(feed, ask, client, report, position).harvest()


@dataclass
class RestList:
    """One list of one feed."""

    feed: Feed
    ask: Ask
    client: Client
    report: Progress
    position: Position
    params: dict[str, Any] = field(default_factory=dict)  # beside the feed's own
    given: int = 0  # records, for the limit of the harvest
    list_name: str = ""
    seen: SeenIdentifiers = field(default_factory=SeenIdentifiers)  # since the harvest began or was continued
    missed: list[Skipped] = field(init=False)  # records that failed alone, since one came
    pages_before: int = field(init=False)  # read before the harvest was continued
    recovered: bool = False  # a response was not valid JSON, and its valid elements were taken
    failed_singly: SkippedPages = field(default_factory=SkippedPages)
    has_list: bool = True  # the last response holds a list, be it empty
    last_texts: frozenset[bytes] = frozenset()  # of the last page, for one that may leave a gap behind it

    def __post_init__(self) -> None:
        reason = "the server failed for this record before the harvest was interrupted"
        self.missed = [Skipped(identifier=None, reason=reason)] * self.position.missed
        self.pages_before = self.position.pages

    @property
    def full(self) -> bool:
        """Return whether the whole list is requested."""
        all_time = self.ask.full or self.ask.since is None or self.feed.request.since_param is None
        return all_time and self.ask.token is None

    @property
    def limit_reached(self) -> bool:
        """Return whether as many records were given as the harvest is limited to."""
        return self.ask.limit is not None and self.given >= self.ask.limit

    @property
    def _left(self) -> int | None:
        """Return how many records may still be given; None without a limit."""
        return None if self.ask.limit is None else self.ask.limit - self.given

    def harvest(self) -> Iterator[Page]:
        """Yield every page from the position on, then the complete one. Raises HarvestFailed."""
        for page in self.pages():
            yield page
            if page.not_modified or self.limit_reached:
                return
        self.client.skipped_pages.require_few(self.feed.url)
        self.failed_singly.require_few(self.feed.url, records=self.position.listed)
        if self.ask.token is None:  # from a given place on, the list is shorter
            require_size(self.position.listed, self.position.total, self.feed.url)
            self._require_more_than_the_floor()
            self._note_unread_total()
        if self.full and not self._cannot_be_short():
            require_as_many_as_before(self.position.listed, self.feed, self.ask)
        yield self._page(complete=True)

    def pages(self) -> Iterator[Page]:
        """Yield every page from the position on; when it is given, the position is behind it. Raises HarvestFailed."""
        while not self.position.done:
            if self.position.pages >= self.feed.request.max_pages:
                raise failed("too_large", f"the list has more than {self.feed.request.max_pages} pages")
            try:
                answer = self._request()
            except RequestFailed as failure:
                if self._is_behind_the_end(failure):
                    if self.missed and self.position.total is None:
                        yield self._page(skipped=self._count_missed())
                    yield from self._end_behind(failure)
                    return
                if self._cursor_expired(failure):
                    self.position = Position(attempt=self.position.attempt + 1)
                    continue
                if failure.raw:
                    yield self._page(raw=failure.raw)
                yield from self._isolate(failure)
                continue
            if answer is None:
                yield Page(complete=True, not_modified=True, validators=self.ask.validators)
                return
            yield self._advance(self._without_gap(answer))

    def _require_more_than_the_floor(self) -> None:
        """Raise HarvestFailed for a list that ends where the server only stopped counting."""
        if self.position.ends_at_floor and not self.limit_reached:
            where = f"{self.feed.url} gave {self.position.listed} records, and says that there are more"
            raise failed("truncated", where, _WINDOW_ADVICE)

    def _note_unread_total(self) -> None:
        """Note that the feed file says where the list's size is, and no page had a number there."""
        request = self.feed.request
        declared = request.total_header or request.total_path
        if declared and request.trust_list_size and self.position.promised is None and self.position.listed:
            key = "total_header" if request.total_header else "total_path"
            problem = f"no page has a number at request.{key} {declared!r}"
            self.client.notes.append(f"{problem}, so that nothing says whether the list is whole; correct or remove it")

    def _cannot_be_short(self) -> bool:
        """Return whether one complete document was read, or as many records as the server counts."""
        is_one_document = self.feed.request.paging == "none" and self.has_list
        return not self.recovered and (is_one_document or self.position.total is not None)

    # requests

    def _request(self, *, retries: int | None = None, size: int | None = None) -> Answer | None:
        """Request the page at the position, of so many records; None when the server says that nothing changed."""
        request, position = self.feed.request, self.position
        url, params, body = self._page_address(size)
        reply = self.client.send(
            url,
            method=request.method,
            params=params,
            body=body if request.method == "POST" else None,
            retries=1 if position.requests_singly and retries is None else retries,
            conditional=request.paging == "none" and request.method == "GET",
        )
        if reply.status == 304:
            return None
        if position.response_date is None:
            position.response_date = server_date(reply)
        answer = read_answer(reply, self.feed, position, self.client.notes)
        self.recovered = self.recovered or answer.recovered
        self.has_list = answer.has_list
        return answer

    def _without_gap(self, answer: Answer) -> Answer:
        """Return the second page, in the size of the first one if the size requested leaves out records between them.

        The list continues in the size of the page that is returned. Any other page is returned as it is.
        """
        if not (answer.texts and self.position.may_leave_gaps(self.feed.request)):
            return answer
        self.position.page_size = self.position.last_given
        try:
            smaller = self._request(retries=0)
        except RequestFailed:
            smaller = None
        known = self.last_texts.union(map(bytes, answer.texts))
        if smaller is not None and not known.issuperset(map(bytes, smaller.texts)):
            given = f"{self.feed.url} gives {self.position.page_size} records per page"
            self.client.notes.append(f"{given}, and counts its pages by the size requested; that many are requested")
            return smaller
        self.position.page_size = 0
        return answer

    def _page_address(self, size: int | None = None) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Return URL, parameters and body of the request for the page at the position.

        A next page's URL that the server gave has its parameters in it.
        """
        request, cursor = self.feed.request, self.position.cursor
        body = dict(request.body)
        if cursor and cursor != self.feed.url and is_url(request, cursor):
            return cursor, {}, body
        params = {**request.params, **self.params}
        target = body if request.page_in == "body" else params
        size = size or (1 if self.position.requests_singly else self.position.page_size or request.size)
        target |= page_params(request, self.position, size) | self._since_param()
        return self.feed.url, params, body

    def _since_param(self) -> dict[str, str]:
        """Return the parameter that asks for what changed since the mark; none when the whole list is requested."""
        name, since = self.feed.request.since_param, self.ask.since
        if self.full or not name or not since:
            return {}
        return {name: format_since(parse_datestamp(since), self.feed.request.since_format)}

    def _is_behind_the_end(self, failure: RequestFailed) -> bool:
        """Return whether a failure means that the list ended: some servers refuse the page behind the last one.

        Behind a list that reached its total any failure means that, since nothing says that more follows. A next page
        that the server itself named, behind a full one, is no such page: its cursor expired, for example.
        """
        position = self.position
        if position.pages == 0 or not position.may_be_complete:
            return False
        if position.total is not None:
            return True
        is_named = self.feed.request.paging not in NUMBERED and position.last_given >= position.most_given
        return failure.status in _NO_SUCH_PAGE and not is_named

    def _end_behind(self, failure: RequestFailed) -> Iterator[Page]:
        """End the list at a refused page; yield what may be missing there. Raises HarvestFailed if more follows."""
        self.position.done = True
        if failure.status != 416 and (doubts := self._doubts(f"answers {failure.status or failure.cause}")):
            yield self._page(skipped=doubts)

    def _doubts(self, answers: str) -> tuple[Skipped, ...]:
        """Return what may be missing of a numbered list without a total that ends with a full page.

        Nothing is where another request shows that the list ends there; `answers` says how the server answers behind
        it. Raises HarvestFailed("truncated") where that request shows that more follows.
        """
        position = self.position
        if self.feed.request.paging not in NUMBERED or position.total is not None:
            return ()
        if not position.ends_with_full_page(self.feed.request.size):
            return ()
        ends = self._ends_here()
        where = f"{self.feed.url} {answers} after {position.listed} records, behind a full page"
        if ends is False:
            raise failed("truncated", f"{where}, and has more records than these", _WINDOW_ADVICE)
        reason = f"{where}: this may be a limit of the server and not the end of its list. {_TOTAL_ADVICE}"
        return () if ends else (Skipped(identifier=None, reason=reason),)

    def _ends_here(self) -> bool | None:
        """Return whether a numbered list ends behind its last record, by a page of another size; None if unknown."""
        probe = end_probe(self.feed.request, self.position)
        if probe is None:
            return None
        here, self.position = self.position, probe.position
        try:
            answer = self._request(retries=0, size=probe.size)
        except RequestFailed:
            return None
        finally:
            self.position = here
        count = len(answer.texts) + len(answer.skipped) if answer else 0
        return None if count < probe.left else count == probe.left

    def _cursor_expired(self, failure: RequestFailed) -> bool:
        """Return whether the server refuses the cursor at which an earlier harvest stopped: it begins again then."""
        is_first = 0 < self.position.pages == self.pages_before
        return is_first and self.feed.request.paging not in NUMBERED and failure.status in _NO_SUCH_PAGE

    def _isolate(self, failure: RequestFailed) -> Iterator[Page]:
        """Request the records of a failing page one by one from now on, and pass over the one that fails alone.

        Those count as skipped when the server answers behind them, or its total says that they are records.
        Raises HarvestFailed when the server fails, and not its records.
        """
        request, position = self.feed.request, self.position
        if failure.status in _NO_SUCH_PAGE and position.pages > 0:
            raise self._ended_early(failure) from failure
        if request.paging not in NUMBERED or not request.size_param or position.missed >= MAX_CONSECUTIVE_FAILURES:
            yield from self._end_or_fail(failure)
            return
        if not position.requests_singly:
            begin_singles(request, position)
            return
        self._pass_failing_single(failure)
        if position.total is not None and position.listed + position.missed >= position.total:
            if self._fails_behind_every_end():
                raise as_server_failure(failure, self._where()) from failure
            yield self._page(skipped=self._count_missed())
            position.done = True

    def _pass_failing_single(self, failure: RequestFailed) -> None:
        position = self.position
        self.failed_singly.first = self.failed_singly.first or failure
        self.missed.append(Skipped(identifier=None, reason=f"record {position.single}: {of_one_record(failure)}"))
        position.missed += 1
        pass_single(self.feed.request, position)

    def _count_missed(self) -> tuple[Skipped, ...]:
        """Count the records that failed alone as listed, and return them."""
        self.failed_singly.skipped += len(self.missed)
        missed, self.missed = tuple(self.missed), []
        self.position.listed += self.position.missed
        self.position.missed = 0
        return missed

    def _ended_early(self, failure: RequestFailed) -> HarvestFailed:
        position = self.position
        of = "an unknown number of" if position.total is None else position.total
        where = f"{self.feed.url} answers {failure.status} after {position.listed} of {of} records"
        if self.feed.request.paging not in NUMBERED:
            return failed("truncated", f"{where}, at the next page that it named itself", _CURSOR_ADVICE)
        if position.is_floor:
            return failed("truncated", f"{where}, and says that there are more", _WINDOW_ADVICE)
        return failed("truncated", where)

    def _end_or_fail(self, failure: RequestFailed) -> Iterator[Page]:
        """End the list if this is how the server answers behind its end; else raise HarvestFailed.

        Without a total, a list ends where a server fails that still gives its first page, and fails alike far behind.
        """
        position = self.position
        is_end = position.pages > 0 and position.total is None and self._fails_behind_every_end()
        if not is_end or not self._gives_its_first_page():
            raise as_server_failure(failure, self._where() if position.pages else "") from failure
        self.client.notes.append(f"{self.feed.url} fails behind its last page, after {position.listed} records")
        self.missed, position.missed = [], 0
        yield from self._end_behind(failure)

    def _where(self) -> str:
        return f"after {self.position.listed} of {self.position.total or 'an unknown number of'} records"

    def _fails_behind_every_end(self) -> bool:
        """Return whether the server fails for a page where no list has one."""
        if self.feed.request.paging not in NUMBERED:
            return False
        return self._fails_at(Position(offset=_FAR_PAGES * self.feed.request.size))

    def _gives_its_first_page(self) -> bool:
        return not self._fails_at(Position())

    def _fails_at(self, position: Position) -> bool:
        here, self.position = self.position, position
        try:
            self._request(retries=0)
        except RequestFailed as failure:
            return failure.status not in _NO_SUCH_PAGE
        finally:
            self.position = here
        return False

    # pages

    def _advance(self, answer: Answer) -> Page:
        """Return the page of an answer, with the position moved behind it. Raises HarvestFailed."""
        request, position = self.feed.request, self.position
        count = len(answer.texts) + len(answer.skipped)
        digest = sha256(b"\n".join(bytes(text) for text in answer.texts)).hexdigest()
        self._require_single(count)
        first_total = position.total is None
        position.note_total(list_size(request, answer.reply, answer.root, position))
        if count and digest in position.page_digests and not position.requests_singly:
            return self._end_at_repeats(may_end=is_repeated_end(self.feed, position, digest, count))
        results = answer_results(answer, self.feed, self.client, first=position.pages == 0, limit=self._left)
        records, skipped, raw = split_results(results)
        skipped = (*answer.skipped, *skipped)
        repeated = self._count_repeats(records, skipped)
        skipped = (*self._count_missed(), *skipped)  # the server answers behind them, so that they are records
        self._count_page(digest, count, repeated)
        alone = first_total and position.total == count
        position.drop_outgrown_total()
        self._move_on(answer, count, count - repeated, alone=alone)
        if position.is_fruitless and request.paging in NUMBERED and not position.done:
            return self._end_at_repeats(may_end=position.total is None)
        doubts = () if answer.has_list else self._doubts("answers without a list")
        return self._page(records, (*skipped, *doubts), (*answer.raw, *raw))

    def _move_on(self, answer: Answer, count: int, new: int, *, alone: bool) -> None:
        """Move the position behind a page of so many records, of which some are `new`."""
        request, position = self.feed.request, self.position
        position.count_fruitless(count, new)
        self.last_texts = frozenset(map(bytes, answer.texts)) if position.may_leave_gaps(request) else frozenset()
        if request.paging in NUMBERED:
            advance_by_number(request, position, count, new=new, alone=alone)
        else:
            page = CursorAnswer(answer.reply, answer.root, count)
            advance_by_cursor(self.feed, position, page, self.client.credentials, new=new)

    def _end_at_repeats(self, *, may_end: bool) -> Page:
        """End the list where only records come that came before. Raises HarvestFailed("truncated") if it is not whole.

        `may_end` says whether nothing contradicts that. A list that never gave another page must prove that it ends.
        """
        position = self.position
        if not may_end:
            raise same_page_again(self.feed, position)
        is_proof_needed = self.feed.request.paging in NUMBERED and position.total is None
        if is_proof_needed and position.pages - position.fruitless <= 1 and not self._ends_here():
            raise same_page_again(self.feed, position)
        position.done = True
        return self._page(skipped=self._doubts("sends the same page again"))

    def _require_single(self, count: int) -> None:
        """Raise HarvestFailed where a record is requested alone, by page number, and the server gives whole pages."""
        if self.position.requests_singly and self.feed.request.paging == "page" and count > 1:
            what = f"{self.feed.url} fails for a page, and gives {count} records where one is asked for"
            raise failed("server_failing", f"{what}, {self._where()}")

    def _count_repeats(self, records: list[SourceRecord], skipped: tuple[Skipped, ...]) -> int:
        names = [entry.identifier for entry in skipped if entry.identifier is not None]
        return self.seen.add([*(record.identifier for record in records), *names])

    def _count_page(self, digest: str, count: int, repeated: int) -> None:
        """Count a page of so many records, of which some were listed before."""
        position = self.position
        position.pages += 1
        position.listed += count
        position.last_given = count or position.last_given
        position.overlapped += repeated
        if not position.requests_singly:
            position.remember_page(digest)
            position.most_given = max(position.most_given, count)

    def _page(
        self,
        records: list[SourceRecord] | None = None,
        skipped: tuple[Skipped, ...] = (),
        raw: tuple[RawResponse, ...] = (),
        *,
        complete: bool = False,
    ) -> Page:
        """Return a page for landing, with the position behind it; no more records than the limit."""
        given = (records or [])[: self._left]
        self.given += len(given)
        self.report(self.position.listed, self.position.total)
        notes, self.client.notes = tuple(self.client.notes), []
        return Page(
            records=given,
            listing=self.position.listing(self.list_name),
            position=msgspec.to_builtins(self.position),
            total=self.position.total,
            raw=raw,
            skipped=skipped,
            notes=notes,
            complete=complete,
            full=self.full,
            counted=self.position.listed if complete else None,
            response_date=self.position.response_date,
            validators=dict(self.client.validators) if complete else {},
        )
