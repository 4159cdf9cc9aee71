"""Write complete lists, however long, as pages with a fixed number of rows.

A list is written once for all languages: only its headings are words, and they are given in each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from more_itertools import chunked

from loaders.reports.page import render_list, write_texts

PAGE_ROWS = 2_000
_UNBROKEN_COLUMNS = frozenset({"since", "fixed", "severity", "rule", "records", "first_seen", "field"})


def write_list(
    folder: Path, stem: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], count: int
) -> list[Path]:
    """Write <stem>-1.html, <stem>-2.html … and delete pages left from a longer list; no rows give no page.

    `title` and `columns` are keys of messages; `count` is the number of rows.
    """
    pages = -(-count // PAGE_ROWS)
    written = []
    for number, page_rows in enumerate(chunked(rows, PAGE_ROWS), start=1):
        text = render_list(
            stem=stem,
            title=title,
            columns=columns,
            number=number,
            pages=pages,
            count=count,
            rows=page_rows,
            unbroken=_UNBROKEN_COLUMNS,
        )
        written += write_texts(folder, [(f"{stem}-{number}.html", text)])
    delete_other_pages(folder, stem, written)
    return written


def delete_other_pages(folder: Path, stem: str, written: Sequence[Path]) -> None:
    """Delete the numbered pages of a stem that were not written this time."""
    kept = set(written)
    numbered = re.compile(re.escape(stem) + r"-\d+(?:\.[a-z]{2})?\.html")
    for path in folder.glob(f"{stem}-*.html"):
        if numbered.fullmatch(path.name) and path not in kept:
            path.unlink()
