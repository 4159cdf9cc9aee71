"""What a crosswalk read from one record, before any of it is normalized."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from schemas import Base, Leaf

IF_KNOWN = "?"  # the hint of a statement that fills its field only when our list of that field knows the term
PRIMARY = "primary"  # the hint of an address that the source calls the resource's page, before other addresses
WHOLE = "whole"  # the hint of a keyword that is one heading, commas or not: "Newton, Isaac, Sir"
AUTHORITY = "authority:"  # how the hint of a kind begins whose list is in resource_type_authorities.toml
ABOVE = "above:"  # how the hint of a subject begins that stands above the next one in a taxon path
PERSONAL = "personal data"  # why a leaf with an e-mail address or a curator's note is not kept

_EMAIL = re.compile(r"[<(\[]?\b(?:mailto:)?[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+[>)\]]?")
# "https://a.example/lib@1.2.js" holds no e-mail address
_WEB_OR_EMAIL = re.compile(rf"(https?://[^\s<>]+)|{_EMAIL.pattern}")
_MASK = "[…]"  # in place of an e-mail address, the same in every language
# How DSpace's notes on its own work begin; its oai_dc gives them as descriptions (InstallItem.java).
_REPOSITORY_NOTES = (
    "Submitted by ",
    "Approved for entry into archive by ",
    "Rejected by ",
    "Made available in DSpace on ",
    "Restored into DSpace on ",
    "Item withdrawn by ",
    "Item reinstated by ",
)
_REPOSITORY_NOTE = re.compile(r"(?:Made|Restored) .*DSpace on |.{1,300}? on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.DOTALL)


class Statement(msgspec.Struct, frozen=True):
    """One value as the partner wrote it; `path` is its XPath or JSON path in the payload.

    `hint` is what else the source says about it: IF_KNOWN, PRIMARY, WHOLE, or parts behind bars, each of which may be
    missing: `role|kind|authority` of a contributor, `scheme|URI or number` of a term, `authority:name|code` of a kind,
    `above:scheme|URI or number` of a taxon that is not its path's narrowest, `kind|media type` of a link, else one word
    such as a scheme or qualifier.
    """

    value: str
    path: str
    language: str | None = None
    hint: str | None = None


class IgnoredLeaf(NamedTuple):
    """A leaf that the library does not keep, and the crosswalk's reason."""

    leaf: Leaf
    reason: str
    row: str | None = None  # of the crosswalk's table, such as `amdsec/*`; None: a reader decided


class Finding(Base, frozen=True, kw_only=True):
    """Something that normalization noticed; a record rule makes an issue of it.

    Codes: language_contradicted, language_undetermined, date_unreadable, date_impossible, date_future,
    date_ambiguous, date_calendar_assumed, license_unknown, license_contradictory, identifier_invalid, url_malformed,
    text_shortened, html_remains, mojibake_repaired, map_failed.
    """

    code: str
    path: str  # of the shared record, such as title.en or issued; or of the feed file, such as map.title
    value: str  # what was found there, shortened to 200 characters


class Draft:
    """The statements of one record by target field, in the source's order, and every leaf that is in none."""

    __slots__ = ("fields", "findings", "ignored", "unmapped", "used")

    def __init__(self) -> None:
        self.fields: dict[str, list[Statement]] = {}
        self.unmapped: list[Leaf] = []
        self.ignored: list[IgnoredLeaf] = []
        self.used: list[Leaf] = []  # read together with another value: a scheme, a type, the parts of a name
        self.findings: list[Finding] = []

    def add(self, field: str, statement: Statement) -> None:
        """Add one statement to a target field."""
        self.fields.setdefault(field, []).append(statement)

    def get(self, field: str) -> list[Statement]:
        """Return the statements of a field."""
        return self.fields.get(field, [])


def is_repository_note(description: str) -> bool:
    """Tell whether a description is a note of DSpace on who took the record in, and when."""
    return description.startswith(_REPOSITORY_NOTES) and _REPOSITORY_NOTE.match(description) is not None


def mask_emails(text: str) -> str:
    """Return a text with […] for every e-mail address: personal data that the library does not publish."""
    return _WEB_OR_EMAIL.sub(lambda match: match[1] or _MASK, text) if "@" in text else text


def strip_emails(name: str) -> str:
    """Return a name without the e-mail addresses in it: personal data that the library does not keep."""
    return _EMAIL.sub("", name).strip(" ,;()") if "@" in name else name
