"""What a partner wrote, as plain text: no markup, no mojibake, no stray characters, and otherwise untouched."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from html import unescape

import ftfy
from ftfy.badness import is_bad
from ftfy.chardata import CHARMAP_ENCODINGS

from transforms.normalize.text import html as text_html

_ROUNDS = 6  # text escaped more often than this is no accident
_CONTROLS = r"\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = r"\u00ad\u2060-\u2064\u206a-\u206f\ufeff"
_STRAY = re.compile(f"[{_CONTROLS}{_BIDI}{_UNSEEN}]")
_SUSPECT = re.compile(f"[{_CONTROLS}{_BIDI}{_UNSEEN}\x80-\x9f\u200b-\u200d]")
_C1 = re.compile(r"[\x80-\x9f]")
# Joiners mean something between letters of these scripts (Hebrew to N'Ko, Brahmic to Mongolian) and in emoji.
_JOINED = r"\u0590-\u109f\u1780-\u18af\ua840-\uaaff\ufb50-\ufdff\ufe0f\ufe70-\ufefe\u2600-\u27bf\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200b-\u200d]|[\u200b-\u200d](?![{_JOINED}])")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED_AMPERSANDS = re.compile(r"&(?:(?:amp|AMP|#0{0,4}38|#[xX]0{0,4}26);)+")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\u2028]")
_SPACES = re.compile(r"[^\S\n]+")
_PARAGRAPHS = re.compile(r" ?\n ?(?:\n ?)+")
_WRAPPED = re.compile(r" ?\n (?![-–—•*·]|\d+[.)])")  # an indented line goes on with the one before it, save in a list
_UNTOUCHED = re.compile(r"[\u0590-\u109f]")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
# What UTF-8 looks like when it is read byte by byte: two letters or signs beyond ASCII, side by side.
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


def plain(value: str) -> str:
    """The text without markup: paragraphs parted by a blank line, list entries on lines of their own after "– ".

    Entities are decoded, however often they were escaped; mojibake is repaired only where it is certain; control,
    bidi and invisible characters go (joiners stay where a script needs them); NFC; spaces are collapsed.
    "a < b" is not markup. plain(plain(x)) == plain(x).
    """
    return value if _is_plain(value) else _read(value)[0]


def line(value: str) -> str:
    """The plain text on one line, for titles, names and keywords."""
    return value if _is_plain(value) else " ".join(_read(value)[0].split())


def told(value: str) -> tuple[str, bool]:
    """The plain text, and whether reading it repaired mojibake in it."""
    return (value, False) if _is_plain(value) else _read(value)


def html_remains(value: str) -> bool:
    """Whether a text that should be plain still holds tags or entities."""
    if "&" in value and any(unescape(found[0]) != found[0] for found in _ENTITY.finditer(value)):
        return True
    return text_html.marked_up(value)


def _is_plain(value: str) -> bool:
    """Whether the text is what reading it would give: most are, and need not be read.

    One line, single spaces, nothing that is unseen or could be markup (all of these but markup are not "printable"),
    NFC, no trace of mojibake.
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


@lru_cache(maxsize=256)
def _read(value: str) -> tuple[str, bool]:
    """The plain text, and whether mojibake was repaired on the way."""
    text, repair = value, False
    for _ in range(_ROUNDS):
        before = text
        mended = _mended(text)
        repair = repair or mended != text or bool(_C1.search(mended))
        text = _spaced(_without_markup(_without_strays(mended)))
        if text == before:
            break
    return text, repair


def _without_strays(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    return _STRAY_JOINER.sub("", _C1.sub(_c1, _STRAY.sub("", text)))


def _c1(found: re.Match[str]) -> str:
    """A C1 control is a byte of a Windows code page; it is read where the Latin ones agree ("ve\\x9eba" → "vežba")."""
    byte = found[0].encode("latin-1")
    western, central = (byte.decode(codec, errors="replace") for codec in ("cp1252", "cp1250"))
    return western if western == central else "\ufffd"


def _mended(text: str) -> str:
    """The text with its mojibake repaired, where the repair is certain: never in Arabic, Thai or Indic text, in
    Cyrillic only when the whole of it reads as UTF-8 taken for Windows-1251, and never by half."""
    if text.isascii() or not _has_broken_pair(text) or _UNTOUCHED.search(text):
        return text
    if _CYRILLIC.search(text):
        return _from_windows_1251(text)
    mended = ftfy.fix_encoding(text, _ENCODING_ONLY)
    return text if mended == text or "\ufffd" in mended or is_bad(mended) else mended


def _has_broken_pair(text: str) -> bool:
    """Whether two neighbours are, in one of the code pages that ftfy knows, the first two bytes of a letter in UTF-8.

    "çã" is in none of them; ftfy's own question, whether a text looks bad, takes a hundred times as long.
    """
    if not _MAY_BE_PAIR.search(text):
        return False
    return any(pair[1] in _followers().get(pair[0], "") for pair in _PAIR.findall(text))


@cache
def _followers() -> dict[str, str]:
    """Letter for a leading byte → letters for the bytes that may follow it, over all code pages; see RFC 3629."""
    found: dict[str, str] = {"Ã": " "}
    for page in CHARMAP_ENCODINGS:
        after = bytes(range(0x80, 0xC0)).decode(page, errors="ignore")
        for letter in bytes(range(0xC2, 0xF5)).decode(page, errors="ignore"):
            found[letter] = found.get(letter, "") + after
    return found


def _from_windows_1251(text: str) -> str:
    try:
        return text.encode("cp1251").decode("utf-8")
    except UnicodeError:
        return text


def _without_markup(text: str) -> str:
    if "&" in text:
        text = _ESCAPED_AMPERSANDS.sub("&", text)
    if "<" in text and text_html.marked_up(text):
        return text_html.to_text(text)
    return _ENTITY.sub(lambda found: unescape(found[0]), text) if "&" in text else text


def _spaced(text: str) -> str:
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text)).replace("\u2029", "\n\n")
    if "\n" not in text:
        return " ".join(text.split())
    text = _PARAGRAPHS.sub("\n\n", _SPACES.sub(" ", text))
    return _WRAPPED.sub(" ", text).replace(" \n", "\n").replace("\n ", "\n").strip()
