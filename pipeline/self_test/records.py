"""The checks of lists and documents, in order: JSON and XML lists, RSS, sitemaps, CSV, files.

What a harvest would do with the first pages is looked at, so that every way of paging is tested as it is harvested.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from harvesters import harvest
from harvesters.client import Reply
from harvesters.lists import is_nameless
from pipeline.self_test import connection
from pipeline.self_test.bounded_client import BoundedClient
from pipeline.self_test.failures import failure_result, quoted
from pipeline.self_test.lines import CheckResult, NotChecked, advice, ok, problem
from schemas import (
    Ask,
    Assessment,
    Environment,
    Feed,
    HarvestFailed,
    Page,
    ProtocolName,
    SentenceValue,
    SourceRecord,
    sentence,
)

_MAX_PAGES = 3
_MAX_RECORDS = 2_000  # of a document
_MAX_SINGLE_REQUESTS = 5  # records that cost a request each
_MAX_ASSESSED = 50
_MAX_ASSESSED_CHARS = 5_000_000  # of all of them; the first is looked at however long it is
_READING_SHARE = 0.5  # of the time that is left
_REPLACEMENT = "\ufffd"
_ENCODING_RULES = frozenset({"mojibake", "mojibake_repaired"})
_TYPES: Mapping[ProtocolName, tuple[str, ...]] = {
    "rest": ("json", "xml"),
    "opendatasoft": ("json",),
    "rss": ("xml", "rss", "atom"),
    "csv": ("csv", "tab-separated", "text/plain"),
    "sitemap": ("xml", "text/plain"),
    "files": ("zip", "tar", "octet-stream"),
}


@dataclass
class SourceUnderTest:
    """What is known of a list or document so far. A check that needs what another could not get raises NotChecked."""

    client: BoundedClient
    env: Environment
    reply: Reply | None = None  # to a request for the feed's address
    pages: list[list[str]] = field(default_factory=list)  # identifiers on each page that had records
    records: list[SourceRecord] = field(default_factory=list)  # the first of them
    kept_chars: int = 0  # of their payloads
    unreadable: list[str] = field(default_factory=list)  # reasons
    nameless: int = 0
    total: int | None = None
    is_complete: bool = False
    failure: HarvestFailed | None = None
    assessments: list[Assessment] | None = None

    @property
    def feed(self) -> Feed:
        return self.client.feed

    @property
    def is_uploaded(self) -> bool:
        return self.feed.traits.reads_inbox and self.feed.url.startswith("inbox:")

    @property
    def requests_each(self) -> bool:
        return self.feed.traits.requests_each_record or self.feed.request.detail_url is not None

    def known_reply(self) -> Reply:
        """Return the reply to a request for the feed's address."""
        if self.is_uploaded:
            raise NotChecked(sentence("The file was uploaded: no server is asked."))
        if self.reply is None:
            raise NotChecked(sentence("The server was not reached."))
        return self.reply

    @property
    def count(self) -> int:
        """Return how many records came."""
        return sum(map(len, self.pages))

    def require_records(self) -> None:
        """Raise NotChecked when no record came."""
        if not self.pages:
            raise NotChecked(sentence("No record could be read."))

    def assessed(self) -> list[Assessment]:
        """Return what would become of some of the records."""
        from transforms import transform_all

        if self.assessments is None:
            self.assessments = list(transform_all(self.records, self.feed))
        readable = [assessment for assessment in self.assessments if assessment.resource is not None]
        if not readable:
            raise NotChecked(sentence("No record could be read."))
        return readable

    def take(self, page: Page) -> None:
        """Note what a page of the harvest holds."""
        if page.records:
            self.pages.append([record.identifier for record in page.records])
            self._keep(page.records)
        self.unreadable += [raw.reason for raw in page.raw] + [skipped.reason for skipped in page.skipped]
        self.nameless += sum(is_nameless(raw, self.feed) for raw in page.raw)
        self.total = self.total if page.total is None else max(page.total, self.total or 0)
        self.is_complete = self.is_complete or page.complete

    def _keep(self, records: list[SourceRecord]) -> None:
        for record in records:
            if len(self.records) >= _MAX_ASSESSED or self.kept_chars >= _MAX_ASSESSED_CHARS:
                return
            self.records.append(record)
            self.kept_chars += len(record.payload or "")

    @property
    def _has_enough(self) -> bool:
        """Return whether a few pages came; a file that came by one request is read on."""
        return len(self.pages) >= _MAX_PAGES and not self.feed.traits.reads_inbox

    def read(self, feed: Feed, limit: int) -> bool:
        """Read the first pages of a feed; return whether its end came. A failure is kept in `failure`."""
        seconds = max(1.0, self.client.seconds_left * _READING_SHARE)
        bounded = feed.model_copy(update={"request": feed.request.model_copy(update={"budget": seconds})})
        until = time.monotonic() + seconds
        try:
            for page in harvest(bounded, Ask(limit=limit), self.env):
                self.take(page)
                if page.complete:
                    return True
                if self._has_enough or time.monotonic() > until:
                    return False
        except HarvestFailed as failure:
            self.failure = failure
        return False


def reachable(source: SourceUnderTest) -> CheckResult:
    """Request the feed's address."""
    if source.is_uploaded:
        raise NotChecked(sentence("The file was uploaded: no server is asked."))
    request = source.feed.request
    body = request.body or None if request.method == "POST" else None
    reply = source.client.send(source.feed.url, method=request.method, params=request.params, body=body)
    source.reply = reply
    return connection.reached(reply)


def certificate(source: SourceUnderTest) -> CheckResult:
    """Judge the certificate of the answer."""
    return connection.certificate(source.known_reply())


def response_headers(source: SourceUnderTest) -> CheckResult:
    """Judge the headers of the answer."""
    reply = source.known_reply()
    return connection.headers(reply.headers, len(reply.body), _TYPES[source.feed.protocol])


def robots(source: SourceUnderTest) -> CheckResult:
    """Look at robots.txt."""
    source.known_reply()
    return connection.robots(source.client)


def first_records(source: SourceUnderTest) -> CheckResult:
    """Check that the list begins with records."""
    if not source.is_uploaded:
        source.known_reply()
    source.read(source.feed, _MAX_SINGLE_REQUESTS if source.requests_each else _MAX_RECORDS)
    if not source.count:
        if source.failure is not None:
            return failure_result(source.failure)
        if source.unreadable:
            return problem(
                sentence("Nothing that came can be read: %(reason)s", reason=quoted(source.unreadable[0])),
                sentence("Compare address and settings with what the server offers."),
            )
        return problem(
            sentence("The list holds no record."), sentence("Give the address of a list that holds your records.")
        )
    return ok(sentence("Records were read: %(count)s.", count=source.count))


def readable(source: SourceUnderTest) -> CheckResult:
    """Check that all that came can be read."""
    source.require_records()
    if source.unreadable:
        values: dict[str, SentenceValue] = {"count": len(source.unreadable), "reason": quoted(source.unreadable[0])}
        return problem(
            sentence("Not readable: %(count)s, the first because: %(reason)s", **values),
            sentence("Mend these entries; the others are read without them."),
        )
    return ok(sentence("Everything that came can be read."))


def total(source: SourceUnderTest) -> CheckResult:
    """Check that the list says how many records it has."""
    source.require_records()
    if source.total is None and not source.is_complete:
        return advice(
            sentence("The list does not say how many records it has."),
            sentence("Send the total with each page: without it nothing tells whether a list is whole."),
        )
    if source.total is None:
        return ok(sentence("The list was read to its end."))
    return ok(sentence("The list has %(total)s records.", total=source.total))


def paging(source: SourceUnderTest) -> CheckResult:
    """Check that the second page has other records than the first."""
    source.require_records()
    if source.failure is not None:
        return failure_result(source.failure)
    if len(source.pages) < 2:
        if source.is_complete:
            return ok(sentence("The whole list is one page of %(count)s records.", count=len(source.pages[0])))
        raise NotChecked(sentence("No second page came in the time of the test."))
    if set(source.pages[1]) <= set(source.pages[0]):
        return problem(
            sentence("The second page has the same records as the first."),
            sentence("Look which parameter leads to the next page, and correct it in the settings."),
        )
    return ok(sentence("The second page has other records than the first."))


def end_of_list(source: SourceUnderTest) -> CheckResult:
    """Check that the last page of a list that is paged by number ends it."""
    source.require_records()
    if source.is_complete:
        return ok(sentence("The list was read to its end."))
    behind = SourceUnderTest(source.client, source.env)
    has_ended = behind.read(_tail(source), _MAX_RECORDS)
    failure = behind.failure
    if has_ended or (failure is not None and failure.cause == "truncated"):  # it is shorter than the whole list
        return ok(sentence("The last page ends the list."))
    if failure is not None:
        return failure_result(failure)
    return problem(
        sentence("Behind its last page the list goes on: %(count)s records more came.", count=behind.count),
        sentence("Let a page behind the end be empty, and let the total be right."),
    )


def _tail(source: SourceUnderTest) -> Feed:
    """Return the feed as if its list began with the last page. Raises NotChecked where that cannot be asked for."""
    request = source.feed.request
    if request.paging not in ("page", "offset") or not source.total or not source.feed.traits.has_declared_paging:
        raise NotChecked(sentence("This list can only be read from its beginning."))
    size = max(map(len, source.pages))
    behind = (source.total - 1) // size
    first = request.first + (behind if request.paging == "page" else behind * size)
    return source.feed.model_copy(update={"request": request.model_copy(update={"first": first})})


def identifiers(source: SourceUnderTest) -> CheckResult:
    """Check that records have identifiers, each of its own."""
    if source.nameless:
        return problem(
            sentence("Records without the identifier that the settings name: %(count)s.", count=source.nameless),
            sentence("Choose the field that tells the records apart."),
        )
    source.require_records()
    counts = Counter(identifier for page in source.pages for identifier in page)
    repeated = [identifier for identifier, count in counts.items() if count > 1]
    if repeated:
        values: dict[str, SentenceValue] = {"count": len(repeated), "identifier": quoted(repeated[0])}
        return problem(
            sentence("Identifiers that come more than once: %(count)s, such as %(identifier)s.", **values),
            sentence("Let each record come once in a list; sort it so that it does not shift while it is read."),
        )
    return ok(sentence("Every identifier comes once."))


def addresses(source: SourceUnderTest) -> CheckResult:
    """Check that records have the address of their page."""
    assessed = source.assessed()
    lacking = sum(assessment.resource is not None and not assessment.resource.url for assessment in assessed)
    if lacking:
        return problem(
            sentence(
                "Records without the address of their page: %(count)s of %(of)s.", count=lacking, of=len(assessed)
            ),
            sentence("Add the address, or give the pattern of addresses in the settings: https://…/{id}."),
        )
    return ok(sentence("Every record has the address of its page."))


def encoding(source: SourceUnderTest) -> CheckResult:
    """Check that the texts are in the encoding that they declare."""
    garbled = [
        assessment.identifier
        for assessment in source.assessed()
        if any(issue.code in _ENCODING_RULES for issue in assessment.issues)
    ]
    garbled += [record.identifier for record in source.records if _REPLACEMENT in (record.payload or "")]
    if garbled:
        values: dict[str, SentenceValue] = {"count": len(set(garbled)), "identifier": quoted(garbled[0])}
        return problem(
            sentence("Texts in a wrong encoding: %(count)s records, such as %(identifier)s.", **values),
            sentence("Send UTF-8, and mend the texts that were converted twice."),
        )
    return ok(sentence("The texts are in the right encoding."))


def changes(source: SourceUnderTest) -> CheckResult:
    """Check that changes can be told without reading everything."""
    if source.feed.request.since_param is not None:
        return ok(sentence("Changes since a date can be asked for."))
    reply = source.known_reply()
    if reply.headers.get("etag") or reply.headers.get("last-modified"):
        return ok(sentence("The server says when the answer last changed (ETag or Last-Modified)."))
    if any(record.datestamp for record in source.records):
        return ok(sentence("The records say when they last changed."))
    return advice(
        sentence("Nothing tells what has changed: the whole list is read every night."),
        sentence("Send ETag or Last-Modified, or a date of change with each record."),
    )


def speed(source: SourceUnderTest) -> CheckResult:
    """Judge how long the answer took that has the first page."""
    reply = source.known_reply()
    source.require_records()
    return connection.speed(len(source.pages[0]), [reply.seconds])
