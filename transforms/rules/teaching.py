"""Rules about what a resource teaches, to whom, and about its vocabularies."""

from __future__ import annotations

from schemas import Resource
from transforms.rules.rule import Context, Rule, Violation

_MAX_AGE = 99
# ISCED 2011 level → youngest and oldest pupils, generously (adults learn to read as well).
_AGES_OF_LEVEL = {
    "0": (0, 7), "1": (4, 14), "2": (9, 18), "3": (13, 21), "4": (15, 99),
    "5": (15, 99), "6": (16, 99), "7": (18, 99), "8": (20, 99),
}  # fmt: skip


def _type_missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if resource.resource_types else [("resource_types", "")]


def _type_unspecific(resource: Resource, _: Context) -> list[Violation]:
    types = resource.resource_types
    return [("resource_types", types[0].source)] if types and all(concept.code == "other" for concept in types) else []


def _audience_missing(resource: Resource, _: Context) -> list[Violation]:
    addressed = resource.audiences or resource.levels or resource.contexts or resource.age_range
    return [] if addressed else [("levels", "")]


def _level_missing(resource: Resource, _: Context) -> list[Violation]:
    """Find a missing level only where an audience is named; the rest is audience_missing."""
    level = resource.levels or resource.age_range
    return [("levels", "")] if (resource.audiences or resource.contexts) and not level else []


def _age_reversed(resource: Resource, _: Context) -> list[Violation]:
    ages = resource.age_range
    if not ages or ages.min is None or ages.max is None or ages.min <= ages.max:
        return []
    return [("age_range", f"{ages.min}–{ages.max}")]


def _age_impossible(resource: Resource, _: Context) -> list[Violation]:
    ages = resource.age_range
    if not ages:
        return []
    ends = (("age_range.min", ages.min), ("age_range.max", ages.max))
    return [(path, str(age)) for path, age in ends if age is not None and not 0 <= age <= _MAX_AGE]


def _age_against_level(resource: Resource, _: Context) -> list[Violation]:
    """Find an age range that none of the levels overlaps."""
    ages, levels = resource.age_range, [_AGES_OF_LEVEL[level] for level in resource.levels if level in _AGES_OF_LEVEL]
    if not ages or not levels:
        return []
    youngest, oldest = ages.min if ages.min is not None else 0, ages.max if ages.max is not None else _MAX_AGE
    if any(youngest <= high and low <= oldest for low, high in levels):
        return []
    return [("age_range", f"{youngest}–{oldest} at level {', '.join(resource.levels)}")]


def _uncoded_terms(resource: Resource, _: Context) -> list[Violation]:
    return [(term.field, term.source) for term in resource.terms if term.code is None]


def _format_malformed(resource: Resource, _: Context) -> list[Violation]:
    return [
        (f"formats[{number}]", media_type)
        for number, media_type in enumerate(resource.formats)
        if media_type.count("/") != 1 or " " in media_type.split(";")[0]
    ]


def _example_ages(low: int, high: int) -> dict[str, object]:
    """Return an age range for an example."""
    return {"age_range": {"min": low, "max": high}}


_VIDEO = {"resource_types": [{"code": "video", "label": "Video", "source": "video"}]}
_SCHOOL = {"levels": ["2"], "audiences": ["teacher"]}

RULES = (
    Rule(
        code="type_missing", path="resource_types", severity="warning", part="type", find=_type_missing,
        wrong="The record does not say what kind of resource it is.",
        why="Teachers look for a lesson plan, a video, an exercise: the kind is their second filter.",
        mend="Name the kind (LOM 5.2, dc:type) from a known list such as LRE or HCRT.",
        good=_VIDEO, bad={"resource_types": []},
    ),
    Rule(
        code="type_unspecific", path="resource_types", severity="info", part="type", find=_type_unspecific,
        wrong="The kind of resource is “other”, or not a known one.",
        why="It appears under no kind that readers look for.",
        mend="Use a more exact kind.",
        good=_VIDEO, bad={"resource_types": [{"code": "other", "label": "Other", "source": "Misc"}]},
    ),
    Rule(
        code="audience_missing", path="levels", severity="warning", part="audience", find=_audience_missing,
        wrong="The record names neither level nor audience nor age.",
        why="Teachers cannot tell whether it suits their class.",
        mend="Name the level (LOM 5.6, 9), the audience (LOM 5.5) or the ages (LOM 5.7).",
        good=_SCHOOL, bad={"levels": [], "audiences": [], "contexts": [], "age_range": None},
    ),
    Rule(
        code="level_missing", path="levels", severity="info", part="audience", find=_level_missing,
        wrong="The record names an audience, but neither level nor age.",
        why="“Teacher” alone fits kindergarten and university.",
        mend="Name the level of education (LOM 5.6, 9) or the ages (LOM 5.7).",
        good=_SCHOOL, bad={"levels": [], "audiences": ["teacher"], "age_range": None},
    ),
    Rule(
        code="age_range_reversed", path="age_range", severity="warning", part="audience", find=_age_reversed,
        wrong="The lowest age is above the highest.",
        why="The record matches no age at all.",
        mend="Exchange the two.",
        good=_example_ages(12, 14), bad=_example_ages(14, 12),
    ),
    Rule(
        code="age_impossible", path="age_range", severity="warning", part="audience", find=_age_impossible,
        wrong="An age is below 0 or above 99.",
        why="It is a slip, or a year of birth in the wrong field.",
        mend="Give ages in years.",
        good=_example_ages(0, 99), bad=_example_ages(12, 140),
    ),
    Rule(
        code="age_against_level", path="age_range", severity="warning", part="audience", find=_age_against_level,
        wrong="The ages and the level of education exclude each other.",
        why="One of the two misleads teachers.",
        mend="Correct the ages (LOM 5.7) or the level (LOM 5.6, 9).",
        good={"levels": ["1"]} | _example_ages(6, 8), bad={"levels": ["7"]} | _example_ages(6, 8),
    ),
    Rule(
        code="term_unmapped", path="terms", severity="info", part="type", find=_uncoded_terms,
        wrong="A term is in none of the library's lists.",
        why="The record is not found under it until somebody maps it.",
        mend="Use a term of a published list, or tell the library's steward what it means.",
        good={"terms": [{"field": "resource_types", "source": "video", "code": "video"}]},
        bad={"terms": [{"field": "resource_types", "source": "Kurzfilmchen", "code": None}]},
    ),
    Rule(
        code="format_malformed", path="formats", severity="info", part="type", find=_format_malformed,
        wrong="A format is not a media type.",
        why="Readers cannot filter for PDF or video.",
        mend="Write application/pdf, not PDF document.",
        good={"formats": ["text/html; charset=utf-8"]}, bad={"formats": ["PDF document"]},
    ),
)  # fmt: skip
