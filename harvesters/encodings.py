"""Find out which encoding bytes are in: what they declare, what their header says, or what they look like."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

# encodings of the library's languages; that another one fits is a coincidence
_LIKELY = [
    *("utf_8", "cp1252", "cp1251", "cp1250", "cp1256", "cp1254", "cp1253", "cp1255", "cp1257", "cp1258", "cp874"),
    *("koi8_r", "koi8_u", "iso8859_2", "iso8859_5", "iso8859_6", "iso8859_9", "mac_cyrillic", "mac_roman", "cp866"),
    *("utf_16", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"),
]
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.-]+)", re.I)


def is_known(encoding: str) -> bool:
    """Return whether Python knows the encoding."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def decodes(body: bytes, encoding: str) -> bool:
    """Return whether bytes are valid in an encoding; none are in an unknown one."""
    try:
        body.decode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True


def charset(content_type: str) -> str | None:
    """Return the encoding that a Content-Type header names."""
    match = _CHARSET.search(content_type)
    return match[1] if match else None


def detect_encoding(body: bytes) -> str | None:
    """Return the encoding that bytes look like; None if they look like none of the likely ones."""
    best = from_bytes(body, cp_isolation=_LIKELY).best()
    return best.encoding if best else None


def encoding_of(declared: str, texts: list[bytes], content_type: str) -> tuple[str, list[str]]:
    """Return the encoding of a document's texts, and notes for the operator.

    It is the declared one, unless no text that is not ASCII is valid in that: then the header's, or a detected one.
    """
    texts = [text for text in texts if not text.isascii()]
    if not texts or any(decodes(text, declared) for text in texts):
        return declared, []
    from_header = _header_encoding(content_type, texts)
    if from_header and from_header.lower() != declared.lower():
        return from_header, [f"the page declares {declared} and is {from_header}, as its header says"]
    detected = detect_encoding(b"\n".join(texts))
    if detected is None:
        return declared, []
    return detected, [f"the page declares {declared} and seems to be {detected}"]


def _header_encoding(content_type: str, texts: list[bytes]) -> str | None:
    """Return the encoding that a Content-Type header names, if all of the texts are valid in it."""
    encoding = charset(content_type)
    return encoding if encoding and all(decodes(text, encoding) for text in texts) else None
