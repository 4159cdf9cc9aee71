"""What a crosswalk read from one record, before any of it is normalized."""

from __future__ import annotations

import re

import msgspec

from schemas import Base, Leaf

IF_KNOWN = "?"  # the hint of a value that also says this field, when the field's list knows the term
CHIEF = "chief"  # the hint of an address that the source calls its page, before others that may be it
PERSONAL = "personal data"  # why a leaf with an e-mail address or a curator's note is not kept
EMAIL = re.compile(r"[<(\[]?\b(?:mailto:)?[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+[>)\]]?")


class Said(msgspec.Struct, frozen=True, gc=False):
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
        self.fields: dict[str, list[Said]] = {}
        self.unmapped: list[Leaf] = []
        self.ignored: list[tuple[Leaf, str]] = []  # with the crosswalk's reason
        self.used: list[Leaf] = []  # read together with another value: a scheme, a type, the parts of a name
        self.findings: list[Finding] = []

    def say(self, field: str, said: Said) -> None:
        """Put one value into a target field."""
        known = self.fields.get(field)
        if known is None:
            self.fields[field] = [said]
        else:
            known.append(said)

    def get(self, field: str) -> list[Said]:
        """What was said for a field; empty when nothing was."""
        return self.fields.get(field, [])


def without_address(name: str) -> str:
    """A name without the e-mail addresses in it: personal data that the library does not keep."""
    return EMAIL.sub("", name).strip(" ,;()") if "@" in name else name
