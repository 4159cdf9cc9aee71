"""python -m bench.coverage [--leaves] PATH…: what the crosswalks read from stored records.

Without --leaves: per format, the share of records with each main field, as stated in the record (the crosswalk found
something for the field) → as published (the shared record has a value that the catalog can use).
With --leaves: per format, the leaves that no row of the table names, whether they stay unmapped or a wildcard such as
`amdsec/*` ignores them. A row should be written for each that a reader of the library would miss.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.stored import records
from schemas import Assessment, Feed, SourceRecord
from transforms import transform
from transforms.crosswalks import Unreadable, read
from transforms.draft import Draft

_FEED = Feed(name="stored", title="stored", partner="stored", protocol="files", url="stored")
_STATED = {  # main field: fields of the draft, one of which has a statement
    "title": ("title",),
    "language": ("languages",),
    "licence": ("license",),
    "type": ("resource_types",),
    "date": ("issued",),
    "url": ("url", "identifiers"),
}
_NUMBER = re.compile(r"\[\d+\]")


def unnamed_leaves(stored: Iterable[SourceRecord]) -> Counter[tuple[str, str, str]]:
    """Count the records with each leaf that no row names, by format, path without numbers, and wildcard row or ""."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for record in stored:
        if (draft := _draft(record)) is not None:
            counts.update({(record.format, _NUMBER.sub("", path), row) for path, row in _unnamed(draft)})
    return counts


def _unnamed(draft: Draft) -> Iterator[tuple[str, str]]:
    for leaf in draft.unmapped:
        yield leaf.path, ""
    for ignored in draft.ignored:
        if ignored.row is not None and "*" in ignored.row:
            yield ignored.leaf.path, ignored.row


def _draft(record: SourceRecord) -> Draft | None:
    try:
        return read(record.format, record.payload or "")
    except Unreadable:
        return None


def _leaves_table(stored: Iterable[SourceRecord]) -> Table:
    table = Table(title="leaves that no row names")
    for column in ("format", "path", "ignored by", "records"):
        table.add_column(column, justify="right" if column == "records" else "left", overflow="fold")
    for (format_, path, row), count in sorted(unnamed_leaves(stored).items()):
        table.add_row(format_, path, row or "– (unmapped)", str(count))
    return table


def _published(assessment: Assessment) -> dict[str, bool]:
    """Tell which main fields the shared record has."""
    resource = assessment.resource
    if resource is None:
        return dict.fromkeys(_STATED, False)
    return {
        "title": bool(resource.title),
        "language": bool(resource.languages),
        "licence": resource.license is not None and resource.license.uri is not None,
        "type": bool(resource.resource_types),
        "date": resource.issued is not None,
        "url": resource.url is not None,
    }


def _coverage_table(stored: Iterable[SourceRecord]) -> Table:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for record in stored:
        count = counts[record.format]
        count["records"] += 1
        started = time.perf_counter_ns()
        assessment = transform(record, _FEED)
        count["ns"] += time.perf_counter_ns() - started
        count["rejected"] += assessment.rejection is not None
        for name, is_published in _published(assessment).items():
            count[f"published {name}"] += is_published
        draft = _draft(record) or Draft()
        for name, fields in _STATED.items():
            count[f"stated {name}"] += any(draft.get(field) for field in fields)
    table = Table(title="share of records with each field, stated → published (%)")
    for column in ("format", "records", "rejected", *_STATED, "µs each"):
        table.add_column(column, justify="left" if column == "format" else "right")
    for format_, count in sorted(counts.items()):
        total = count["records"]
        shares = [
            f"{100 * count[f'stated {name}'] / total:.0f} → {100 * count[f'published {name}'] / total:.0f}"
            for name in _STATED
        ]
        table.add_row(format_, str(total), str(count["rejected"]), *shares, f"{count['ns'] / total / 1000:.0f}")
    return table


def main(arguments: list[str] | None = None) -> int:
    """Print the table of coverage, or of unnamed leaves."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.coverage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path, help="folders or files of stored responses")
    parser.add_argument("--leaves", action="store_true", help="list the leaves that no row of a table names")
    options = parser.parse_args(arguments)
    stored = (record for path in options.paths for record in records(path))
    Console(width=160).print(_leaves_table(stored) if options.leaves else _coverage_table(stored))
    return 0


if __name__ == "__main__":
    sys.exit(main())
