"""Records of a JSON response: each one's own text, exactly, and the few fields that identify it.

A path is keys with dots between them; a number is the index of a list element.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from harvesters.causes import failed
from harvesters.encodings import charset, decodes
from harvesters.records import Result, build_record, unreadable
from schemas import Feed, HarvestFailed

_NUL = "\x00"  # JSON can hold it, PostgreSQL cannot: one such identifier would end the load of the whole feed
_BOM = b"\xef\xbb\xbf"
# https://www.rfc-editor.org/rfc/rfc4627#section-3: JSON begins with ASCII, which has zeros in UTF-16
_UTF_16_STARTS = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    **{bracket.encode("utf-16-le"): "utf-16-le" for bracket in "[{"},
}


class NotJson(Exception):
    """The body is not valid JSON; the message says where."""


class ListMissing(HarvestFailed):
    """The response is JSON and has no list where the feed file says."""


def other_encoding(body: bytes, content_type: str) -> str | None:
    """Return the encoding of a JSON response that is not UTF-8, by its first bytes or its header; else None."""
    for start, encoding in _UTF_16_STARTS.items():
        if body.startswith(start):
            return encoding
    from_header = charset(content_type)
    if from_header and not body.isascii() and not decodes(body, "utf-8") and decodes(body, from_header):
        return from_header
    return None


def elements(body: bytes, path: str) -> list[msgspec.Raw]:
    """Return the elements of the list at a path. Raises NotJson; HarvestFailed if there is no list."""
    text = raw_at(msgspec.Raw(body.removeprefix(_BOM)), path)
    if text is None:
        failure = failed("bad_format", f"the answer has nothing at records_path {path!r}")
        raise ListMissing(failure.cause, failure.sentence, again=failure.again)
    if path and bytes(text).strip() == b"null":
        return []
    try:
        return msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise failed("bad_format", f"what is at records_path {path!r} is not a list") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(str(error)) from error


def raw_at(text: msgspec.Raw, path: str) -> msgspec.Raw | None:
    """Return the text of the value at a path, None if there is none. Raises NotJson."""
    for part in path.split(".") if path else ():
        try:
            if part.isdigit():
                members: dict[Any, msgspec.Raw] = dict(enumerate(msgspec.json.decode(text, type=list[msgspec.Raw])))
                member = members.get(int(part))
            else:
                member = msgspec.json.decode(text, type=dict[str, msgspec.Raw]).get(part)
        except msgspec.ValidationError:
            return None
        except (msgspec.DecodeError, RecursionError) as error:
            raise NotJson(str(error)) from error
        if member is None:
            return None
        text = member
    return text


def value_at(text: msgspec.Raw, path: str) -> Any:
    """Return the value at a path, None if there is none. Raises NotJson."""
    raw = raw_at(text, path)
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(str(error)) from error


def identifier_of(text: msgspec.Raw, paths: Sequence[str]) -> str | None:
    """Return the fields that form a record's identifier, joined by |; None if one is missing or empty."""
    parts = [value_at(text, path) for path in paths]
    if any(part is None or part == "" or isinstance(part, dict | list) for part in parts):
        return None
    return "|".join(str(part) for part in parts).strip() or None


def identifier_of_broken(text: bytes, feed: Feed) -> str | None:
    """Return the identifier of an element that is not valid JSON; None if it is not certain.

    A wrong identifier would hide another record. Only bare control characters and half a surrogate pair are accepted
    (RFC 8259, 7 and 8.2), the half as "?".
    """
    try:
        mended = json.dumps(json.loads(text, strict=False), ensure_ascii=False).encode("utf-8", "replace")
        return identifier_of(_record_in(msgspec.Raw(mended), feed), feed.identifier)
    except (ValueError, NotJson, RecursionError):
        return None


def nameless_reason(feed: Feed) -> str:
    """Return the reason why a record without its identifier is skipped."""
    return f"a record without {' and '.join(feed.identifier)}"


def source_record(element: msgspec.Raw, feed: Feed, url: str, identifier: str | None = None) -> Result:
    """Return an element as a record with its own text as payload.

    `identifier` is given where it is not in the record; `url` is where the element comes from.
    """
    payload = bytes(element)
    try:
        payload.decode("utf-8")
        name = identifier or identifier_of(element, feed.identifier)
        stamp = value_at(element, feed.request.datestamp_path) if feed.request.datestamp_path else None
    except (NotJson, UnicodeDecodeError) as error:
        return unreadable(identifier, f"not readable: {error}", url, payload)
    if name is None:
        return unreadable(None, nameless_reason(feed), url, payload)
    if _NUL in f"{name}{stamp}":
        reason = f"the identifier {name!r} or the datestamp {stamp!r} cannot be stored"
        return unreadable(None, reason, url, payload)
    return build_record(feed, name, payload, datestamp=None if stamp is None else str(stamp))


def source_records(list_elements: list[msgspec.Raw], feed: Feed, url: str) -> list[Result]:
    """Return the record inside every element of a list."""
    return [source_record(_record_in(element, feed), feed, url) for element in list_elements]


def _record_in(element: msgspec.Raw, feed: Feed) -> msgspec.Raw:
    """Return the record inside an element of the list; the element itself if there is none. Raises NotJson."""
    inner = raw_at(element, feed.request.record_path) if feed.request.record_path else None
    return element if inner is None else inner
