"""The person or organisation in a vCard (RFC 2426 and 6350), such as LOM carries them; read line by line by vobject.

A vCard that no longer has its lines (an XML serializer folded them to blanks) is given them back first.
"""

from __future__ import annotations

import quopri
import re
from functools import lru_cache
from typing import NamedTuple

from vobject.base import ParseError, parseLine
from vobject.icalendar import stringToTextValues
from vobject.vcard import splitFields

PROPERTIES = "VERSION|KIND|FN|N|ORG|EMAIL|TEL|URL|UID|ADR|TITLE|ROLE|NOTE|REV|BDAY|NICKNAME|X-[A-Z-]+|END|BEGIN"
STRUCTURED = frozenset({"N", "ORG"})
FOLDED = re.compile(rf"\s+(?=(?:{PROPERTIES})(?:;[^:\n]*)?:)", re.IGNORECASE)


class Card(NamedTuple):
    name: str
    kind: str | None  # person, organisation, or None: the card does not say
    id: str | None


@lru_cache(maxsize=4096)
def card(text: str) -> Card | None:
    """Who a vCard names; None when it names nobody or is no vCard. Addresses and telephone numbers are left out."""
    said: dict[str, list[str]] = {}
    for line in FOLDED.sub("\n", text.strip()).splitlines():
        name, value = _property(line.strip())
        if value:
            said.setdefault(name, []).append(value)
    full, family = said.get("FN", [""])[0], said.get("N", [""])[0]
    organisation = said.get("ORG", [""])[0]
    name = family if "," in family else full or family or organisation
    if not name:
        return None
    stated = said.get("KIND", [""])[0].lower()
    if stated in {"org", "organization", "organisation", "group"} or name == organisation:
        return Card(name, "organisation", _id(said))
    return Card(name, "person" if family else None, _id(said))


def _property(line: str) -> tuple[str, str]:
    """A property's name in capitals and its text; empty for a line that is none."""
    try:
        name, params, value, _ = parseLine(line)
    except ParseError:
        return "", ""
    name = name.upper()
    if any(one and one[-1].upper() == "QUOTED-PRINTABLE" for one in params):
        value = quopri.decodestring(value.encode()).decode("utf-8", "replace")
    if name not in STRUCTURED:
        return name, " ".join(stringToTextValues(value, listSeparator="\n")[0].split())
    parts = [" ".join(_flat(part).split()) for part in splitFields(value)]
    if name == "ORG":
        return name, " ".join(part for part in parts if part)
    given = " ".join(part for part in parts[1:3] if part)
    return name, ", ".join(part for part in (parts[0], given) if part)


def _flat(part: str | list[str]) -> str:
    return part if isinstance(part, str) else " ".join(part)


def _id(said: dict[str, list[str]]) -> str | None:
    for name in ("X-ORCID", "X-GND-ID", "X-ROR", "UID", "URL"):
        for value in said.get(name, ()):
            if name.startswith("X-") or any(host in value for host in ("orcid.org", "d-nb.info", "ror.org")):
                return value
    return None


def looks_like_one(text: str) -> bool:
    """Whether a text is meant as a vCard."""
    return "BEGIN:VCARD" in text[:200].upper()
