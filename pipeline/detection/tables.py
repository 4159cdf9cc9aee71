"""Propose a feed for a table: its encoding, delimiter and header, and a guessed map of its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from harvesters.documents.csv import detect_delimiter
from harvesters.encodings import detect_encoding
from pipeline.detection.documents import Document
from pipeline.detection.fields import FieldValues, split_mark
from pipeline.detection.found import Proposal, shortened
from pipeline.detection.reading import reading_of
from schemas import sentence

_MAX_COLUMNS_CHARS = 120  # of the columns in a sentence
_MAX_ROWS = 200  # that are looked at
_MAX_SAMPLE_BYTES = 4_000_000
_MAX_TELLING_BYTES = 100_000
_MAX_LINES_BEFORE = 10  # a title and notes above the header
_MIN_SHARE = 0.8  # of rows with as many cells as the header
_MAX_HEADER_CHARS = 150  # of one cell
_VALUE_MARKS = ("|",)
_DELIMITERS = ",;\t|"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MARKUP = b"<{["


@dataclass(frozen=True)
class _Table:
    """The beginning of a table."""

    columns: list[str]
    rows: list[list[str]]
    delimiter: str
    skip_lines: int
    encoding: str | None  # None: UTF-8
    is_whole: bool  # all rows were read

    def records(self) -> list[dict[str, str]]:
        return [dict(zip(self.columns, row, strict=False)) for row in self.rows]


def propose_table(document: Document) -> Iterator[Proposal]:
    """Yield the proposal for a table; none for another text, or one whose rows nothing identifies."""
    table = _read_table(document)
    if table is None:
        return
    records = table.records()
    reading = reading_of(records, columns=True)
    if reading is None:
        return
    request = {**_request(table), **reading.datestamp}
    if reading.format is not None and (mark := _value_mark(reading.fields, table.delimiter)):
        request["multi_value"] = mark
    columns = shortened(", ".join(table.columns), _MAX_COLUMNS_CHARS)
    yield Proposal(
        declaration={"protocol": "csv", "url": document.url, **reading.keys, "request": request},
        protocol="csv",
        recognised=sentence("Table with the columns %(columns)s", columns=columns),
        name=urlsplit(document.url).netloc,
        fields=reading.seen,
        records=len(records),
        total=len(records) if table.is_whole else None,
        warnings=reading.warnings,
    )


def _request(table: _Table) -> dict[str, Any]:
    """Return [request] for a table: what a harvest would else find out anew each night."""
    request: dict[str, Any] = {"delimiter": table.delimiter}
    if table.skip_lines:
        request["skip_lines"] = table.skip_lines
    if table.encoding is not None:
        request["encoding"] = table.encoding
    return request


def _value_mark(fields: Sequence[FieldValues], delimiter: str) -> str | None:
    """Return what stands between the values of one cell, where a crosswalk reads the columns."""
    mark = next((mark for each in fields if (mark := split_mark(each, _VALUE_MARKS))), None)
    return None if mark == delimiter else mark


def _read_table(document: Document) -> _Table | None:
    """Return the table that a document is; None if it is none."""
    if document.status >= 400 or document.is_page or document.start[:1] in _MARKUP or document.is_archive:
        return None
    text, encoding = _decode(document.body[:_MAX_SAMPLE_BYTES])
    if text is None or "\0" in text:
        return None
    is_cut = len(document.body) > _MAX_SAMPLE_BYTES
    lines = text.splitlines(keepends=True)
    for skip in range(min(_MAX_LINES_BEFORE, len(lines))):
        table = _table_from(lines[skip:], skip, encoding, is_cut)
        if table is not None:
            return table
    return None


def _table_from(lines: Sequence[str], skip: int, encoding: str | None, is_cut: bool) -> _Table | None:
    """Return the table whose header is the first of the lines; None if it is no header, or what follows no rows."""
    text = "".join(lines)
    delimiter = detect_delimiter(text)
    if delimiter not in lines[0]:
        delimiter = max(_DELIMITERS, key=lines[0].count)
    read = _cells(text, delimiter)
    header = [cell.strip() for cell in read[0]] if read else []
    rows = [row for row in read[1:] if "".join(row).strip()]
    if not _is_header(header) or not _are_rows(rows, len(header)):
        return None
    is_whole = len(rows) <= _MAX_ROWS and not is_cut
    return _Table(header, rows[:_MAX_ROWS], delimiter, skip, encoding, is_whole)


def _cells(text: str, delimiter: str) -> list[list[str]]:
    """Return the first rows of a table; none if they cannot be read."""
    try:
        return list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), _MAX_ROWS + 2))
    except csv.Error:
        return []


def _is_header(header: Sequence[str]) -> bool:
    """Return whether a row may be a header: several different names, and no numbers or addresses."""
    names = [cell for cell in header if cell]
    if len(names) < 2 or 2 * len(names) <= len(header) or len(set(names)) < len(names) - 1:
        return False
    return all(len(name) <= _MAX_HEADER_CHARS and not name.isdigit() and "://" not in name for name in names)


def _are_rows(rows: Sequence[Sequence[str]], columns: int) -> bool:
    fitting = sum(len(row) == columns for row in rows)
    return bool(rows) and fitting >= _MIN_SHARE * len(rows)


def _decode(body: bytes) -> tuple[str | None, str | None]:
    """Return a text, and its encoding if it is not UTF-8; None for what is no text."""
    if body[:2] in _UTF_16:
        return body.decode("utf-16", "replace"), None
    cut = body[: body.rfind(b"\n") + 1] or body  # a last line that is cut amid a character
    for candidate in (body, cut):
        try:
            return candidate.decode("utf-8-sig"), None
        except UnicodeDecodeError:
            continue
    encoding = detect_encoding(_telling(cut))
    return (cut.decode(encoding, "replace"), encoding) if encoding is not None else (None, None)


def _telling(body: bytes) -> bytes:
    """Return the lines of a text that tell its encoding, not too many of them: to detect it takes long."""
    lines = [line for line in body.split(b"\n") if not line.isascii()]
    return b"\n".join(lines)[:_MAX_TELLING_BYTES]
