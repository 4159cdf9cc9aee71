"""What a crosswalk read from one record, before any of it is normalized."""

from __future__ import annotations

import re

import msgspec

from schemas import Base, Leaf

IF_KNOWN = "?"  # the hint of a value that also says this field, when the field's list knows the term
PRIMARY = "primary"  # the hint of an address that the source calls its page, before others that may be it
PERSONAL = "personal data"  # why a leaf with an e-mail address or a curator's note is not kept
_EMAIL = re.compile(r"[<(\[]?\b(?:mailto:)?[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+[>)\]]?")
# "https://a.example/lib@1.2.js" holds no e-mail address
_WEB_OR_EMAIL = re.compile(rf"(https?://[^\s<>]+)|{_EMAIL.pattern}")
_LEFT_OUT = "[…]"  # what stands for an e-mail address in a text, in any language
# How the notes begin that DSpace writes about its own work; its oai_dc gives them as descriptions (InstallItem.java).
_NOTES = (
    "Submitted by ",
    "Approved for entry into archive by ",
    "Rejected by ",
    "Made available in DSpace on ",
    "Restored into DSpace on ",
    "Item withdrawn by ",
    "Item reinstated by ",
)
_NOTE = re.compile(r"(?:Made|Restored) .*DSpace on |.{1,300}? on \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.DOTALL)


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One value as the partner said it, and where: `path` is an XPath or JSON path into the payload.

    `hint` is what else the source says about it: a role, a scheme, a qualifier, a kind, a vocabulary.
    """

    value: str
    path: str
    language: str | None = None
    hint: str | None = None


class Finding(Base, frozen=True, kw_only=True):
    """Something that normalization noticed; a record rule makes an issue of it.

    Codes: language_contradicted, language_undetermined, date_impossible, date_future, date_ambiguous,
    license_unknown, license_contradictory, identifier_invalid, url_malformed, term_unmapped, text_shortened,
    html_remains, mojibake_repaired.
    """

    code: str
    path: str  # of the shared record, such as title.en or issued
    value: str  # what was found there, shortened to 200 characters


class Draft:
    """The values of one record by target field, in the source's order, and every leaf that none of them used."""

    __slots__ = ("fields", "findings", "ignored", "unmapped", "used")

    def __init__(self) -> None:
        self.fields: dict[str, list[Statement]] = {}
        self.unmapped: list[Leaf] = []
        self.ignored: list[tuple[Leaf, str]] = []  # with the crosswalk's reason
        self.used: list[Leaf] = []  # read together with another value: a scheme, a type, the parts of a name
        self.findings: list[Finding] = []

    def add(self, field: str, said: Statement) -> None:
        """Put one value into a target field."""
        known = self.fields.get(field)
        if known is None:
            self.fields[field] = [said]
        else:
            known.append(said)

    def get(self, field: str) -> list[Statement]:
        """What was said for a field; empty when nothing was."""
        return self.fields.get(field, [])


def is_repository_note(description: str) -> bool:
    """Whether a description is a note of DSpace on who took the record in, and when."""
    return description.startswith(_NOTES) and _NOTE.match(description) is not None


def mask_emails(text: str) -> str:
    """A text with […] for every e-mail address in it: personal data that the library does not publish."""
    return _WEB_OR_EMAIL.sub(_left_out, text) if "@" in text else text


def _left_out(found: re.Match[str]) -> str:
    return found[1] or _LEFT_OUT


def strip_emails(name: str) -> str:
    """A name without the e-mail addresses in it: personal data that the library does not keep."""
    return _EMAIL.sub("", name).strip(" ,;()") if "@" in name else name
