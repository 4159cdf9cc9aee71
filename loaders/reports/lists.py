"""Complete lists, however long: pages of a fixed number of rows, written one after the other, never cut.

A list is written once for all languages; what stands around the rows is short, and is given in each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from more_itertools import chunked

from loaders.reports.page import render_list, write_texts

ROWS = 2_000  # on a page
_WHOLE = frozenset({"since", "fixed", "severity", "rule", "records", "first_seen", "field"})  # never broken into lines


def write_list(
    folder: Path, stem: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], count: int
) -> list[Path]:
    """Write <stem>-1.html, <stem>-2.html … and remove pages left from a longer list; no page for no rows.

    `title` and `columns` are keys of messages; `count` is the number of rows.
    """
    pages = -(-count // ROWS)
    written = []
    for number, page in enumerate(chunked(rows, ROWS), start=1):
        facts = {"stem": stem, "title": title, "columns": columns, "number": number, "pages": pages}
        text = render_list(count=count, rows=page, whole=_WHOLE, **facts)
        written += write_texts(folder, [(f"{stem}-{number}.html", text)])
    remove_others(folder, stem, written)
    return written


def remove_others(folder: Path, stem: str, written: Sequence[Path]) -> None:
    """Remove the numbered pages of a stem that were not written this time."""
    kept = set(written)
    numbered = re.compile(re.escape(stem) + r"-\d+(?:\.[a-z]{2})?\.html")
    for path in folder.glob(f"{stem}-*.html"):
        if numbered.fullmatch(path.name) and path not in kept:
            path.unlink()
