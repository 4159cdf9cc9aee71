"""Harvest an OAI-PMH 2.0 repository: every record since the mark, whatever the server gets wrong on the way.

The harvest is a state machine over windows. A window is one list: one set (or none) between two datestamps (or open
ends). It is requested with ListRecords, or with ListIdentifiers and one GetRecord per header.
`Position.windows` holds the windows that are still to do; the first one is under way.

    start            one window per set, from the mark on, and the windows that an earlier harvest skipped
    a page arrives   its records are yielded, with the position behind it
    the last page    the count is compared with completeListSize, and the window is removed
    no window left   records that an earlier harvest skipped are requested with GetRecord, the count of the whole list
                     is checked, and the complete page is yielded

What goes wrong changes the first window, or all of them:

    badArgument for a time          all windows use dates only, whatever granularity Identify declares
    badArgument or a refusal (4xx)  all windows begin at the server's earliest datestamp; if that is refused, too,
    for a window's first date       everything is requested
    badVerb                         the window uses ListIdentifiers
    the resumption token expired    the window starts over, twice; then it is halved by date
    the server keeps failing        the harvest fails: Identify, and a window that worked before, are requested now and
                                    then to tell a failing server from records that it cannot return
    a request fails, or a protocol  the window is halved by date until it is as small as the granularity allows; that
    error follows earlier records   one uses ListIdentifiers; if that fails too, the window is skipped by its dates
    ListRecords never works, or     everything starts over with ListIdentifiers
    the server ignores dates
    a page comes a second time      the list is whole if completeListSize was reached, else the harvest is truncated

Too many failed windows in a row, and every other failure, end the harvest with HarvestFailed.

Every page carries `Position` as JSON, so that a later run continues behind the page. A window that starts over gets
another `attempt`, which is part of its list's name: landing counts repeats within one list only.

https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal

import msgspec
from sickle.oaiexceptions import (
    BadArgument,
    BadResumptionToken,
    BadVerb,
    CannotDisseminateFormat,
    IdDoesNotExist,
    NoMetadataFormat,
    NoRecordsMatch,
    NoSetHierarchy,
    OAIError,
)

from harvesters.causes import (
    RequestFailed,
    as_server_failure,
    failed,
    is_server_failure,
    of_one_record,
    request_failed,
)
from harvesters.client import Client
from harvesters.completeness import (
    record_count,
    require_as_many_as_before,
    require_size,
    require_size_within_tolerance,
)
from harvesters.datestamps import format_datestamp, is_datestamp, parse_datestamp
from harvesters.oai_pmh.list_size import differs, is_size_due, list_size
from harvesters.oai_pmh.records import ListPage, RecordReader, is_excluded
from harvesters.oai_pmh.recovery import identifiers_in
from harvesters.oai_pmh.server import OLDEST_DATESTAMP, Server, formats, identify
from harvesters.oai_pmh.sickle_client import Pages, Repository, Response
from schemas import Ask, Environment, Feed, HarvestFailed, Listing, Page, Progress, Skipped, replace

_MAX_WINDOW_RESTARTS = 2  # before a window whose token expires is halved
_MAX_WINDOW_FAILURES = 70  # in a row: more than it takes to halve a century down to seconds
_MAX_RETRIED_FAILURES = 3  # in a row without a record between them; then a window is halved at its first failure
_MAX_FRUITLESS_FAILURES = 60  # in a row without a record between them
_FAILURES_BEFORE_PROBES = frozenset({3, 12, 40})  # in a row without a record between them
_MAX_SMALLEST_WINDOW_RETRIES = 3  # of a request in a window that cannot be halved any more
_MAX_EMPTY_PAGES = 200  # in a row, each with a token of its own
_MAX_WINDOW_DIGESTS = 200
_WINDOW_TOLERANCE = timedelta(days=2)  # a record may lie this far outside of its window: some clocks are local ones
_OPEN_START, _OPEN_END = "0001-01-01", "9999-12-31"  # how the open ends of a skipped window are landed

_Verb = Literal["ListRecords", "ListIdentifiers"]


def harvest(feed: Feed, ask: Ask, env: Environment, report: Progress) -> Iterator[Page]:
    """Yield the feed's records page by page, as `harvesters.harvest` describes."""
    with Client(feed, ask, env) as client:
        repository = Repository(client, feed.request.method)
        server = identify(repository, client)
        yield from _Harvest(feed, ask, client, repository, server, report).pages()


# the position: what a later run needs to continue; the keys in landing (`name=`) never change


class Window(msgspec.Struct):
    """One list of the repository, and how far it has been read; its datestamps are inclusive."""

    set: str | None = None
    start: str | None = None
    end: str | None = None
    verb: _Verb = "ListRecords"
    token: str | None = None  # resumption token of the next page
    listed: int = 0  # records on the pages so far
    size: int | None = None  # completeListSize of the first page
    credible: bool = True  # nothing so far contradicts that size
    done: bool = False  # the last page was read
    pages: int = 0
    promised: int | None = None  # largest completeListSize of any page, where the feed file trusts it
    attempt: int = 0  # how often the window started over
    page_digests: list[str] = msgspec.field(default_factory=list, name="marks")  # the first and the last hundred
    restarts: int = 0  # how often it started over because of its failures
    split: bool = False  # it is a part of a window that failed
    ignores_dates: bool = msgspec.field(default=False, name="astray")  # it returned records of other dates
    is_given: bool = False  # it begins at a token that was given, so that it cannot start over
    is_retry: bool = msgspec.field(default=False, name="again")  # an earlier harvest skipped it

    def __str__(self) -> str:
        """Describe the window for a sentence."""
        named = {"set": self.set, "from": self.start, "until": self.end}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value) or "the whole list"

    @property
    def listing(self) -> Listing:
        """The list and page number of the page that was read last."""
        parts = (self.verb, self.set, self.start, self.end, str(self.attempt))
        return Listing(name=" ".join(part or "-" for part in parts), page=self.pages - 1, size=self.promised)

    @property
    def is_short(self) -> bool:
        """Whether it gave fewer records than the server credibly promised."""
        return self.credible and self.size is not None and self.listed < self.size

    def start_over(self) -> None:
        """Forget every page that was read."""
        self.token, self.listed, self.size, self.credible, self.done = None, 0, None, True, False
        self.page_digests, self.pages, self.promised = [], 0, None
        self.attempt += 1

    def advance(self, records: int, token: object, *, trust_list_size: bool) -> None:
        """Move behind a page of so many records with this resumption token of sickle's, or None."""
        size = record_count(getattr(token, "complete_list_size", None))
        if size is not None and not self.is_given:
            self._note_size(size, trusted=trust_list_size)
        self.listed += records
        self.pages += 1
        self.token = getattr(token, "token", None)
        self.done = self.token is None
        self.credible = self.credible and not self._contradicts_size(records)

    def _note_size(self, size: int, *, trusted: bool) -> None:
        if self.listed == 0:
            self.size, self.credible = size, trusted
        if trusted:
            self.promised = max(self.promised or 0, size)

    def _contradicts_size(self, records: int) -> bool:
        """Return whether the list outgrows its size, or the size is only that of a page that others follow."""
        return self.size is not None and (self.size < self.listed or (not self.done and self.size <= records))

    def excludes(self, datestamp: str | None) -> bool:
        """Return whether a datestamp lies clearly outside of the window; False if it is missing or unreadable."""
        if not datestamp or not (self.start or self.end) or not is_datestamp(datestamp):
            return False
        time = parse_datestamp(datestamp)
        too_early = self.start is not None and time < parse_datestamp(self.start) - _WINDOW_TOLERANCE
        return too_early or (self.end is not None and time > parse_datestamp(self.end) + _WINDOW_TOLERANCE)


class Position(msgspec.Struct):
    """What a later run needs to continue a harvest. Every page lands with the position behind it."""

    windows: list[Window]  # still to do; the first one is under way
    response_date: str | None  # the server's clock when the harvest began
    full: bool  # the whole list is harvested, not only the changes since the mark
    verb: _Verb = "ListRecords"
    method: str = "GET"
    listed: int = 0  # records in windows that are done
    total: int | None = None  # records in the whole list, for the progress line
    pages: int = 0
    retry: list[str] = []  # identifiers that an earlier harvest skipped
    promised: int | None = None  # records in the whole list, by the server, if it was split into parts since
    attempt: int = 0  # how often the whole harvest started over
    has_skipped_windows: bool = msgspec.field(default=False, name="unnamed")
    size_asked: bool = False  # the size of the whole list was asked for
    whole_size: int | None = None  # and is this


def _starting_position(feed: Feed, ask: Ask, server: Server, method: str) -> Position:
    """Return the position of the interrupted harvest, or that of a new one."""
    if ask.token is not None:
        window = Window(verb=feed.request.verb, token=ask.token, credible=False, is_given=True)
        return Position(windows=[window], response_date=server.response_date, full=False, method=method)
    if not ask.position:
        return _new_position(feed, ask, server, method, feed.request.verb)
    position = msgspec.convert(ask.position, Position)
    for window in position.windows:
        if window.done and window.is_short:
            window.start_over()
    if position.windows or position.retry:
        return position
    restarted = _new_position(feed, ask, server, method, feed.request.verb)
    restarted.attempt = position.attempt + 1
    for window in restarted.windows:
        window.attempt = restarted.attempt
    return restarted


def _new_position(feed: Feed, ask: Ask, server: Server, method: str, verb: _Verb) -> Position:
    """Return one window per set from the mark on, and what an earlier harvest skipped, to be requested again."""
    sets: list[str | None] = [*feed.sets] or [None]
    if ask.full or ask.since is None:
        windows = [Window(set=name, verb=verb) for name in sets]
        return Position(windows=windows, response_date=server.response_date, full=True, verb=verb, method=method)
    mark = format_datestamp(parse_datestamp(ask.since), days=server.days)
    return Position(
        windows=[*(Window(set=name, start=mark, verb=verb) for name in sets), *_retried_windows(ask.retry, sets)],
        response_date=server.response_date,
        full=False,
        verb=verb,
        retry=[skipped.identifier for skipped in ask.retry if skipped.identifier],
        method=method,
    )


def _retried_windows(retry: tuple[Skipped, ...], sets: list[str | None]) -> Iterator[Window]:
    """Yield the windows of dates that an earlier harvest skipped, in each set."""
    for start, end in (skipped.window for skipped in retry if skipped.window):
        for name in sets:
            yield Window(
                set=name,
                start=None if start == _OPEN_START else start,
                end=None if end == _OPEN_END else end,
                split=True,
                is_retry=True,
            )


class _TokenExpired(Exception):
    """The server does not know its own resumption token any more."""


class _ListLoops(Exception):
    """The server sends a page again, or empty pages without end; the message says which."""


@dataclass
class _Harvest:
    """One harvest of one repository: the state machine that the module's docstring describes."""

    feed: Feed
    ask: Ask
    client: Client
    repository: Repository
    server: Server
    report: Progress
    yielded: int = field(default=0, init=False)  # records
    failures: int = field(default=0, init=False)  # of windows in a row
    list_works: bool = field(default=False, init=False)  # the position's verb returned a page
    names_received: dict[tuple[str | None, ...], dict[str, None]] = field(
        default_factory=dict, init=False
    )  # identifiers in responses that broke off, by set, start and end of a window that cannot be halved
    from_works: bool = field(default=False, init=False)  # a request for changes since a date was accepted
    fruitless: int = field(default=0, init=False)  # failures since a record came
    records_came: bool = field(default=False, init=False)  # of this harvest, on a page
    working_arguments: dict[str, str] | None = field(default=None, init=False)  # of a request without a token

    def __post_init__(self) -> None:
        self.position = _starting_position(self.feed, self.ask, self.server, self.repository.http_method)
        self._compare_size()
        self.repository.http_method = self.position.method
        self.reader = RecordReader(self.feed, self.repository)

    def _compare_size(self) -> None:
        """Ask for everything instead of an increment where the list's size tells of changes that no increment does."""
        if self.position.full or self.ask.position or not is_size_due(self.ask, self.server):
            return
        size = list_size(self.repository, self.feed.format)
        if size is None or not differs(size, self.ask, self.feed, self._increment_size):
            self.position.size_asked, self.position.whole_size = True, size
            return
        everything = replace(self.ask, since=None, full=True)
        method, verb = self.repository.http_method, self.feed.request.verb
        self.position = _new_position(self.feed, everything, self.server, method, verb)
        self.position.size_asked, self.position.whole_size = True, size
        self.client.notes.append(
            f"the server says that its whole list has {size} records, and earlier harvests listed "
            f"{self.ask.known_records}: everything is requested"
        )

    def _increment_size(self) -> int:
        mark = self.position.windows[0].start
        return list_size(self.repository, self.feed.format, since=mark) or 0

    def pages(self) -> Iterator[Page]:
        """Yield every page from the position on, then the complete one. Raises HarvestFailed."""
        while self.position.windows:
            window = self.position.windows[0]
            self.repository.retries = self._retries(window)
            try:
                yield from self._harvest_window(window)
            except (_TokenExpired, RequestFailed) as error:
                yield from map(self._page, self._recover(window, error))
            if self._reached_limit():
                return
        for identifier in list(self.position.retry):
            yield self._page(self._retry_record(identifier))
        self._require_whole_list()
        yield self._page(ListPage(), complete=True)

    def _retries(self, window: Window) -> int | None:
        """Return how often to retry a request; few in a window that is being halved, as most fail for good."""
        if not window.split:
            return None
        if window.verb == "ListRecords":
            return int(self.fruitless < _MAX_RETRIED_FAILURES)
        return min(_MAX_SMALLEST_WINDOW_RETRIES, self.feed.request.retries)

    def _reached_limit(self) -> bool:
        return self.ask.limit is not None and self.yielded >= self.ask.limit

    def _retry_record(self, identifier: str) -> ListPage:
        """Request a record that an earlier harvest skipped; if it does not exist any more, only note that."""
        self.position.retry.remove(identifier)
        page = self.reader.get(identifier)
        if any(skipped.reason.startswith(IdDoesNotExist.__name__) for skipped in page.skipped):
            return ListPage(notes=(f"{identifier} was skipped by an earlier harvest and does not exist any more",))
        return page

    def _require_whole_list(self) -> None:
        endpoint, position = self.repository.endpoint, self.position
        try:
            require_size_within_tolerance(position.listed, position.promised, self.feed, f"{endpoint}, in parts,")
        except HarvestFailed as short:
            if not position.has_skipped_windows:
                raise
            what = f"{endpoint} gave {position.listed} of {position.promised} records, and failed for the others"
            raise failed("server_failing", what) from short
        if position.full and position.has_skipped_windows and position.listed == 0:
            raise failed(
                "server_failing", f"{endpoint} returned no record: every request for a part of its list failed"
            )
        skipped_pages = self.client.skipped_pages
        skipped_pages.require_few(endpoint, records=position.listed + skipped_pages.skipped)
        if position.full:
            # a list that is as long as the server said twice is whole, however long it was before
            is_confirmed = position.whole_size is not None and position.listed >= position.whole_size
            ask = replace(self.ask, listed_before=None) if is_confirmed else self.ask
            require_as_many_as_before(position.listed, self.feed, ask)

    def _page(self, page: ListPage, *, complete: bool = False) -> Page:
        """Return the page for landing, with the position behind it."""
        position = self.position
        records = page.records
        if self.ask.limit is not None:
            records = records[: self.ask.limit - self.yielded]
        self.yielded += len(records)
        window = position.windows[0] if position.windows else Window()
        if self._is_whole_list(window) and window.credible:
            position.total = window.size
        self.report(position.listed + window.listed, position.total)
        position.method = self.repository.http_method
        notes, self.client.notes = (*page.notes, *self.client.notes), []
        return Page(
            records=records,
            listing=page.listing,
            position=msgspec.to_builtins(position),
            total=position.total,
            raw=page.raw,
            skipped=page.skipped,
            notes=notes,
            complete=complete,
            full=position.full,
            counted=position.listed if complete else None,
            size_asked=position.size_asked,
            whole_size=position.whole_size,
            response_date=position.response_date,
            reports_all_deletions=self.server.deletes
            == "persistent",  # a server may forget transient ones before we ask
        )

    def _is_whole_list(self, window: Window) -> bool:
        """Return whether the window under way is all there is to harvest."""
        return len(self.position.windows) == 1 and self.position.listed == 0 and not window.split

    # one window

    def _harvest_window(self, window: Window) -> Iterator[Page]:
        """Yield the window's pages, and remove it from the position at its end.

        A protocol error at its first request changes how the window is requested. Raises _TokenExpired, RequestFailed
        for a failure that smaller windows may get around, HarvestFailed.
        """
        try:
            for page in self._list_pages(window):
                self._note_success(window)
                self._note_records(window, page)
                self.position.pages += 1
                if self.position.pages > self.feed.request.max_pages:
                    raise failed("too_large", f"the list has more than {self.feed.request.max_pages} pages")
                yield self._page(page)
                if self._reached_limit():
                    return
        except NoRecordsMatch:
            self._note_success(window, empty=True)
        except BadArgument as error:
            self._accept_less(window, error)
            return
        except BadVerb as error:
            self._use_list_identifiers(window, error)
            return
        except (CannotDisseminateFormat, NoSetHierarchy, NoMetadataFormat, IdDoesNotExist, OAIError) as error:
            raise self._refusal(window, error) from error
        except _ListLoops as loop:
            self._require_all_promised(window, loop)
        self._finish(window)

    def _list_pages(self, window: Window) -> Iterator[ListPage]:
        """Yield the window's pages from its token on, and move the window behind each.

        Raises sickle's error for the first request, _TokenExpired, _ListLoops, HarvestFailed.
        """
        loops = _LoopDetector(window)
        if window.done:
            return
        responses = self._request_list(window)
        while not window.done and (response := _next_response(responses, window)) is not None:
            left = None if self.ask.limit is None else self.ask.limit - self.yielded
            page = self.reader.read(response, window.verb, left)
            token = responses.resumption_token
            loops.check([record.identifier for record in page.records], getattr(token, "token", None))
            ends = (*page.records[:1], *page.records[-1:])
            window.ignores_dates = window.ignores_dates or any(window.excludes(record.datestamp) for record in ends)
            count = len(page.records) + len(page.skipped)
            window.advance(count, token, trust_list_size=self.feed.request.trust_list_size)
            yield self._without_excluded(replace(page, listing=window.listing))

    def _without_excluded(self, page: ListPage) -> ListPage:
        """Return a page without the records of excluded sets; of an increment, they are deleted ones.

        A record that was moved into such a set must go, and an increment shows no absence. A size that counts them
        says nothing about the list.
        """
        if not self.feed.exclude_sets:
            return page
        records = []
        for record in page.records:
            if not is_excluded(record.sets, self.feed):
                records.append(record)
            elif not self.position.full and self.ask.since is not None:
                records.append(replace(record, deleted=True, payload=None, sha256=None))
        return replace(page, records=records, listing=replace(page.listing, size=None))

    def _request_list(self, window: Window) -> Pages:
        """Request the window's next page. Raises sickle's errors, _TokenExpired."""
        arguments = self._arguments(window) if window.token is None else {"resumptionToken": window.token}
        try:
            return Pages(self.repository, {"verb": window.verb, **arguments})
        except (BadResumptionToken, BadArgument, NoRecordsMatch) as error:
            if window.token is None and not isinstance(error, BadResumptionToken):
                raise
            raise _TokenExpired(str(error)) from error

    def _arguments(self, window: Window) -> dict[str, str]:
        """Return the arguments that request the first page of a window."""
        prefix = self.feed.metadata_prefix
        arguments = {"metadataPrefix": prefix, "set": window.set, "from": window.start, "until": window.end}
        return {name: value for name, value in arguments.items() if value}

    def _note_success(self, window: Window, *, empty: bool = False) -> None:
        self.from_works = self.from_works or window.start is not None
        if window.verb == self.position.verb:
            self.failures = 0
            self.list_works = self.list_works or not empty

    def _note_records(self, window: Window, page: ListPage) -> None:
        """Note that records came, and by which request, to be sent again when others fail."""
        if not page.records:
            return
        self.fruitless, self.records_came = 0, True
        if window.pages == 1:
            self.working_arguments = {"verb": window.verb, **self._arguments(window)}

    def _finish(self, window: Window) -> None:
        """Remove a window whose last page was read. Raises HarvestFailed("truncated") if it is short."""
        size = window.size if window.credible else None
        require_size(window.listed, size, f"{self.repository.endpoint}, {window},")
        if window.set and self.position.full and not (window.listed or window.split):
            self.client.notes.append(
                f"the server has no records in set {window.set}; is its name right in the feed's sets?"
            )
        if not window.is_retry:
            self.position.listed += window.listed
        self.position.windows.remove(window)

    def _require_all_promised(self, window: Window, loop: _ListLoops) -> None:
        """Accept a list that loops as whole if it gave all that the server promised."""
        if window.size is None or window.listed < window.size:
            size = "an unknown number of" if window.size is None else window.size
            what = f"{self.repository.endpoint} sends {loop} after {window.listed} of {size} records"
            raise failed("truncated", what) from loop
        self.client.notes.append(f"the server's last page leads back into its list ({window.listed} records)")

    # protocol errors at the first request of a window

    def _accept_less(self, window: Window, error: BadArgument) -> None:
        """Change what the windows ask for to what the server may accept."""
        if self._use_dates_only() or self._use_later_start(window, str(error)):
            return
        raise self._refusal(window, error) from error

    def _use_dates_only(self) -> bool:
        """Drop the times from all windows: some servers declare seconds in Identify and accept only dates.

        Return whether there was one.
        """
        if self.server.days or not self._has_times():
            return False
        self.client.notes.append("the server declares a granularity of seconds and accepts only days")
        self.server = msgspec.structs.replace(self.server, days=True)
        for remaining in self.position.windows:
            remaining.start = remaining.start and remaining.start[:10]
            remaining.end = remaining.end and remaining.end[:10]
        return True

    def _has_times(self) -> bool:
        return any("T" in bound for window in self.position.windows for bound in (window.start, window.end) if bound)

    def _use_later_start(self, window: Window, refusal: str) -> bool:
        """Begin at the server's earliest datestamp, or without one, where it refuses the mark as `from`.

        Return whether another beginning is left. Some servers refuse what is earlier than earliestDatestamp, some any.
        """
        if window.start is None or window.split or window.token is not None or self.from_works:
            return False
        earliest = format_datestamp(parse_datestamp(self.server.earliest), days=self.server.days)
        refused = f"the server refuses the date {window.start} as from ({refusal or 'badArgument'})"
        if parse_datestamp(window.start) < parse_datestamp(earliest):
            self.client.notes.append(f"{refused}: its earliest datestamp, {earliest}, is used")
            for remaining in self.position.windows:
                if not remaining.split and remaining.start == window.start:
                    remaining.start = earliest
            return True
        self.client.notes.append(f"{refused}: everything is requested")
        self._request_everything()
        return True

    def _request_everything(self) -> None:
        everything = replace(self.ask, since=None, full=True)
        before = self.position
        self.position = _new_position(self.feed, everything, self.server, self.repository.http_method, before.verb)
        self.position.attempt = before.attempt + 1
        self.position.size_asked, self.position.whole_size = before.size_asked, before.whole_size
        for window in self.position.windows:
            window.attempt = self.position.attempt

    def _use_list_identifiers(self, window: Window, error: BadVerb) -> None:
        if window.verb == "ListIdentifiers":
            raise self._protocol_failure(error, []) from error
        self.client.notes.append("the server does not support ListRecords: records are requested one by one")
        window.verb = "ListIdentifiers"

    def _refusal(self, window: Window, error: Exception) -> HarvestFailed:
        """Return what a protocol error means: amid records that the server returned, a failure of the server."""
        if self.list_works and (window.split or window.listed):
            what = f"{self.repository.endpoint} refuses a part of its list ({type(error).__name__}: {error})"
            return request_failed("unreachable", what)
        offered = [] if isinstance(error, BadArgument) else self._offered_formats()
        return self._protocol_failure(error, offered)

    def _offered_formats(self) -> list[str]:
        try:
            return formats(self.repository)
        except HarvestFailed:
            return []

    def _protocol_failure(self, error: Exception, offered: list[str]) -> HarvestFailed:
        """Return the failure that a protocol error means for this feed; `offered` are the server's formats."""
        endpoint = self.repository.endpoint
        if isinstance(error, CannotDisseminateFormat | NoMetadataFormat):
            refused = _format_refused(self.feed.metadata_prefix, offered, str(error))
            return failed("bad_format", f"{endpoint} {refused}")
        if isinstance(error, NoSetHierarchy):
            return failed("bad_format", f"{endpoint} has no sets, and the feed asks for {', '.join(self.feed.sets)}")
        if isinstance(error, BadVerb):
            return failed("not_oai_pmh", f"{endpoint} refuses both ListRecords and ListIdentifiers: {error}")
        return failed("bad_format", f"{endpoint} refuses the request ({type(error).__name__}): {error}")

    # windows that fail

    def _recover(self, window: Window, error: _TokenExpired | RequestFailed) -> Iterator[ListPage]:
        """Change the windows so that they get around a failure; yield what can already be landed of it."""
        if window.is_given:
            raise self._given_token_failure(window, error)
        if isinstance(error, _TokenExpired):
            if not (self.list_works and window.split and window.listed == 0):
                self._restart(window, error)
                return
            # no token was used yet: the window itself fails
            error = request_failed("unreachable", f"{self.repository.endpoint}, {window}, fails: {error}")
        elif _refuses_the_request(error) and self._use_later_start(window, f"HTTP status {error.status}"):
            return
        else:
            self._require_address(window, error)
        self._require_working_server(window, error)
        yield from self._narrow(window, error)

    def _require_address(self, window: Window, error: RequestFailed) -> None:
        """Raise a failure that says that there is nothing at the address, where no request has worked yet."""
        if error.cause == "gone" and not self.list_works and window.token is None:
            raise error

    def _require_working_server(self, window: Window, failure: RequestFailed) -> None:
        """Raise HarvestFailed if the server fails, and not its records, or fails so often that nobody can tell.

        After some failures without a record, Identify and a request that gave records are sent again; where none came
        yet, the headers of the window are requested.
        """
        self.fruitless += 1
        if not self.records_came:
            probes, request = _FAILURES_BEFORE_PROBES - {3}, {"verb": "ListIdentifiers", **self._arguments(window)}
        else:
            probes, request = _FAILURES_BEFORE_PROBES, self.working_arguments or {}
            if self.fruitless > _MAX_FRUITLESS_FAILURES:
                raise as_server_failure(failure, self._where())
        if self.fruitless in probes and is_server_failure(failure) and not self._still_works(request):
            raise as_server_failure(failure, self._where())

    def _where(self) -> str:
        """Return how far the harvest came; nothing where no record came."""
        return f"after {self.yielded} records" if self.records_came else ""

    def _still_works(self, request: dict[str, str]) -> bool:
        """Return whether the server still answers Identify, and the request if there is one."""
        retries, self.repository.retries = self.repository.retries, 1
        try:
            self.repository.harvest(verb="Identify")
            if request:
                self.repository.harvest(**request)
        except HarvestFailed:
            return False
        finally:
            self.repository.retries = retries
        return True

    def _given_token_failure(self, window: Window, error: _TokenExpired | RequestFailed) -> HarvestFailed:
        """Return why a list that begins at a given token does not go on."""
        if isinstance(error, RequestFailed):
            return as_server_failure(error, self._where())
        what = f"{self.repository.endpoint} refuses the token {window.token!r} after {window.listed} records ({error})"
        return failed("token_expired", what, "Harvest the list from its beginning, without --token.")

    def _restart(self, window: Window, expired: _TokenExpired) -> None:
        """Start the window over; halve it when its tokens keep expiring."""
        window.restarts += 1
        self.failures += 1
        self.client.notes.append(
            f"{window}: the resumption token expired after {window.listed} records; requested again"
        )
        if window.restarts > _MAX_WINDOW_RESTARTS:
            halves = self._halves(window)
            if halves is None or self.failures > _MAX_WINDOW_FAILURES:
                what = f"{self.repository.endpoint}, {window}: resumption tokens keep expiring ({expired})"
                raise failed("token_expired", what) from expired
            self._split(window, halves)
        window.start_over()

    def _narrow(self, window: Window, failure: RequestFailed) -> Iterator[ListPage]:
        """Halve a window that fails, until the record that the server cannot return is alone in it."""
        self.failures += 1
        if failure.raw:
            yield ListPage(raw=failure.raw)
        if self.failures > _MAX_WINDOW_FAILURES:
            if self.list_works or self.position.verb == "ListIdentifiers":
                raise as_server_failure(failure, self._where()) from failure
            self._start_over_with_identifiers("ListRecords fails at this server")
        elif window.ignores_dates and self.position.verb == "ListRecords":
            self._start_over_with_identifiers("the server ignores the dates of a request")
        elif (halves := self._halves(window)) is not None:
            if not window.split:
                self.client.notes.append(f"{window}: {failure.cause}; requested in smaller windows")
            self._split(window, halves)
        else:
            yield from self._give_up_smallest(window, failure)

    def _start_over_with_identifiers(self, why: str) -> None:
        self.client.notes.append(f"{why}: records are requested one by one")
        method = self.repository.http_method
        self.position = _new_position(self.feed, self.ask, self.server, method, "ListIdentifiers")
        self.position.verb = "ListIdentifiers"
        self.failures = self.fruitless = 0

    def _give_up_smallest(self, window: Window, failure: RequestFailed) -> Iterator[ListPage]:
        """Try a window that cannot be halved with ListIdentifiers, then start it over, then skip it by its dates."""
        names = self.names_received.setdefault((window.set, window.start, window.end), {})
        names.update(dict.fromkeys(identifiers_in(failure.received)))
        if window.verb == "ListRecords":
            self.position.windows[0] = Window(
                set=window.set, start=window.start, end=window.end, verb="ListIdentifiers", split=True
            )
        elif window.ignores_dates:
            raise as_server_failure(failure, self._where()) from failure
        elif window.listed and window.restarts < _MAX_WINDOW_RESTARTS:  # it worked for a while: the failure may pass
            window.restarts += 1
            window.start_over()
        else:
            self.position.windows.pop(0)
            self.position.has_skipped_windows = True
            self.client.skipped_pages.add(failure)
            self.position.listed += 0 if window.is_retry else window.listed
            bounds = (window.start or _OPEN_START, window.end or _OPEN_END)
            reason = of_one_record(failure)
            reason += f" In what was received: {', '.join(names)}." if names else ""
            yield ListPage(skipped=(Skipped(identifier=None, reason=reason, window=bounds),))

    def _halves(self, window: Window) -> tuple[Window, Window] | None:
        """Return the two halves of a window, open ends staying open; None if it cannot be made smaller.

        If nothing is left after the server's earliest datestamp, the datestamp is taken to be wrong.
        """
        days = self.server.days
        unit = timedelta(days=1) if days else timedelta(seconds=1)
        now = self.position.response_date or format_datestamp(datetime.now(UTC), days=False)
        start, end = parse_datestamp(window.start or self.server.earliest), parse_datestamp(window.end or now)
        if window.start is None and end - start < unit:
            start = parse_datestamp(OLDEST_DATESTAMP)
        if end - start < unit:
            return None
        middle = start + ((end - start) // 2 // unit) * unit
        half = Window(
            set=window.set, start=window.start, end=window.end, verb=window.verb, attempt=window.attempt, split=True
        )
        return (
            msgspec.structs.replace(half, end=format_datestamp(middle, days=days)),
            msgspec.structs.replace(half, start=format_datestamp(middle + unit, days=days)),
        )

    def _split(self, window: Window, halves: tuple[Window, Window]) -> None:
        """Replace the window by its halves; if it was the whole list, they must give about what it promised."""
        if self._is_whole_list(window) and window.credible and not window.is_retry:
            self.position.promised = window.size
        self.position.windows[0:1] = halves


def _refuses_the_request(failure: RequestFailed) -> bool:
    """Return whether a server says by its status that it does not accept what was requested."""
    return failure.status in (400, 404, 406, 422)


def _format_refused(prefix: str, offered: list[str], message: str) -> str:
    others = ", ".join(name for name in offered if name != prefix)
    if prefix not in offered:
        return f"does not offer {prefix!r}; it offers {others or 'no format that it names'}"
    reason = f" ({message})" if message else ""
    return f"lists {prefix!r} and yet refuses it{reason}; it lists {f'also {others}' if others else 'no other'}"


def _next_response(responses: Pages, window: Window) -> Response | None:
    """Return the list's next page; None at its end, also if the last page held a token that leads nowhere."""
    try:
        response: Response = responses.next()
    except StopIteration:
        return None
    except (BadResumptionToken, BadArgument, NoRecordsMatch) as error:
        if window.listed == window.size:
            window.done = True
            return None
        raise _TokenExpired(str(error)) from error
    return response


class _LoopDetector:
    """Detects that a window's pages repeat, now or since an earlier run, or are empty without end."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._seen: set[str] = set()  # digests of this run's pages
        self._empty_tokens: set[str | None] = set()  # of the empty pages in a row

    def check(self, identifiers: list[str], token: str | None) -> None:
        """Raise _ListLoops if this page, with this token of the next one, shows that the list loops."""
        if identifiers:
            self._empty_tokens.clear()
        if token in self._empty_tokens or len(self._empty_tokens) >= _MAX_EMPTY_PAGES:
            raise _ListLoops("empty pages without end")
        if not identifiers:
            self._empty_tokens.add(token)
            return
        digest = sha256("\n".join(identifiers).encode()).hexdigest()[:16]
        if digest in self._seen or digest in self._window.page_digests:
            raise _ListLoops("the same page again")
        self._seen.add(digest)
        self._window.page_digests.append(digest)
        if len(self._window.page_digests) > _MAX_WINDOW_DIGESTS:
            del self._window.page_digests[_MAX_WINDOW_DIGESTS // 2]
