"""The registry: every rule about a record or a batch, by its code."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from schemas import Issue, Resource, Severity
from transforms.rules import addresses, batch, conformance, languages, people, rights, teaching, texts, titles
from transforms.rules.rule import REPORTS, Context, Rule

_TOPICS = (titles, texts, languages, rights, addresses, people, teaching, conformance, batch)
RULES: dict[str, Rule] = {rule.code: rule for topic in _TOPICS for rule in topic.RULES}
_LOOKS = tuple((rule.code, rule.severity, rule.look) for rule in RULES.values() if rule.look is not None)
TRANSLATIONS = Path(__file__).parent / "translations"
_VALUE_LENGTH = 200
_NO_CONTEXT = Context()
_Found = dict[tuple[str, str, str], Severity]  # code, path and value of what is found


def check(resource: Resource, context: Context = _NO_CONTEXT) -> tuple[Issue, ...]:
    """Everything that the record rules find in one record, in the registry's order, each finding once."""
    return check_all([resource], [context])[0]


def check_all(resources: Sequence[Resource], contexts: Sequence[Context]) -> list[tuple[Issue, ...]]:
    """The same for some records, each with its context; each rule looks at all of them before the next."""
    found: list[_Found] = [{} for _ in resources]
    every = list(zip(resources, contexts, found, strict=True))
    noticed = [one for one in every if one[1].findings]
    for code, severity, look in _LOOKS:
        for resource, context, mine in noticed if look in REPORTS else every:
            for path, value in look(resource, context):
                mine[code, path, _shorten(value)] = severity
    return [
        tuple(
            Issue(key=resource.key, code=code, severity=severity, path=path, value=value)
            for (code, path, value), severity in mine.items()
        )
        for resource, mine in zip(resources, found, strict=True)
    ]


def _shorten(value: str) -> str:
    """A value as it is kept with a finding: at most 200 characters."""
    return value if len(value) <= _VALUE_LENGTH else value[: _VALUE_LENGTH - 1] + "…"


def rule_texts() -> dict[str, dict[str, str]]:
    """What the reports say about each rule, by code: wrong, why, mend, severity, and wrong.fr, mend.fr and so on."""
    said = {
        code: {"wrong": rule.wrong, "why": rule.why, "mend": rule.mend, "severity": rule.severity}
        for code, rule in RULES.items()
    }
    for path in sorted(TRANSLATIONS.glob("*.toml")):
        for code, (wrong, mend) in tomllib.loads(path.read_text(encoding="utf-8")).items():
            said[code] |= {f"wrong.{path.stem}": wrong, f"mend.{path.stem}": mend}
    return said
