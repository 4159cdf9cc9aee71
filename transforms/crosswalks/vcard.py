"""The person or organisation in a vCard (RFC 2426 and 6350), such as LOM carries them; read by vobject.

A vCard that no longer has its lines (an XML serializer folded them to blanks) is given them back first.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import vobject

PROPERTIES = "VERSION|KIND|FN|N|ORG|EMAIL|TEL|URL|UID|ADR|TITLE|ROLE|NOTE|REV|BDAY|NICKNAME|X-[A-Z-]+|END|BEGIN"
FOLDED = re.compile(rf"\s+(?=(?:{PROPERTIES})(?:;[^:\n]*)?:)", re.IGNORECASE)


class Card(NamedTuple):
    name: str
    kind: str | None  # person, organisation, or None: the card does not say
    id: str | None


@lru_cache(maxsize=4096)
def card(text: str) -> Card | None:
    """Who a vCard names; None when it names nobody or is no vCard. Addresses and telephone numbers are left out."""
    lines = [line.strip() for line in FOLDED.sub("\n", text.strip()).splitlines()]
    try:
        read = vobject.readOne("\n".join(line for line in lines if ":" in line), ignoreUnreadable=True)
    except (vobject.base.ParseError, StopIteration, IndexError, AttributeError, ValueError):
        return None
    if read is None or not hasattr(read, "contents"):
        return None
    said = {name: [_text(line.value) for line in lines] for name, lines in read.contents.items()}
    full = next((name for name in said.get("fn", ()) if name), "")
    family = next((name for name in said.get("n", ()) if name), "")
    organisation = next((name for name in said.get("org", ()) if name), "")
    name = family if "," in family else full or family or organisation
    if not name:
        return None
    stated = (said.get("kind") or [""])[0].lower()
    if stated in {"org", "organization", "organisation", "group"} or name == organisation:
        return Card(name, "organisation", _id(said))
    return Card(name, "person" if family else None, _id(said))


def _text(value: object) -> str:
    if isinstance(value, vobject.vcard.Name):
        given = " ".join(_text(part) for part in (value.given, value.additional) if part)
        family = _text(value.family)
        return f"{family}, {given}" if family and given else family or given
    if isinstance(value, list):
        return " ".join(text for part in value if (text := _text(part)))
    return " ".join(str(value).split()) if isinstance(value, str) else ""


def _id(said: dict[str, list[str]]) -> str | None:
    for name in ("x-orcid", "x-gnd-id", "x-ror", "uid", "url"):
        for value in said.get(name, ()):
            if value and ("orcid.org" in value or "d-nb.info" in value or "ror.org" in value or name.startswith("x-")):
                return value
    return None


def looks_like_one(text: str) -> bool:
    """Whether a text is meant as a vCard."""
    return "BEGIN:VCARD" in text[:200].upper()
