"""CSV and TSV: each row is a record, and its payload is a JSON object of the columns in their order.

Delimiter and encoding are declared in the feed file or detected. The cells of columns that have the same name are a
list under it; cells beyond the header are a list under "", and the rows that have any are counted in a note.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from harvesters.causes import failed, unreadable_response
from harvesters.client import Client, Reply
from harvesters.documents.document import harvest_document
from harvesters.encodings import decodes, detect_encoding
from harvesters.records import Result, UnreadableElement, build_record, unreadable
from harvesters.unexpected import Description, read_each
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, Page

if TYPE_CHECKING:
    from _csv import Reader  # what csv.reader returns

_DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 8 * 1024  # csv.Sniffer takes time that grows with the square of its sample
_END = "\x00end of the table\x00"  # a last line of our own: it is only read as a row when every quote was closed
_MAX_CELL_CHARS = 16 * 1024 * 1024
_SEPARATOR_LINE = re.compile(r'"?sep=([^"])"?', re.I)
_MAX_COLUMNS_NAMED = 30  # in an error


def harvest(feed: Feed, ask: Ask, env: Environment, report: Callable[[int, int | None], None]) -> Iterator[Page]:
    """Yield the table's rows; the table is the whole list."""
    yield from harvest_document(feed, ask, env, report, _records, whole=True)


def _records(feed: Feed, reply: Reply, client: Client) -> Iterator[Result]:
    cause, page = html_cause(reply.body, "bad_format")
    if page:
        raise failed(cause, f"{feed.url} answers with {page} instead of a table")
    csv.field_size_limit(_MAX_CELL_CHARS)
    text, lines_before, delimiter = _table_text(feed, _decode(reply.body, feed, client))
    lines = _Lines(chain(io.StringIO(text, newline=""), ["\n", _END]))
    rows = csv.reader(lines, delimiter=delimiter, escapechar=feed.request.escape)
    table = _Table(feed, _read_columns(feed, rows, reply.body), delimiter, lines_before)
    yield from read_each(_read_rows(table, rows, lines), table.result, table.describe, feed.url)
    client.notes += table.notes()


def _table_text(feed: Feed, text: str) -> tuple[str, int, str]:
    """Return a table without the lines before its header, their number, and the delimiter.

    The feed file says how many lines to skip; a line such as `sep=;`, which spreadsheets write first, is skipped too.
    """
    lines = io.StringIO(text, newline="")
    skipped = sum(1 for _ in islice(lines, feed.request.skip_lines))
    begin = lines.tell()
    declared = _SEPARATOR_LINE.fullmatch(lines.readline().strip("\r\n"))
    if declared:
        skipped, begin = skipped + 1, lines.tell()
    text = text[begin:]
    delimiter = feed.request.delimiter or (declared[1] if declared else detect_delimiter(text.lstrip("\r\n")))
    return text, skipped, delimiter


def _read_columns(feed: Feed, rows: Reader, body: bytes) -> list[str]:
    """Return the columns' names, which the first row with text holds.

    Raises HarvestFailed if a column that the feed's identifier names is missing, or for a quotation mark that is never
    closed.
    """
    header = _read_header(feed, rows, body)
    columns = [] if header == [_END] else [cell.strip() for cell in header]
    missing = [name for name in feed.identifier if name not in columns]
    if missing:
        present = ", ".join(columns[:_MAX_COLUMNS_NAMED])
        problem = f"has no column {' and '.join(missing)}, which identifier names; it has {present}"
        raise failed("bad_format", f"{feed.url} {problem}")
    return columns


def _read_header(feed: Feed, rows: Reader, body: bytes) -> list[str]:
    """Return the first row with text. Raises RequestFailed("malformed")."""
    try:
        header = next(row for row in rows if any(cell.strip() for cell in row))
    except csv.Error as error:
        what = f"{feed.url}: the table's header cannot be read ({error})"
        raise unreadable_response("malformed", what, feed.url, body) from error
    if header != [_END] and header[-1].endswith(_END):
        what = f"{feed.url}: a quotation mark in the table's header is never closed"
        raise unreadable_response("malformed", what, feed.url, body)
    return header


class _Lines:
    """A table's lines, of which those of the row that is being read are kept."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.of_row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.of_row.append(line)
            yield line


class _Row(NamedTuple):
    """The cells of a row, or why they cannot be read, and the lines on which it begins and ends."""

    cells: list[str]
    first_line: int
    last_line: int
    error: str = ""


def _read_rows(table: _Table, rows: Reader, lines: _Lines) -> Iterator[_Row]:
    """Yield each row that has text, up to the end of the table."""
    while True:
        first_line = table.lines_before + rows.line_num + 1
        lines.of_row.clear()
        cells, error = _next_cells(rows)
        if cells == [_END]:
            return
        if len(lines.of_row) > 1 and (swallowed := _rows_in(table, lines.of_row)):
            table.stray_quotes.append(first_line)
            yield from (_Row(row, line, line) for line, row in enumerate(swallowed, first_line))
        elif error or any(cell.strip() for cell in cells):
            yield _Row(cells, first_line, table.lines_before + rows.line_num, error)


def _next_cells(rows: Reader) -> tuple[list[str], str]:
    """Return the cells of the next row, or why they cannot be read; `_END` behind the last."""
    try:
        return next(rows), ""
    except StopIteration:
        return [_END], ""
    except csv.Error as fault:
        return [], str(fault)


def _rows_in(table: _Table, lines: list[str]) -> list[list[str]]:
    """Return the rows of which a stray quotation mark makes one, as every line is a row by itself; else none.

    The mark that ends the cell stands amid the text of another one then, which no writer of tables does.
    """
    dialect: dict[str, Any] = {"delimiter": table.delimiter, "escapechar": table.feed.request.escape}
    try:
        list(csv.reader(lines, strict=True, **dialect))
        return []
    except csv.Error:
        pass
    try:
        rows = list(csv.reader(lines, quoting=csv.QUOTE_NONE, **dialect))
    except csv.Error:
        return []
    is_table = len(rows) == len(lines) and all(len(row) == len(table.columns) > 1 for row in rows)
    return rows if is_table and lines[-1] != _END else []


@dataclass
class _Table:
    """Makes records of a table's rows, and counts those with more cells than the header has columns."""

    feed: Feed
    columns: list[str]
    delimiter: str
    lines_before: int  # the header
    rows: int = 0
    long_rows: list[int] = field(default_factory=list)  # the lines on which they end
    stray_quotes: list[int] = field(default_factory=list)  # the lines on which rows begin that would swallow others

    def result(self, row: _Row) -> Result:
        """Return the row as a record, or why it cannot be read."""
        self.rows += 1
        if row.error:
            return unreadable(None, f"line {row.last_line}: {row.error}")
        if row.cells[-1].endswith(_END):
            return _unclosed(self.feed, row.cells, row.first_line)
        if any(cell.strip() for cell in row.cells[len(self.columns) :]):
            self.long_rows.append(row.last_line)
        return self._record(row)

    def describe(self, row: _Row) -> Description:
        """Return what is known of a row on which an exception was raised."""
        return None, self._text(row)

    def notes(self) -> list[str]:
        """Return notes on the rows that are longer than the header, and on quotation marks amid text."""
        stray = f"{len(self.stray_quotes)} cells begin with a quotation mark that ends amid another row"
        first = f" (the first: line {self.stray_quotes[0]}); each line is read as a row" if self.stray_quotes else ""
        return [*([stray + first] if self.stray_quotes else []), *self._note_on_long_rows()]

    def _note_on_long_rows(self) -> list[str]:
        if not self.long_rows:
            return []
        rows = f"{len(self.long_rows)} of {self.rows} rows have more cells than the {len(self.columns)} columns of the"
        advice = "a delimiter in a cell may not be quoted, so that its values stand in the wrong columns"
        return [f"{rows} header (the first: line {self.long_rows[0]}); {advice}: show these rows to the partner"]

    def _record(self, row: _Row) -> Result:
        cells = self._cells(row.cells)
        parts = [_first_text(cells.get(name)) for name in self.feed.identifier]
        identifier = "|".join(parts)
        try:
            payload = msgspec.json.encode(cells)
        except UnicodeEncodeError:
            name = identifier if identifier.isprintable() and all(parts) else None
            reason = f"line {row.last_line}: not in the table's encoding"
            return unreadable(name, reason, self.feed.url, self._text(row))
        if not all(parts) or "\x00" in identifier:
            reason = f"line {row.last_line}: a row without {' and '.join(self.feed.identifier)} that can be stored"
            return unreadable(None, reason, self.feed.url, payload)
        datestamp = _first_text(cells.get(self.feed.request.datestamp_path or "")) or None
        return build_record(self.feed, identifier, payload, datestamp=datestamp)

    def _cells(self, row: list[str]) -> dict[str, str | list[str]]:
        """Return the cells by column; those of columns with the same name are a list, and so are those beyond all."""
        cells: dict[str, str | list[str]] = {}
        for name, cell in zip(self.columns, row, strict=False):
            earlier = cells.get(name)
            if earlier is None:
                cells[name] = cell
            else:
                cells[name] = [*([earlier] if isinstance(earlier, str) else earlier), cell]
        beyond = row[len(self.columns) :]
        if beyond:
            unnamed = cells.get("", [])
            cells[""] = [*([unnamed] if isinstance(unnamed, str) else unnamed), *beyond]
        return cells

    def _text(self, row: _Row) -> bytes:
        text = self.delimiter.join(row.cells)
        try:
            return text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # UTF-16 that is cut leaves other surrogates
            return text.encode("utf-8", "surrogatepass")


def _unclosed(feed: Feed, row: list[str], line: int) -> UnreadableElement:
    """Return the row whose quotation mark is never closed: everything behind it is inside its last cell."""
    body = msgspec.json.encode([cell.removesuffix(_END) for cell in row])
    reason = f"line {line}: a quotation mark is never closed, so that no row behind it can be read"
    return unreadable(None, reason, feed.url, body)


def _decode(body: bytes, feed: Feed, client: Client) -> str:
    """Return the table as text: in the declared encoding, or UTF-8, or a detected one (noted). Raises HarvestFailed.

    Where only some rows are not in it, their bytes become surrogates, and `_record` skips them.
    """
    declared = feed.request.encoding
    encoding = declared or _wide_encoding(body) or "utf-8"
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") == "utf-8" else encoding
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        if _is_mostly(body, encoding):
            client.notes.append(f"some rows are not in {encoding} ({error})")
            return body.decode(encoding, "surrogateescape")
        if declared:
            raise failed("bad_format", f"{feed.url} is not in the declared encoding {declared} ({error})") from error
    except (LookupError, ValueError) as error:
        problem = f"request.encoding {declared!r} is not a known encoding; correct it"
        raise failed("bad_format", f"{feed.url}: {problem}") from error
    detected = detect_encoding(body)
    if detected is None:
        what = f"{feed.url}: the encoding could not be detected; set request.encoding"
        raise unreadable_response("malformed", what, feed.url, body)
    client.notes.append(f"the table is not UTF-8 and seems to be {detected}; set request.encoding")
    return body.decode(detected)


def _wide_encoding(body: bytes) -> str | None:
    """Return UTF-16 for a body that begins with its byte order mark, or with an ASCII character of two bytes."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return "utf-16-le" if body[1:2] == b"\0" else None


def _is_mostly(body: bytes, encoding: str) -> bool:
    """Return whether more than half of the lines that are not ASCII are valid in an encoding."""
    lines = [line for line in body.split(b"\n") if not line.isascii()]
    return sum(decodes(line, encoding) for line in lines) * 2 > len(lines)


def detect_delimiter(text: str) -> str:
    """Detect the delimiter; fall back to the most frequent candidate in the header."""
    try:
        return csv.Sniffer().sniff(text[:_SAMPLE_CHARS], _DELIMITERS).delimiter
    except csv.Error:
        header = text.split("\n", 1)[0]
        return max(_DELIMITERS, key=header.count)


def _first_text(cell: str | list[str] | None) -> str:
    """Return the text of a cell without white space around it; of several cells, the first that has any."""
    cells = [cell or ""] if cell is None or isinstance(cell, str) else cell
    return next((text for text in map(str.strip, cells) if text), "")
