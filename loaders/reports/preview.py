"""Write the preview of a feed: a page in each language and its JSON, made from a sample without any catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from loaders.reports.completeness import field_shares
from loaders.reports.page import SEVERITIES, Rules, current_time, write_pages
from loaders.reports.preview_facts import (
    ExpectedDuplicates,
    FieldRow,
    FieldShare,
    FindingExample,
    KindShare,
    LanguageShare,
    LicenseShare,
    MendFirst,
    Need,
    PreviewCounts,
    PreviewedFeed,
    PreviewFacts,
    PreviewFinding,
    PreviewRecord,
    PreviewStatus,
    PreviewVerdict,
    RecordIssue,
    RejectionCount,
    ShownText,
    TeacherView,
    UncodedTerm,
    UnusedLeaf,
    UnusedPath,
)
from loaders.reports.record_rows import indented, record_rows
from loaders.reports.texts import LANGUAGES
from schemas import Assessment, Feed, Issue, License, Resource, Sentence, SourceRecord, read_vocabulary, replace

_SUMMARY_FIELDS = ("title", "description", "languages", "license", "resource_types", "issued", "url")
_MAX_ENTRIES = 200  # of a list of a bounded preview
_MAX_LONG_TEXT_CHARS = 2_000  # of a value of a bounded preview
_MAX_LABELS = 20  # of one field, as a teacher sees it


@dataclass(frozen=True)
class PreviewSample:
    """Records of a feed and their assessments, in the same order, with what happened while they were fetched.

    needs: what the library asks for, by field. max_chars: of a record's source and of its record; None shows all
    """

    feed: Feed
    wanted: int
    total: int | None  # records in the whole feed, where the server says so
    records: Sequence[SourceRecord]
    assessments: Sequence[Assessment]
    notes: Sequence[str]
    unreadable: Sequence[str]
    chosen: Sentence | None = None
    needs: Mapping[str, Need] = field(default_factory=dict)
    duplicates: ExpectedDuplicates = field(default_factory=ExpectedDuplicates)
    max_chars: int | None = None


@dataclass(frozen=True)
class PreviewSummary:
    """The preview in a few lines, for the terminal."""

    name: str
    counts: PreviewCounts
    verdict: PreviewVerdict
    fields: list[tuple[str, float]]
    licenses: list[tuple[str, float]]
    languages: list[tuple[str, float]]
    issues: list[tuple[str, int]]
    uncoded_terms: int
    rejections: list[tuple[str, int]]
    paths: list[Path]


def write_preview(
    reports_dir: Path, facts: PreviewFacts, rules: Rules, languages: Sequence[str] = LANGUAGES
) -> PreviewSummary:
    """Write preview/<feed>.html, <feed>.<language>.html and <feed>.json; `rules` are transforms.rules.rule_texts()."""
    shown = msgspec.to_builtins(facts)
    paths = write_pages(reports_dir / "preview", facts.feed.name, "preview.html", shown, languages, rules)
    return _summary(facts, [paths[0], paths[-1]])


def _summary(facts: PreviewFacts, paths: list[Path]) -> PreviewSummary:
    shares = {each.field: each.share for each in facts.fields}
    return PreviewSummary(
        name=facts.feed.name,
        counts=facts.counts,
        verdict=facts.verdict,
        fields=[(name, shares[name]) for name in _SUMMARY_FIELDS if name in shares],
        licenses=[(row.label or "none", row.share) for row in facts.license_shares],
        languages=[(row.tag or "none", row.share) for row in facts.language_shares],
        issues=[(row.code, row.count) for row in facts.issues],
        uncoded_terms=len(facts.unmapped),
        rejections=[(row.reason, row.count) for row in facts.rejections],
        paths=paths,
    )


def preview_facts(sample: PreviewSample, rules: Rules, at: str | None = None) -> PreviewFacts:
    """Return everything that a preview tells; every list is complete unless the sample bounds it."""
    feed, assessments = sample.feed, sample.assessments
    readable = [assessment for assessment in assessments if assessment.resource is not None]
    findings = _findings(assessments, rules)
    facts = PreviewFacts(
        at=at or current_time(),
        feed=PreviewedFeed(**{name: getattr(feed, name) for name in PreviewedFeed.__struct_fields__}),
        wanted=sample.wanted,
        total=sample.total,
        chosen=sample.chosen,
        notes=list(sample.notes),
        unreadable=list(sample.unreadable),
        counts=_counts(assessments),
        verdict=_verdict(assessments, findings),
        score=_average_score(readable),
        fields=_field_shares(readable, sample.needs),
        license_shares=_license_shares(readable),
        language_shares=_language_shares(readable),
        kind_shares=_kind_shares(readable),
        unmapped=_uncoded_terms(readable),
        unused=_unused_paths(readable),
        issues=findings,
        rejections=_rejections(assessments),
        duplicates=sample.duplicates,
        records=[_record(*pair, sample.max_chars) for pair in zip(sample.records, assessments, strict=True)],
    )
    return facts if sample.max_chars is None else _bounded(facts)


def _counts(assessments: Sequence[Assessment]) -> PreviewCounts:
    statuses = Counter(map(_status, assessments))
    return PreviewCounts(
        records=len(assessments),
        accepted=statuses["accepted"],
        quarantined=statuses["quarantined"],
        rejected=statuses["rejected"],
        deleted=statuses["deleted"],
    )


def _verdict(assessments: Sequence[Assessment], findings: Sequence[PreviewFinding]) -> PreviewVerdict:
    """Return how many can be published, deleted ones left out, and what keeps the others from it."""
    counts = _counts(assessments)
    blocking = [MendFirst(code=row.code, wrong=row.wrong, records=row.records) for row in findings if row.is_blocking]
    return PreviewVerdict(
        publishable=counts.accepted,
        looked_at=counts.records - counts.deleted,
        mend_first=sorted(blocking, key=lambda row: -row.records),
    )


def _field_shares(readable: Sequence[Assessment], needs: Mapping[str, Need]) -> list[FieldShare]:
    shares = field_shares(msgspec.json.encode(assessment.resource) for assessment in readable)
    return [FieldShare(field=name, share=share, need=needs.get(name, "optional")) for name, share in shares.items()]


def _average_score(readable: Sequence[Assessment]) -> float | None:
    scores = [assessment.score for assessment in readable if assessment.score is not None]
    return round(sum(scores) / len(scores), 1) if scores else None


def _status(assessment: Assessment) -> PreviewStatus:
    """Return what the record would become."""
    if assessment.tombstone:
        return "deleted"
    if assessment.rejection:
        return "rejected"
    return "quarantined" if assessment.errors else "accepted"


def _shares(values: Counter[Any], total: int) -> list[tuple[Any, int, float]]:
    """Return each value with its count and its share of the records, the most frequent first."""
    frequent_first = sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [(value, count, round(count / total, 4)) for value, count in frequent_first]


def _license_shares(readable: Sequence[Assessment]) -> list[LicenseShare]:
    """Count the licences, null for records without one; `open` is null where it cannot be decided."""
    licences: Counter[Any] = Counter()
    for assessment in readable:
        licence = assessment.resource.license if assessment.resource else None
        named = (licence.label or licence.statement, licence.uri, licence.open) if licence else (None, None, None)
        licences[named] += 1
    return [
        LicenseShare(label=label, uri=uri, open=is_open, count=count, share=share)
        for (label, uri, is_open), count, share in _shares(licences, len(readable))
    ]


def _language_shares(readable: Sequence[Assessment]) -> list[LanguageShare]:
    """Count the languages, null for records without one; a record in two languages counts for both."""
    tags: Counter[str | None] = Counter()
    for assessment in readable:
        of_record = {language.tag for language in assessment.resource.languages} if assessment.resource else set()
        tags.update(tag or None for tag in of_record or {""})
    return [LanguageShare(tag=tag, count=count, share=share) for tag, count, share in _shares(tags, len(readable))]


def _kind_shares(readable: Sequence[Assessment]) -> list[KindShare]:
    """Count the kinds of resource, null for records without one; a record of two kinds counts for both."""
    kinds: Counter[tuple[str | None, str | None]] = Counter()
    for assessment in readable:
        of_record = assessment.resource.resource_types if assessment.resource else ()
        named: set[tuple[str | None, str | None]] = {(kind.code, kind.label) for kind in of_record}
        kinds.update(named or {(None, None)})
    return [
        KindShare(code=code, label=label, count=count, share=share)
        for (code, label), count, share in _shares(kinds, len(readable))
    ]


def _uncoded_terms(readable: Sequence[Assessment]) -> list[UncodedTerm]:
    """List the terms without a code, with the identifiers of the records that have them, the most frequent first."""
    identifiers: dict[tuple[str, str], list[str]] = {}
    for assessment in readable:
        terms = assessment.resource.terms if assessment.resource else ()
        for field_and_source in dict.fromkeys((term.field, term.source) for term in terms if term.code is None):
            identifiers.setdefault(field_and_source, []).append(assessment.identifier)
    frequent_first = sorted(identifiers.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        UncodedTerm(field=name, value=source, count=len(having), identifiers=having)
        for (name, source), having in frequent_first
    ]


def _unused_paths(readable: Sequence[Assessment]) -> list[UnusedPath]:
    """List the paths of the source that are read and not used, with their values, the most frequent first."""
    values: dict[str, Counter[str]] = {}
    for assessment in readable:
        for leaf in assessment.resource.unmapped if assessment.resource else ():
            values.setdefault(leaf.path, Counter())[leaf.value] += 1
    rows = [UnusedPath(path=path, count=counts.total(), values=list(counts)) for path, counts in values.items()]
    return sorted(rows, key=lambda row: (-row.count, row.path))


def _findings(assessments: Sequence[Assessment], rules: Rules) -> list[PreviewFinding]:
    """List the findings by rule, errors first, each with the partner's own identifiers."""
    by_rule: dict[tuple[str, Any], list[tuple[str, Issue]]] = {}
    for assessment in assessments:
        for issue in assessment.issues:
            by_rule.setdefault((issue.code, issue.severity), []).append((assessment.identifier, issue))
    rows = [
        PreviewFinding(
            code=code,
            severity=severity,
            count=len(issues),
            records=len({identifier for identifier, _ in issues}),
            wrong=rules.get(code, {}).get("wrong", ""),
            why=rules.get(code, {}).get("why", ""),
            mend=rules.get(code, {}).get("mend", ""),
            examples=[
                FindingExample(identifier=identifier, path=issue.path, value=issue.value)
                for identifier, issue in issues
            ],
        )
        for (code, severity), issues in by_rule.items()
    ]
    return sorted(rows, key=lambda row: (SEVERITIES.index(row.severity), -row.count, row.code))


def _example(identifier: str, issue: Issue) -> FindingExample:
    return FindingExample(identifier=identifier, path=issue.path, value=issue.value)


def _rejections(assessments: Iterable[Assessment]) -> list[RejectionCount]:
    """Count why records could not be read, the most frequent reason first."""
    reasons = Counter(assessment.rejection.reason for assessment in assessments if assessment.rejection)
    frequent_first = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return [RejectionCount(reason=reason, count=count) for reason, count in frequent_first]


def _record(record: SourceRecord, assessment: Assessment, max_chars: int | None) -> PreviewRecord:
    """Return one record beside its source."""
    source, is_cut = _source(record.payload, max_chars)
    shown = PreviewRecord(
        identifier=record.identifier,
        datestamp=record.datestamp,
        format=record.format,
        status=_status(assessment),
        score=assessment.score,
        reason=assessment.rejection.reason if assessment.rejection else None,
        source=source,
        source_cut=is_cut,
        issues=[
            RecordIssue(code=issue.code, severity=issue.severity, path=issue.path, value=issue.value)
            for issue in assessment.issues
        ],
    )
    return shown if assessment.resource is None else _with_resource(shown, assessment.resource, max_chars)


def _with_resource(shown: PreviewRecord, resource: Resource, max_chars: int | None) -> PreviewRecord:
    return msgspec.structs.replace(
        shown,
        title=_first_text(resource.title),
        becomes=[
            FieldRow(field=row["field"], values=[ShownText(**value) for value in row["values"]], origins=row["from"])
            for row in record_rows(resource)
        ],
        record=_builtins(resource, max_chars),
        unused=[UnusedLeaf(path=leaf.path, value=leaf.value) for leaf in resource.unmapped],
        teacher=_teacher_view(resource),
    )


def _source(payload: str | None, max_chars: int | None) -> tuple[str | None, bool]:
    """Return the source indented, and whether it is cut; a long one is cut before it is read again."""
    if not payload:
        return None, False
    if max_chars is not None and len(payload) > max_chars:
        return payload[:max_chars], True
    shown = indented(payload)
    if max_chars is not None and len(shown) > 2 * max_chars:  # a deep one
        return shown[: 2 * max_chars], True
    return shown, False


def _builtins(resource: Resource, max_chars: int | None) -> dict[str, Any] | None:
    if max_chars is not None and len(msgspec.json.encode(resource)) > max_chars:
        return None
    builtins: dict[str, Any] = msgspec.to_builtins(resource)
    return builtins


def _first_text(texts: Mapping[str, str]) -> ShownText | None:
    return next((ShownText(text=text, language=tag) for tag, text in texts.items()), None)


def _teacher_view(resource: Resource) -> TeacherView:
    view = TeacherView(
        title=_first_text(resource.title),
        description=_first_text(resource.description),
        url=resource.url,
        issued=resource.issued,
        languages=_labels(language.tag for language in resource.languages),
        kinds=_labels(kind.label for kind in resource.resource_types),
        levels=_labels(_label("level", code) for code in resource.levels),
        audiences=_labels(_label("audience", code) for code in resource.audiences),
        subjects=_labels(subject.label for subject in resource.subjects),
        people=_labels(person.name for person in resource.contributors),
        publishers=_labels(resource.publishers),
        keywords=_labels(keyword.text for keyword in resource.keywords),
    )
    return view if resource.license is None else _with_license(view, resource.license)


def _with_license(view: TeacherView, licence: License) -> TeacherView:
    label = licence.label or licence.statement
    return replace(view, license=label, license_uri=licence.uri, is_open=licence.open)


def _labels(labels: Iterable[str]) -> list[str]:
    return list(islice(labels, _MAX_LABELS))


def _label(vocabulary: str, code: str) -> str:
    return str(read_vocabulary(vocabulary).get(code, {}).get("label", code))


def _bounded(facts: PreviewFacts) -> PreviewFacts:
    """Return the facts with lists and values of a bounded length; the counts beside them stay those of all."""
    return replace(
        facts,
        notes=[_cut(note) for note in facts.notes[:_MAX_ENTRIES]],
        unreadable=[_cut(reason) for reason in facts.unreadable[:_MAX_ENTRIES]],
        unmapped=[
            replace(row, value=_cut(row.value), identifiers=row.identifiers[:_MAX_ENTRIES])
            for row in facts.unmapped[:_MAX_ENTRIES]
        ],
        unused=[
            replace(row, values=[_cut(value) for value in row.values[:_MAX_LABELS]])
            for row in facts.unused[:_MAX_ENTRIES]
        ],
        issues=[replace(row, examples=row.examples[:_MAX_ENTRIES]) for row in facts.issues],
        rejections=[replace(row, reason=_cut(row.reason)) for row in facts.rejections[:_MAX_ENTRIES]],
        records=[_bounded_record(record) for record in facts.records],
    )


def _bounded_record(record: PreviewRecord) -> PreviewRecord:
    return replace(
        record,
        identifier=_cut(record.identifier),
        reason=None if record.reason is None else _cut(record.reason),
        title=None if record.title is None else _cut_text(record.title),
        issues=record.issues[:_MAX_ENTRIES],
        becomes=[
            replace(
                row, values=[_cut_text(value) for value in row.values[:_MAX_ENTRIES]], origins=_cut_all(row.origins)
            )
            for row in record.becomes
        ],
        unused=[replace(leaf, value=_cut(leaf.value)) for leaf in record.unused[:_MAX_ENTRIES]],
        teacher=None if record.teacher is None else _bounded_view(record.teacher),
    )


def _bounded_view(view: TeacherView) -> TeacherView:
    texts = {
        name: _cut_text(text)
        for name, text in (("title", view.title), ("description", view.description))
        if text is not None
    }
    labels = ("languages", "kinds", "levels", "audiences", "subjects", "people", "publishers", "keywords")
    return replace(view, **texts, **{name: _cut_all(getattr(view, name)) for name in labels})


def _cut_all(texts: Sequence[str]) -> list[str]:
    return [_cut(text) for text in texts[:_MAX_LABELS]]


def _cut_text(text: ShownText) -> ShownText:
    return replace(text, text=_cut(text.text))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_LONG_TEXT_CHARS else f"{text[: _MAX_LONG_TEXT_CHARS - 1]}…"
