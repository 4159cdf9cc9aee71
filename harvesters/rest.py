"""JSON over HTTP: plain arrays, and lists paged by page, offset, cursor or Link header, by GET or by search POST.

What differs between partners is declared in the feed file's [request]; nothing about a partner is written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from lxml import etree

from harvesters import json_recover, xml_records
from harvesters.causes import ServerFailed, failed, unreadable
from harvesters.details import details
from harvesters.http import Client, Reply
from harvesters.json_records import NothingThere, NotJson, elements, source_records, told_encoding
from harvesters.oai_windows import moment, spoken
from harvesters.paging import Place, list_size, next_cursor, page_params, server_date
from harvesters.web_pages import html_cause, is_html
from harvesters.whole import require_as_many_as_before, require_size
from schemas import Ask, Environment, Feed, HarvestFailed, Page, RawResponse, Skipped, SourceRecord

Report = Callable[[int, int | None], None]
NUMBERED = ("page", "offset")
REFUSED = frozenset({400, 404, 410, 422})  # statuses for a page that is not there
MISSED = 10  # records in a row that the server cannot give: then it is the server, not the records


@dataclass(frozen=True)
class Answer:
    """One page's elements, or what is left of them."""

    reply: Reply
    texts: list[msgspec.Raw]
    skipped: tuple[Skipped, ...] = ()
    raw: tuple[RawResponse, ...] = ()
    root: etree._Element | None = None  # when the answer is XML


def harvest(feed: Feed, ask: Ask, env: Environment, report: Report) -> Iterator[Page]:
    """The feed's records, page by page, as `harvesters.harvest` promises."""
    with Client(feed, ask, env) as client:
        place = msgspec.convert(ask.position, Place) if ask.position else Place()
        if place.done:
            place = Place()  # what ended short is asked again from its beginning
        yield from RestList(feed, ask, client, report, place).harvest()


@dataclass
class RestList:
    """One list of one feed."""

    feed: Feed
    ask: Ask
    client: Client
    report: Report
    place: Place
    params: dict[str, Any] = field(default_factory=dict)  # beside the feed's own
    given: int = 0
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
            except ServerFailed as failure:
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
        url = self.client.with_secrets(place.cursor) if self._follows_addresses() and place.cursor else self.feed.url
        if url == self.feed.url:
            into = body if asked.page_in == "body" else params
            into |= page_params(asked, place, size)
            if not self.full and asked.since_param and self.ask.since:
                into[asked.since_param] = spoken(moment(self.ask.since), days=False)
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
        return self._answer(self._in_utf8(reply))

    def _in_utf8(self, reply: Reply) -> Reply:
        """JSON is UTF-8; what comes in another encoding that is told is turned into it."""
        encoding = told_encoding(reply.body, reply.headers.get("content-type", ""))
        if encoding is None:
            return reply
        self.client.notes.append(f"the server sends JSON in {encoding}")
        return replace(reply, body=reply.body.decode(encoding).encode())

    def _follows_addresses(self) -> bool:
        return self.feed.request.paging == "link" or (self.place.cursor or "").startswith(("http://", "https://"))

    def _answer(self, reply: Reply) -> Answer:
        """The page's elements; what is not JSON is cut at its elements, and the page kept as it came."""
        path = self.feed.request.records_path
        if reply.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" and not is_html(reply.body):
            root, note = xml_records.root_of(reply.body, self.feed.url)
            self.client.notes += note
            return Answer(reply, [msgspec.Raw(text) for text in xml_records.elements(root, path)], root=root)
        try:
            return Answer(reply, elements(reply.body, path))
        except NothingThere:
            if self._nothing_is_left(reply):
                return Answer(reply, [])
            raise
        except NotJson as error:
            cause, what = html_cause(reply.body, "bad_format")
            if what:
                raise failed(cause, f"{self.feed.url} answers with {what} instead of JSON") from error
            saved = json_recover.saved(reply.body, path)
            if saved is None:
                sentence = f"{self.feed.url} sends what is not JSON ({error})"
                raise unreadable("malformed", sentence, self.feed.url, reply.body) from error
            self.mended = True
            good, bad = saved
            skipped = tuple(Skipped(identifier=_seen(text, self.feed), reason=f"not JSON: {error}") for text in bad)
            raw = RawResponse(url=self.feed.url, body=reply.body, reason=str(error))
            return Answer(reply, good, skipped, (raw,))

    def _nothing_is_left(self, reply: Reply) -> bool:
        """Whether an answer that leaves out its list says that the list has no more than it gave."""
        total = list_size(self.feed.request, reply, None, self.place)
        return total is not None and self.place.listed >= total

    # going on

    def _advanced(self, answer: Answer, size: int) -> Page:
        """The page of an answer, the place moved behind it."""
        place, count = self.place, len(answer.texts) + len(answer.skipped)
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        mark = sha256(b"\n".join(bytes(text) for text in answer.texts)).hexdigest()
        first = place.total is None
        place.total = list_size(self.feed.request, answer.reply, answer.root, place)
        if count and mark in place.marks:
            self._repeats(mark, size, count)
            return self.page()
        if self.feed.request.detail_url:
            records, skipped, raw = details(self.feed, self.client, answer.texts, now)
        elif answer.root is not None:
            texts = [bytes(text) for text in answer.texts]
            records, skipped, raw = xml_records.source_records(texts, self.feed, now, self.feed.url)
        else:
            records, skipped, raw = source_records(answer.texts, self.feed, now, self.feed.url)
        place.mark(mark)
        place.pages += 1
        place.listed += count
        place.missed = 0
        place.outgrown()
        self._go_on(answer.reply, count, size, alone=first and place.total == count)
        return self.page(records, (*answer.skipped, *skipped), (*answer.raw, *raw))

    def _go_on(self, reply: Reply, count: int, size: int, *, alone: bool) -> None:
        """Move behind a page. A total of no more than its own page (`alone`) is believed when nothing follows."""
        place, paging = self.place, self.feed.request.paging
        if paging in NUMBERED:
            place.offset += size if paging == "page" else count
            place.done = count == 0 or (place.total is not None and place.listed >= place.total and not alone)
            return
        before = place.cursor
        following = next_cursor(self.feed.request, reply)
        place.cursor = following and self.client.without_secrets(following)  # it is landed
        if place.cursor is not None and place.cursor == before:
            raise failed("truncated", f"{self.feed.url} gives the same cursor again after {place.listed} records")
        place.done = place.cursor is None

    def _repeats(self, mark: str, size: int, count: int) -> None:
        """A page that came before: a list that stays at its last page or begins again, or a server that cannot page."""
        place = self.place
        short = place.total is not None and place.listed < place.total
        numbered = self.feed.request.paging in NUMBERED
        loop = not numbered or mark not in (place.marks[0], place.marks[-1])
        if short or loop or (place.pages == 1 and count >= size):
            of = place.total if place.total is not None else "an unknown number of"
            raise failed("truncated", f"{self.feed.url} sends the same page again after {place.listed} of {of} records")
        place.done = True

    def _ends_here(self, failure: ServerFailed) -> bool:
        """Some servers refuse a page behind the last one, where others send an empty one."""
        place = self.place
        ended = place.total is None or place.listed >= place.total
        return failure.status in REFUSED and place.pages > 0 and ended

    def _isolated(self, size: int, failure: ServerFailed) -> Page | None:
        """Go over a page that the server cannot give one record at a time, and step over the one that it cannot."""
        asked, place = self.feed.request, self.place
        if failure.status in REFUSED and place.pages > 0:
            what = f"{self.feed.url} answers {failure.status} after {place.listed} of {place.total} records"
            raise failed("truncated", what) from failure
        if asked.paging not in NUMBERED or not asked.size_param or self.place.missed >= MISSED:
            raise HarvestFailed(failure.cause, failure.sentence, again=failure.again) from failure
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


def _seen(text: bytes, feed: Feed) -> str | None:
    """The identifier of a broken element, as far as it can be seen; only for the list of what was skipped."""
    if len(feed.identifier) != 1:
        return None
    key = feed.identifier[0].rsplit(".", 1)[-1].encode()
    found = re.search(rb'"' + re.escape(key) + rb'"\s*:\s*"?([^",}\s]+)', text)
    return found[1].decode("utf-8", "replace") if found else None
