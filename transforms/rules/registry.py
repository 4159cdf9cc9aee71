"""The registry: every rule about a record, a feed or the catalog, by its code."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from schemas import Issue, Resource, Severity, read_toml
from transforms.rules import (
    addresses,
    batch,
    checked_links,
    conformance,
    languages,
    people,
    rights,
    teaching,
    texts,
    titles,
)
from transforms.rules.rule import FINDS_OF_FINDINGS, Context, Rule

_TOPICS = (titles, texts, languages, rights, addresses, people, teaching, conformance, batch, checked_links)
RULES: dict[str, Rule] = {rule.code: rule for topic in _TOPICS for rule in topic.RULES}
_RECORD_RULES = tuple((rule.code, rule.severity, rule.find) for rule in RULES.values() if rule.find is not None)
TRANSLATIONS = Path(__file__).parent / "translations"
_MAX_VALUE_CHARS = 200
_Violations = dict[tuple[str, str, str], Severity]  # (code, path, value) → severity


def apply_rules(records: Iterable[tuple[Resource, Context]]) -> list[tuple[Issue, ...]]:
    """Apply every record rule to every record; return the issues of each, in the registry's order, each once.

    Each rule looks at all records before the next rule does, so pass some tens of records at a time: all of them, and
    their issues, are in memory.
    """
    rows: list[tuple[Resource, Context, _Violations]] = [(resource, context, {}) for resource, context in records]
    rows_with_findings = [row for row in rows if row[1].findings]
    for code, severity, find in _RECORD_RULES:
        for resource, context, violations in rows_with_findings if find in FINDS_OF_FINDINGS else rows:
            for path, value in find(resource, context):
                violations[code, path, _shorten(value)] = severity
    return [
        tuple(
            Issue(key=resource.key, code=code, severity=severity, path=path, value=value)
            for (code, path, value), severity in violations.items()
        )
        for resource, _, violations in rows
    ]


def _shorten(value: str) -> str:
    return value if len(value) <= _MAX_VALUE_CHARS else value[: _MAX_VALUE_CHARS - 1] + "…"


@cache
def rule_texts() -> dict[str, dict[str, str]]:
    """Return what the reports say about each rule, by code: wrong, why, mend, severity, and wrong.fr, mend.fr, …

    It is read once per process; nobody may change it.
    """
    texts_by_code = {
        code: {"wrong": rule.wrong, "why": rule.why, "mend": rule.mend, "severity": rule.severity}
        for code, rule in RULES.items()
    }
    for path in sorted(TRANSLATIONS.glob("*.toml")):
        for code, (wrong, mend) in read_toml(path).items():
            texts_by_code[code] |= {f"wrong.{path.stem}": wrong, f"mend.{path.stem}": mend}
    return texts_by_code
