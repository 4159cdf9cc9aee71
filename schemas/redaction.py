"""Take a person's name or contact out of a text that is known by its digest alone.

A text is compared word by word, without case, accents and punctuation, and in any order of its words, so that "Doe,
Jane" and {"givenName": "Jane", "familyName": "Doe"} are the name "Jane Doe". Escapes of JSON, XML and URLs are read.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from urllib.parse import unquote

import msgspec

from schemas.base import Base

ERASED = "[erased]"
# An escape of JSON, XML or a URL, which may itself be escaped, or one character.
_UNIT = re.compile(
    r"(?:\\{1,4}u[0-9a-fA-F]{4}){1,16}|&(?:amp;){0,3}#?\w{1,31};|(?:%[0-9a-fA-F]{2}){1,64}|\\{1,4}[nrtbf]|.", re.DOTALL
)
_MARKUP = re.compile(  # tags, also escaped ones, and the names of JSON
    r"<!--(?:(?!-->).){0,500}-->|<[a-zA-Z/](?:[^<>\"']|\"[^\"]{0,1000}+\"|'[^']{0,1000}+'){0,5000}>|<[^<>]{0,10000}>"
    r"|&(?:amp;){0,3}lt;(?:[^<>&]|&(?:amp;){0,3}(?:quot|apos|#\d{2,3});){0,1000}&(?:amp;){0,3}gt;"
    r"|\\{1,4}u003[cC](?:[^<>\\]|\\{1,7}[\"'/]|\\{1,4}u002[27]){0,1000}\\{1,4}u003[eE]"
    r'|"(?:[^"\\]|\\.){0,200}"\s{0,20}:',
    re.DOTALL,
)
_BACKSLASHES = re.compile(r"(?:\\\\)+")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.){0,100000000}"(\s{0,100}:)?|[^\s"{}\[\],:]{1,1000}', re.DOTALL)
_REPEATED = re.compile(r"\[erased\](?:[ ,.;@_+-]{1,3}\[erased\])+")
_AMPERSANDS = re.compile(r"&(?:amp;){1,3}(?=#?\w{1,31};)")
_PLAIN = re.compile(r"[\\&%]|[^\x00-\x7f]")
_MAX_WORDS = 12
_LITERALS = ("true", "false", "null")
_JOINERS = frozenset("\u00ad\u034f\u200c\u200d\u200e\u200f\u2060\ufeff")  # invisible, and inside a word
_Word = tuple[str, int, int]  # folded, and where it begins and ends in the text
_Span = tuple[int, int]


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


def redact(text: str, digests: Iterable[TextDigest], *, numbers: bool = False) -> str:
    """Return the text with every occurrence of these names or contacts replaced by "[erased]".

    JSON stays JSON: its literals stay, and so do the names of its fields unless one holds a whole name of several
    words. Its numbers stay too unless `numbers` is given; then they become strings.
    """
    wanted: dict[int, set[str]] = {}
    for digest in digests:
        wanted.setdefault(digest.words, set()).add(digest.sha256)
    for reading in (str, _without_markup, _without_backslashes) if wanted else ():
        occurrences = list(_occurrences(_words(reading(text)), wanted))
        spans = _replacements(text, occurrences, numbers=numbers) if occurrences else {}
        last = len(text)
        for (begin, end), replacement in sorted(spans.items(), reverse=True):
            text = text[:begin] + replacement + text[min(end, last) :]  # one escape may end one word and begin another
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


def _without_backslashes(text: str) -> str:
    """Return the text with blanks in place of escaped backslashes, behind which an "n" is a letter."""
    return _BACKSLASHES.sub(lambda match: " " * len(match[0]), text)


def _occurrences(words: list[_Word], wanted: dict[int, set[str]]) -> Iterator[list[_Span]]:
    """Yield where the words of each occurrence are."""
    for size, digests in wanted.items():
        for start in range(len(words) - size + 1):
            window = words[start : start + size]
            if _digest([word for word, _, _ in window]) in digests:
                yield [(begin, end) for _, begin, end in window]


def _replacements(text: str, occurrences: list[list[_Span]], *, numbers: bool) -> dict[_Span, str]:
    """Return what stands in place of each part of the text."""
    if not _is_json(text):
        return {span: ERASED for spans in occurrences for span in spans}
    tokens = list(_JSON_TOKEN.finditer(text))
    starts = [token.start() for token in tokens]
    replacements: dict[_Span, str] = {}
    for spans in occurrences:
        its_tokens = [tokens[bisect_right(starts, begin) - 1] for begin, _ in spans]
        if not _is_field_name(its_tokens):
            replacements.update(_token_replacements(spans, its_tokens, numbers=numbers))
    return replacements


def _is_field_name(tokens: list[re.Match[str]]) -> bool:
    """Whether the words of an occurrence, in these tokens, are the name of a field, or half of one."""
    return any(token[1] for token in tokens) and (len(tokens) == 1 or len({token.start() for token in tokens}) > 1)


def _token_replacements(
    spans: list[_Span], tokens: list[re.Match[str]], *, numbers: bool
) -> Iterator[tuple[_Span, str]]:
    for span, token in zip(spans, tokens, strict=True):
        if token[0].startswith('"'):
            yield span, ERASED
        elif numbers and token[0] not in _LITERALS:
            yield token.span(), f'"{ERASED}"'


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _digest(words: list[str]) -> str:
    return sha256(" ".join(sorted(words)).encode()).hexdigest()


def _words(text: str) -> list[_Word]:
    if not _PLAIN.search(text):
        return [(match[0].casefold(), *match.span()) for match in re.finditer(r"[A-Za-z0-9]+", text)]
    words: list[_Word] = []
    inside = False
    for folded, begin, end in _folded(text):
        if folded is None:  # an accent or an invisible character, which belongs to the letter before
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
    if character in _JOINERS:
        return None
    parts = unicodedata.normalize("NFKD", character).casefold()
    letters = "".join(part for part in parts if part.isalnum())
    return None if not letters and all(map(unicodedata.combining, parts)) else letters


def _decoded(unit: str) -> str:
    if len(unit) == 1:
        return unit
    if unit.startswith("\\") and "u" in unit:
        halves = [int(part, 16) for part in unit.replace("\\", "").split("u")[1:]]
        return b"".join(half.to_bytes(2, "big") for half in halves).decode("utf-16-be", "replace")
    if unit.startswith("\\"):
        return " "
    if unit.startswith("&"):
        return html.unescape(html.unescape(_AMPERSANDS.sub("&", unit)))
    return unquote(unit, errors="replace") if unit.startswith("%") else unit
