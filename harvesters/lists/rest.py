"""JSON or XML over HTTP: plain arrays, and lists paged by page, offset, cursor or Link header, by GET or by POST.

What differs between partners is declared in the feed file's [request]; nothing about a partner is written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from harvesters.causes import MAX_CONSECUTIVE_FAILURES, RequestFailed, as_harvest_failure, failed
from harvesters.client import Client
from harvesters.completeness import require_as_many_as_before, require_size
from harvesters.datestamps import format_datestamp, parse_datestamp
from harvesters.lists.answers import Answer, answer_results, read_answer
from harvesters.lists.paging import (
    NUMBERED,
    Position,
    advance_by_cursor,
    advance_by_number,
    end_at_repeated_page,
    is_url,
    list_size,
    page_params,
    server_date,
)
from harvesters.records import split_results
from harvesters.repeats import SeenIdentifiers
from schemas import Ask, Environment, Feed, Page, Progress, RawResponse, Skipped, SourceRecord

_NO_SUCH_PAGE = frozenset({400, 404, 410, 422})  # statuses


def harvest(feed: Feed, ask: Ask, env: Environment, report: Progress) -> Iterator[Page]:
    """Yield the feed's records page by page, as `harvesters.harvest` promises."""
    with Client(feed, ask, env) as client:
        position = msgspec.convert(ask.position, Position) if ask.position else Position()
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
    recovered: bool = False  # a response was not valid JSON, and its valid elements were taken

    @property
    def full(self) -> bool:
        """Return whether the whole list is requested."""
        return self.ask.full or self.ask.since is None or self.feed.request.since_param is None

    @property
    def limit_reached(self) -> bool:
        """Return whether as many records were given as the harvest is limited to."""
        return self.ask.limit is not None and self.given >= self.ask.limit

    def harvest(self) -> Iterator[Page]:
        """Yield every page from the position on, then the complete one. Raises HarvestFailed."""
        for page in self.pages():
            yield page
            if page.not_modified or self.limit_reached:
                return
        require_size(self.position.listed, self.position.total, self.feed.url)
        if self.full and not self._cannot_be_short():
            require_as_many_as_before(self.position.listed, self.feed, self.ask)
        yield self._page(complete=True)

    def pages(self) -> Iterator[Page]:
        """Yield every page from the position on; when it is given, the position is behind it. Raises HarvestFailed."""
        while not self.position.done:
            if self.position.pages >= self.feed.request.max_pages:
                raise failed("too_large", f"the list has more than {self.feed.request.max_pages} pages")
            size = 1 if self.position.offset < self.position.singles else self.feed.request.size
            try:
                answer = self._request(size)
            except RequestFailed as failure:
                if self._is_behind_the_end(failure):
                    self.position.done = True
                    return
                if failure.raw:
                    yield self._page(raw=failure.raw)
                page = self._isolate(size, failure)
                if page is not None:
                    yield page
                continue
            if answer is None:
                yield Page(complete=True, not_modified=True, validators=self.ask.validators)
                return
            yield self._advance(answer, size)

    def _cannot_be_short(self) -> bool:
        """Return whether one complete document was read, or as many records as the server counts."""
        return not self.recovered and (self.feed.request.paging == "none" or self.position.total is not None)

    # requests

    def _request(self, size: int) -> Answer | None:
        """Request one page; None when the server says that nothing changed."""
        request, position = self.feed.request, self.position
        url, params, body = self._page_address(size)
        reply = self.client.send(
            url,
            method=request.method,
            params=params,
            body=body if request.method == "POST" else None,
            retries=None if size == request.size else 1,
            conditional=request.paging == "none" and request.method == "GET",
        )
        if reply.status == 304:
            return None
        if position.response_date is None:
            position.response_date = server_date(reply)
        answer = read_answer(reply, self.feed, position, self.client.notes)
        self.recovered = self.recovered or answer.recovered
        return answer

    def _page_address(self, size: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Return URL, parameters and body of the request for the page at the position.

        A next page's URL that the server gave has its parameters in it.
        """
        request, cursor = self.feed.request, self.position.cursor
        body = dict(request.body)
        if cursor and cursor != self.feed.url and is_url(request, cursor):
            return cursor, {}, body
        params = {**request.params, **self.params}
        target = body if request.page_in == "body" else params
        target |= page_params(request, self.position, size) | self._since_param()
        return self.feed.url, params, body

    def _since_param(self) -> dict[str, str]:
        """Return the parameter that asks for what changed since the mark; none when the whole list is requested."""
        name, since = self.feed.request.since_param, self.ask.since
        if self.full or not name or not since:
            return {}
        return {name: format_datestamp(parse_datestamp(since), days=False)}

    def _is_behind_the_end(self, failure: RequestFailed) -> bool:
        """Return whether a failure means that the list ended: some servers refuse the page behind the last one.

        Behind a list that reached its total by repeats any failure means that, since nothing says that more follows.
        """
        position = self.position
        if position.reached_by_repeats:
            return True
        may_have_ended = position.total is None or position.listed >= position.total
        return failure.status in _NO_SUCH_PAGE and position.pages > 0 and may_have_ended

    def _isolate(self, size: int, failure: RequestFailed) -> Page | None:
        """Request the records of a failing page one by one from now on, and skip the one that fails by itself."""
        request, position = self.feed.request, self.position
        if failure.status in _NO_SUCH_PAGE and position.pages > 0:
            problem = f"{self.feed.url} answers {failure.status} after {position.listed} of {position.total} records"
            raise failed("truncated", problem) from failure
        if request.paging not in NUMBERED or not request.size_param or position.missed >= MAX_CONSECUTIVE_FAILURES:
            raise as_harvest_failure(failure) from failure
        if size > 1:
            position.singles = position.offset + size
            return None
        skipped = Skipped(identifier=None, reason=f"record {position.offset}: {failure.sentence}")
        position.offset += 1
        position.listed += 1
        position.missed += 1
        return self._page(skipped=(skipped,))

    # pages

    def _advance(self, answer: Answer, size: int) -> Page:
        """Return the page of an answer, with the position moved behind it. Raises HarvestFailed."""
        request, position = self.feed.request, self.position
        count = len(answer.texts) + len(answer.skipped)
        digest = sha256(b"\n".join(bytes(text) for text in answer.texts)).hexdigest()
        first_total = position.total is None
        position.note_total(list_size(request, answer.reply, answer.root, position))
        if count and digest in position.page_digests:
            end_at_repeated_page(self.feed, position, digest, size, count)
            return self._page()
        records, skipped, raw = split_results(answer_results(answer, self.feed, self.client))
        skipped = (*answer.skipped, *skipped)
        names = [entry.identifier for entry in skipped if entry.identifier is not None]
        repeated = self.seen.add([*(record.identifier for record in records), *names])
        position.remember_page(digest)
        position.pages += 1
        position.listed += count
        position.overlapped += repeated
        position.missed = 0
        alone = first_total and position.total == count
        position.drop_outgrown_total()
        if request.paging in NUMBERED:
            advance_by_number(request, position, count, size, new=count - repeated, alone=alone)
        else:
            advance_by_cursor(self.feed, position, answer.reply, self.client.credentials)
        return self._page(records, skipped, (*answer.raw, *raw))

    def _page(
        self,
        records: list[SourceRecord] | None = None,
        skipped: tuple[Skipped, ...] = (),
        raw: tuple[RawResponse, ...] = (),
        *,
        complete: bool = False,
    ) -> Page:
        """Return a page for landing, with the position behind it; no more records than the limit."""
        given = records or []
        if self.ask.limit is not None:
            given = given[: self.ask.limit - self.given]
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
