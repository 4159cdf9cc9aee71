"""One page of a list as the server answered it: its elements, or what could be saved of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from lxml import etree

from harvesters.causes import failed, unreadable_response
from harvesters.client import Client, Reply
from harvesters.lists import xml_records
from harvesters.lists.details import detailed_records
from harvesters.lists.json_records import (
    ListMissing,
    NotJson,
    elements,
    identifier_of_broken,
    other_encoding,
    source_records,
)
from harvesters.lists.json_recovery import recover_elements
from harvesters.lists.paging import Position, list_size
from harvesters.records import Result
from harvesters.web_pages import html_cause, is_html
from schemas import Feed, RawResponse, Skipped

_BEFORE_MARKUP = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True)
class Answer:
    """The elements of one page."""

    reply: Reply
    texts: list[msgspec.Raw]
    root: etree._Element | None = None  # of an XML response
    recovered: bool = False  # it was not valid JSON, and its valid elements were taken
    skipped: tuple[Skipped, ...] = ()  # the other elements
    raw: tuple[RawResponse, ...] = ()


def read_answer(reply: Reply, feed: Feed, position: Position, notes: list[str]) -> Answer:
    """Return the page's elements. A page that is not valid JSON is cut at its elements, and kept as it came.

    Adds to `notes` how it had to be read. Raises HarvestFailed; RequestFailed, with the response, if nothing of it can
    be read.
    """
    reply = _in_utf8(reply, notes)
    path = feed.request.records_path
    if reply.body.lstrip(_BEFORE_MARKUP)[:1] == b"<" and not is_html(reply.body):
        root, xml_notes = xml_records.parse_response(reply.body, feed.url)
        notes += xml_notes
        return Answer(reply, [msgspec.Raw(text) for text in xml_records.elements(root, path)], root)
    try:
        return Answer(reply, elements(reply.body, path))
    except ListMissing:
        total = list_size(feed.request, reply, None, position)
        if total is None or position.listed < total:
            raise
        return Answer(reply, [])  # some servers leave the list out behind its end
    except NotJson as error:
        return _recover(reply, feed, error)


def answer_results(answer: Answer, feed: Feed, client: Client) -> list[Result]:
    """Return the record of every element, requested at its own address where the feed file says so."""
    if feed.request.detail_url:
        return list(detailed_records(feed, client, answer.texts))
    if answer.root is not None:
        return [xml_records.source_record(bytes(text), feed, feed.url) for text in answer.texts]
    return source_records(answer.texts, feed, feed.url)


def _recover(reply: Reply, feed: Feed, error: NotJson) -> Answer:
    cause, page = html_cause(reply.body, "bad_format")
    if page:
        raise failed(cause, f"{feed.url} answers with {page} instead of JSON") from error
    recovered = recover_elements(reply.body, feed.request.records_path)
    if recovered is None:
        problem = f"{feed.url} sends a response that is not valid JSON ({error})"
        raise unreadable_response("malformed", problem, feed.url, reply.body) from error
    valid, invalid = recovered
    reason = f"not valid JSON: {error}"
    skipped = tuple(Skipped(identifier=identifier_of_broken(text, feed), reason=reason) for text in invalid)
    raw = RawResponse(url=feed.url, body=reply.body, reason=str(error))
    return Answer(reply, valid, recovered=True, skipped=skipped, raw=(raw,))


def _in_utf8(reply: Reply, notes: list[str]) -> Reply:
    """Return the reply in UTF-8, which JSON should be in."""
    encoding = other_encoding(reply.body, reply.headers.get("content-type", ""))
    if encoding is None:
        return reply
    notes.append(f"the server sends JSON in {encoding}")
    return replace(reply, body=reply.body.decode(encoding).encode())
