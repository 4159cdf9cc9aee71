"""What one record's normalization gathers beside the fields: where each came from, every term, every finding."""

from __future__ import annotations

from typing import Any

from schemas import Concept, Feed, Leaf, Origin, Term, Text
from transforms.draft import IF_KNOWN, Draft, Finding, Statement, mask_emails
from transforms.normalize.vocabulary import terms as vocabulary

_MANY = 12  # a field of more values names their common path once


class Assembly:
    """The open work on one record."""

    __slots__ = (
        "_terms",
        "draft",
        "feed",
        "fields",
        "findings",
        "format",
        "further_titles",
        "key",
        "plain",
        "provenance",
        "today",
        "unmapped",
    )

    def __init__(self, draft: Draft, key: str, format_: str, feed: Feed, today: str | None = None) -> None:
        self.draft = draft
        self.key = key
        self.format = format_
        self.feed = feed
        self.today = today  # as in `dates.date`
        self.fields: dict[str, Any] = {}  # of the shared record, as far as they are made
        self.plain: dict[str, list[tuple[str, str | None]]] = {}  # field → plain texts, each with its declared language
        self.further_titles: tuple[Text, ...] = ()
        self.findings: list[Finding] = list(draft.findings)
        self.unmapped: list[Leaf] = list(draft.unmapped)
        self.provenance: dict[str, dict[tuple[str, str], None]] = {}  # field → path and rule, in order
        self._terms: dict[tuple[str, str], str | None] = {}

    def made(self, field: str, path: str, rule: str) -> None:
        """Note that a field has a value from this path, by this rule."""
        known = self.provenance.get(field)
        if known is None:
            self.provenance[field] = {(path, rule): None}
        else:
            known[(path, rule)] = None

    def find(self, code: str, path: str, value: str) -> None:
        """Note a finding for the rules."""
        self.findings.append(Finding(code=code, path=path, value=mask_emails(value[:300])[:200]))

    def leave(self, said: Statement) -> None:
        """A value that could not be used after all is listed as unmapped."""
        self.unmapped.append(Leaf(path=said.path, value=mask_emails(said.value)))

    def term(self, field: str, source: str, code: str | None) -> None:
        """Note a vocabulary term as said, with its code; a term without a code is a finding."""
        source = mask_emails(source)
        if (field, source) not in self._terms:
            self._terms[(field, source)] = code
            if code is None:
                self.find("term_unmapped", field, source)

    def lookup(self, field: str, list_: str, said: Statement) -> Concept | None:
        """The library's term for what was said, noted as a term of that field.

        A term's URI, which the hint holds behind a bar, comes before its label. A value that belongs to another field
        first is noted only when the list knows it.
        """
        uri = (said.hint or "").partition("|")[2]
        found = vocabulary.lookup(list_, uri) if "/" in uri else None
        found = found or vocabulary.lookup(list_, said.value, said.language)
        if found is not None or said.hint != IF_KNOWN:
            self.term(field, said.value, None if found is None else found.code)
        return found

    def terms(self) -> tuple[Term, ...]:
        """Every term noted, once, in order."""
        return tuple(Term(field=field, source=source, code=code) for (field, source), code in self._terms.items())

    def origins(self) -> dict[str, tuple[Origin, ...]]:
        """Where each field came from; a field of many values names the path that selects all of them."""
        key, format_ = self.key, self.format
        found = {}
        for field, places in self.provenance.items():
            pairs = places if len(places) <= _MANY else dict.fromkeys(map(_common, places))
            found[field] = tuple([Origin(key=key, path=path, rule=f"{format_}: {rule}") for path, rule in pairs])
        return found


def _common(place: tuple[str, str]) -> tuple[str, str]:
    path, rule = place
    open_ = path.rfind("[")
    if open_ > 0 and path.endswith("]") and path[open_ + 1 : -1].isdigit():
        selects_all = "[*]" if path.startswith("$") else ""
        return path[:open_] + selects_all, rule
    return place
