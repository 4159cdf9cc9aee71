"""Read the records of OAI-PMH responses, from a list or one by one with GetRecord, without changing their text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice

from lxml import etree
from sickle import oaiexceptions

from harvesters.causes import (
    as_harvest_failure,
    concerns_one_record,
    of_one_record,
    request_failed,
    unreadable_response,
)
from harvesters.datestamps import format_datestamp, is_datestamp, parse_datestamp
from harvesters.oai_pmh.sickle_client import ERRORS, Pages, Repository, Response
from harvesters.records import Result, split_results, unreadable
from harvesters.unexpected import read_each
from schemas import Base, Feed, HarvestFailed, Listing, RawResponse, Skipped, SourceRecord, replace

# records in a row that GetRecord fails to return before the server, and not the records, counts as failed
_MAX_GET_RECORD_FAILURES = 50
_NO_SUCH_RECORD = (
    oaiexceptions.IdDoesNotExist,
    oaiexceptions.CannotDisseminateFormat,
    oaiexceptions.NoMetadataFormat,
    oaiexceptions.NoRecordsMatch,
)
_NO_IDENTIFIER = "the record has no identifier"


class ListPage(Base, frozen=True, kw_only=True):
    """The contents of one page of a list, or of one GetRecord response."""

    records: list[SourceRecord] = []
    skipped: tuple[Skipped, ...] = ()
    raw: tuple[RawResponse, ...] = ()
    notes: tuple[str, ...] = ()
    listing: Listing = Listing()


@dataclass
class RecordReader:
    """Reads the records of one harvest."""

    feed: Feed
    repository: Repository
    failures: int = field(default=0, init=False)  # of GetRecord in a row

    def read(self, response: Response, verb: str, limit: int | None = None) -> ListPage:
        """Read a page of ListRecords, or of ListIdentifiers with one GetRecord per header, of so many at most.

        Raises RequestFailed("malformed") when the response holds no such list, HarvestFailed when GetRecord does.
        """
        listing = response.xml.find(f"{self.repository.oai_namespace}{verb}")
        if listing is None:
            what = f"{self.repository.endpoint} answers {verb} with neither a list nor an error"
            raise unreadable_response("malformed", what, response.url, etree.tostring(response.xml))
        is_names = verb == "ListIdentifiers"
        page = self._identified_records(listing, limit) if is_names else self._listed_records(listing)
        return ListPage(
            records=page.records,
            skipped=(*response.skipped, *page.skipped),
            raw=(*response.raw, *page.raw),
            notes=response.notes,
        )

    def get(self, identifier: str) -> ListPage:
        """Request one record with GetRecord: it is in `records`, or in `skipped` with the reason.

        Raises HarvestFailed when the failure concerns more than this record.
        """
        params = {"verb": "GetRecord", "identifier": identifier, "metadataPrefix": self.feed.metadata_prefix}
        try:
            response = Pages(self.repository, params).next()
        except HarvestFailed as error:
            self._count_failure(error)
            return _skipped(identifier, of_one_record(error))
        except ERRORS as error:
            reason = f"{type(error).__name__}: {error}"
            if not isinstance(error, _NO_SUCH_RECORD):
                what = f"{self.repository.endpoint} refuses GetRecord ({reason})"
                self._count_failure(request_failed("bad_format", what))
            return _skipped(identifier, reason)
        self.failures = 0
        ns = self.repository.oai_namespace
        listing = response.xml.find(f"{ns}GetRecord")
        if listing is None or listing.find(f"{ns}record") is None:
            reason = response.skipped[0].reason if response.skipped else "GetRecord returned no record"
            return _skipped(identifier, reason, response.raw)
        page = self._listed_records(listing)
        return ListPage(records=page.records, skipped=page.skipped, raw=(*response.raw, *page.raw))

    def _count_failure(self, error: HarvestFailed) -> None:
        """Raise HarvestFailed when the failure is the server's, not one record's."""
        self.failures += 1
        if self.failures > _MAX_GET_RECORD_FAILURES or not concerns_one_record(error):
            raise as_harvest_failure(error) from error
        self.repository.client.skipped_pages.add(error)

    def _identified_records(self, listing: etree._Element, limit: int | None) -> ListPage:
        """Request the record of each header; those that the server cannot return are skipped by identifier."""
        headers = _Headers(self.feed, self.repository.oai_namespace)
        pages = []
        for header in islice(listing.iterchildren(headers.header_tag), limit):
            identifier = headers.identifier(header)
            if headers.is_deleted(header) or is_excluded(headers.sets(header), self.feed):
                pages.append(ListPage(records=[headers.source_record(header, identifier, None)]))
            else:
                pages.append(self.get(identifier))
        return ListPage(
            records=[record for page in pages for record in page.records],
            skipped=tuple(skipped for page in pages for skipped in page.skipped),
            raw=tuple(raw for page in pages for raw in page.raw),
        )

    def _listed_records(self, listing: etree._Element) -> ListPage:
        """Read each record element; those without an identifier are skipped, and their text is kept.

        The payload is the <record> element with its metadata and about, without the header.
        """
        headers = _Headers(self.feed, self.repository.oai_namespace)
        elements = list(listing.iterchildren(headers.record_tag))
        results = read_each(elements, headers.read, headers.describe, "")
        records, skipped, raw = split_results(results)
        return ListPage(records=records, skipped=skipped, raw=raw)


class _Headers:
    """Reads record headers of one response."""

    def __init__(self, feed: Feed, ns: str) -> None:
        self._feed = feed
        self._harvested_at = format_datestamp(datetime.now(UTC), days=False)
        self.record_tag, self.header_tag = f"{ns}record", f"{ns}header"
        self._metadata_tag = f"{ns}metadata"
        self._identifier_tag, self._datestamp_tag, self._set_tag = f"{ns}identifier", f"{ns}datestamp", f"{ns}setSpec"

    def read(self, element: etree._Element) -> Result:
        """Return the record of an element, or why it cannot be read."""
        header = element.find(self.header_tag)
        identifier = "" if header is None else self.identifier(header)
        if header is None or not identifier:
            datestamp = None if header is None else self.datestamp(header)
            result = unreadable(None, _NO_IDENTIFIER, "", etree.tostring(element, encoding="UTF-8"))
            return replace(result, skipped=replace(result.skipped, window=_window_of(datestamp)))
        payload = None
        if not self.is_deleted(header) and not self.is_deleted(element) and not self._is_deleted_inside(element):
            element.remove(header)
            payload = etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False)
        return self.source_record(header, identifier, payload)

    def describe(self, element: etree._Element) -> tuple[str | None, bytes]:
        """Return the identifier and the text of an element that could not be read."""
        header = element.find(self.header_tag)
        return (None if header is None else self.identifier(header) or None), etree.tostring(element, encoding="UTF-8")

    def identifier(self, header: etree._Element) -> str:
        return (header.findtext(self._identifier_tag) or "").strip()

    def datestamp(self, header: etree._Element) -> str | None:
        text = header.findtext(self._datestamp_tag)
        return text.strip() if text else None

    def sets(self, header: etree._Element) -> tuple[str, ...]:
        return tuple([(spec.text or "").strip() for spec in header.iterchildren(self._set_tag)])

    @staticmethod
    def is_deleted(element: etree._Element) -> bool:
        """Return whether a header is of a deleted record; some servers write it in capitals, or on the record."""
        return (element.get("status") or "").strip().lower() == "deleted"

    def _is_deleted_inside(self, element: etree._Element) -> bool:
        """Return whether the metadata itself says that the record is deleted: on its root, or in MARC's leader.

        Position 5 of the leader is the record's status (https://www.loc.gov/marc/bibliographic/bdleader.html).
        """
        metadata = element.find(self._metadata_tag)
        root = None if metadata is None else next(metadata.iterchildren(etree.Element), None)
        if root is None:
            return False
        leader = root.findtext("{*}leader") or root.findtext("{*}record/{*}leader") or ""
        return self.is_deleted(root) or leader.strip()[5:6] == "d"

    def source_record(self, header: etree._Element, identifier: str, payload: bytes | None) -> SourceRecord:
        """Build the record; it is a deleted one if `payload` is None."""
        return SourceRecord(
            feed=self._feed.name,
            identifier=identifier,
            format=self._feed.format,
            datestamp=self.datestamp(header),
            sets=self.sets(header),
            deleted=payload is None,
            payload=None if payload is None else payload.decode(),
            sha256=None if payload is None else sha256(payload).hexdigest(),
            harvested_at=self._harvested_at,
        )


def is_excluded(sets: tuple[str, ...], feed: Feed) -> bool:
    """Return whether one of a record's sets is excluded by the feed, or lies beneath such a set (a:b beneath a)."""
    return any(name == excluded or name.startswith(f"{excluded}:") for name in sets for excluded in feed.exclude_sets)


def _skipped(identifier: str, reason: str, raw: tuple[RawResponse, ...] = ()) -> ListPage:
    return ListPage(raw=raw, skipped=(Skipped(identifier=identifier, reason=reason),))


def _window_of(datestamp: str | None) -> tuple[str, str] | None:
    """Return the window in which a record without an identifier can be requested again; None if it has no date."""
    if datestamp is None or not is_datestamp(datestamp):
        return None
    bound = format_datestamp(parse_datestamp(datestamp), days="T" not in datestamp)
    return bound, bound
