"""What becomes of each element of a list or document: a source record, or a reason why it cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

from schemas import Base, Feed, RawResponse, Skipped, SourceRecord


class UnreadableElement(Base, frozen=True, kw_only=True):
    """A record that cannot be read, with its text where there is any."""

    skipped: Skipped
    raw: RawResponse | None = None


Result = SourceRecord | UnreadableElement


def build_record(
    feed: Feed, identifier: str, payload: bytes, *, format_: str | None = None, datestamp: str | None = None
) -> SourceRecord:
    """Return the record with that text, which is UTF-8, harvested now; the feed's format is the default.

    Raises UnicodeEncodeError for an identifier that no store can hold.
    """
    identifier.encode()
    return SourceRecord(
        feed=feed.name,
        identifier=identifier,
        format=feed.format if format_ is None else format_,
        datestamp=datestamp,
        payload=payload.decode(),
        sha256=sha256(payload).hexdigest(),
        harvested_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )


def unreadable(identifier: str | None, reason: str, url: str = "", body: bytes | None = None) -> UnreadableElement:
    """Return a record that cannot be read, for that reason; `body` is kept in landing, as coming from `url`."""
    reason = reason.encode("utf-8", "replace").decode()
    identifier = None if identifier is None else identifier.encode("utf-8", "replace").decode()
    raw = None if body is None else RawResponse(url=url, body=body, reason=reason)
    return UnreadableElement(skipped=Skipped(identifier=identifier, reason=reason), raw=raw)


def split_results(
    results: Iterable[Result],
) -> tuple[list[SourceRecord], tuple[Skipped, ...], tuple[RawResponse, ...]]:
    """Return the records, what was skipped, and the texts of that, as a Page takes them."""
    records: list[SourceRecord] = []
    skipped: list[Skipped] = []
    raw: list[RawResponse] = []
    for result in results:
        if isinstance(result, SourceRecord):
            records.append(result)
            continue
        skipped.append(result.skipped)
        if result.raw is not None:
            raw.append(result.raw)
    return records, tuple(skipped), tuple(raw)
