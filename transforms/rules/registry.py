"""The registry: every rule about a record or a batch, by its code."""

from __future__ import annotations

from schemas import Issue, Resource, Severity
from transforms.rules import addresses, batch, conformance, languages, people, rights, teaching, texts, titles
from transforms.rules.rule import Context, Rule

TOPICS = (titles, texts, languages, rights, addresses, people, teaching, conformance, batch)
RULES: dict[str, Rule] = {rule.code: rule for topic in TOPICS for rule in topic.RULES}
LOOKS = tuple((rule.code, rule.severity, rule.look) for rule in RULES.values() if rule.look is not None)
VALUE_LENGTH = 200
NO_CONTEXT = Context()


def check(resource: Resource, context: Context = NO_CONTEXT) -> tuple[Issue, ...]:
    """Everything that the record rules find in one record, in the registry's order, each finding once."""
    found: dict[tuple[str, str, str], Severity] = {}
    for code, severity, look in LOOKS:
        for path, value in look(resource, context):
            found[code, path, shorten(value)] = severity
    return tuple(
        Issue(key=resource.key, code=code, severity=severity, path=path, value=value)
        for (code, path, value), severity in found.items()
    )


def shorten(value: str) -> str:
    """A value as it is kept with a finding: at most 200 characters."""
    return value if len(value) <= VALUE_LENGTH else value[: VALUE_LENGTH - 1] + "…"
