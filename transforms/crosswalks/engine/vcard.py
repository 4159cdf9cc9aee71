"""The persons and organisations in vCards (RFC 2426 and 6350) as LOM carries them; vobject parses each line.

The lines of a vCard that an XML serializer joined with blanks are restored first.
"""

from __future__ import annotations

import html
import quopri
import re
from typing import NamedTuple

from vobject.base import ParseError, parseLine
from vobject.icalendar import stringToTextValues
from vobject.vcard import splitFields

from transforms.remembering import remember

_PROPERTIES = "VERSION|KIND|FN|N|ORG|EMAIL|TEL|URL|UID|ADR|TITLE|ROLE|NOTE|REV|BDAY|NICKNAME|X-[A-Z-]+|END|BEGIN"
_PROPERTY_START = rf"(?:{_PROPERTIES})(?:;[^:\n]{{0,500}})?:"  # bounded, or many unclosed parameters take long
_STRUCTURED = frozenset({"N", "ORG"})
_JOINED_BY_BLANKS = re.compile(rf"(?<!\s)(?<!\\[nr])(?:\s|\\[nr])+(?={_PROPERTY_START})", re.IGNORECASE)
_JOINED_BY_SEPARATOR = re.compile(rf"[;,|]\s*(?={_PROPERTY_START})", re.IGNORECASE)  # "BEGIN:VCARD;FN:A;END:VCARD"
_SEPARATED = re.compile(r"BEGIN\s*:\s*VCARD\s*[;,|]", re.IGNORECASE)
_PROPERTY = re.compile(r"[A-Z0-9.-]+(?:;[^:]*)?:", re.IGNORECASE)
_END = re.compile(r"END\s*:\s*VCARD", re.IGNORECASE)
_NO_NAMES = frozenset({"n/a", "na", "none", "null", "unknown", "-", "?"})
_BODY = re.compile(
    r"\b(?:universi|ministr[yi]|minist[eè]re|institut[eo]?\b|facult|университет|министерств|وزارة|جامعة)", re.IGNORECASE
)
_ORGANISATION_KINDS = frozenset({"org", "organization", "organisation", "group"})
_ID_HOSTS = (
    *("orcid.org", "d-nb.info", "ror.org", "viaf.org", "isni.org", "id.loc.gov", "wikidata.org", "idref.fr"),
    "data.bnf.fr",
)
_GAP = re.compile(r"\s{2,}")
_MAX_TEXT_CHARS = 20_000
_FULL_LINE_CHARS = 70  # a line of this length was folded where it was full, perhaps inside a word


class Card(NamedTuple):
    """Whom one vCard names."""

    name: str
    kind: str | None  # person or organisation; None: the card leaves it open
    id: str | None


def is_vcard(text: str) -> bool:
    """Tell whether a text is meant as a vCard."""
    return "BEGIN:VCARD" in text[:200].upper()


@remember(4096)
def read_vcards(text: str) -> tuple[Card, ...]:
    """Return everyone whom the vCards of one text name, without their addresses and telephones."""
    plain = _GAP.sub(lambda gap: "\n" if "\n" in gap[0] else " ", html.unescape(text[:_MAX_TEXT_CHARS]))
    cards = map(_card, _END.split(plain))
    return tuple(card for card in cards if card is not None)


def _card(text: str) -> Card | None:
    """Return whom one vCard names; None when it names nobody or is no vCard."""
    properties = _properties(text)
    full, family, organisation, kind = (properties.get(name, [""])[0] for name in ("FN", "N", "ORG", "KIND"))
    name = _name(full, family, organisation)
    if not name:
        return None
    if kind.lower() in _ORGANISATION_KINDS or name == organisation:
        return Card(name, "organisation", _id(properties))
    if kind.lower() == "individual":  # RFC 6350, 6.1.4
        return Card(name, "person", _id(properties))
    # "N:Ministère de l’Éducation;;;;" is no family name
    is_person = family not in ("", full) and not _is_body(full, organisation)
    return Card(name, "person" if is_person else None, _id(properties))


def _name(full: str, family: str, organisation: str) -> str:
    """Return the name that counts; that of an organisation in FN, of which N holds only the words."""
    if _is_body(full, organisation) or "," not in family:
        return full or family or organisation
    return family


def _is_body(full: str, organisation: str) -> bool:
    return full != "" and (full == organisation or _BODY.search(full) is not None)


def _properties(text: str) -> dict[str, list[str]]:
    """Return a vCard's properties by name, without those whose value is a placeholder."""
    properties: dict[str, list[str]] = {}
    for line in _lines(text):
        name, value = _property(line)
        if value and value.lower() not in _NO_NAMES:
            properties.setdefault(name, []).append(value)
    return properties


def _lines(text: str) -> list[str]:
    """Return one line per property: restore lines joined to one, and join those that were folded."""
    restored = _JOINED_BY_BLANKS.sub("\n", text.strip())
    if _SEPARATED.match(restored):
        restored = _JOINED_BY_SEPARATOR.sub("\n", restored)
    lines: list[str] = []
    for line in filter(None, map(str.strip, restored.splitlines())):
        if not lines or _PROPERTY.match(line):
            lines.append(line)
        elif lines[-1].endswith("="):  # quoted-printable goes on
            lines[-1] = lines[-1][:-1] + line
        else:
            lines[-1] += line if len(lines[-1]) >= _FULL_LINE_CHARS else f" {line}"
    return lines


def _property(line: str) -> tuple[str, str]:
    """Return a property's name in capitals and its text; two empty texts for a line that is no property."""
    try:
        name, params, value, _ = parseLine(line)
    except ParseError:
        return "", ""
    name = name.upper()
    if any(param and param[-1].upper() == "QUOTED-PRINTABLE" for param in params):
        value = quopri.decodestring(value.encode()).decode("utf-8", "replace")
    if name not in _STRUCTURED:
        return name, " ".join(stringToTextValues(value, listSeparator="\n")[0].split())
    fields = [field if isinstance(field, str) else " ".join(field) for field in splitFields(value)]
    parts = [" ".join(field.split()) for field in fields]
    if name == "ORG":
        return name, " ".join(filter(None, parts))
    given = " ".join(filter(None, parts[1:3]))
    return name, ", ".join(filter(None, (parts[0], given)))


def _id(properties: dict[str, list[str]]) -> str | None:
    """Return the person's or organisation's identifier in ORCID, GND, ROR or another authority."""
    for name in ("X-ORCID", "X-GND-ID", "X-ROR", "UID", "URL"):
        for value in properties.get(name, ()):
            if name.startswith("X-") or any(host in value for host in _ID_HOSTS):
                return value
    return None
