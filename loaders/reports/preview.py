"""Write the preview of a feed: a page in each language and its JSON, made from a sample without any catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from loaders.reports.completeness import field_shares
from loaders.reports.page import SEVERITIES, Rules, current_time, write_pages
from loaders.reports.record_rows import indented, record_rows
from loaders.reports.runs import ReportFacts
from loaders.reports.texts import LANGUAGES
from schemas import Assessment, Feed, Issue, SourceRecord

_STATUSES = ("accepted", "quarantined", "rejected", "deleted")
_SUMMARY_FIELDS = ("title", "description", "languages", "license", "resource_types", "issued", "url")


@dataclass(frozen=True)
class PreviewSample:
    """Records of a feed and their assessments, in the same order, with what happened while they were fetched."""

    feed: Feed
    wanted: int
    total: int | None  # records in the whole feed, where the server says so
    records: Sequence[SourceRecord]
    assessments: Sequence[Assessment]
    notes: Sequence[str]
    unreadable: Sequence[str]


@dataclass(frozen=True)
class PreviewSummary:
    """The preview in a few lines, for the terminal."""

    name: str
    counts: dict[str, int]
    fields: list[tuple[str, float]]
    licenses: list[tuple[str, float]]
    languages: list[tuple[str, float]]
    issues: list[tuple[str, int]]
    uncoded_terms: int
    rejections: list[tuple[str, int]]
    paths: list[Path]


def write_preview(
    reports_dir: Path,
    sample: PreviewSample,
    rules: Rules,
    languages: Sequence[str] = LANGUAGES,
    *,
    at: str | None = None,
) -> PreviewSummary:
    """Write preview/<feed>.html, <feed>.<language>.html and <feed>.json; `rules` are transforms.rules.rule_texts()."""
    facts = _preview_facts(sample, rules, at or current_time())
    paths = write_pages(reports_dir / "preview", sample.feed.name, "preview.html", facts, languages, rules)
    return _summary(facts, [paths[0], paths[-1]])


def _summary(facts: ReportFacts, paths: list[Path]) -> PreviewSummary:
    shares = {field["field"]: field["share"] for field in facts["fields"]}
    return PreviewSummary(
        name=facts["feed"]["name"],
        counts=facts["counts"],
        fields=[(name, shares[name]) for name in _SUMMARY_FIELDS if name in shares],
        licenses=[(row["label"] or "none", row["share"]) for row in facts["license_shares"]],
        languages=[(row["tag"] or "none", row["share"]) for row in facts["language_shares"]],
        issues=[(row["code"], row["count"]) for row in facts["issues"]],
        uncoded_terms=len(facts["unmapped"]),
        rejections=[(row["reason"], row["count"]) for row in facts["rejections"]],
        paths=paths,
    )


def _preview_facts(sample: PreviewSample, rules: Rules, at: str) -> ReportFacts:
    """Return everything that the page and the JSON hold; every list is complete."""
    feed, assessments = sample.feed, sample.assessments
    readable = [assessment for assessment in assessments if assessment.resource is not None]
    statuses = Counter(map(_status, assessments))
    shares = field_shares(msgspec.json.encode(assessment.resource) for assessment in readable)
    return {
        "at": at,
        "feed": {
            name: getattr(feed, name) for name in ("name", "title", "partner", "protocol", "url", "format", "prefix")
        },
        "wanted": sample.wanted,
        "total": sample.total,
        "notes": list(sample.notes),
        "unreadable": list(sample.unreadable),
        "counts": {"records": len(assessments)} | {name: statuses[name] for name in _STATUSES},
        "score": _average_score(readable),
        "fields": [{"field": name, "share": share} for name, share in shares.items()],
        "license_shares": _license_shares(readable),
        "language_shares": _language_shares(readable),
        "unmapped": _uncoded_terms(readable),
        "unused": _unused_paths(readable),
        "issues": _issues_by_rule(assessments, rules),
        "rejections": _rejections(assessments),
        "records": [_record(*pair) for pair in zip(sample.records, assessments, strict=True)],
    }


def _average_score(readable: Sequence[Assessment]) -> float | None:
    scores = [assessment.score for assessment in readable if assessment.score is not None]
    return round(sum(scores) / len(scores), 1) if scores else None


def _status(assessment: Assessment) -> str:
    """Return what the record would become."""
    if assessment.tombstone:
        return "deleted"
    if assessment.rejection:
        return "rejected"
    return "quarantined" if assessment.errors else "accepted"


def _share_rows(values: Counter[Any], total: int, names: Sequence[str]) -> list[ReportFacts]:
    """Return a row for each value (a tuple of `names`) with its share of the records, the most frequent first."""
    frequent_first = sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [
        dict(zip(names, value, strict=True)) | {"count": count, "share": round(count / total, 4)}
        for value, count in frequent_first
    ]


def _license_shares(readable: Sequence[Assessment]) -> list[ReportFacts]:
    """Count the licences, null for records without one; `open` is null where it cannot be decided."""
    licences: Counter[Any] = Counter()
    for assessment in readable:
        licence = assessment.resource.license if assessment.resource else None
        named = (licence.label or licence.statement, licence.uri, licence.open) if licence else (None, None, None)
        licences[named] += 1
    return _share_rows(licences, len(readable), ("label", "uri", "open"))


def _language_shares(readable: Sequence[Assessment]) -> list[ReportFacts]:
    """Count the languages, null for records without one; a record in two languages counts for both."""
    tags: Counter[tuple[str | None]] = Counter()
    for assessment in readable:
        of_record = {language.tag for language in assessment.resource.languages} if assessment.resource else set()
        tags.update((tag or None,) for tag in of_record or {""})
    return _share_rows(tags, len(readable), ("tag",))


def _uncoded_terms(readable: Sequence[Assessment]) -> list[ReportFacts]:
    """List the terms without a code, with the identifiers of the records that have them, the most frequent first."""
    identifiers: dict[tuple[str, str], list[str]] = {}
    for assessment in readable:
        terms = assessment.resource.terms if assessment.resource else ()
        for field_and_source in dict.fromkeys((term.field, term.source) for term in terms if term.code is None):
            identifiers.setdefault(field_and_source, []).append(assessment.identifier)
    frequent_first = sorted(identifiers.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        {"field": field, "value": source, "count": len(having), "identifiers": having}
        for (field, source), having in frequent_first
    ]


def _unused_paths(readable: Sequence[Assessment]) -> list[ReportFacts]:
    """List the paths of the source that are read and not used, with their values, the most frequent first."""
    values: dict[str, Counter[str]] = {}
    for assessment in readable:
        for leaf in assessment.resource.unmapped if assessment.resource else ():
            values.setdefault(leaf.path, Counter())[leaf.value] += 1
    rows = [{"path": path, "count": counts.total(), "values": list(counts)} for path, counts in values.items()]
    return sorted(rows, key=lambda row: (-row["count"], row["path"]))


def _issues_by_rule(assessments: Sequence[Assessment], rules: Rules) -> list[ReportFacts]:
    """List the findings by rule, errors first, each with the partner's own identifiers."""
    by_rule: dict[tuple[str, str], list[tuple[str, Issue]]] = {}
    for assessment in assessments:
        for issue in assessment.issues:
            by_rule.setdefault((issue.code, issue.severity), []).append((assessment.identifier, issue))
    rows: list[ReportFacts] = [
        {
            "code": code,
            "severity": severity,
            "count": len(issues),
            "records": len({identifier for identifier, _ in issues}),
            "examples": [
                {"identifier": identifier, "path": issue.path, "value": issue.value} for identifier, issue in issues
            ],
        }
        | {part: rules.get(code, {}).get(part, "") for part in ("wrong", "why", "mend")}
        for (code, severity), issues in by_rule.items()
    ]
    return sorted(rows, key=lambda row: (SEVERITIES.index(row["severity"]), -row["count"], row["code"]))


def _rejections(assessments: Iterable[Assessment]) -> list[ReportFacts]:
    """Count why records could not be read, the most frequent reason first."""
    reasons = Counter(assessment.rejection.reason for assessment in assessments if assessment.rejection)
    frequent_first = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"reason": reason, "count": count} for reason, count in frequent_first]


def _record(record: SourceRecord, assessment: Assessment) -> ReportFacts:
    """Return one record beside its source."""
    resource = assessment.resource
    return {
        "identifier": record.identifier,
        "datestamp": record.datestamp,
        "format": record.format,
        "status": _status(assessment),
        "score": assessment.score,
        "reason": assessment.rejection.reason if assessment.rejection else None,
        "source": indented(record.payload) if record.payload else None,
        "issues": [
            {"code": issue.code, "severity": issue.severity, "path": issue.path, "value": issue.value}
            for issue in assessment.issues
        ],
        "title": next(({"text": text, "language": tag} for tag, text in resource.title.items()), None)
        if resource
        else None,
        "becomes": record_rows(resource) if resource else [],
        "record": msgspec.to_builtins(resource) if resource else None,
        "unused": [{"path": leaf.path, "value": leaf.value} for leaf in resource.unmapped] if resource else [],
    }
