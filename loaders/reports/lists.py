"""Complete lists, however long: pages of a fixed number of rows, written one after the other, never cut.

A list is written once for all languages; what stands around the rows is short, and is given in each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import islice
from pathlib import Path

from markupsafe import Markup

from loaders.reports.page import render_list, write_texts

ROWS = 2_000  # on a page
WHOLE = frozenset({"since", "fixed", "severity", "rule", "records", "first_seen", "field"})  # never broken into lines


def write_list(
    folder: Path, stem: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], count: int
) -> list[Path]:
    """Write <stem>-1.html, <stem>-2.html … and remove pages left from a longer list; no page for no rows.

    `title` and `columns` are keys of messages; `count` is the number of rows.
    """
    pages = -(-count // ROWS)
    written = []
    for number, page in enumerate(paged(rows), start=1):
        facts = {"stem": stem, "title": title, "columns": columns, "number": number, "pages": pages}
        text = render_list(count=count, body=body(columns, page), **facts)
        written += write_texts(folder, [(f"{stem}-{number}.html", text)])
    remove_others(folder, stem, written)
    return written


def body(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """The rows of a table, each cell escaped. By hand: a template takes five times as long for a long list."""
    cells = ((' class="whole"' if name in WHOLE else "") for name in columns)
    row = "<tr>" + "".join(f'<td{whole}><bdi dir="auto" lang="">%s</bdi></td>' for whole in cells) + "</tr>"
    return Markup("\n".join([row % tuple([escape(cell, quote=False) for cell in one]) for one in rows]))  # noqa: S704


def paged(rows: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    rows = iter(rows)
    while page := list(islice(rows, ROWS)):
        yield page


def remove_others(folder: Path, stem: str, written: Sequence[Path]) -> None:
    """Remove the numbered pages of a stem that were not written this time."""
    kept = set(written)
    numbered = re.compile(re.escape(stem) + r"-\d+(?:\.[a-z]{2})?\.html")
    for path in folder.glob(f"{stem}-*.html"):
        if numbered.fullmatch(path.name) and path not in kept:
            path.unlink()
