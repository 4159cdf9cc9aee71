"""Which encoding bytes are in: what they declare, what their header says, or what they look like."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

# what the library's languages are written in; an encoding beyond them that fits some bytes is a coincidence
_LIKELY = [
    *("utf_8", "cp1252", "cp1251", "cp1250", "cp1256", "cp1254", "cp1253", "cp1255", "cp1257", "cp1258", "cp874"),
    *("koi8_r", "koi8_u", "iso8859_2", "iso8859_5", "iso8859_6", "iso8859_9", "mac_cyrillic", "mac_roman", "cp866"),
    *("utf_16", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"),
]
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.-]+)", re.I)


def known(encoding: str) -> bool:
    """Whether there is such an encoding."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def decodes(body: bytes, encoding: str) -> bool:
    """Whether bytes are valid in an encoding; no bytes are in one that there is not."""
    try:
        body.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def charset(content_type: str) -> str | None:
    """The encoding that a Content-Type header names."""
    said = _CHARSET.search(content_type)
    return said[1] if said else None


def guessed(body: bytes) -> str | None:
    """The encoding that bytes look like; None when they look like none."""
    best = from_bytes(body, cp_isolation=_LIKELY).best()
    return best.encoding if best else None


def encoding_of(declared: str, texts: list[bytes], content_type: str) -> tuple[str, list[str]]:
    """The encoding of a document's texts, and what is to be noted.

    The declared one, unless no text with more than ASCII in it is valid in that: then the header's, or a guess.
    """
    foreign = [text for text in texts if not text.isascii()]
    if not foreign or any(decodes(text, declared) for text in foreign):
        return declared, []
    said = charset(content_type)
    if said and said.lower() != declared.lower() and all(decodes(text, said) for text in foreign):
        return said, [f"the page declares {declared} and is {said}, as its header says"]
    guess = guessed(b"\n".join(foreign))
    return (guess, [f"the page declares {declared} and seems to be {guess}"]) if guess else (declared, [])
