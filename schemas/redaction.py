"""Take a person's name or contact out of a text that is known by its digest alone.

A text is compared word by word, without case, accents and punctuation, and in any order of its words, so that "Doe,
Jane" and {"givenName": "Jane", "familyName": "Doe"} are the name "Jane Doe". Escapes of JSON, XML and URLs are read.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from urllib.parse import unquote

from schemas.base import Base

ERASED = "[erased]"
_UNIT = re.compile(r"(?:\\u[0-9a-fA-F]{4}){1,16}|&#?\w{1,31};|(?:%[0-9a-fA-F]{2}){1,64}|\\[nrtbf]|.", re.DOTALL)
_MARKUP = re.compile(r'<[^<>]{0,10000}>|"(?:[^"\\]|\\.){0,200}"\s{0,20}:')  # tags, and the names of JSON
_REPEATED = re.compile(r"\[erased\](?:[ ,.;@_+-]{1,3}\[erased\])+")
_PLAIN = re.compile(r"[\\&%]|[^\x00-\x7f]")
_MAX_WORDS = 12
_Word = tuple[str, int, int]  # folded, and where it begins and ends in the text


class TextDigest(Base, frozen=True, kw_only=True):
    """A name or contact that is not to be known: how many words it has, and the sha256 of the words, sorted."""

    words: int
    sha256: str


def digest_text(text: str) -> TextDigest:
    """Return the digest of a name or contact. Raises ValueError when it has no word, or too many."""
    words = [word for word, _, _ in _words(text)]
    if not 1 <= len(words) <= _MAX_WORDS:
        raise ValueError(f"{len(words)} words; give a name or contact of 1 to {_MAX_WORDS} words")
    return TextDigest(words=len(words), sha256=_digest(words))


def redact(text: str, digests: Iterable[TextDigest]) -> str:
    """Return the text with every occurrence of these names or contacts replaced by "[erased]"."""
    wanted: dict[int, set[str]] = {}
    for digest in digests:
        wanted.setdefault(digest.words, set()).add(digest.sha256)
    for hidden in (False, True) if wanted else ():
        spans = set(_spans(_words(_without_markup(text) if hidden else text), wanted))
        last = len(text)
        for begin, end in sorted(spans, reverse=True):
            text = text[:begin] + ERASED + text[min(end, last) :]  # one escape may hold the end of one word and another
            last = begin
        if spans:
            text = _REPEATED.sub(ERASED, text)
    return text


def redact_bytes(body: bytes, digests: Iterable[TextDigest]) -> bytes:
    """Return a response that may not be text with these names or contacts replaced; the other bytes stay."""
    for encoding in ("utf-16",) if body[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8", "latin-1"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        redacted = redact(text, digests)
        return body if redacted == text else redacted.encode(encoding)
    return body


def _without_markup(text: str) -> str:
    """Return the text with blanks in place of its markup, so that every other character stays where it is."""
    return _MARKUP.sub(lambda match: " " * len(match[0]), text)


def _spans(words: list[_Word], wanted: dict[int, set[str]]) -> Iterator[tuple[int, int]]:
    """Yield where the words of each occurrence are."""
    for size, digests in wanted.items():
        for start in range(len(words) - size + 1):
            window = words[start : start + size]
            if _digest([word for word, _, _ in window]) in digests:
                yield from ((begin, end) for _, begin, end in window)


def _digest(words: list[str]) -> str:
    return sha256(" ".join(sorted(words)).encode()).hexdigest()


def _words(text: str) -> list[_Word]:
    if not _PLAIN.search(text):
        return [(match[0].casefold(), *match.span()) for match in re.finditer(r"[A-Za-z0-9]+", text)]
    words: list[_Word] = []
    inside = False
    for folded, begin, end in _folded(text):
        if folded is None:  # an accent, which belongs to the letter before
            words[-1:] = [(word, start, end) for word, start, _ in words[-1:]] if inside else words[-1:]
            continue
        if folded and inside:
            words[-1] = (words[-1][0] + folded, words[-1][1], end)
        elif folded:
            words.append((folded, begin, end))
        inside = bool(folded)
    return words


def _folded(text: str) -> Iterator[tuple[str | None, int, int]]:
    """Yield each character: its folded letters, empty for punctuation and blanks, None for an accent."""
    for match in _UNIT.finditer(text):
        for folded in _folded_unit(match[0]):
            yield folded, *match.span()


@lru_cache(maxsize=10_000)
def _folded_unit(unit: str) -> tuple[str | None, ...]:
    return tuple(map(_folded_character, _decoded(unit)))


def _folded_character(character: str) -> str | None:
    parts = unicodedata.normalize("NFKD", character).casefold()
    letters = "".join(part for part in parts if part.isalnum())
    return None if not letters and all(map(unicodedata.combining, parts)) else letters


def _decoded(unit: str) -> str:
    if unit.startswith("\\u"):
        halves = [int(part, 16) for part in unit.split("\\u")[1:]]
        return b"".join(half.to_bytes(2, "big") for half in halves).decode("utf-16-be", "replace")
    if unit.startswith("&") and len(unit) > 1:
        return html.unescape(unit)
    return unquote(unit, errors="replace") if unit.startswith("%") and len(unit) > 1 else unit
