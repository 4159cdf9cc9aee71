"""Records of a JSON response: each one's own text, exactly, and the few fields that identify it.

A path is keys with dots between them; a number is the index of a list element, too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from harvesters.causes import RequestFailed, failed
from harvesters.encodings import charset, decodes
from harvesters.records import Result, build_record, unreadable
from harvesters.unexpected import read_each
from schemas import Feed, RawResponse

_REPLACED = "\ufffd"
_NUL = "\x00"  # JSON can hold it, PostgreSQL cannot: one such identifier would end the load of the whole feed
BOM = b"\xef\xbb\xbf"
# https://www.rfc-editor.org/rfc/rfc4627#section-3: JSON begins with ASCII, which has zeros in UTF-16
_UTF_16_STARTS = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    **{bracket.encode("utf-16-le"): "utf-16-le" for bracket in "[{"},
}
# a key that is not UTF-8 raises UnicodeDecodeError
_DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NOT_A_LIST = "what is at records_path {!r} is not a list"
_ERRORS = frozenset({"error", "errors", "exception", "fault"})  # names of what a server says went wrong
_NO_ERROR = frozenset({b"null", b"false", b"0", b'""', b"[]", b"{}"})
_MAX_ERROR_CHARS = 300
_MAX_NAMES = 10
_LINE_MARKS = b" \t\r\n\x1e"


class NotJson(Exception):
    """The body is not valid JSON; the message says where."""


class ListMissing(RequestFailed):
    """The response is JSON or XML and has no list where the feed file says."""


def other_encoding(body: bytes, content_type: str) -> str | None:
    """Return the encoding of a JSON response that is not UTF-8, by its first bytes or its header; else None."""
    for start, encoding in _UTF_16_STARTS.items():
        if body.startswith(start):
            return encoding
    from_header = charset(content_type)
    if from_header and not body.isascii() and not decodes(body, "utf-8") and decodes(body, from_header):
        return from_header
    return None


def elements(body: bytes, path: str, feed: Feed | None = None) -> list[msgspec.Raw]:
    """Return the elements of the list at a path. Raises NotJson; HarvestFailed if there is no list.

    With `feed`, an object there counts, too, if it is one of its records, or holds them by name.
    """
    text = raw_at(msgspec.Raw(body.removeprefix(BOM)), path)
    if text is None:
        raise list_missing(f"the answer has nothing at records_path {path!r}{_members_found(body)}", body)
    if path and is_null_at(body, path):
        return []
    try:
        return msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        if feed is None:
            raise failed("bad_format", _NOT_A_LIST.format(path)) from error
        return _elements_of_object(text, path, feed)
    except _DECODE_ERRORS as error:
        raise NotJson(str(error)) from error


def _elements_of_object(text: msgspec.Raw, path: str, feed: Feed) -> list[msgspec.Raw]:
    """Return the one record that an object is, or the records that it holds by name. Raises HarvestFailed for others.

    Converters from XML give one result as an object; PHP gives a list whose numbers have gaps as one. Beside records
    with names of their own there may be plain values, such as their number.
    """
    if _is_named(text, feed):
        return [text]
    members = {name: value for name, value in _members(text).items() if bytes(value) != b"null"}
    if path and not members:
        raise list_missing(_NOT_A_LIST.format(path), bytes(text))
    records = _records_by_name(members, feed)
    if not records:
        raise failed("bad_format", _NOT_A_LIST.format(path))
    return records


def _records_by_name(members: dict[str, msgspec.Raw], feed: Feed) -> list[msgspec.Raw]:
    """Return the objects among an object's members if they are records; none if they are not, or it is an error."""
    objects = [value for value in members.values() if is_object(value)]
    named = [_is_named(value, feed) for value in objects]
    has_lists = any(bytes(memoryview(value)[:1]) == b"[" for value in members.values())
    are_records = any(named) if len(objects) == len(members) else all(named)
    return objects if are_records and not has_lists and _ERRORS.isdisjoint(members) else []


def error_in(body: bytes) -> str:
    """Return what a JSON object says went wrong, shortened; empty if it says nothing or is none. Raises NotJson."""
    members = _members(msgspec.Raw(body))
    texts = (bytes(value).strip() for name, value in members.items() if name.lower() in _ERRORS)
    text = next((text for text in texts if text not in _NO_ERROR), b"")
    return text.decode("utf-8", "replace")[:_MAX_ERROR_CHARS]


def _members_found(body: bytes) -> str:
    names = list(_members(msgspec.Raw(body)))[:_MAX_NAMES]
    return f"; it has {', '.join(names)}" if names else ""


def is_object(element: msgspec.Raw) -> bool:
    """Return whether an element's text begins as an object's."""
    return bytes(memoryview(element)[:1]) == b"{"


def _is_named(element: msgspec.Raw, feed: Feed) -> bool:
    return identifier_of(_record_in(element, feed), feed.identifier) is not None


def list_missing(what: str, body: bytes, url: str = "") -> ListMissing:
    """Return the failure of a response without a list; it carries the response for landing."""
    failure = failed("bad_format", what)
    missing = ListMissing(failure.cause, failure.sentence, again=failure.again)
    missing.raw = (RawResponse(url=url, body=body, reason=what),)
    return missing


def element_lines(body: bytes) -> tuple[list[msgspec.Raw], list[bytes]] | None:
    """Return the objects of newline-delimited JSON, and its lines that are none; None if most lines are none.

    https://github.com/ndjson/ndjson-spec and RFC 7464, whose records begin with a record separator.
    """
    lines = [line for line in (line.strip(_LINE_MARKS) for line in body.removeprefix(BOM).split(b"\n")) if line]
    valid: list[msgspec.Raw] = []
    invalid: list[bytes] = []
    for line in lines:
        try:
            msgspec.json.decode(line, type=dict[str, Any])
            valid.append(msgspec.Raw(line))
        except _DECODE_ERRORS:
            invalid.append(line)
    return (valid, invalid) if len(lines) > 1 and len(valid) > len(invalid) else None


def raw_at(text: msgspec.Raw, path: str) -> msgspec.Raw | None:
    """Return the text of the value at a path, None if there is none. Raises NotJson.

    A key may hold dots itself; where both are there, keys inside one another win.
    """
    return _descend(text, path.split(".") if path else [])


def _descend(text: msgspec.Raw, parts: list[str]) -> msgspec.Raw | None:
    if not parts:
        return text
    members = _members(text, indexed=parts[0].isdecimal())
    for count in range(1, len(parts) + 1):
        member = members.get(".".join(parts[:count]))
        value = None if member is None else _descend(member, parts[count:])
        if value is not None:
            return value
    return None


def _members(text: msgspec.Raw, *, indexed: bool = False) -> dict[str, msgspec.Raw]:
    """Return the members of an object by key, or those of a list by number where `indexed`; else none."""
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        if not indexed:
            return {}
    except _DECODE_ERRORS as error:
        raise NotJson(str(error)) from error
    try:
        listed = msgspec.json.decode(text, type=list[msgspec.Raw])
        return {str(number): member for number, member in enumerate(listed)}
    except msgspec.ValidationError:
        return {}
    except _DECODE_ERRORS as error:
        raise NotJson(str(error)) from error


def is_null_at(body: bytes, path: str) -> bool:
    """Return whether a JSON response has null at a path. Raises NotJson."""
    text = raw_at(msgspec.Raw(body.removeprefix(BOM)), path)
    return text is not None and bytes(text).strip() == b"null"


def value_at(text: msgspec.Raw, path: str) -> Any:
    """Return the value at a path, None if there is none. Raises NotJson."""
    raw = raw_at(text, path)
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except _DECODE_ERRORS as error:
        raise NotJson(str(error)) from error


def identifier_of(text: msgspec.Raw, paths: Sequence[str]) -> str | None:
    """Return the fields that form a record's identifier, joined by |; None if one is missing or empty."""
    parts = [value_at(text, path) for path in paths]
    if any(part is None or part == "" or isinstance(part, dict | list) for part in parts):
        return None
    return "|".join(str(part) for part in parts).strip() or None


def identifier_of_broken(text: bytes, feed: Feed) -> str | None:
    """Return the identifier of an element that is not valid JSON; None if it is not certain.

    A wrong identifier would hide another record. Only bare control characters, half a surrogate pair (RFC 8259, 7 and
    8.2), as "?", and bytes elsewhere that are not UTF-8 are accepted.
    """
    try:
        readable = json.loads(text.decode("utf-8", "replace"), strict=False)
        mended = json.dumps(readable, ensure_ascii=False).encode("utf-8", "replace")
        identifier = identifier_of(_record_in(msgspec.Raw(mended), feed), feed.identifier)
    except (ValueError, NotJson, RecursionError):
        return None
    return None if identifier is None or _REPLACED in identifier else identifier


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
        return unreadable(identifier or identifier_of_broken(payload, feed), f"not readable: {error}", url, payload)
    if name is None:
        return unreadable(None, nameless_reason(feed), url, payload)
    if _NUL in f"{name}{stamp}":
        reason = f"the identifier {name!r} or the datestamp {stamp!r} cannot be stored"
        return unreadable(None, reason, url, payload)
    return build_record(feed, name, payload, datestamp=None if stamp is None else str(stamp))


def source_records(list_elements: list[msgspec.Raw], feed: Feed, url: str) -> list[Result]:
    """Return the record inside every element of a list; one that cannot be read is skipped."""
    results = read_each(
        list_elements,
        lambda element: _inner_record(element, feed, url),
        lambda element: (identifier_of_broken(bytes(element), feed), bytes(element)),
        url,
    )
    return list(results)


def _inner_record(element: msgspec.Raw, feed: Feed, url: str) -> Result:
    try:
        return source_record(_record_in(element, feed), feed, url)
    except NotJson as error:
        return unreadable(identifier_of_broken(bytes(element), feed), f"not readable: {error}", url, bytes(element))


def _record_in(element: msgspec.Raw, feed: Feed) -> msgspec.Raw:
    """Return the record inside an element of the list; the element itself if there is none. Raises NotJson."""
    inner = raw_at(element, feed.request.record_path) if feed.request.record_path else None
    return element if inner is None else inner
