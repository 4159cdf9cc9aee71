"""OAI-PMH 2.0, whole: every record between the marks, whatever the server does on the way.

https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from sickle import oaiexceptions as said

from harvesters.causes import ServerFailed, failed, server_failed
from harvesters.http import Client
from harvesters.oai_list import Expired, Listed, Loop, WindowReader, refused
from harvesters.oai_server import Server, formats, identify, sets
from harvesters.oai_sickle import ERRORS, Repository
from harvesters.oai_windows import Progress, Verb, Window, halves, moment, spoken
from harvesters.whole import require_about, require_as_many_as_before, require_size
from schemas import Ask, Environment, Feed, HarvestFailed, Page, Skipped

BEGIN, END = "0001-01-01", "9999-12-31"  # how the open ends of a skipped window are written down
LAST_RETRIES = 3  # of a request in a window that can be made no smaller, before its records are given up
RESTARTS = 2  # of a window whose token expires, before it is halved
FAILURES = 70  # windows that fail in a row: more than it takes to halve a century down to seconds
REFUSALS = (
    said.CannotDisseminateFormat,
    said.NoSetHierarchy,
    said.NoMetadataFormat,
    said.IdDoesNotExist,
    said.OAIError,
)
Report = Callable[[int, int | None], None]


def harvest(feed: Feed, ask: Ask, env: Environment, report: Report) -> Iterator[Page]:
    """The feed's records, page by page, as `harvesters.harvest` promises."""
    with Client(feed, ask, env) as client:
        repository = Repository(client, feed.request.method)
        server = identify(repository, client)
        yield from Harvest(feed, ask, client, repository, server, report).pages()


def check(feed: Feed, ask: Ask, env: Environment) -> list[str]:
    """What the server does not offer of what the feed asks: its format, its sets."""
    with Client(feed, ask, env) as client:
        repository = Repository(client, feed.request.method)
        identify(repository, client)
        offered = formats(repository)
        wrong = [] if feed.format in offered else [f"format: {feed.format!r} is not offered; {', '.join(offered)} are"]
        if feed.sets:
            try:
                known = set(sets(repository))
            except said.NoSetHierarchy:
                known = set()
            except ERRORS as error:
                return [*wrong, f"sets: the server refuses to list them ({type(error).__name__}: {error})"]
            wrong += [f"sets: {name!r} is not offered" for name in feed.sets if name not in known]
        return [*wrong, *client.notes]


@dataclass
class Harvest:
    """One harvest of one server."""

    feed: Feed
    ask: Ask
    client: Client
    repository: Repository
    server: Server
    report: Report
    failures: int = 0
    answered: bool = False  # whether ListRecords ever gave a page
    given: int = 0
    place: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.reader = WindowReader(self.feed, self.repository)
        if self.ask.position:
            self.place = self._resumed(msgspec.convert(self.ask.position, Progress))
            self.repository.http_method = self.place.method
        else:
            self.place = self._plan("ListRecords")

    def _resumed(self, place: Progress) -> Progress:
        """The place of an interrupted harvest; what ended short is asked again from its beginning."""
        for window in place.windows:
            if window.done and window.short:
                window.from_the_beginning()
        return place if place.windows or place.retry else self._plan("ListRecords")

    def _plan(self, verb: Verb) -> Progress:
        """One window a set, from the mark on; what was skipped before is asked for again."""
        since = None if self.ask.full or self.ask.since is None else spoken(moment(self.ask.since), self.server.days)
        names: list[str | None] = [*self.feed.sets] or [None]
        windows = [Window(set=name, start=since, verb=verb) for name in names]
        retry = [] if since is None else list(self.ask.retry)
        again = [skipped.window for skipped in retry if skipped.window]
        windows += [
            Window(set=name, start=None if a == BEGIN else a, end=None if b == END else b, split=True, again=True)
            for a, b in again
            for name in names
        ]
        return Progress(
            windows=windows,
            response_date=self.server.response_date,
            full=since is None,
            retry=[skipped.identifier for skipped in retry if skipped.identifier],
            method=self.repository.http_method,
        )

    def pages(self) -> Iterator[Page]:
        """Every page from where we stand, then the complete one. Raises HarvestFailed."""
        while self.place.windows:
            window = self.place.windows[0]
            self.repository.retries = self._retries(window)
            try:
                yield from self._window(window)
            except Expired as expired:
                if self.answered and window.split and window.listed == 0:  # no token was used: the window fails
                    what = f"{self.repository.endpoint}, {_name(window)}, fails: {expired}"
                    yield from self._narrow(window, server_failed("unreachable", what))
                else:
                    self._restart(window, expired)
            except ServerFailed as failure:
                if failure.cause == "gone" and not self.answered and window.token is None:
                    raise
                yield from self._narrow(window, failure)
            if self._enough():
                return
        for identifier in list(self.place.retry):
            yield self._page(self._retried(identifier))
        self._require_whole()
        yield self._page(Listed(), complete=True)

    def _retries(self, window: Window) -> int | None:
        """How often a request is tried again: seldom while a window is halved, as it fails for good most times."""
        if not window.split:
            return None
        return 1 if window.verb == "ListRecords" else min(LAST_RETRIES, self.feed.request.retries)

    def _require_whole(self) -> None:
        where, place = self.repository.endpoint, self.place
        require_about(place.listed, place.promised, self.feed, f"{where}, in parts,")
        if place.full and place.unnamed and place.listed == 0:
            raise failed("truncated", f"{where} gave nothing but failures")
        if place.full:
            require_as_many_as_before(place.listed, self.feed, self.ask)

    def _window(self, window: Window) -> Iterator[Page]:
        try:
            for listed in self.reader.pages(window):
                self._answered(window)
                self.place.pages += 1
                if self.place.pages > self.feed.request.max_pages:
                    raise failed("too_large", f"the list has more than {self.feed.request.max_pages} pages")
                yield self._page(listed)
                if self._enough():
                    return
        except said.NoRecordsMatch:
            self._answered(window, empty=True)
        except said.BadArgument as error:
            self._say_it_otherwise(window, error)
            return
        except said.BadVerb as error:
            if window.verb == "ListIdentifiers":
                raise refused(error, self.repository, self.feed, []) from error
            self.client.notes.append("the server has no ListRecords: each record is asked for by itself")
            window.verb = "ListIdentifiers"
            return
        except REFUSALS as error:
            raise self._refused(window, error) from error
        except Loop as loop:
            self._cut(window, loop)
        self._finish(window)

    def _refused(self, window: Window, error: Exception) -> Exception:
        """What a protocol error means: in the middle of what a server gives, its own failure in other clothes."""
        if self.answered and (window.split or window.listed):
            what = f"{self.repository.endpoint} refuses a part of its list ({type(error).__name__}: {error})"
            return server_failed("unreachable", what)
        offered = [] if isinstance(error, said.BadArgument) else self._offered()
        return refused(error, self.repository, self.feed, offered)

    def _answered(self, window: Window, *, empty: bool = False) -> None:
        """ListRecords works, which is what a window that fails is held against."""
        if window.verb == self.place.verb:
            self.failures = 0
            self.answered = self.answered or not empty

    def _finish(self, window: Window) -> None:
        size = window.size if window.credible else None
        require_size(window.listed, size, f"{self.repository.endpoint}, {_name(window)},")
        if not window.again:
            self.place.listed += window.listed
        self.place.windows.remove(window)

    def _cut(self, window: Window, loop: Loop) -> None:
        """A list that goes round is whole when it had given all that its server promised."""
        if window.size is None or window.listed < window.size:
            of = "an unknown number of" if window.size is None else window.size
            what = f"{self.repository.endpoint} sends {loop} after {window.listed} of {of} records"
            raise failed("truncated", what) from loop
        self.client.notes.append(f"the server's last page leads back into its list ({window.listed} records)")

    def _restart(self, window: Window, expired: Expired) -> None:
        """From the window's beginning again, in halves when it keeps happening."""
        window.restarts += 1
        self.failures += 1
        self.client.notes.append(f"{_name(window)}: the token expired after {window.listed} records; asked again")
        if window.restarts > RESTARTS:
            parts = self._halves(window)
            if parts is None or self.failures > FAILURES:
                what = f"{self.repository.endpoint}, {_name(window)}: its tokens expire ({expired})"
                raise failed("token_expired", what) from expired
            self._split(window, parts)
        window.from_the_beginning()

    def _narrow(self, window: Window, failure: ServerFailed) -> Iterator[Page]:
        """Halve a window that the server cannot give, until the record that it cannot give is alone."""
        self.failures += 1
        if failure.raw:
            yield self._page(Listed(raw=failure.raw))
        if self.failures > FAILURES:
            self._give_up(failure)
            return
        if window.astray and self.place.verb == "ListRecords":
            self._one_by_one("the server does not heed the dates that it is asked for")
            return
        parts = self._halves(window)
        if parts is not None:
            if not window.split:
                self.client.notes.append(f"{_name(window)}: {failure.cause}; asked in smaller windows")
            self._split(window, parts)
            return
        if window.verb == "ListRecords":
            self.place.windows[0] = Window(
                set=window.set, start=window.start, end=window.end, verb="ListIdentifiers", split=True
            )
            return
        if window.astray:
            raise HarvestFailed(failure.cause, failure.sentence, again=failure.again) from failure
        if window.listed and window.restarts < RESTARTS:  # it gave some: what stopped it may pass
            window.restarts += 1
            window.from_the_beginning()
            return
        self.place.windows.pop(0)
        self.place.unnamed = True
        self.place.listed += 0 if window.again else window.listed
        skipped = Skipped(identifier=None, reason=failure.sentence, window=(window.start or BEGIN, window.end or END))
        yield self._page(Listed(skipped=(skipped,)))

    def _give_up(self, failure: ServerFailed) -> None:
        """No window comes any more: record by record if ListRecords never worked, else the server is down."""
        if self.answered or self.place.verb == "ListIdentifiers":
            raise HarvestFailed(failure.cause, failure.sentence, again=failure.again) from failure
        self._one_by_one("ListRecords fails at this server")

    def _one_by_one(self, why: str) -> None:
        """Begin again, by ListIdentifiers and GetRecord."""
        self.client.notes.append(f"{why}: each record is asked for by itself")
        self.place = self._plan("ListIdentifiers")
        self.place.verb = "ListIdentifiers"
        self.failures = 0

    def _say_it_otherwise(self, window: Window, error: Exception) -> None:
        """A refused argument may be a datestamp that is too fine, whatever Identify promised."""
        fine = [stamp for stamp in (window.start, window.end) if stamp and "T" in stamp]
        if not fine:
            raise self._refused(window, error) from error
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
        return self.place.response_date or spoken(datetime.now(UTC), days=False)

    def _offered(self) -> list[str]:
        try:
            return formats(self.repository)
        except HarvestFailed:
            return []

    def _retried(self, identifier: str) -> Listed:
        """A record that was skipped before; one that the server does not know any more is asked for no longer."""
        self.place.retry.remove(identifier)
        listed = self.reader.record(identifier)
        if any(skipped.reason.startswith(said.IdDoesNotExist.__name__) for skipped in listed.skipped):
            return Listed(notes=(f"{identifier} was skipped before and does not exist any more",))
        return listed

    def _enough(self) -> bool:
        return self.ask.limit is not None and self.given >= self.ask.limit

    def _page(self, listed: Listed, *, complete: bool = False) -> Page:
        """What goes to landing: the records, and where to go on from behind them."""
        records = listed.records
        if self.ask.limit is not None:
            records = records[: self.ask.limit - self.given]
        self.given += len(records)
        current = self.place.windows[0] if self.place.windows else Window()
        if len(self.place.windows) == 1 and self.place.listed == 0 and current.credible and not current.split:
            self.place.total = current.size
        total = self.place.total
        self.report(self.place.listed + current.listed, total)
        self.place.method = self.repository.http_method
        notes, self.client.notes = (*listed.notes, *self.client.notes), []
        return Page(
            records=records,
            position=msgspec.to_builtins(self.place),
            total=total,
            raw=listed.raw,
            skipped=listed.skipped,
            notes=notes,
            complete=complete,
            full=self.place.full,
            counted=self.place.listed if complete else None,
            response_date=self.place.response_date,
            deletes_told=self.server.deletes == "persistent",  # a transient one may be forgotten before we ask
        )


def _name(window: Window) -> str:
    parts = [f"set {window.set}" if window.set else "", f"from {window.start}" if window.start else ""]
    return ", ".join(part for part in (*parts, f"until {window.end}" if window.end else "") if part) or "the whole list"
