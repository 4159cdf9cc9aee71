"""Repair the heads of responses that browsers accept and h11 refuses, before h11 parses them.

What browsers and curl ignore is removed: lines that are no header fields, blanks before a colon, repeated equal
lengths, lengths that are not numbers. What remains ambiguous is left for h11 to refuse. The bytes behind an announced
length are removed, too: they would be taken for the beginning of the next response.
https://www.rfc-editor.org/rfc/rfc9112#section-5 https://www.rfc-editor.org/rfc/rfc9112#section-6.3
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpcore

_MAX_HEAD_BYTES = 100_000  # httpcore's own limit
_MAX_NAMED_PROBLEMS = 3
_MAX_QUOTED_BYTES = 60
_HEAD_END = re.compile(rb"\n\r{0,3}\n")
_LINE_END = re.compile(rb"\r{0,3}\n")
_STATUS_LINE = re.compile(rb"HTTP(?:/(\d{1,3})(?:\.(\d{1,3}))?)?[ \t]+([0-9]{3})(?![0-9])(.*)", re.I | re.DOTALL)
_FIELD_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")  # https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
_CONTROL_CHARACTERS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_LENGTH_FIELD, _CODING_FIELD = b"content-length", b"transfer-encoding"
_NO_BODY_STATUSES = frozenset({204, 304})

_Fields = list[tuple[bytes, bytes]]


class Head(NamedTuple):
    """A response's head as h11 accepts it, where it is one, and what was repaired."""

    text: bytes
    is_interim: bool = False  # a 1xx response: another head follows
    length: int | None = None  # bytes of the body, where they are announced
    problems: tuple[str, ...] = ()


def repair_head(text: bytes) -> Head:
    """Return the head of a response without what h11 refuses and browsers ignore; a text that is none as it is."""
    lines = _LINE_END.split(text.rstrip(b"\r\n"))
    numbered = ((number, _STATUS_LINE.match(line)) for number, line in enumerate(lines))
    start, status_line = next(((number, match) for number, match in numbered if match), (0, None))
    if status_line is None:
        return Head(text)
    problems = ["lines before its status line"] if start else []
    fields = _read_fields(lines[start + 1 :], problems)
    fields, length = _repair_framing(fields, problems)
    status = int(status_line[3])
    repaired = b"\r\n".join([_repair_status_line(status_line), *(b"%s: %s" % pair for pair in fields), b"", b""])
    is_interim = 100 <= status < 200 and status != 101
    return Head(repaired, is_interim, 0 if status in _NO_BODY_STATUSES else length, tuple(problems))


def _repair_status_line(line: re.Match[bytes]) -> bytes:
    major, minor, status, reason = line.groups()
    version = b"1.0" if major in (None, b"0") or (major, minor) == (b"1", b"0") else b"1.1"
    return b"HTTP/%s %s %s" % (version, status, _clean(reason))


def _read_fields(lines: Iterable[bytes], problems: list[str]) -> _Fields:
    """Return the header fields of these lines; a line that begins with a blank continues the one before."""
    fields: _Fields = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if fields:
                fields[-1] = (fields[-1][0], _clean(fields[-1][1] + b" " + line.strip()))
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _FIELD_NAME.fullmatch(name.strip()):
            problems.append(f"the line {_quote(line)}")
            continue
        if name != name.strip():
            problems.append(f"a blank behind the name {_quote(name.strip())}")
        fields.append((name.strip(), _clean(value)))
    return fields


def _repair_framing(fields: _Fields, problems: list[str]) -> tuple[_Fields, int | None]:
    """Return the fields, of those that say where the body ends only what h11 needs, and the body's length.

    Chunks come before any length, and lengths that differ stay as they are, for h11 to refuse.
    """
    others = [pair for pair in fields if pair[0].lower() not in (_LENGTH_FIELD, _CODING_FIELD)]
    if b"chunked" in _list_members(fields, _CODING_FIELD):
        return [*others, (b"Transfer-Encoding", b"chunked")], None
    lengths = _list_members(fields, _LENGTH_FIELD)
    numbers = sorted({int(length) for length in lengths if _LENGTH.fullmatch(length)})
    if lengths and not numbers:
        problems.append(f"the length {_quote(lengths[0])}")
    return [*others, *((b"Content-Length", b"%d" % number) for number in numbers)], numbers[0] if numbers else None


def _list_members(fields: _Fields, name: bytes) -> list[bytes]:
    """Return the members of a field's list, of all its lines: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1 ."""
    members = (part.strip() for other, value in fields if other.lower() == name for part in value.lower().split(b","))
    return [member for member in members if member]


def _clean(value: bytes) -> bytes:
    return _CONTROL_CHARACTERS.sub(b" ", value).strip()


def _quote(line: bytes) -> str:
    """Return the beginning of a line for a sentence."""
    return ascii(line[:_MAX_QUOTED_BYTES].decode("latin-1"))


@dataclass
class Irregularities:
    """What was wrong with the last response's HTTP."""

    problems: list[str] = field(default_factory=list)  # of its head
    excess: bytes = b""  # the first bytes behind the announced length
    has_begun: bool = False  # a byte of it was received

    def clear(self) -> None:
        """Forget the last response."""
        self.problems, self.excess, self.has_begun = [], b"", False

    def __str__(self) -> str:
        """Describe the head's problems for a sentence."""
        more = len(self.problems) - _MAX_NAMED_PROBLEMS
        return ", ".join([*self.problems[:_MAX_NAMED_PROBLEMS], *([f"and {more} more"] if more > 0 else [])])


class RepairedStream(httpcore.NetworkStream):
    """A connection whose responses' heads are repaired, and whose bodies end where the head says."""

    def __init__(self, stream: httpcore.NetworkStream, irregularities: Irregularities) -> None:
        self._stream, self._irregularities = stream, irregularities
        self._head: bytearray | None = None  # what arrived of the head that is awaited
        self._left: int | None = None  # bytes of the body that did not arrive yet, where that is known
        self._is_spent = False  # it is not used for another request

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._head = bytearray()
        self._stream.write(buffer, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            received = self._stream.read(max_bytes, timeout)
            if self._head is None:
                return self._body(received)
            if not received and not self._head:
                return b""
            self._irregularities.has_begun = True
            self._head += received.lstrip(b"\r\n") if not self._head else received
            if ready := self._finish_heads(self._head):
                return ready
            if not received or len(self._head) > _MAX_HEAD_BYTES:
                beginning = _quote(bytes(self._head[:_MAX_QUOTED_BYTES]))
                raise httpcore.RemoteProtocolError(f"what begins with {beginning} has no end of its headers")

    def _finish_heads(self, received: bytearray) -> bytes:
        """Return every head that is complete, repaired, and what arrived of the body; empty if none is."""
        heads = b""
        while end := _HEAD_END.search(received):
            head = repair_head(bytes(received[: end.end()]))
            self._irregularities.problems += head.problems
            heads += head.text
            del received[: end.end()]
            if not head.is_interim:
                self._head, self._left = None, head.length
                return heads + self._body(bytes(received))
        return heads

    def _body(self, received: bytes) -> bytes:
        if self._left is None:
            return received
        body, excess = received[: self._left], received[self._left :]
        self._left -= len(body)
        self._is_spent = self._is_spent or bool(excess)
        self._irregularities.excess = self._irregularities.excess or excess
        return body

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return RepairedStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._irregularities)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._is_spent:
            return True  # httpcore closes an idle connection with unread bytes
        return self._stream.get_extra_info(info)
