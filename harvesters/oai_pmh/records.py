"""The records of one OAI-PMH page, word for word."""

from __future__ import annotations

from hashlib import sha256

from lxml import etree

from harvesters.datestamps import format_datestamp, parse_datestamp
from schemas import RawResponse, Skipped, SourceRecord


def source_records(
    listing: etree._Element, ns: str, feed: str, form: str, now: str
) -> tuple[list[SourceRecord], list[Skipped], list[RawResponse]]:
    """Every record of a list, header apart; those without an identifier are skipped and their text kept.

    The payload is the <record> element with its metadata and about; a deleted record has none.
    """
    records: list[SourceRecord] = []
    skipped: list[Skipped] = []
    raw: list[RawResponse] = []
    header_tag, identifier_tag, datestamp_tag, set_tag = (
        f"{ns}{name}" for name in ("header", "identifier", "datestamp", "setSpec")
    )
    for element in listing.iterchildren(f"{ns}record"):
        header = element.find(header_tag)
        identifier = None if header is None else (header.findtext(identifier_tag) or "").strip()
        if header is None or not identifier:
            reason = "a record without an identifier"
            said = "" if header is None else header.findtext(datestamp_tag) or ""
            skipped.append(Skipped(identifier=None, reason=reason, window=_window(said)))
            raw.append(RawResponse(url="", body=etree.tostring(element, encoding="UTF-8"), reason=reason))
            continue
        datestamp = header.findtext(datestamp_tag)
        deleted = is_deleted(header)
        payload = digest = None
        if not deleted:
            element.remove(header)
            text = etree.tostring(element, encoding="UTF-8", xml_declaration=False, with_tail=False)
            payload, digest = text.decode(), sha256(text).hexdigest()
        records.append(
            SourceRecord(
                feed=feed,
                identifier=identifier,
                format=form,
                datestamp=datestamp.strip() if datestamp else None,
                sets=tuple([(found.text or "").strip() for found in header.iterchildren(set_tag)]),
                deleted=deleted,
                payload=payload,
                sha256=digest,
                harvested_at=now,
            )
        )
    return records, skipped, raw


def is_deleted(header: etree._Element) -> bool:
    """Whether a header says that its record is deleted, in small letters as the protocol wants it or not."""
    return (header.get("status") or "").strip().lower() == "deleted"


def _window(datestamp: str) -> tuple[str, str] | None:
    """The window in which a record without a name can be asked for again; None when its datestamp is no date."""
    try:
        said = format_datestamp(parse_datestamp(datestamp), days="T" not in datestamp)
    except ValueError:
        return None
    return said, said


def _headers(listing: etree._Element, ns: str) -> list[tuple[str, bool]]:
    """Identifier and whether deleted, of every header of a ListIdentifiers page."""
    found = []
    for header in listing.iterchildren(f"{ns}header"):
        identifier = (header.findtext(f"{ns}identifier") or "").strip()
        if identifier:
            found.append((identifier, is_deleted(header)))
    return found


def deleted_record(header: etree._Element, ns: str, feed: str, form: str, now: str) -> SourceRecord:
    """The record of a header that says deleted."""
    datestamp = header.findtext(f"{ns}datestamp")
    return SourceRecord(
        feed=feed,
        identifier=(header.findtext(f"{ns}identifier") or "").strip(),
        format=form,
        datestamp=datestamp.strip() if datestamp else None,
        sets=tuple([(found.text or "").strip() for found in header.iterchildren(f"{ns}setSpec")]),
        deleted=True,
        harvested_at=now,
    )
