"""One page of a list as the server answered it: its elements, or what could be saved of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from lxml import etree

from harvesters.causes import failed, unreadable_response
from harvesters.client import Client, Reply
from harvesters.evenly import evenly
from harvesters.lists import xml_records
from harvesters.lists.details import detailed_records
from harvesters.lists.json_records import (
    BOM,
    ListMissing,
    NotJson,
    element_lines,
    elements,
    error_in,
    identifier_of_broken,
    is_null_at,
    list_missing,
    other_encoding,
    source_records,
)
from harvesters.lists.json_recovery import recover_elements, recover_frame
from harvesters.lists.paging import NO_CONTENT, Position, list_size
from harvesters.records import Result
from harvesters.unexpected import read_each
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
    has_list: bool = True  # False where the response has nothing, or null, in place of a list


def read_answer(reply: Reply, feed: Feed, position: Position, notes: list[str]) -> Answer:
    """Return the page's elements. A page that is not valid JSON is cut at its elements, and kept as it came.

    Adds to `notes` how it had to be read. Raises HarvestFailed; RequestFailed, with the response, if nothing of it can
    be read.
    """
    if reply.status in NO_CONTENT:
        return Answer(reply, [])
    reply = _in_utf8(reply, notes)
    if reply.body.lstrip(_BEFORE_MARKUP)[:1] == b"<" and not is_html(reply.body):
        root, xml_notes = xml_records.parse_response(reply.body, feed.url)
        notes += xml_notes
        return _read_xml(reply, root, feed, position)
    try:
        return _read_json(reply, feed, position)
    except NotJson as error:
        return _read_lines(reply, feed) or _recover(reply, feed, error)


def _read_xml(reply: Reply, root: etree._Element, feed: Feed, position: Position) -> Answer:
    """Return the elements of an XML response. Raises ListMissing for another document than that of a list."""
    texts = [msgspec.Raw(text) for text in xml_records.elements(root, feed.request.records_path)]
    if texts or _is_behind_end(reply, root, feed, position):
        return Answer(reply, texts, root)
    if problem := xml_records.problem_of(root, feed.request.records_path, first=position.pages == 0):
        raise list_missing(f"{feed.url} {problem}", reply.body, feed.url)
    return Answer(reply, [], root, has_list=False)


def _read_json(reply: Reply, feed: Feed, position: Position) -> Answer:
    """Return the elements of a JSON response. Raises ListMissing if it has an error instead; NotJson."""
    try:
        texts = elements(reply.body, feed.request.records_path, feed)
    except ListMissing:
        if _is_behind_end(reply, None, feed, position):
            return Answer(reply, [])
        raise
    if texts or _is_behind_end(reply, None, feed, position):
        return Answer(reply, texts)
    if error := error_in(reply.body):
        raise list_missing(f"{feed.url} answers with an error and no record: {error}", reply.body, feed.url)
    return Answer(reply, [], has_list=not is_null_at(reply.body, feed.request.records_path))


def _is_behind_end(reply: Reply, root: etree._Element | None, feed: Feed, position: Position) -> bool:
    """Whether all that the list promises was listed: some servers leave the list out behind its end."""
    total = list_size(feed.request, reply, root, position)
    return total is not None and position.listed >= total and not position.is_floor


def _read_lines(reply: Reply, feed: Feed) -> Answer | None:
    """Return the elements of newline-delimited JSON; None if it is none."""
    lines = None if feed.request.records_path else element_lines(reply.body)
    if lines is None:
        return None
    valid, invalid = lines
    reason = "the line is not a JSON object"
    skipped = tuple(Skipped(identifier=identifier_of_broken(text, feed), reason=reason) for text in invalid)
    raw = tuple(RawResponse(url=feed.url, body=text, reason=reason) for text in invalid)
    return Answer(replace(reply, body=b"{}"), valid, recovered=bool(invalid), skipped=skipped, raw=raw)


def answer_results(
    answer: Answer, feed: Feed, client: Client, *, first: bool, limit: int | None = None
) -> list[Result]:
    """Return the record of every element, requested at its own address where the feed file says so.

    `first` says whether no page was read before; of records that are requested each, no more than `limit` are.
    """
    if feed.request.detail_url:
        chosen = answer.texts if limit is None else list(evenly(answer.texts, limit))
        return list(detailed_records(feed, client, chosen, first=first))
    if answer.root is not None:
        texts = map(bytes, answer.texts)
        read = read_each(
            texts, lambda text: xml_records.source_record(text, feed, feed.url), lambda text: (None, text), feed.url
        )
        return list(read)
    return source_records(answer.texts, feed, feed.url)


def _recover(reply: Reply, feed: Feed, error: NotJson) -> Answer:
    cause, page = html_cause(reply.body, "bad_format")
    if page:
        raise failed(cause, f"{feed.url} answers with {page} instead of JSON") from error
    recovered = recover_elements(reply.body, feed.request.records_path)
    if recovered is None:
        problem = f"{feed.url} sends a response that is not valid JSON ({error})"
        raise unreadable_response("malformed", problem, feed.url, reply.body) from error
    frame = recover_frame(reply.body, feed.request.records_path)
    if frame is None and feed.request.paging == "cursor":
        problem = (
            f"{feed.url} sends a response that is not valid JSON, so that its next cursor cannot be read ({error})"
        )
        raise unreadable_response("malformed", problem, feed.url, reply.body) from error
    valid, invalid = recovered
    reason = f"not valid JSON: {error}"
    skipped = tuple(Skipped(identifier=identifier_of_broken(text, feed), reason=reason) for text in invalid)
    raw = RawResponse(url=feed.url, body=reply.body, reason=str(error))
    framed = replace(reply, body=frame or b"{}")
    return Answer(framed, valid, recovered=True, skipped=skipped, raw=(raw,))


def _in_utf8(reply: Reply, notes: list[str]) -> Reply:
    """Return the reply in UTF-8, which JSON should be in."""
    encoding = other_encoding(reply.body, reply.headers.get("content-type", ""))
    if encoding is None:
        return replace(reply, body=reply.body.removeprefix(BOM))
    notes.append(f"the server sends JSON in {encoding}")
    return replace(reply, body=reply.body.decode(encoding).encode())
