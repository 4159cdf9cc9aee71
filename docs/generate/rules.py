"""Writes docs/rules.md from the registry of rules: `python -m docs.generate.rules > docs/rules.md`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator

from transforms.rules import RULES, Fragment, Rule

_TITLE = """# The rules

Written from the registry in `transforms/rules/` by `python -m docs.generate.rules > docs/rules.md`; do not edit.

Every finding is kept with its path and value, with the run in which it first appeared and the run in which it was
resolved. An **error** keeps that version of the record from being published; the version accepted before stays. A
**warning** should be mended by the partner, an **info** may be. Each rule lowers one part of the quality score
(docs/quality.md). The examples are the ones that the tests try the rules on: fields laid over a complete record.
"""
_SEVERITIES = ("error", "warning", "info")
_MAX_EXAMPLE_CHARS = 240


def document() -> str:
    """Return the whole page."""
    counts: Counter[str] = Counter(rule.severity for rule in RULES.values())
    by_severity = ", ".join(f"{counts[severity]} {severity}" for severity in _SEVERITIES)
    return "\n".join([_TITLE, f"{len(RULES)} rules: {by_severity}.", "", *_index(), *_chapters()])


def _index() -> Iterator[str]:
    yield "| rule | severity | where | part | what is wrong |"
    yield "|---|---|---|---|---|"
    for rule in sorted(RULES.values(), key=lambda rule: _SEVERITIES.index(rule.severity)):
        yield f"| [{rule.code}](#{rule.code}) | {rule.severity} | {rule.path} | {rule.part} | {rule.wrong} |"
    yield ""


def _chapters() -> Iterator[str]:
    for rule in RULES.values():
        kind = "" if rule.find else " · needs neighbours or history"
        yield f"## {rule.code}\n\n*{rule.severity}* · `{rule.path}` · part `{rule.part}`{kind}\n"
        yield f"{rule.wrong} {rule.why}\n\n**Mend:** {rule.mend}\n"
        yield from _examples(rule)


def _examples(rule: Rule) -> Iterator[str]:
    for name, fragment in (("good", rule.good), ("bad", rule.bad)):
        if fragment:
            yield f"- {name}: `{_as_json(fragment)}`"
    yield ""


def _as_json(fragment: Fragment) -> str:
    """Return a fragment as JSON, shortened to what a table cell takes."""
    text = json.dumps(
        fragment, ensure_ascii=False, default=lambda finding: {"code": finding.code, "value": finding.value}
    )
    text = text.replace("`", "'").replace("|", "\\|")
    return text if len(text) <= _MAX_EXAMPLE_CHARS else text[: _MAX_EXAMPLE_CHARS - 1] + "…"


if __name__ == "__main__":
    sys.stdout.write(document())
