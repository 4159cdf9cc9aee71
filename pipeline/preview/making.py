"""Make a preview: choose records, see what would become of each, and tell what to mend; no store is written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import msgspec
from more_itertools import chunked

from loaders.reports import Need, PreviewFacts, PreviewSample, PreviewSummary, preview_facts
from loaders.reports import write_preview as write_report
from pipeline.preview.duplicates import expected_duplicates
from pipeline.preview.sampling import SampleBounds, sample_feed
from schemas import Assessment, Environment, Feed, Issue, SourceRecord, TermMapping

PREVIEW_RECORDS = 100
_NEED_BY_SEVERITY: Mapping[str, Need] = {"error": "required", "warning": "recommended"}
_MISSING = "_missing"  # the codes of the rules that say which fields the library asks for end so
_JUDGED_TOGETHER = 10  # records, between two looks at the clock
_JUDGING_SHARE = 0.75  # of the time, after which no more records are chosen


class MadePreview(NamedTuple):
    """A preview, and whether all records that were chosen could be judged in the time."""

    facts: PreviewFacts
    is_complete: bool


def preview(feed: Feed, wanted: int, env: Environment) -> PreviewSummary:
    """Write a report of about `wanted` records of the feed under reports/preview.

    Raises HarvestFailed when the partner's server fails, NoIdentifiers or NoRecords when its list gives no record.
    """
    from transforms.rules import rule_texts

    return write_report(env.reports, make_preview(feed, wanted, env).facts, rule_texts())


def make_preview(
    feed: Feed,
    wanted: int,
    env: Environment,
    *,
    harvest_env: Environment | None = None,
    bounds: SampleBounds | None = None,
    max_chars: int | None = None,
) -> MadePreview:
    """Return what about `wanted` records of the feed would become, with the mappings in force.

    `env` has the catalog, which is read; `harvest_env` the inbox and the rates, where these are others. With a
    deadline, records are chosen in three quarters of the time that is left, and judged in the rest. `max_chars` bounds
    a record's source, and the lists. Raises HarvestFailed, NoIdentifiers, NoRecords.
    """
    from loaders.catalog import active_mappings
    from transforms.rules import rule_texts

    bounds = bounds or SampleBounds()
    sample = sample_feed(feed, wanted, harvest_env or env, bounds._replace(deadline=_reading_deadline(bounds)))
    sample.require_records()
    bounds.all_chosen()
    records = list(sample.records.values())
    assessments = _assess(records, feed, active_mappings(env, feed.name), bounds)
    is_complete = len(assessments) == len(records)
    if not is_complete:
        sample.notes.append(f"the time was over when {len(assessments)} of {len(records)} records were judged")
    looked = PreviewSample(
        feed=feed,
        wanted=wanted,
        total=sample.total,
        records=records[: len(assessments)],
        assessments=assessments,
        notes=sample.notes,
        unreadable=sample.unreadable,
        chosen=sample.chosen,
        needs=wanted_fields(),
        duplicates=expected_duplicates(env, assessments),
        max_chars=max_chars,
    )
    return MadePreview(preview_facts(looked, rule_texts()), is_complete)


def _reading_deadline(bounds: SampleBounds) -> float | None:
    if bounds.deadline is None:
        return None
    now = time.monotonic()
    return now + (bounds.deadline - now) * _JUDGING_SHARE


def _assess(
    records: list[SourceRecord], feed: Feed, mappings: tuple[TermMapping, ...], bounds: SampleBounds
) -> list[Assessment]:
    """Return what becomes of each record, with what the batch rules find among them; in time, that of the first."""
    from transforms import transform_all

    assessments: list[Assessment] = []
    for some in chunked(records, _JUDGED_TOGETHER):
        if assessments and bounds.deadline is not None and time.monotonic() >= bounds.deadline:
            break
        assessments += transform_all(some, feed, mappings)
    return _with_batch_findings(assessments)


def _with_batch_findings(assessments: list[Assessment]) -> list[Assessment]:
    from transforms.rules import apply_batch_rules, facts_of

    findings: dict[str, list[Issue]] = {}
    facts = [facts_of(assessment.resource) for assessment in assessments if assessment.resource is not None]
    for issue in apply_batch_rules(facts):
        findings.setdefault(issue.key, []).append(issue)
    return [
        msgspec.structs.replace(assessment, issues=(*assessment.issues, *findings.get(assessment.key, ())))
        for assessment in assessments
    ]


@cache
def wanted_fields() -> Mapping[str, Need]:
    """Return what the library asks for, by field: what its rules about missing fields say, an error being the most."""
    from transforms.rules import RULES

    return {
        rule.path: _NEED_BY_SEVERITY[rule.severity]
        for rule in RULES.values()
        if rule.code.endswith(_MISSING) and rule.severity in _NEED_BY_SEVERITY
    }
