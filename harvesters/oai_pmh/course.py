"""The course of a harvest through its windows: one that the server cannot give is asked for in halves, or otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from sickle import oaiexceptions as said

from harvesters.causes import RequestFailed, as_harvest_failure, failed, request_failed
from harvesters.client import Client
from harvesters.datestamps import format_datestamp
from harvesters.oai_pmh.listing import Expired, Listed, refused
from harvesters.oai_pmh.plan import BEGIN, END, begun, plan
from harvesters.oai_pmh.server import Server, formats
from harvesters.oai_pmh.sickle_client import Repository
from harvesters.oai_pmh.windows import Progress, Window, halves, window_name
from schemas import Ask, Feed, HarvestFailed, Skipped

_LAST_RETRIES = 3  # of a request in a window that can be made no smaller, before its records are given up
_RESTARTS = 2  # of a window whose token expires, before it is halved
_FAILURES = 70  # windows that fail in a row: more than it takes to halve a century down to seconds


@dataclass
class Course:
    """The windows still to do of one harvest of one server, and what becomes of one that fails."""

    feed: Feed
    ask: Ask
    client: Client
    repository: Repository
    server: Server
    failures: int = 0
    answered: bool = False  # whether ListRecords ever gave a page
    place: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.place = begun(self.feed, self.ask, self.server, self.repository.http_method)
        self.repository.http_method = self.place.method

    def retries(self, window: Window) -> int | None:
        """How often a request is tried again: seldom while a window is halved, as it fails for good most times."""
        if not window.split:
            return None
        return 1 if window.verb == "ListRecords" else min(_LAST_RETRIES, self.feed.request.retries)

    def worked(self, window: Window, *, empty: bool = False) -> None:
        """Note that ListRecords works, which is what a window that fails is held against."""
        if window.verb == self.place.verb:
            self.failures = 0
            self.answered = self.answered or not empty

    def refusal(self, window: Window, error: Exception) -> Exception:
        """What a protocol error means: in the middle of what a server gives, its own failure in other clothes."""
        if self.answered and (window.split or window.listed):
            what = f"{self.repository.endpoint} refuses a part of its list ({type(error).__name__}: {error})"
            return request_failed("unreachable", what)
        offered = [] if isinstance(error, said.BadArgument) else self._offered()
        return refused(error, self.repository, self.feed, offered)

    def restart(self, window: Window, expired: Expired) -> None:
        """From the window's beginning again, in halves when it keeps happening."""
        window.restarts += 1
        self.failures += 1
        self.client.notes.append(f"{window_name(window)}: the token expired after {window.listed} records; asked again")
        if window.restarts > _RESTARTS:
            parts = self._halves(window)
            if parts is None or self.failures > _FAILURES:
                what = f"{self.repository.endpoint}, {window_name(window)}: its tokens expire ({expired})"
                raise failed("token_expired", what) from expired
            self._split(window, parts)
        window.from_the_beginning()

    def narrow(self, window: Window, failure: RequestFailed) -> Iterator[Listed]:
        """Halve a window that the server cannot give, until the record that it cannot give is alone."""
        self.failures += 1
        if failure.raw:
            yield Listed(raw=failure.raw)
        if self.failures > _FAILURES:
            self._give_up(failure)
            return
        if window.astray and self.place.verb == "ListRecords":
            self._one_by_one("the server does not heed the dates that it is asked for")
            return
        parts = self._halves(window)
        if parts is not None:
            if not window.split:
                self.client.notes.append(f"{window_name(window)}: {failure.cause}; asked in smaller windows")
            self._split(window, parts)
            return
        if window.verb == "ListRecords":
            self.place.windows[0] = Window(
                set=window.set, start=window.start, end=window.end, verb="ListIdentifiers", split=True
            )
            return
        if window.astray:
            raise as_harvest_failure(failure) from failure
        if window.listed and window.restarts < _RESTARTS:  # it gave some: what stopped it may pass
            window.restarts += 1
            window.from_the_beginning()
            return
        self.place.windows.pop(0)
        self.place.unnamed = True
        self.place.listed += 0 if window.again else window.listed
        skipped = Skipped(identifier=None, reason=failure.sentence, window=(window.start or BEGIN, window.end or END))
        yield Listed(skipped=(skipped,))

    def _give_up(self, failure: RequestFailed) -> None:
        """No window comes any more: record by record if ListRecords never worked, else the server is down."""
        if self.answered or self.place.verb == "ListIdentifiers":
            raise as_harvest_failure(failure) from failure
        self._one_by_one("ListRecords fails at this server")

    def _one_by_one(self, why: str) -> None:
        """Begin again, by ListIdentifiers and GetRecord."""
        self.client.notes.append(f"{why}: each record is asked for by itself")
        self.place = plan(self.feed, self.ask, self.server, self.repository.http_method, "ListIdentifiers")
        self.place.verb = "ListIdentifiers"
        self.failures = 0

    def say_it_otherwise(self, window: Window, error: Exception) -> None:
        """A refused argument may be a datestamp that is too fine, whatever Identify promised."""
        fine = [stamp for stamp in (window.start, window.end) if stamp and "T" in stamp]
        if not fine:
            raise self.refusal(window, error) from error
        self.client.notes.append("the server promises seconds and takes only days")
        self.server = msgspec.structs.replace(self.server, days=True)
        for one in self.place.windows:
            one.start, one.end = (stamp and stamp[:10] for stamp in (one.start, one.end))

    def _split(self, window: Window, parts: tuple[Window, Window]) -> None:
        """Two windows in a window's place; together they must give about what it promised."""
        whole = not window.split and len(self.place.windows) == 1 and self.place.listed == 0
        if whole and window.credible and not window.again:
            self.place.promised = window.size
        self.place.windows[0:1] = parts

    def _halves(self, window: Window) -> tuple[Window, Window] | None:
        return halves(window, self.server.earliest, self._latest(), self.server.days)

    def _latest(self) -> str:
        return self.place.response_date or format_datestamp(datetime.now(UTC), days=False)

    def _offered(self) -> list[str]:
        try:
            return formats(self.repository)
        except HarvestFailed:
            return []
