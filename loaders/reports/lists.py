"""Complete lists, however long: pages of a fixed number of rows, written one after the other, never cut.

A list is written once for all languages; what stands around the rows is short, and is given in each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from loaders.reports.page import render_list, write_texts

ROWS = 2_000  # on a page


def write_list(
    folder: Path, stem: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], count: int
) -> list[Path]:
    """Write <stem>-1.html, <stem>-2.html … and remove pages left from a longer list; no page for no rows.

    `title` and `columns` are keys of messages; `count` is the number of rows.
    """
    pages = -(-count // ROWS)
    written = []
    for number, page in enumerate(paged(rows), start=1):
        facts = {"stem": stem, "title": title, "columns": columns, "rows": page, "number": number, "pages": pages}
        written += write_texts(folder, [(f"{stem}-{number}.html", render_list(count=count, **facts))])
    remove_others(folder, stem, written)
    return written


def paged(rows: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    rows = iter(rows)
    while page := list(islice(rows, ROWS)):
        yield page


def remove_others(folder: Path, stem: str, written: Sequence[Path]) -> None:
    """Remove the numbered pages of a stem that were not written this time."""
    numbered = re.compile(re.escape(stem) + r"-\d+(?:\.[a-z]{2})?\.html")
    for path in folder.glob(f"{stem}-*.html"):
        if numbered.fullmatch(path.name) and path not in written:
            path.unlink()
