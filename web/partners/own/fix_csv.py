"""A fix list as CSV: headings and texts in the reader's language, harmless in spreadsheets, written as it is read.

A cell that a spreadsheet would take for a formula has an apostrophe before it, and nothing else of it changes: to get
the value back, take one apostrophe away where a sign of a formula follows it.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator

from starlette.requests import Request

from loaders.browse import Fix
from schemas import harmless
from web.languages import marked
from web.pages import gettext_of
from web.partners.own.fix_texts import SEVERITY_NAMES, STATE_NAMES, fix_texts

_HEADINGS = (
    marked("Your identifier"),
    marked("Title"),
    marked("Address"),
    marked("Severity"),
    marked("Since the last night"),
    marked("What is wrong"),
    marked("What to do"),
    marked("Where"),
    marked("Value"),
    marked("Found on"),
    marked("Fixed on"),
    marked("Rule"),
)
_FLUSHED_ROWS = 500


class _Lines:
    """A file for csv.writer that keeps its lines until they are taken."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        self._lines.append(line)

    def take(self) -> bytes:
        text, self._lines = "".join(self._lines), []
        return text.encode("utf-8", "replace")


def csv_lines(request: Request, fixes: Iterable[Fix], language: str) -> Iterator[bytes]:
    """Yield the list as UTF-8 with a byte order mark, which Excel needs, some hundred lines at a time."""
    lines = _Lines()
    writer = csv.writer(lines)
    states = {state: gettext_of(request, name) for state, name in STATE_NAMES.items()}
    severities = {severity: gettext_of(request, name) for severity, name in SEVERITY_NAMES.items()}
    texts = fix_texts()
    writer.writerow([gettext_of(request, heading) for heading in _HEADINGS])
    yield codecs.BOM_UTF8 + lines.take()
    for number, fix in enumerate(fixes, start=1):
        writer.writerow(
            [
                harmless(cell)
                for cell in (
                    fix.identifier,
                    fix.title,
                    fix.url,
                    severities.get(fix.severity, fix.severity),
                    states[fix.state],
                    texts.text(fix.rule, "wrong", language),
                    texts.text(fix.rule, "mend", language),
                    fix.path,
                    fix.value,
                    fix.since,
                    fix.fixed,
                    fix.rule,
                )
            ]
        )
        if number % _FLUSHED_ROWS == 0:
            yield lines.take()
    yield lines.take()
