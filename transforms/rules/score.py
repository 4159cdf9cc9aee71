"""Score the quality of a record, 0 to 100, as the sum of named parts; docs/quality.md explains it."""

from __future__ import annotations

from collections.abc import Iterable

from schemas import Issue, License, Resource
from transforms.rules.addresses import opening_address
from transforms.rules.registry import RULES
from transforms.rules.rule import Part

# The most points that each part can bring; they add up to 100.
WEIGHTS: dict[Part, int] = {
    "title": 10, "description": 15, "language": 10, "license": 15, "address": 10,
    "people": 10, "date": 5, "type": 10, "audience": 10, "subject": 5,
}  # fmt: skip
# The share that remains of a part whose worst finding has this severity.
_REMAINING_SHARE = {"error": 0.0, "warning": 0.5, "info": 0.9}

_MAX_SCORE_WITH_ERROR = 30
_FULL_DESCRIPTION_CHARS = 200


def score_parts(resource: Resource, issues: Iterable[Issue]) -> dict[Part, int]:
    """Return the points of each part: none where the field is empty, fewer where a rule found something."""
    remains = dict.fromkeys(WEIGHTS, 1.0)
    for issue in issues:
        rule = RULES.get(issue.code)
        if rule is not None:
            remains[rule.part] = min(remains[rule.part], _REMAINING_SHARE[issue.severity])
    return {part: round(WEIGHTS[part] * share * remains[part]) for part, share in _filled(resource).items()}


def score(resource: Resource, issues: Iterable[Issue]) -> int:
    """Return the quality of a record from 0 to 100; a record with an error has no more than 30."""
    issues = tuple(issues)
    points = sum(score_parts(resource, issues).values())
    return min(points, _MAX_SCORE_WITH_ERROR) if any(issue.severity == "error" for issue in issues) else points


def _filled(resource: Resource) -> dict[Part, float]:
    """Return how far each part is filled, from 0 to 1."""
    longest = max((len(text) for text in resource.description.values()), default=0)
    return {
        "title": float(bool(resource.title)),
        "description": min(1.0, longest / _FULL_DESCRIPTION_CHARS),
        "language": float(bool(resource.languages)),
        "license": _openness(resource.license),
        "address": float(bool(resource.url)) or 0.5 * bool(opening_address(resource)),
        "people": float(bool(resource.contributors)) or 0.5 * bool(resource.publishers),
        "date": float(bool(resource.issued)) or 0.5 * bool(resource.modified),
        "type": float(bool(resource.resource_types)),
        "audience": (bool(resource.levels or resource.age_range) + bool(resource.audiences or resource.contexts)) / 2,
        "subject": float(bool(resource.subjects)) or 0.6 * bool(resource.keywords),
    }


def _openness(license_: License | None) -> float:
    if license_ is None:
        return 0.0
    if license_.uri is None:
        return 0.4
    return 1.0 if license_.open else 0.6
