"""python -m bench.coverage PATH…: per format, the share of stored records with each main field.

"said" is before normalization: the crosswalk found something for the field; "made" is after it: the shared record has
a value that the catalog can use.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.stored import records
from schemas import Assessment, Feed
from transforms import transform
from transforms.crosswalks import Unreadable, read

_SAID = {
    "title": ("title",),
    "language": ("languages",),
    "licence": ("license",),
    "type": ("resource_types",),
    "date": ("issued",),
    "url": ("url", "identifiers"),
}


def _made(assessment: Assessment) -> dict[str, bool]:
    """Which main fields the shared record has."""
    found = assessment.resource
    if found is None:
        return dict.fromkeys(_SAID, False)
    return {
        "title": bool(found.title),
        "language": bool(found.languages),
        "licence": found.license is not None and found.license.uri is not None,
        "type": bool(found.resource_types),
        "date": found.issued is not None,
        "url": found.url is not None,
    }


def _measure(paths: list[Path]) -> Table:
    """The table of all formats."""
    feed = Feed(name="stored", title="stored", partner="stored", protocol="files", url="stored")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for path in paths:
        for record in records(path):
            count = counts[record.format]
            count["records"] += 1
            started = time.perf_counter_ns()
            assessment = transform(record, feed)
            count["ns"] += time.perf_counter_ns() - started
            count["rejected"] += assessment.rejection is not None
            for name, there in _made(assessment).items():
                count[f"made {name}"] += there
            for name in _said(record.format, record.payload or ""):
                count[f"said {name}"] += 1
    return _table(counts)


def _said(format_: str, payload: str) -> list[str]:
    try:
        draft = read(format_, payload)
    except Unreadable:
        return []
    return [name for name, fields in _SAID.items() if any(draft.get(field) for field in fields)]


def _table(counts: dict[str, Counter[str]]) -> Table:
    table = Table(title="share of records with each field, said → made (%)")
    for column in ("format", "records", "rejected", *_SAID, "µs each"):
        table.add_column(column, justify="left" if column == "format" else "right")
    for format_, count in sorted(counts.items()):
        total = count["records"]
        shares = [
            f"{100 * count[f'said {name}'] / total:.0f} → {100 * count[f'made {name}'] / total:.0f}" for name in _SAID
        ]
        table.add_row(format_, str(total), str(count["rejected"]), *shares, f"{count['ns'] / total / 1000:.0f}")
    return table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.coverage")
    parser.add_argument("paths", nargs="+", type=Path, help="folders or files of stored responses")
    Console(width=160).print(_measure(parser.parse_args(arguments).paths))
    return 0


if __name__ == "__main__":
    sys.exit(main())
