"""Records of a JSON answer: each one's own text, exactly, and the few fields that name it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec

from harvesters.causes import failed
from harvesters.encodings import charset, decodes
from schemas import Feed, HarvestFailed, RawResponse, Skipped, SourceRecord

_NUL = "\x00"  # JSON can hold it, PostgreSQL cannot: one such name would end the load of the whole feed
_BOM = b"\xef\xbb\xbf"
# https://www.rfc-editor.org/rfc/rfc4627#section-3: the zeros of the first two characters, which are ASCII
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", **{f"{a}".encode("utf-16-le"): "utf-16-le" for a in "[{"}}


class NotJson(Exception):
    """The body is no JSON; the message says where."""


class NothingThere(HarvestFailed):
    """The answer is JSON and lacks the list."""


def told_encoding(body: bytes, content_type: str) -> str | None:
    """The encoding of a JSON answer that is not UTF-8, by its first bytes or its header; None for UTF-8 or untold."""
    for mark, wide in _WIDE.items():
        if body.startswith(mark):
            return wide
    said = charset(content_type)
    return said if said and not body.isascii() and not decodes(body, "utf-8") and decodes(body, said) else None


def elements(body: bytes, path: str) -> list[msgspec.Raw]:
    """The elements of the list that lies at a path of dots. Raises NotJson, HarvestFailed when nothing lies there."""
    found = raw_at(msgspec.Raw(body.removeprefix(_BOM)), path)
    if found is None:
        nothing = failed("bad_format", f"the answer has nothing at records_path {path!r}")
        raise NothingThere(nothing.cause, nothing.sentence, again=nothing.again)
    if path and bytes(found).strip() == b"null":
        return []
    try:
        return msgspec.json.decode(found, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise failed("bad_format", f"what lies at records_path {path!r} is no list") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(str(error)) from error


def raw_at(text: msgspec.Raw, path: str) -> msgspec.Raw | None:
    """The text of the value at a path, None when there is none. Raises NotJson."""
    for part in path.split(".") if path else ():
        try:
            if part.isdigit():
                members: Any = dict(enumerate(msgspec.json.decode(text, type=list[msgspec.Raw])))
                text = members.get(int(part))
            else:
                text = msgspec.json.decode(text, type=dict[str, msgspec.Raw]).get(part)  # type: ignore[assignment]
        except msgspec.ValidationError:
            return None
        except (msgspec.DecodeError, RecursionError) as error:
            raise NotJson(str(error)) from error
        if text is None:
            return None
    return text


def value_at(text: msgspec.Raw, path: str) -> Any:
    """The value at a path, None when there is none. Raises NotJson."""
    found = raw_at(text, path)
    try:
        return None if found is None else msgspec.json.decode(found)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(str(error)) from error


def identifier(text: msgspec.Raw, paths: Sequence[str]) -> str | None:
    """The fields that form a record's identifier, joined by |; None when one of them is missing or empty."""
    parts = [value_at(text, path) for path in paths]
    if any(part is None or part == "" or isinstance(part, dict | list) for part in parts):
        return None
    return "|".join(str(part) for part in parts).strip() or None


def seen_identifier(text: bytes, feed: Feed) -> str | None:
    """The identifier of an element that is no good JSON; None when it cannot be told: a wrong name would hide another.

    JSON but for bare controls or half a surrogate pair (RFC 8259, 7 and 8.2) is read, the half as "?".
    """
    try:
        mended = json.dumps(json.loads(text, strict=False), ensure_ascii=False).encode("utf-8", "replace")
        return identifier(_record_of(msgspec.Raw(mended), feed), feed.identifier)
    except (ValueError, NotJson, RecursionError):
        return None


def nameless(feed: Feed) -> str:
    """Why a record is skipped that lacks its identifier."""
    return f"a record without {' and '.join(feed.identifier)}"


def _record_of(text: msgspec.Raw, feed: Feed) -> msgspec.Raw:
    """The record inside one element of the list; the element itself when it holds none there. Raises NotJson."""
    inner = raw_at(text, feed.request.record_path) if feed.request.record_path else None
    return text if inner is None else inner


def source_record(text: msgspec.Raw, feed: Feed, now: str, name: str | None = None) -> SourceRecord | Skipped:
    """The record of one element: its own text as payload, or why it is skipped. `name` is its identifier if known."""
    try:
        payload = bytes(text)
        written = payload.decode("utf-8")
        found = name or identifier(text, feed.identifier)
        stamp = value_at(text, feed.request.datestamp_path) if feed.request.datestamp_path else None
    except (NotJson, UnicodeDecodeError) as error:
        return Skipped(identifier=name, reason=f"not readable: {error}")
    if found is None:
        return Skipped(identifier=None, reason=nameless(feed))
    if _NUL in f"{found}{stamp}":
        return Skipped(identifier=None, reason=f"no store takes the identifier {found!r} or the datestamp {stamp!r}")
    return SourceRecord(
        feed=feed.name,
        identifier=found,
        format=feed.format,
        datestamp=None if stamp is None else str(stamp),
        payload=written,
        sha256=sha256(payload).hexdigest(),
        harvested_at=now,
    )


def source_records(
    texts: list[msgspec.Raw], feed: Feed, now: str, url: str
) -> tuple[list[SourceRecord], tuple[Skipped, ...], tuple[RawResponse, ...]]:
    """Every element as a record; what is skipped keeps its text."""
    records: list[SourceRecord] = []
    skipped: list[Skipped] = []
    raw: list[RawResponse] = []
    for text in texts:
        read = source_record(_record_of(text, feed), feed, now)
        if isinstance(read, SourceRecord):
            records.append(read)
        else:
            skipped.append(read)
            raw.append(RawResponse(url=url, body=bytes(text), reason=read.reason))
    return records, tuple(skipped), tuple(raw)
