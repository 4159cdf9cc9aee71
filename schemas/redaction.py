"""Take a person's name or contact out of a text that is known by its digest alone.

A text is compared word by word, without case, accents and punctuation, and in any order of its words, so that "Doe,
Jane" and {"givenName": "Jane", "familyName": "Doe"} are the name "Jane Doe". It is also compared letter by letter,
since markup, a folded line or an invisible character may stand within a word, and markup that was dropped glues two.
Escapes of JSON, XML, URLs and quoted-printable are read, and UTF-8 that was read as Latin-1.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

from schemas.base import Base

ERASED = "[erased]"
# An escape of JSON, XML or a URL, which may itself be escaped, or one character.
_UNIT = re.compile(
    r"(?:\\{1,4}u[0-9a-fA-F]{4}){1,16}|&(?:amp;){0,3}(?:#?\w{1,31};|#(?:[xX][0-9a-fA-F]{1,6}|\d{1,7})"
    r"|[A-Za-z](?:uml|acute|grave|circ|tilde|cedil|ring|slash))"
    r"|(?:%(?:25){0,3}[0-9a-fA-F]{2}){1,64}|\\{1,4}[nrtbf]|.",
    re.DOTALL,
)
_MARKUP = re.compile(  # tags, also escaped ones, the names of JSON, and the marks of MARC's subfields
    r"<!\[CDATA\[|\]\]>|[$‡\x1f][a-z](?=\w)"
    r"|<!--(?:(?!-->).){0,500}-->|<[a-zA-Z/](?:[^<>\"']|\"[^\"]{0,1000}+\"|'[^']{0,1000}+'){0,5000}>|<[^<>]{0,10000}>"
    r"|&(?:amp;){0,3}lt;(?:[^<>&]|&(?:amp;){0,3}(?:quot|apos|#\d{2,3});){0,1000}&(?:amp;){0,3}gt;"
    r"|\\{1,4}u003[cC](?:[^<>\\]|\\{1,7}[\"'/]|\\{1,4}u002[27]){0,1000}\\{1,4}u003[eE]"
    r'|"(?:[^"\\]|\\.){0,200}"\s{0,20}:',
    re.DOTALL,
)
_BACKSLASHES = re.compile(r"(?:\\\\)+")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.){0,100000000}"(\s{0,100}:)?|[^\s"{}\[\],:]{1,1000}', re.DOTALL)
_REPEATED = re.compile(r"\[erased\](?:[ ,.;@_+-]{1,3}\[erased\])+")
_AMPERSANDS = re.compile(r"&(?:amp;){1,3}(?=#?\w)")
_PERCENTS = re.compile(r"%(?:25){1,3}(?=[0-9a-fA-F]{2})")
_QUOTED_PRINTABLE = re.compile(r"(?:=[0-9A-F]{2}){1,64}|=(?:\r?\n|(?:\\{1,4}r)?\\{1,4}n)")
_MISREAD = re.compile(  # two bytes of UTF-8, read as one letter each
    "[\u00c2-\u00df][\u0080-\u00bfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]"
    r"|\\{1,4}u00[cdCD][0-9a-fA-F]\\{1,4}u(?:00[89abAB][0-9a-fA-F]|0[12][0-9a-fA-F]{2}|20[0-9a-fA-F]{2}|2122)"
)
_PLAIN = re.compile(r"[\\&%]|[^\x00-\x7f]")
_MAX_WORDS = 12
_LITERALS = ("true", "false", "null")
_MIN_GLUED_LETTERS = 8  # of a name whose words are found as one
_MIN_SPLIT_LETTERS = 5  # of a name whose words are found in pieces
_MARK = "\x00"
_BETWEEN_ELEMENTS = re.compile(r"</[^<>]{0,1000}>\s*<[^/<>]")
_FILL = "\u2060"  # stands for the rest of an escape, so that every character stays where it is
_JOINERS = frozenset("\u00ad\u034f\u200c\u200d\u200e\u200f\u2060\ufeff")  # invisible, and inside a word
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_Word = tuple[str, int, int]  # folded, and where it begins and ends in the text
_Span = tuple[int, int]


class _Wanted(NamedTuple):
    """The digests to look for: by the number of words, and by the number of letters."""

    by_words: dict[int, set[str]]
    by_letters: dict[int, set[str]]


class TextDigest(Base, frozen=True, kw_only=True):
    """A name or contact that is not to be known: how many words it has, and the sha256 of the words, sorted.

    Also how many letters it has, and the sha256 of them in each order that turns its words: "janedoe", "doejane".
    """

    words: int
    sha256: str
    letters: int = 0
    joined: tuple[str, ...] = ()


def digest_text(text: str) -> TextDigest:
    """Return the digest of a name or contact. Raises ValueError when it has no word, or too many."""
    words = [word for word, _, _ in _words(text)]
    if not 1 <= len(words) <= _MAX_WORDS:
        raise ValueError(f"{len(words)} words; give a name or contact of 1 to {_MAX_WORDS} words")
    orders = ["".join(words[turn:] + words[:turn]) for turn in range(len(words))]
    joined = tuple(sorted({sha256(letters.encode()).hexdigest() for letters in orders}))
    return TextDigest(words=len(words), sha256=_digest(words), letters=len(orders[0]), joined=joined)


def redact(text: str, digests: Iterable[TextDigest], *, numbers: bool = False) -> str:
    """Return the text with every occurrence of these names or contacts replaced by "[erased]".

    JSON stays JSON: its literals stay, and so do the names of its fields unless one holds a whole name of several
    words. Its numbers stay too unless `numbers` is given; then they become strings.
    """
    wanted = _wanted(digests)
    for reading in _READINGS if wanted.by_words else ():
        read = reading(text)
        if read == text and reading is not str:
            continue
        occurrences = list(_occurrences(_words(read), wanted))
        spans = _replacements(text, occurrences, numbers=numbers) if occurrences else {}
        last = len(text)
        for (begin, end), replacement in sorted(spans.items(), reverse=True):
            text = text[:begin] + replacement + text[min(end, last) :]  # one escape may end one word and begin another
            last = begin
        if spans:
            text = _REPEATED.sub(ERASED, text)
    return text


def glued_digests(text: str, digests: Iterable[TextDigest]) -> Iterator[TextDigest]:
    """Yield digests of these names or contacts as one finds them where the text's markup is dropped.

    In "by<b>Jane Doe</b>" that is "byJane Doe". Elements of an XML document that follow each other are no such markup.
    """
    wanted, is_xml = _wanted(digests), text.lstrip()[:1] == "<"
    words = _words(_without_markup(text))
    marked = _MARKUP.sub(lambda match: _MARK * len(match[0]), text)
    begins, ends = [begin for _, begin, _ in words], [end for _, _, end in words]

    def is_glue(begin: int, end: int) -> bool:
        if begin >= end or set(marked[begin:end]) - {_MARK, *_JOINERS}:
            return False
        return not (is_xml and _BETWEEN_ELEMENTS.search(text, begin, end))

    for spans in _occurrences(words, wanted):
        first, last = begins.index(spans[0][0]), ends.index(spans[-1][1])
        glued_first, glued_last = first, last
        while glued_first and is_glue(ends[glued_first - 1], begins[glued_first]):
            glued_first -= 1
        while glued_last + 1 < len(words) and is_glue(ends[glued_last], begins[glued_last + 1]):
            glued_last += 1
        if (glued_first, glued_last) != (first, last):
            with suppress(ValueError):  # longer than a name may be
                yield digest_text(_MARKUP.sub("", text[begins[glued_first] : ends[glued_last]]))


def _wanted(digests: Iterable[TextDigest]) -> _Wanted:
    wanted = _Wanted({}, {})
    for digest in digests:
        wanted.by_words.setdefault(digest.words, set()).add(digest.sha256)
        wanted.by_letters.setdefault(digest.letters, set()).update(digest.joined)
    return wanted


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


def _without_quoted_printable(text: str) -> str:
    """Return the text with the bytes of quoted-printable read, as in the names of a vCard."""
    if "quoted-printable" not in text.casefold():
        return text
    return _QUOTED_PRINTABLE.sub(lambda match: _filled(_quoted_bytes(match[0]), match[0]), text)


def _quoted_bytes(escape: str) -> bytes:
    """Return the bytes that a quoted escape stands for; none for a line end within a word."""
    return bytes.fromhex(escape.replace("=", "")) if escape[1].isalnum() else b""


def _without_mojibake(text: str) -> str:
    """Return the text with the letters read that came as two of Windows-1252 or Latin-1."""
    return _MISREAD.sub(lambda match: _filled(b"".join(map(_byte, _decoded(match[0]))), match[0]), text)


def _byte(letter: str) -> bytes:
    return letter.encode("latin-1" if letter < "\u0100" else "cp1252", "replace")


def _filled(body: bytes, escape: str) -> str:
    """Return what an escape stands for, as long as it is."""
    return body.decode("utf-8", "replace").ljust(len(escape), _FILL)


_READINGS = (str, _without_markup, _without_backslashes, _without_quoted_printable, _without_mojibake)


def _occurrences(words: list[_Word], wanted: _Wanted) -> Iterator[list[_Span]]:
    """Yield where the words of each occurrence are."""
    for size, digests in wanted.by_words.items():
        for start in range(len(words) - size + 1):
            window = words[start : start + size]
            if _digest([word for word, _, _ in window]) in digests:
                yield [(begin, end) for _, begin, end in window]
    yield from _joined_occurrences(words, wanted)


def _joined_occurrences(words: list[_Word], wanted: _Wanted) -> Iterator[list[_Span]]:
    """Yield where words are, of any number, that together have the letters of an occurrence."""
    ends = list(accumulate((len(word) for word, _, _ in words), initial=0))  # how many letters end before each word
    indexes = {letters: index for index, letters in enumerate(ends)}
    for letters, digests in wanted.by_letters.items():
        for start, before in enumerate(ends[:-1]):
            window = words[start : indexes.get(before + letters, start)]
            if _may_be_joined(window, letters) and _letters_digest(window) in digests:
                yield [(begin, end) for _, begin, end in window]


def _may_be_joined(window: list[_Word], letters: int) -> bool:
    """Return whether words are many enough letters to be an occurrence by them alone; one word needs more."""
    return bool(window) and letters >= (_MIN_GLUED_LETTERS if len(window) == 1 else _MIN_SPLIT_LETTERS)


def _letters_digest(window: list[_Word]) -> str:
    return sha256("".join(word for word, _, _ in window).encode()).hexdigest()


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
    parts = unicodedata.normalize("NFKD", character).casefold().translate(_STROKES)
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
    return _percent_decoded(_PERCENTS.sub("%", unit)) if unit.startswith("%") else unit


def _percent_decoded(escape: str) -> str:
    try:
        return unquote(escape, errors="strict")
    except UnicodeDecodeError:
        return unquote(escape, encoding="latin-1")
