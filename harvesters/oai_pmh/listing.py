"""The pages of one window of an OAI-PMH list, one SourceRecord list each, with the loops of bad servers cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree
from sickle import oaiexceptions as said

from harvesters.causes import as_harvest_failure, concerns_one_record, failed, request_failed, unreadable_response
from harvesters.oai_pmh.records import deleted_record, is_deleted, source_records
from harvesters.oai_pmh.sickle_client import ERRORS, Pages, Repository, Response
from harvesters.oai_pmh.windows import Window, outside
from schemas import Feed, HarvestFailed, Listing, RawResponse, Skipped, SourceRecord
from schemas.base import Base, replace

_EMPTY_PAGES = 200  # in a row, each with a token of its own: then the list leads nowhere
_MISSED = 50  # records in a row that GetRecord cannot give: then it is the server, not the records
_SIZE = re.compile(r"[0-9]{1,15}")
_GONE = (said.IdDoesNotExist, said.CannotDisseminateFormat, said.NoMetadataFormat, said.NoRecordsMatch)


class Expired(Exception):
    """The server does not know its own token any more."""


class Loop(Exception):
    """The server sends a page that it sent before, or pages that hold nothing; the message says which."""


class Listed(Base, frozen=True, kw_only=True):
    """What one page gave; the window it belongs to already points behind it."""

    records: list[SourceRecord] = []
    skipped: tuple[Skipped, ...] = ()
    raw: tuple[RawResponse, ...] = ()
    notes: tuple[str, ...] = ()
    listing: Listing = Listing()


@dataclass
class WindowReader:
    """Reads windows of one feed from one repository."""

    feed: Feed
    repository: Repository
    missed: int = field(default=0, init=False)  # records in a row that GetRecord could not give

    def pages(self, window: Window) -> Iterator[Listed]:
        """Every page of a window from where it stands, the window moving on with each.

        Raises sickle's errors for the first request, Expired, Loop, HarvestFailed.
        """
        seen: set[str] = set()
        empty: set[str | None] = set()  # the tokens of the empty pages in a row
        if window.done:
            return
        iterator = self._ask(window)
        while True:
            response = _next(iterator, window)
            if response is None:
                return
            listed, names = self._read(response, window)
            following = getattr(iterator.resumption_token, "token", None)
            if names:
                empty.clear()
            if following in empty or len(empty) >= _EMPTY_PAGES:
                raise Loop("empty pages without end")
            if names and window.mark(names, seen):
                raise Loop("the same page again")
            if not names:
                empty.add(following)
            window.astray = window.astray or outside(window, listed.records)
            self._advance(window, len(names) + len(listed.skipped), iterator.resumption_token)
            yield replace(listed, listing=window.listing)
            if window.done:
                return

    def _ask(self, window: Window) -> Pages:
        if window.token is not None:
            params = {"verb": window.verb, "resumptionToken": window.token}
        else:
            asked = {"metadataPrefix": self.feed.format, "set": window.set, "from": window.start, "until": window.end}
            params = {"verb": window.verb, **{name: value for name, value in asked.items() if value}}
        try:
            return Pages(self.repository, params)
        except (said.BadResumptionToken, said.BadArgument, said.NoRecordsMatch) as error:
            if window.token is None and not isinstance(error, said.BadResumptionToken):
                raise
            raise Expired(str(error)) from error

    def _read(self, response: Response, window: Window) -> tuple[Listed, list[str]]:
        ns = self.repository.oai_namespace
        listing = response.xml.find(f"{ns}{window.verb}")
        if listing is None:
            what = f"{self.repository.endpoint} answers {window.verb} with neither a list nor an error"
            raise unreadable_response("malformed", what, response.url, etree.tostring(response.xml))
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if window.verb == "ListIdentifiers":
            records, skipped, raw = self._one_by_one(listing, ns, now)
        else:
            records, skipped, raw = source_records(listing, ns, self.feed.name, self.feed.format, now)
        listed = Listed(
            records=records,
            skipped=(*response.skipped, *skipped),
            raw=(*response.raw, *raw),
            notes=response.notes,
        )
        return listed, [record.identifier for record in records]

    def _one_by_one(
        self, listing: etree._Element, ns: str, now: str
    ) -> tuple[list[SourceRecord], list[Skipped], list[RawResponse]]:
        """Each header's record by GetRecord; those that the server cannot give are skipped by name."""
        records: list[SourceRecord] = []
        skipped: list[Skipped] = []
        raw: list[RawResponse] = []
        for header in listing.iterchildren(f"{ns}header"):
            if is_deleted(header):
                records.append(deleted_record(header, ns, self.feed.name, self.feed.format, now))
                continue
            one = self.record((header.findtext(f"{ns}identifier") or "").strip())
            records += one.records
            skipped += one.skipped
            raw += one.raw
        return records, skipped, raw

    def record(self, identifier: str) -> Listed:
        """One record by GetRecord: in `records`, or in `skipped` with the reason."""
        params = {"verb": "GetRecord", "identifier": identifier, "metadataPrefix": self.feed.format}
        try:
            response = Pages(self.repository, params).next()
        except HarvestFailed as error:
            self._miss(error)
            return Listed(skipped=(Skipped(identifier=identifier, reason=error.sentence),))
        except ERRORS as error:
            reason = f"{type(error).__name__}: {error}"
            if not isinstance(error, _GONE):
                self._miss(request_failed("bad_format", f"{self.repository.endpoint} refuses GetRecord ({reason})"))
            return Listed(skipped=(Skipped(identifier=identifier, reason=reason),))
        self.missed = 0
        ns = self.repository.oai_namespace
        listing = response.xml.find(f"{ns}GetRecord")
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if listing is None or listing.find(f"{ns}record") is None:
            reason = response.skipped[0].reason if response.skipped else "GetRecord gave no record"
            return Listed(raw=response.raw, skipped=(Skipped(identifier=identifier, reason=reason),))
        records, skipped, raw = source_records(listing, ns, self.feed.name, self.feed.format, now)
        return Listed(records=records, skipped=tuple(skipped), raw=(*response.raw, *raw))

    def _miss(self, error: HarvestFailed) -> None:
        """Raises what is more than one record's failure."""
        self.missed += 1
        if self.missed > _MISSED or not concerns_one_record(error):
            raise as_harvest_failure(error) from error

    def _advance(self, window: Window, count: int, token: object) -> None:
        """Move the window behind the page: its token, its count, and its size as long as that can be believed."""
        said_size = str(getattr(token, "complete_list_size", None) or "").strip()
        trusted = self.feed.request.trust_list_size
        if window.listed == 0 and _SIZE.fullmatch(said_size):
            window.size = int(said_size)
            window.credible = trusted
        if trusted and _SIZE.fullmatch(said_size):
            window.promised = max(window.promised or 0, int(said_size))
        window.listed += count
        window.pages += 1
        window.token = getattr(token, "token", None)
        window.done = window.token is None
        # a size that the list outgrows, or that is only the page's, was never the list's
        if window.size is not None and (window.size < window.listed or (window.token and window.size <= count)):
            window.credible = False


def _next(iterator: Pages, window: Window) -> Response | None:
    """The next page of the list, None behind the last, also when that held a token that leads nowhere."""
    try:
        response: Response = iterator.next()
    except StopIteration:
        return None
    except (said.BadResumptionToken, said.BadArgument, said.NoRecordsMatch) as error:
        if window.listed == window.size:
            window.done = True
            return None
        raise Expired(str(error)) from error
    return response


def refused(error: Exception, repository: Repository, feed: Feed, offered: list[str]) -> Exception:
    """What a protocol error means for the feed."""
    where, code = repository.endpoint, type(error).__name__
    if isinstance(error, said.CannotDisseminateFormat | said.NoMetadataFormat):
        others = ", ".join(name for name in offered if name != feed.format)
        what = f"{where} does not offer {feed.format!r}; it offers {others or 'nothing that it names'}"
        if feed.format in offered:
            why, more = f" ({error})" if str(error) else "", f"also {others}" if others else "no other"
            what = f"{where} lists {feed.format!r} and yet refuses it{why}; it lists {more}"
        return failed("bad_format", what)
    if isinstance(error, said.NoSetHierarchy):
        return failed("bad_format", f"{where} has no sets, and the feed asks for {', '.join(feed.sets)}")
    if isinstance(error, said.BadVerb):
        return failed("not_oai_pmh", f"{where} refuses the protocol's own verbs: {error}")
    return failed("bad_format", f"{where} refuses the request ({code}): {error}")
