"""Texts as XML and JSON can hold them: without control characters, surrogates and noncharacters, and escaped."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

# What XML 1.0 forbids (https://www.w3.org/TR/xml/#charsets), the C1 controls that it discourages, and noncharacters.
_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_FORBIDDEN_CHARACTER = re.compile(f"[{_FORBIDDEN}]")
_MAYBE_FORBIDDEN_IN_JSON = re.compile(rf"\\[bfu]|[{_FORBIDDEN}]")  # controls are escapes there
_SPECIAL = re.compile(f'[&<>"\r{_FORBIDDEN}]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}")  # as xml:lang and @language may hold it (BCP 47)


def clean(text: str) -> str:
    """Return a text without the characters that no XML document may hold."""
    return _FORBIDDEN_CHARACTER.sub("", text)


def escape(text: str) -> str:
    """Return a text for an XML element or attribute in double quotes: cleaned, and its markup escaped."""
    return _SPECIAL.sub(_escaped, text) if _SPECIAL.search(text) else text


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], "")


@lru_cache(maxsize=1024)
def language_attribute(tag: str, name: str = "xml:lang") -> str:
    """Return ` xml:lang="fr"`; nothing for a language that is not known, or for what is no tag."""
    return f' {name}="{tag}"' if is_known(tag) else ""


@lru_cache(maxsize=1024)
def is_known(tag: str) -> bool:
    """Tell whether a text's language is known: `und` is none."""
    return tag != "und" and _TAG.fullmatch(tag) is not None


def encode_json(document: dict[str, Any]) -> str:
    """Return a document as JSON in which every text is cleaned.

    Hardly any document needs it: it is encoded first, and again only if what would be removed may be in it.
    """
    try:
        text = msgspec.json.encode(document).decode()
        if _MAYBE_FORBIDDEN_IN_JSON.search(text) is None:
            return text
    except UnicodeEncodeError:  # surrogates
        pass
    return msgspec.json.encode(cleaned(msgspec.to_builtins(document))).decode()


def cleaned(value: Any) -> Any:
    """Return a value of JSON with every text in it cleaned; names of members are ours, or tags, and stay."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: cleaned(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(entry) for entry in value]
    return value
