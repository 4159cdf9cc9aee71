"""JSON over HTTP: plain arrays, and lists paged by page, offset, cursor or Link header, by GET or by search POST.

What differs between partners is declared in the feed file's [request]; nothing about a partner is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from harvesters.causes import MAX_CONSECUTIVE_FAILURES, RequestFailed, as_harvest_failure, failed
from harvesters.client import Client
from harvesters.datestamps import format_datestamp, parse_datestamp
from harvesters.lists.answers import Answer, answer_records, read_answer
from harvesters.lists.paging import NUMBERED, Place, end_or_loop, go_on, is_address, list_size, page_params, server_date
from harvesters.repeats import SeenIdentifiers
from harvesters.whole import require_as_many_as_before, require_size
from schemas import Ask, Environment, Feed, Page, RawResponse, Skipped, SourceRecord

_Report = Callable[[int, int | None], None]
_REFUSED = frozenset({400, 404, 410, 422})  # statuses for a page that is not there


def harvest(feed: Feed, ask: Ask, env: Environment, report: _Report) -> Iterator[Page]:
    """The feed's records, page by page, as `harvesters.harvest` promises."""
    with Client(feed, ask, env) as client:
        place = msgspec.convert(ask.position, Place) if ask.position else Place()
        if place.done:
            place = Place(attempt=place.attempt + 1)  # what ended short is asked again from its beginning
        yield from RestList(feed, ask, client, report, place).harvest()


@dataclass
class RestList:
    """One list of one feed."""

    feed: Feed
    ask: Ask
    client: Client
    report: _Report
    place: Place
    params: dict[str, Any] = field(default_factory=dict)  # beside the feed's own
    given: int = 0
    list_name: str = ""
    seen: SeenIdentifiers = field(default_factory=SeenIdentifiers)  # since the harvest began or was resumed
    mended: bool = False  # an answer was not JSON, and what could be read of it was taken

    @property
    def full(self) -> bool:
        """Whether the whole list is asked for."""
        return self.ask.full or self.ask.since is None or self.feed.request.since_param is None

    def harvest(self) -> Iterator[Page]:
        """Every page from where we stand, then the complete one. Raises HarvestFailed."""
        for page in self.pages():
            yield page
            if page.not_modified or (self.ask.limit is not None and self.given >= self.ask.limit):
                return
        require_size(self.place.listed, self.place.total, self.feed.url)
        if self.full and not self._known_whole():
            require_as_many_as_before(self.place.listed, self.feed, self.ask)
        yield self.page(complete=True)

    def pages(self) -> Iterator[Page]:
        """Every page from where we stand; the place is behind each as it is given."""
        while not self.place.done:
            if self.place.pages >= self.feed.request.max_pages:
                raise failed("too_large", f"the list has more than {self.feed.request.max_pages} pages")
            size = 1 if self.place.offset < self.place.singles else self.feed.request.size
            try:
                answer = self._ask(size)
            except RequestFailed as failure:
                if self._ends_here(failure):
                    self.place.done = True
                    return
                if failure.raw:
                    yield self.page(raw=failure.raw)
                page = self._isolated(size, failure)
                if page is not None:
                    yield page
                continue
            if answer is None:
                yield Page(complete=True, not_modified=True, validators=self.ask.validators)
                return
            yield self._advanced(answer, size)

    def _known_whole(self) -> bool:
        """Whether nothing can be missing: one document that ended well, or as many records as the server counts."""
        return not self.mended and (self.feed.request.paging == "none" or self.place.total is not None)

    # asking

    def _ask(self, size: int) -> Answer | None:
        """One page; None when the server says that nothing changed."""
        asked, place = self.feed.request, self.place
        body = dict(asked.body)
        params: dict[str, Any] = {**asked.params, **self.params}
        url = self._address()
        if url == self.feed.url:
            into = body if asked.page_in == "body" else params
            into |= page_params(asked, place, size)
            if not self.full and asked.since_param and self.ask.since:
                into[asked.since_param] = format_datestamp(parse_datestamp(self.ask.since), days=False)
        else:
            params = {}
        conditional = asked.paging == "none" and asked.method == "GET"
        reply = self.client.send(
            url,
            method=asked.method,
            params=params,
            body=body if asked.method == "POST" else None,
            retries=None if size == asked.size else 1,
            conditional=conditional,
        )
        if reply.status == 304:
            return None
        if place.response_date is None:
            place.response_date = server_date(reply)
        answer = read_answer(reply, self.feed, place, self.client.notes)
        self.mended = self.mended or answer.mended
        return answer

    def _address(self) -> str:
        """Where the page lies: at the cursor, where that is an address, or at the feed's."""
        cursor = self.place.cursor
        return cursor if cursor and is_address(self.feed.request, cursor) else self.feed.url

    # going on

    def _advanced(self, answer: Answer, size: int) -> Page:
        """The page of an answer, the place moved behind it."""
        place, count = self.place, len(answer.texts) + len(answer.skipped)
        mark = sha256(b"\n".join(bytes(text) for text in answer.texts)).hexdigest()
        first = place.total is None
        place.total = list_size(self.feed.request, answer.reply, answer.root, place)
        if place.total is not None:
            place.promised = max(place.promised or 0, place.total)
        if count and mark in place.marks:
            end_or_loop(self.feed, place, mark, size, count)
            return self.page()
        records, skipped, raw = answer_records(answer, self.feed, self.client)
        place.mark(mark)
        place.pages += 1
        place.listed += count
        names = [entry.identifier for entry in (*answer.skipped, *skipped) if entry.identifier is not None]
        repeated = self.seen.add([*(record.identifier for record in records), *names])
        place.overlapped += repeated
        place.missed = 0
        place.outgrown()
        alone = first and place.total == count
        new, credentials = count - repeated, self.client.credentials
        go_on(self.feed, place, answer.reply, count, size, new=new, alone=alone, credentials=credentials)
        return self.page(records, (*answer.skipped, *skipped), (*answer.raw, *raw))

    def _ends_here(self, failure: RequestFailed) -> bool:
        """Some servers refuse a page behind the last one, where others send an empty one.

        Behind a list that reached its total by repeats, any failure is taken for that: nothing says that more follows.
        """
        place = self.place
        if place.reached_by_repeats:
            return True
        ended = place.total is None or place.listed >= place.total
        return failure.status in _REFUSED and place.pages > 0 and ended

    def _isolated(self, size: int, failure: RequestFailed) -> Page | None:
        """Go over a page that the server cannot give one record at a time, and step over the one that it cannot."""
        asked, place = self.feed.request, self.place
        if failure.status in _REFUSED and place.pages > 0:
            what = f"{self.feed.url} answers {failure.status} after {place.listed} of {place.total} records"
            raise failed("truncated", what) from failure
        if asked.paging not in NUMBERED or not asked.size_param or self.place.missed >= MAX_CONSECUTIVE_FAILURES:
            raise as_harvest_failure(failure) from failure
        if size > 1:
            self.place.singles = self.place.offset + size
            return None
        skipped = Skipped(identifier=None, reason=f"record {self.place.offset}: {failure.sentence}")
        self.place.offset += 1
        self.place.listed += 1
        self.place.missed += 1
        return self.page(skipped=(skipped,))

    # records

    def page(
        self,
        records: list[SourceRecord] | None = None,
        skipped: tuple[Skipped, ...] = (),
        raw: tuple[RawResponse, ...] = (),
        *,
        complete: bool = False,
    ) -> Page:
        """What goes to landing, and where to go on from behind it."""
        given = records or []
        if self.ask.limit is not None:
            given = given[: self.ask.limit - self.given]
        self.given += len(given)
        self.report(self.place.listed, self.place.total)
        notes, self.client.notes = tuple(self.client.notes), []
        return Page(
            records=given,
            listing=self.place.listing(self.list_name),
            position=msgspec.to_builtins(self.place),
            total=self.place.total,
            raw=raw,
            skipped=skipped,
            notes=notes,
            complete=complete,
            full=self.full,
            counted=self.place.listed if complete else None,
            response_date=self.place.response_date,
            validators=dict(self.client.validators) if complete else {},
        )
