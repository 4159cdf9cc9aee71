"""Expect duplicates: look up the identifiers and titles of previewed records in today's catalog."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy.exc import SQLAlchemyError

from loaders.publication import Alike, NoFeatures, records_alike, resource_ids
from loaders.reports import ExpectedDuplicate, ExpectedDuplicates
from schemas import Assessment, Environment, sentence

log = logging.getLogger("elib.preview")
_MIN_TITLE_LETTERS = 12  # a shorter title is that of many works
_MAX_FOR_EACH = 3  # records of the catalog beside a previewed one
_MAX_ALIKE = 5_000  # that are looked at: more have a title that says nothing
_BY: Mapping[str, Literal["identifier", "title"]] = {"identifiers": "identifier", "titles": "title"}


def expected_duplicates(env: Environment, assessments: Sequence[Assessment]) -> ExpectedDuplicates:
    """Return which records seem to be in the catalog already; not checked where nothing was matched yet."""
    from transforms.match import FEATURES

    wanted = _wanted(assessments)
    values = {column: {value for name, value in wanted if name == column} for column in _BY}
    try:
        alike = _first(records_alike(env, values["identifiers"], values["titles"], FEATURES))
        published = resource_ids(env, {each.key for each in alike})
    except (NoFeatures, SQLAlchemyError) as error:
        log.info("duplicates are not looked up: %s", error)
        return ExpectedDuplicates(not_checked=sentence("The catalog holds nothing yet to compare with."))
    return _duplicates(assessments, wanted, [each for each in alike if each.key in published], published)


def _wanted(assessments: Sequence[Assessment]) -> dict[tuple[str, str], set[str]]:
    """Return the keys of the previewed records by what is looked up: column of the features, and value."""
    from transforms.match import Live, features

    live = [Live(each.feed, "", each.resource) for each in assessments if each.resource is not None]
    wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in features(live).select(["key", "identifiers", "titles", "title_letters"]).to_pylist():
        for column, value in _compared(row):
            wanted[column, value].add(row["key"])
    return wanted


def _compared(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for identifier in row["identifiers"] or ():
        yield "identifiers", identifier
    if (row["title_letters"] or 0) >= _MIN_TITLE_LETTERS:
        for title in row["titles"] or ():
            yield "titles", title


def _first(alike: Iterator[Alike]) -> list[Alike]:
    return [each for _, each in zip(range(_MAX_ALIKE), alike, strict=False)]


def _duplicates(
    assessments: Sequence[Assessment],
    wanted: Mapping[tuple[str, str], set[str]],
    alike: Sequence[Alike],
    published: Mapping[str, str | None],
) -> ExpectedDuplicates:
    by_key = {each.key: each for each in assessments}
    rows: list[ExpectedDuplicate] = []
    counts: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for each in sorted(alike, key=lambda found: found.column):  # identifiers first
        for key in sorted(wanted[each.column, each.value]):
            if (key, each.key) in seen or key == each.key:
                continue
            seen.add((key, each.key))
            counts[key] += 1
            if counts[key] <= _MAX_FOR_EACH:
                rows.append(_row(by_key[key], each, published[each.key]))
    return ExpectedDuplicates(rows=rows, records=len(counts))


def _row(assessment: Assessment, alike: Alike, resource_id: str | None) -> ExpectedDuplicate:
    titles = assessment.resource.title if assessment.resource else {}
    return ExpectedDuplicate(
        identifier=assessment.identifier,
        title=next(iter(titles.values()), None),
        by=_BY[alike.column],
        key=alike.key,
        resource_id=resource_id,
        value=alike.value,
    )
