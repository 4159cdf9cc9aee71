"""OAI-PMH 2.0, whole: every record between the marks, whatever the server does on the way.

https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
from sickle import oaiexceptions as said

from harvesters.causes import RequestFailed, failed, request_failed
from harvesters.client import Client
from harvesters.oai_pmh.course import Course
from harvesters.oai_pmh.listing import Expired, Listed, Loop, WindowReader, refused
from harvesters.oai_pmh.server import identify
from harvesters.oai_pmh.sickle_client import Repository
from harvesters.oai_pmh.windows import Progress, Window, window_name
from harvesters.whole import require_about, require_as_many_as_before, require_size
from schemas import Ask, Environment, Feed, Page

_REFUSALS = (
    said.CannotDisseminateFormat,
    said.NoSetHierarchy,
    said.NoMetadataFormat,
    said.IdDoesNotExist,
    said.OAIError,
)
_Report = Callable[[int, int | None], None]


def harvest(feed: Feed, ask: Ask, env: Environment, report: _Report) -> Iterator[Page]:
    """The feed's records, page by page, as `harvesters.harvest` promises."""
    with Client(feed, ask, env) as client:
        repository = Repository(client, feed.request.method)
        server = identify(repository, client)
        course = Course(feed, ask, client, repository, server)
        yield from _Harvest(feed, ask, client, repository, course, report).pages()


@dataclass
class _Harvest:
    """One harvest of one server."""

    feed: Feed
    ask: Ask
    client: Client
    repository: Repository
    course: Course
    report: _Report
    given: int = 0

    def __post_init__(self) -> None:
        self.reader = WindowReader(self.feed, self.repository)

    @property
    def place(self) -> Progress:
        """How far we have come."""
        return self.course.place

    def pages(self) -> Iterator[Page]:
        """Every page from where we stand, then the complete one. Raises HarvestFailed."""
        while self.place.windows:
            window = self.place.windows[0]
            self.repository.retries = self.course.retries(window)
            try:
                yield from self._window(window)
            except Expired as expired:
                if self.course.answered and window.split and window.listed == 0:  # no token was used: the window fails
                    what = f"{self.repository.endpoint}, {window_name(window)}, fails: {expired}"
                    yield from map(self._page, self.course.narrow(window, request_failed("unreachable", what)))
                else:
                    self.course.restart(window, expired)
            except RequestFailed as failure:
                if failure.cause == "gone" and not self.course.answered and window.token is None:
                    raise
                yield from map(self._page, self.course.narrow(window, failure))
            if self._enough():
                return
        for identifier in list(self.place.retry):
            yield self._page(self._retried(identifier))
        self._require_whole()
        yield self._page(Listed(), complete=True)

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
                self.course.worked(window)
                self.place.pages += 1
                if self.place.pages > self.feed.request.max_pages:
                    raise failed("too_large", f"the list has more than {self.feed.request.max_pages} pages")
                yield self._page(listed)
                if self._enough():
                    return
        except said.NoRecordsMatch:
            self.course.worked(window, empty=True)
        except said.BadArgument as error:
            self.course.say_it_otherwise(window, error)
            return
        except said.BadVerb as error:
            if window.verb == "ListIdentifiers":
                raise refused(error, self.repository, self.feed, []) from error
            self.client.notes.append("the server has no ListRecords: each record is asked for by itself")
            window.verb = "ListIdentifiers"
            return
        except _REFUSALS as error:
            raise self.course.refusal(window, error) from error
        except Loop as loop:
            self._cut(window, loop)
        self._finish(window)

    def _finish(self, window: Window) -> None:
        size = window.size if window.credible else None
        require_size(window.listed, size, f"{self.repository.endpoint}, {window_name(window)},")
        if window.set and self.place.full and not (window.listed or window.split):
            self.client.notes.append(
                f"the server has no records in set {window.set}; is its name right in the feed's sets?"
            )
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
            listing=listed.listing,
            position=msgspec.to_builtins(self.place),
            total=total,
            raw=listed.raw,
            skipped=listed.skipped,
            notes=notes,
            complete=complete,
            full=self.place.full,
            counted=self.place.listed if complete else None,
            response_date=self.place.response_date,
            deletes_told=self.course.server.deletes == "persistent",  # a transient one may be forgotten before we ask
        )
