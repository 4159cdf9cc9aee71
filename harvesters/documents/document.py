"""Feeds that come as documents: asked for once, only when they changed, and given to landing in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from more_itertools import chunked

from harvesters.client import Client, Reply
from harvesters.lists import server_date
from harvesters.whole import require_as_many_as_before
from schemas import Ask, Base, Environment, Feed, Page, RawResponse, Skipped, SourceRecord

_Report = Callable[[int, int | None], None]
_IN_A_PAGE = 500  # records


class Broken(Base, frozen=True, kw_only=True):
    """A record that cannot be read, with its text."""

    skipped: Skipped
    raw: RawResponse | None = None


Read = SourceRecord | Broken
_Reader = Callable[[Feed, Reply, Client], Iterable[Read]]


def document(feed: Feed, ask: Ask, env: Environment, report: _Report, read: _Reader, *, whole: bool) -> Iterator[Page]:
    """The records of the document at the feed's url, as `harvesters.harvest` promises.

    `whole` says whether such a document lists everything, so that what is absent is gone. A document that is
    interrupted is asked for again from its beginning.
    """
    with Client(feed, ask, env) as client:
        method, body = feed.request.method, feed.request.body or None
        reply = client.send(feed.url, method=method, params=feed.request.params, body=body, conditional=True)
        if reply.status == 304:
            yield Page(complete=True, not_modified=True, validators=ask.validators)
            return
        yield from pages(read(feed, reply, client), feed, ask, client, report, server_date(reply), whole=whole)


def pages(
    found: Iterable[Read],
    feed: Feed,
    ask: Ask,
    client: Client,
    report: _Report,
    date: str | None,
    *,
    whole: bool,
    repeated: int = 0,
) -> Iterator[Page]:
    """Records in pages, then the complete one. Raises HarvestFailed.

    They are of one list and, as `schemas.source.Listing` counts, of one page; `repeated` is what was listed on two.
    """
    listed = 0
    for batch in chunked(found, _IN_A_PAGE):
        records = [one for one in batch if isinstance(one, SourceRecord)]
        broken = [one for one in batch if isinstance(one, Broken)]
        if ask.limit is not None:
            records = records[: max(0, ask.limit - listed)]
        listed += len(records) + len(broken)
        report(listed, None)
        notes, client.notes = tuple(client.notes), []
        yield Page(
            records=records,
            skipped=tuple(one.skipped for one in broken),
            raw=tuple(one.raw for one in broken if one.raw),
            notes=notes,
            full=whole,
            response_date=date,
        )
        if ask.limit is not None and listed >= ask.limit:
            return
    if whole:
        require_as_many_as_before(listed, feed, ask)
    yield Page(
        notes=tuple(client.notes),
        complete=True,
        full=whole,
        counted=listed,
        repeated=repeated,
        response_date=date,
        validators=dict(client.validators),
    )


def now() -> str:
    """The time at which a record is read, as SourceRecord wants it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
