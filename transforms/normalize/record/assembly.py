"""What the normalization of one record gathers: its fields, where each came from, every term, every finding."""

from __future__ import annotations

from typing import Any

from schemas import Concept, Feed, Leaf, Origin, Term, Text
from transforms.draft import IF_KNOWN, Draft, Finding, Statement, mask_emails
from transforms.normalize.vocabulary import MappedTerm, TermMappings, lookup

_MAX_ORIGINS = 12  # a field with more of them names their common path instead
_NO_MAPPINGS = TermMappings((), "")
_MAX_FINDING_READ_CHARS, _MAX_FINDING_CHARS = 300, 200


class Assembly:
    """The normalization of one record while it is under way."""

    __slots__ = (
        "_terms",
        "default_languages",
        "draft",
        "feed",
        "fields",
        "findings",
        "format",
        "further_titles",
        "key",
        "latest_day",
        "mappings",
        "plain_texts",
        "provenance",
        "unmapped",
    )

    def __init__(
        self,
        draft: Draft,
        key: str,
        format_: str,
        feed: Feed,
        latest_day: str | None = None,
        mappings: TermMappings = _NO_MAPPINGS,
    ) -> None:
        self.draft = draft
        self.mappings = mappings
        self.key = key
        self.format = format_
        self.feed = feed
        self.latest_day = latest_day  # as in `dates.read_date`
        self.fields: dict[str, Any] = {}  # of the shared record, as far as they are read
        self.plain_texts: dict[str, list[tuple[str, str | None]]] = {}  # field → texts with their declared languages
        self.default_languages: tuple[str, ...] = ()  # tags of texts that have none: the record's, else the feed's
        self.further_titles: tuple[Text, ...] = ()
        self.findings: list[Finding] = list(draft.findings)
        self.unmapped: list[Leaf] = list(draft.unmapped)
        self.provenance: dict[str, dict[tuple[str, str], None]] = {}  # field → path and rule, in order
        self._terms: dict[tuple[str, str], str | None] = {}

    def add_origin(self, field: str, path: str, rule: str) -> None:
        """Note that a field has a value from this path, by this rule."""
        known = self.provenance.get(field)
        if known is None:
            self.provenance[field] = {(path, rule): None}
        else:
            known[(path, rule)] = None

    def add_finding(self, code: str, path: str, value: str) -> None:
        """Note a finding for the rules."""
        value = mask_emails(value[:_MAX_FINDING_READ_CHARS])[:_MAX_FINDING_CHARS]
        self.findings.append(Finding(code=code, path=path, value=value))

    def leave_unmapped(self, statement: Statement) -> None:
        """List a value that turned out not to be usable as unmapped."""
        self.unmapped.append(Leaf(path=statement.path, value=mask_emails(statement.value)))

    def add_term(self, field: str, source: str, code: str | None) -> None:
        """Note a partner's vocabulary term with its code.

        `field` is one of the shared record, or `language`, `role` or `relation_kind`.
        """
        self._terms.setdefault((field, mask_emails(source)), code)

    def use_mapping(self, field: str, statement: Statement) -> MappedTerm | None:
        """Return what a steward mapped a statement's value to, and note it as a term with its code; None without one.

        A value that is ignored is no term, and is listed as unmapped unless another field reads it too.
        """
        mapped = self.mappings.find(field, statement.value)
        if mapped is None:
            return None
        if mapped.code is not None:
            self.add_term(field, statement.value, mapped.code)
            self.add_origin(field, statement.path, f"steward's mapping to {mapped.scheme}")
        elif statement.hint != IF_KNOWN:
            self.leave_unmapped(statement)
        return mapped

    def lookup(self, field: str, vocabulary: str, statement: Statement) -> Concept | None:
        """Return the library's concept for a statement, and note its value as a term of the field.

        A term's URI, which the hint holds behind a bar, comes before its label. A value that another field reads too
        is noted only when the list knows it.
        """
        uri = (statement.hint or "").partition("|")[2]
        concept = lookup(vocabulary, uri) if "/" in uri else None
        concept = concept or lookup(vocabulary, statement.value, statement.language)
        if concept is not None or statement.hint != IF_KNOWN:
            self.add_term(field, statement.value, None if concept is None else concept.code)
        return concept

    def terms(self) -> tuple[Term, ...]:
        """Return every term noted, once, in order."""
        return tuple(Term(field=field, source=source, code=code) for (field, source), code in self._terms.items())

    def origins(self) -> dict[str, tuple[Origin, ...]]:
        """Return where each field came from; a field of many values names the path that selects all of them."""
        origins = {}
        for field, paths_and_rules in self.provenance.items():
            many = len(paths_and_rules) > _MAX_ORIGINS
            pairs = dict.fromkeys(map(_without_index, paths_and_rules)) if many else paths_and_rules
            origins[field] = tuple(
                [Origin(key=self.key, path=path, rule=f"{self.format}: {rule}") for path, rule in pairs]
            )
        return origins


def _without_index(path_and_rule: tuple[str, str]) -> tuple[str, str]:
    path, rule = path_and_rule
    bracket = path.rfind("[")
    if bracket > 0 and path.endswith("]") and path[bracket + 1 : -1].isdigit():
        selects_all = "[*]" if path.startswith("$") else ""
        return path[:bracket] + selects_all, rule
    return path_and_rule
