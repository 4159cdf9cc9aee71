"""What a rule is: one row that says what is wrong, why it matters and how the partner mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from schemas import Base, Feed, Resource, Severity, read_toml
from transforms.draft import Finding

# Words that stand where a value should be ("untitled", "admin"), by the kind of value.
PLACEHOLDER_WORDS: dict[str, frozenset[str]] = {
    name: frozenset(words) for name, words in read_toml(Path(__file__).with_name("words.toml")).items()
}
Violation = tuple[str, str]  # the path in the record, and the value there
Fragment = dict[str, Any]  # fields of a Resource or of the Context that differ from a complete record


class Context(Base, frozen=True, kw_only=True):
    """What a rule may know besides the record: the findings of normalization, and the feed's defaults."""

    findings: tuple[Finding, ...] = ()
    default_license: str | None = None
    default_language: str | None = None
    format: str = ""


def context_of(feed: Feed, findings: Iterable[Finding] = ()) -> Context:
    """Return the context of one record of a feed."""
    return Context(
        findings=tuple(findings),
        default_license=feed.default_license,
        default_language=feed.default_language,
        format=feed.format,
    )


Find = Callable[[Resource, Context], Iterable[Violation]]
Part = Literal[
    "title", "description", "language", "license", "address", "people", "date", "type", "audience", "subject"
]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row of the registry. `find` returns a path and value for each place where the record breaks the rule.

    `good` and `bad` are fields of the record (or its context) that keep and break the rule, laid over a complete
    record; the tests try every rule on its own two examples. A batch rule has no `find`: it needs other records or
    the record's earlier version, which `apply_batch_rules` takes as arguments.
    """

    code: str  # stable: it is stored in the catalog and quoted to partners
    path: str
    severity: Severity
    part: Part  # of the quality score that a violation lowers
    wrong: str
    why: str
    mend: str
    good: Fragment = field(default_factory=dict)
    bad: Fragment = field(default_factory=dict)
    find: Find | None = None


def findings_of(context: Context, code: str) -> list[Violation]:
    """Return the findings that normalization made under a code, as violations."""
    return [(finding.path, finding.value) for finding in context.findings if finding.code == code]


FINDS_OF_FINDINGS: set[Find] = set()  # they only repeat findings of normalization, so that most records are skipped


def from_findings(code: str) -> Find:
    """Return a function that repeats the findings that normalization made under a code."""

    def find(_: Resource, context: Context) -> list[Violation]:
        return findings_of(context, code)

    FINDS_OF_FINDINGS.add(find)
    return find
