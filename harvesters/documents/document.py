"""Feeds that come as one document: requested once, only when it changed, and passed to landing in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from more_itertools import constrained_batches

from harvesters.client import Client, Reply
from harvesters.completeness import require_as_many_as_before
from harvesters.documents.inbox import INBOX, inbox_reply
from harvesters.lists import server_date
from harvesters.records import Result, UnreadableElement, split_results
from harvesters.repeats import SharedIdentifiers
from harvesters.unexpected import is_of_the_system, unexpected_response
from schemas import Ask, Environment, Feed, HarvestFailed, Page, Progress

_Reader = Callable[[Feed, Reply, Client], Iterable[Result]]
_PAGE_RECORDS = 500
_LIMITED_PAGE_RECORDS = 20  # of a limited harvest: what came is shown, also when a later page fails
_PAGE_BYTES = 16 * 1024 * 1024  # of records and of raw texts; a single larger one is a page by itself


def harvest_document(
    feed: Feed, ask: Ask, env: Environment, report: Progress, read: _Reader, *, whole: bool
) -> Iterator[Page]:
    """Yield the records that `read` finds in the document that the feed's url names, as `harvesters.harvest` promises.

    `whole` says whether such a document lists everything, so that an absent record is gone. A document whose harvest
    is interrupted is requested again from its beginning.
    """
    with Client(feed, ask, env) as client:
        reply = _document(feed, env, client)
        if reply.status == 304:
            yield not_modified(ask)
            return
        results = _readable(read(feed, reply, client), reply)
        yield from pages(results, feed, ask, client, report, server_date(reply), whole=whole)


def _document(feed: Feed, env: Environment, client: Client) -> Reply:
    if feed.traits.reads_inbox and feed.url.startswith(INBOX):
        return inbox_reply(feed, env)
    method, body = feed.request.method, feed.request.body or None
    return client.send(feed.url, method=method, params=feed.request.params, body=body, conditional=True)


def _readable(results: Iterable[Result], reply: Reply) -> Iterator[Result]:
    """Yield the records of a document. Raises RequestFailed, with the document, for any unexpected exception."""
    try:
        yield from results
    except HarvestFailed:
        raise
    except Exception as error:
        if is_of_the_system(error):
            raise
        raise unexpected_response(error, reply.url, reply.body) from error


def _bytes_of(result: Result) -> int:
    """Return about how much memory the text of a record takes."""
    if isinstance(result, UnreadableElement):
        return len(result.raw.body) if result.raw is not None else 0
    return len(result.payload or "")


def not_modified(ask: Ask) -> Page:
    """Return the complete page of a document that has not changed since the last harvest."""
    return Page(complete=True, not_modified=True, validators=ask.validators)


def pages(
    results: Iterable[Result],
    feed: Feed,
    ask: Ask,
    client: Client,
    report: Progress,
    date: str | None,
    *,
    whole: bool,
    repeated: int = 0,
) -> Iterator[Page]:
    """Yield records in pages, then the complete page. Raises HarvestFailed.

    All of them are one page of one list, as `schemas.Listing` counts; `repeated` is how many were listed on two.
    `date` is the server's clock at the first response.
    """
    listed, shared = 0, SharedIdentifiers()
    count = _PAGE_RECORDS if ask.limit is None else 1 if feed.traits.requests_each_record else _LIMITED_PAGE_RECORDS
    for batch in constrained_batches(results, _PAGE_BYTES, count, get_len=_bytes_of, strict=False):
        records, skipped, raw = split_results(batch)
        if ask.limit is not None:
            records = records[: max(0, ask.limit - listed)]
        listed += len(records) + len(skipped)
        shared.add(records)
        report(listed, None)
        notes, client.notes = tuple(client.notes), []
        yield Page(records=records, skipped=skipped, raw=raw, notes=notes, full=whole, response_date=date)
        if ask.limit is not None and listed >= ask.limit:
            return
    if whole and ask.limit is None:
        require_as_many_as_before(listed, feed, ask)
    yield Page(
        notes=(*client.notes, *shared.notes()),
        complete=True,
        full=whole,
        counted=listed,
        repeated=repeated,
        response_date=date,
        validators=dict(client.validators),
    )
