"""Write complete lists, however long, as pages with a fixed number of rows.

Only the headings are words. A list of up to MAX_TRANSLATED_PAGES pages is written in each language; a longer one, which
would take hundreds of megabytes, in the first language alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from more_itertools import chunked

from loaders.reports.page import list_rows_html, page_suffix, render_list, write_texts
from loaders.reports.texts import LANGUAGES

PAGE_ROWS = 2_000
MAX_TRANSLATED_PAGES = 10
_UNBROKEN_COLUMNS = frozenset({"since", "fixed", "severity", "rule", "records", "first_seen", "field"})


def write_list(
    folder: Path,
    stem: str,
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    count: int,
    *,
    languages: Sequence[str] = LANGUAGES[:1],
    back: str = "",
) -> list[Path]:
    """Write <stem>-1.html, <stem>-2.html … and delete pages left from a longer list; no rows give no page.

    `title` and `columns` are keys of messages; `count` is the number of rows. Pages in other languages than the first
    end in .<language>.html. `back` is the stem of the page that leads to the list; empty for none.
    """
    languages = list_languages(count, languages)
    pages = _pages(stem, title, columns, rows, count, languages, back)
    written = write_texts(folder, pages)
    delete_other_pages(folder, stem, written)
    return written


def _pages(
    stem: str,
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    count: int,
    languages: Sequence[str],
    back: str,
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page, while the rows are read."""
    for number, page_rows in enumerate(chunked(rows, PAGE_ROWS), start=1):
        rows_html = list_rows_html(page_rows)
        for language in languages:
            suffix = page_suffix(language, languages)
            text = render_list(
                language,
                stem=stem,
                page_suffix=suffix,
                title=title,
                columns=columns,
                number=number,
                pages=-(-count // PAGE_ROWS),
                count=count,
                rows=rows_html,
                unbroken=_UNBROKEN_COLUMNS,
                back=f"{back}{suffix}.html" if back else "",
            )
            yield f"{stem}-{number}{suffix}.html", text


def list_languages(count: int, languages: Sequence[str]) -> Sequence[str]:
    """Return the languages in which a list of so many rows is written."""
    return languages if count <= MAX_TRANSLATED_PAGES * PAGE_ROWS else languages[:1]


def delete_other_pages(folder: Path, stem: str, written: Sequence[Path]) -> None:
    """Delete the numbered pages of a stem that were not written this time."""
    kept = set(written)
    numbered = re.compile(re.escape(stem) + r"-\d+(?:\.[a-z]{2})?\.html")
    for path in folder.glob(f"{stem}-*.html"):
        if numbered.fullmatch(path.name) and path not in kept:
            path.unlink()
