"""One page of a list as its server answered it, opened: its elements, or what is left of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
from lxml import etree

from harvesters.causes import failed, unreadable_response
from harvesters.client import Client, Reply
from harvesters.lists import json_recovery as json_recover
from harvesters.lists import xml_records
from harvesters.lists.details import details
from harvesters.lists.json_records import (
    NothingThere,
    NotJson,
    elements,
    seen_identifier,
    source_records,
    told_encoding,
)
from harvesters.lists.paging import Place, list_size
from harvesters.web_pages import html_cause, is_html
from schemas import Feed, RawResponse, Skipped, SourceRecord


@dataclass(frozen=True)
class Answer:
    """One page's elements, or what is left of them."""

    reply: Reply
    texts: list[msgspec.Raw]
    skipped: tuple[Skipped, ...] = ()
    raw: tuple[RawResponse, ...] = ()
    root: etree._Element | None = None  # when the answer is XML
    mended: bool = False  # it was not JSON, and what could be read of it was taken


def read_answer(reply: Reply, feed: Feed, place: Place, notes: list[str]) -> Answer:
    """The page's elements; what is not JSON is cut at its elements, and the page kept as it came.

    `notes` gathers what had to be done to read it. Raises HarvestFailed; RequestFailed, with the page, when nothing of
    it can be read.
    """
    reply = _in_utf8(reply, notes)
    path = feed.request.records_path
    if reply.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" and not is_html(reply.body):
        root, note = xml_records.root_of(reply.body, feed.url)
        notes += note
        return Answer(reply, [msgspec.Raw(text) for text in xml_records.elements(root, path)], root=root)
    try:
        return Answer(reply, elements(reply.body, path))
    except NothingThere:
        if _nothing_is_left(reply, feed, place):
            return Answer(reply, [])
        raise
    except NotJson as error:
        return _recovered(reply, feed, error)


def answer_records(
    answer: Answer, feed: Feed, client: Client
) -> tuple[list[SourceRecord], tuple[Skipped, ...], tuple[RawResponse, ...]]:
    """The records of an answer's elements, what is skipped, and the text of that; asks for details where need be."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if feed.request.detail_url:
        return details(feed, client, answer.texts, now)
    if answer.root is not None:
        return xml_records.source_records([bytes(text) for text in answer.texts], feed, now, feed.url)
    return source_records(answer.texts, feed, now, feed.url)


def _recovered(reply: Reply, feed: Feed, error: NotJson) -> Answer:
    cause, what = html_cause(reply.body, "bad_format")
    if what:
        raise failed(cause, f"{feed.url} answers with {what} instead of JSON") from error
    saved = json_recover.saved(reply.body, feed.request.records_path)
    if saved is None:
        sentence = f"{feed.url} sends what is not JSON ({error})"
        raise unreadable_response("malformed", sentence, feed.url, reply.body) from error
    good, bad = saved
    skipped = tuple(Skipped(identifier=seen_identifier(text, feed), reason=f"not JSON: {error}") for text in bad)
    raw = RawResponse(url=feed.url, body=reply.body, reason=str(error))
    return Answer(reply, good, skipped, (raw,), mended=True)


def _in_utf8(reply: Reply, notes: list[str]) -> Reply:
    """JSON is UTF-8; what comes in another encoding that is told is turned into it."""
    encoding = told_encoding(reply.body, reply.headers.get("content-type", ""))
    if encoding is None:
        return reply
    notes.append(f"the server sends JSON in {encoding}")
    return replace(reply, body=reply.body.decode(encoding).encode())


def _nothing_is_left(reply: Reply, feed: Feed, place: Place) -> bool:
    """Whether an answer that leaves out its list says that the list has no more than it gave."""
    total = list_size(feed.request, reply, None, place)
    return total is not None and place.listed >= total
