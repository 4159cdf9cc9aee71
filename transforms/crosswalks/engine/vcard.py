"""The person or organisation in a vCard (RFC 2426 and 6350), such as LOM carries them; read line by line by vobject.

A vCard that no longer has its lines (an XML serializer folded them to blanks) is given them back first.
"""

from __future__ import annotations

import html
import quopri
import re
from functools import lru_cache
from typing import NamedTuple

from vobject.base import ParseError, parseLine
from vobject.icalendar import stringToTextValues
from vobject.vcard import splitFields

_PROPERTIES = "VERSION|KIND|FN|N|ORG|EMAIL|TEL|URL|UID|ADR|TITLE|ROLE|NOTE|REV|BDAY|NICKNAME|X-[A-Z-]+|END|BEGIN"
_PROPERTY_BEGIN = rf"(?:{_PROPERTIES})(?:;[^:\n]{{0,500}})?:"  # the parameters' length is bounded: many may have no end
_STRUCTURED = frozenset({"N", "ORG"})
_FOLDED = re.compile(rf"(?<!\s)(?<!\\[nr])(?:\s|\\[nr])++(?={_PROPERTY_BEGIN})", re.IGNORECASE)
_PARTED = re.compile(rf"[;,|]\s*(?={_PROPERTY_BEGIN})", re.IGNORECASE)  # "BEGIN:VCARD;FN:A;END:VCARD"
_PROPERTY = re.compile(r"[A-Z0-9.-]+(?:;[^:]*)?:", re.IGNORECASE)
_END = re.compile(r"END\s*:\s*VCARD", re.IGNORECASE)
_NO_NAME = frozenset({"n/a", "na", "none", "null", "unknown", "-", "?"})
_GAP = re.compile(r"\s{2,}")
_LONGEST = 20_000  # characters of a text that are read
_LINE = 70  # characters; a line as long was folded where it was full, maybe inside a word


class _Card(NamedTuple):
    name: str
    kind: str | None  # person, organisation, or None: the card does not say
    id: str | None


@lru_cache(maxsize=4096)
def cards(text: str) -> tuple[_Card, ...]:
    """Everyone whom the vCards of one text name; empty when they name nobody. Addresses and telephones are left out."""
    plain = _GAP.sub(lambda gap: "\n" if "\n" in gap[0] else " ", html.unescape(text[:_LONGEST]))
    return tuple(found for one in _END.split(plain) if (found := _card(one)) is not None)


def _card(text: str) -> _Card | None:
    """Who one vCard names; None when it names nobody or is no vCard."""
    said: dict[str, list[str]] = {}
    for line in _lines(text):
        name, value = _property(line)
        if value and value.lower() not in _NO_NAME:
            said.setdefault(name, []).append(value)
    full, family = said.get("FN", [""])[0], said.get("N", [""])[0]
    organisation = said.get("ORG", [""])[0]
    name = family if "," in family else full or family or organisation
    if not name:
        return None
    stated = said.get("KIND", [""])[0].lower()
    if stated in {"org", "organization", "organisation", "group"} or name == organisation:
        return _Card(name, "organisation", _id(said))
    return _Card(name, "person" if family else None, _id(said))


def _lines(text: str) -> list[str]:
    """A line a property: lines folded to blanks, to "\\n" or to ";" are parted, those folded in two are joined."""
    whole = _FOLDED.sub("\n", text.strip())
    if re.match(r"BEGIN\s*:\s*VCARD\s*[;,|]", whole, re.IGNORECASE):
        whole = _PARTED.sub("\n", whole)
    lines: list[str] = []
    for line in filter(None, map(str.strip, whole.splitlines())):
        if lines and not _PROPERTY.match(line):
            soft = lines[-1].endswith("=")  # quoted-printable goes on
            lines[-1] = lines[-1][:-1] + line if soft else lines[-1] + (line if len(lines[-1]) >= _LINE else f" {line}")
        else:
            lines.append(line)
    return lines


def _property(line: str) -> tuple[str, str]:
    """A property's name in capitals and its text; empty for a line that is none."""
    try:
        name, params, value, _ = parseLine(line)
    except ParseError:
        return "", ""
    name = name.upper()
    if any(one and one[-1].upper() == "QUOTED-PRINTABLE" for one in params):
        value = quopri.decodestring(value.encode()).decode("utf-8", "replace")
    if name not in _STRUCTURED:
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
