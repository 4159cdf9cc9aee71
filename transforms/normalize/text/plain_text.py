"""A partner's text as plain text: without markup, mojibake and stray characters, and otherwise unchanged."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from html import unescape

import ftfy
from ftfy.badness import is_bad
from ftfy.chardata import CHARMAP_ENCODINGS

from transforms.normalize.text.html import html_to_text, is_html
from transforms.remembering import remember

_MAX_UNESCAPE_ROUNDS = 6
_CONTROLS = r"\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = r"\u00ad\u2060-\u2064\u206a-\u206f\ufeff"
_STRAY = re.compile(f"[{_CONTROLS}{_BIDI}{_INVISIBLE}]")
_SUSPECT = re.compile(f"[{_CONTROLS}{_BIDI}{_INVISIBLE}\x80-\x9f\u200b-\u200d]")
_C1 = re.compile(r"[\x80-\x9f]")
# Joiners have a meaning between letters of these scripts (Hebrew to N'Ko, Brahmic to Mongolian) and in emoji.
_JOINED = r"\u0590-\u109f\u1780-\u18af\ua840-\uaaff\ufb50-\ufdff\ufe0f\ufe70-\ufefe\u2600-\u27bf\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200b-\u200d]|[\u200b-\u200d](?![{_JOINED}])")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED_AMPERSANDS = re.compile(r"&(?:(?:amp|AMP|#0{0,4}38|#[xX]0{0,4}26);)+")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\u2028]")
_SPACES = re.compile(r"[^\S\n]+")
_PARAGRAPHS = re.compile(r" ?\n ?(?:\n ?)+")
_WRAPPED = re.compile(r" ?\n (?![-–—•*·]|\d+[.)])")  # an indented line continues the one before, except in a list
_NEVER_REPAIRED = re.compile(r"[\u0590-\u109f]")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
# UTF-8 that was read byte by byte shows two letters or signs beyond ASCII, side by side.
_LEADS = "\u0080-\u024f\u201a\u221a\u2500-\u257f"
_FOLLOW = "\u0080-\u024f\u02c6-\u02dd\u2010-\u203a\u20ac\u2122\u2202-\u2265\u2500-\u25a0"
_FOLLOW_CYRILLIC = "\u0080-\u00bf\u0401-\u040f\u0451-\u045f\u0490-\u0491\u2010-\u203a\u20ac\u2116\u2122"
_PAIR = re.compile(f"(?=([{_LEADS}][{_FOLLOW}]|Ã |[РС][{_FOLLOW_CYRILLIC}]))")
_MAY_BE_PAIR = re.compile(f"[{_LEADS}РС](?:[{_FOLLOW}{_FOLLOW_CYRILLIC}]|(?<=Ã) )")  # a set first: found much faster

_ENCODING_ONLY = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    restore_byte_a0=True,
    replace_lossy_sequences=False,
    decode_inconsistent_utf8=True,
    fix_c1_controls=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    fix_surrogates=False,
    remove_control_chars=False,
    normalization=None,
)


def plain_text(value: str) -> str:
    """Return the text without markup: a blank line between paragraphs, list entries on lines of their own after "– ".

    Entities are decoded, however often they were escaped; mojibake is repaired only where it is certain; control,
    bidi and invisible characters are removed (joiners stay where a script needs them); the result is in NFC, with
    single spaces. "a < b" is not markup. Idempotent.
    """
    return value if _is_plain(value) else _read(value)[0]


def plain_line(value: str) -> str:
    """Return the plain text on one line, for titles, names and keywords."""
    return value if _is_plain(value) else " ".join(_read(value)[0].split())


def plain_text_with_repair(value: str) -> tuple[str, bool]:
    """Return the plain text, and whether mojibake in it was repaired."""
    return (value, False) if _is_plain(value) else _read(value)


def html_remains(value: str) -> bool:
    """Return whether a text that should be plain still holds tags or entities."""
    if "&" in value and any(unescape(entity[0]) != entity[0] for entity in _ENTITY.finditer(value)):
        return True
    return is_html(value)


def _is_plain(value: str) -> bool:
    """Whether `_read` would return the text as it is: most texts are plain, and need not be read.

    That is one line in NFC with single spaces, without invisible characters (they are not "printable"), markup or a
    trace of mojibake.
    """
    return (
        value.isprintable()
        and "<" not in value
        and "&" not in value
        and "  " not in value
        and value[:1] != " "
        and value[-1:] != " "
        and (value.isascii() or (unicodedata.is_normalized("NFC", value) and not _has_broken_pair(value)))
    )


@remember(256)
def _read(value: str) -> tuple[str, bool]:
    text, repaired = value, False
    for _ in range(_MAX_UNESCAPE_ROUNDS):
        before = text
        decoded = _repair_mojibake(text)
        repaired = repaired or decoded != text or bool(_C1.search(decoded))
        text = _normalize_spaces(_without_markup(_without_strays(decoded)))
        if text == before:
            break
    return text, repaired


def _without_strays(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    return _STRAY_JOINER.sub("", _C1.sub(_from_code_page, _STRAY.sub("", text)))


def _from_code_page(control: re.Match[str]) -> str:
    """Read a C1 control as a byte of a Windows code page, where the Latin ones agree ("ve\\x9eba" → "vežba")."""
    byte = control[0].encode("latin-1")
    western, central = (byte.decode(codec, errors="replace") for codec in ("cp1252", "cp1250"))
    return western if western == central else "\ufffd"


def _repair_mojibake(text: str) -> str:
    """Repair mojibake where that is certain, and all of it or none: never in Arabic, Thai or Indic text, and in
    Cyrillic text only when the whole of it is UTF-8 that was read as Windows-1251.
    """
    if text.isascii() or not _has_broken_pair(text) or _NEVER_REPAIRED.search(text):
        return text
    if _CYRILLIC.search(text):
        return _from_windows_1251(text)
    repaired = ftfy.fix_encoding(text, _ENCODING_ONLY)
    return text if repaired == text or "\ufffd" in repaired or is_bad(repaired) else repaired


def _has_broken_pair(text: str) -> bool:
    """Whether two neighbours are the first two bytes of a letter in UTF-8, in one of the code pages that ftfy knows.

    "çã" is in none of them. ftfy's own check whether a text looks bad takes a hundred times as long.
    """
    if not _MAY_BE_PAIR.search(text):
        return False
    return any(pair[1] in _followers().get(pair[0], "") for pair in _PAIR.findall(text))


@cache
def _followers() -> dict[str, str]:
    """Return letter of a leading byte → letters of the bytes that may follow it, in all code pages; see RFC 3629."""
    followers: dict[str, str] = {"Ã": " "}
    for page in CHARMAP_ENCODINGS:
        after = bytes(range(0x80, 0xC0)).decode(page, errors="ignore")
        for letter in bytes(range(0xC2, 0xF5)).decode(page, errors="ignore"):
            followers[letter] = followers.get(letter, "") + after
    return followers


def _from_windows_1251(text: str) -> str:
    try:
        return text.encode("cp1251").decode("utf-8")
    except UnicodeError:
        return text


def _without_markup(text: str) -> str:
    if "&" in text:
        text = _ESCAPED_AMPERSANDS.sub("&", text)
    if "<" in text and is_html(text):
        return html_to_text(text)
    return _ENTITY.sub(lambda entity: unescape(entity[0]), text) if "&" in text else text


def _normalize_spaces(text: str) -> str:
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text)).replace("\u2029", "\n\n")
    if "\n" not in text:
        return " ".join(text.split())
    text = _PARAGRAPHS.sub("\n\n", _SPACES.sub(" ", text))
    return _WRAPPED.sub(" ", text).replace(" \n", "\n").replace("\n ", "\n").strip()
