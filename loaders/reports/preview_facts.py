"""What a preview shows, as plain JSON-able facts: counted over the records that were looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from loaders.reports.completeness import shares
from loaders.reports.page import SEVERITIES, Rules
from loaders.reports.preview_rows import pretty, rows
from schemas import Assessment, Feed, Issue, SourceRecord

_Facts = dict[str, Any]
_STATUSES = ("accepted", "quarantined", "rejected", "deleted")


@dataclass(frozen=True)
class Looked:
    """Records of a feed beside what was made of them, in the same order, and what was seen on the way."""

    feed: Feed
    wanted: int
    total: int | None
    records: Sequence[SourceRecord]
    assessments: Sequence[Assessment]
    notes: Sequence[str]
    unreadable: Sequence[str]


@dataclass(frozen=True)
class Summary:
    """The preview in a few lines."""

    name: str
    counts: dict[str, int]
    fields: list[tuple[str, float]]
    licenses: list[tuple[str, float]]
    languages: list[tuple[str, float]]
    issues: list[tuple[str, int]]
    unmapped: int
    rejections: list[tuple[str, int]]
    paths: list[Path] = field(default_factory=list)


def preview_facts(looked: Looked, rules: Rules, at: str) -> _Facts:
    """Everything that the page and the JSON hold; every list is complete."""
    feed, ends = looked.feed, looked.assessments
    made = [one for one in ends if one.resource is not None]
    statuses = Counter(map(status, ends))
    scores = [one.score for one in made if one.score is not None]
    return {
        "at": at,
        "feed": {name: getattr(feed, name) for name in ("name", "title", "partner", "protocol", "url", "format")},
        "wanted": looked.wanted,
        "total": looked.total,
        "notes": list(looked.notes),
        "unreadable": list(looked.unreadable),
        "counts": {"records": len(ends)} | {name: statuses[name] for name in _STATUSES},
        "score": round(sum(scores) / len(scores), 1) if scores else None,
        "fields": [{"field": name, "share": share} for name, share in _filled(made).items()],
        "license_shares": _licenses(made),
        "language_shares": _languages(made),
        "unmapped": unmapped(made),
        "unused": unused(made),
        "issues": issues(ends, rules),
        "rejections": rejections(ends),
        "records": [_shown(*both) for both in zip(looked.records, ends, strict=True)],
    }


def status(end: Assessment) -> str:
    """What would become of the record."""
    if end.tombstone:
        return "deleted"
    if end.rejection:
        return "rejected"
    return "quarantined" if end.errors else "accepted"


def _filled(made: Iterable[Assessment]) -> dict[str, float]:
    return shares(msgspec.json.encode(one.resource).decode() for one in made)


def _counted(values: Counter[Any], of: int, names: Sequence[str]) -> list[_Facts]:
    """A row for each value, the most frequent first, with its share of the records."""
    listed = sorted(values.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [dict(zip(names, value, strict=True)) | {"count": n, "share": round(n / of, 4)} for value, n in listed]


def _licenses(made: Sequence[Assessment]) -> list[_Facts]:
    """The licences, None where there is none; `open` is None where it cannot be told."""
    said: Counter[Any] = Counter()
    for one in made:
        found = one.resource.license if one.resource else None
        said[(found.label or found.statement, found.uri, found.open) if found else (None, None, None)] += 1
    return _counted(said, len(made), ("label", "uri", "open"))


def _languages(made: Sequence[Assessment]) -> list[_Facts]:
    """The languages, None for records without one; a record in two languages counts for both."""
    tags: Counter[tuple[str | None]] = Counter()
    for one in made:
        said = {language.tag for language in one.resource.languages} if one.resource else set()
        tags.update((tag or None,) for tag in said or {""})
    return _counted(tags, len(made), ("tag",))


def unmapped(made: Sequence[Assessment]) -> list[_Facts]:
    """Terms that are in none of the library's lists, with the records that have them."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in made:
        for name, term in dict.fromkeys((x.field, x.source) for x in one.resource.terms if x.code is None):  # type: ignore[union-attr]
            found.setdefault((name, term), []).append(one.identifier)
    listed = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [{"field": k[0], "value": k[1], "count": len(v), "identifiers": v} for k, v in listed]


def unused(made: Sequence[Assessment]) -> list[_Facts]:
    """Places of the source that are read and not used, with what stands there."""
    found: dict[str, Counter[str]] = {}
    for one in made:
        for leaf in one.resource.unmapped:  # type: ignore[union-attr]
            found.setdefault(leaf.path, Counter())[leaf.value] += 1
    listed = [{"path": path, "count": said.total(), "values": list(said)} for path, said in found.items()]
    return sorted(listed, key=lambda row: (-row["count"], row["path"]))


def issues(ends: Sequence[Assessment], rules: Rules) -> list[_Facts]:
    """The findings by rule, errors first, each with the partner's own identifiers."""
    found: dict[tuple[str, str], list[tuple[str, Issue]]] = {}
    for one in ends:
        for issue in one.issues:
            found.setdefault((issue.code, issue.severity), []).append((one.identifier, issue))
    listed = [
        {
            "code": code,
            "severity": severity,
            "count": len(seen),
            "records": len({identifier for identifier, _ in seen}),
            "examples": [{"identifier": name, "path": one.path, "value": one.value} for name, one in seen],
        }
        | {name: rules.get(code, {}).get(name, "") for name in ("wrong", "why", "mend")}
        for (code, severity), seen in found.items()
    ]
    return sorted(listed, key=lambda row: (SEVERITIES.index(str(row["severity"])), -int(row["count"]), row["code"]))


def rejections(ends: Iterable[Assessment]) -> list[_Facts]:
    """Why records could not be read, the commonest reason first."""
    said = Counter(one.rejection.reason for one in ends if one.rejection)
    return [{"reason": why, "count": times} for why, times in sorted(said.items(), key=lambda x: (-x[1], x[0]))]


def _shown(record: SourceRecord, end: Assessment) -> _Facts:
    """One record beside its source."""
    made = end.resource
    return {
        "identifier": record.identifier,
        "datestamp": record.datestamp,
        "format": record.format,
        "status": status(end),
        "score": end.score,
        "reason": end.rejection.reason if end.rejection else None,
        "title": _first_title(made.title) if made else None,
        "source": pretty(record.payload) if record.payload else None,
        "becomes": rows(made) if made else [],
        "record": msgspec.to_builtins(made) if made else None,
        "unused": [{"path": leaf.path, "value": leaf.value} for leaf in made.unmapped] if made else [],
        "issues": [{"code": x.code, "severity": x.severity, "path": x.path, "value": x.value} for x in end.issues],
    }


def _first_title(title: dict[str, str]) -> dict[str, str] | None:
    """The first title and its language."""
    return next(({"text": text, "language": tag} for tag, text in title.items()), None)
