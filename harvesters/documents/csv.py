"""CSV and TSV: each row is a record, and its payload is a JSON object of the columns in their order.

Delimiter and encoding are declared in the feed file or detected. Cells beyond the header are a list under "".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from harvesters.causes import failed
from harvesters.client import Client, Reply
from harvesters.documents.document import harvest_document
from harvesters.encodings import decodes, detect_encoding
from harvesters.records import Result, UnreadableElement, build_record, unreadable
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, Page

if TYPE_CHECKING:
    from _csv import Reader  # what csv.reader returns

_DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 8 * 1024  # csv.Sniffer takes time that grows with the square of its sample
_END = "\x00end of the table\x00"  # a last line of our own: it is only read as a row when every quote was closed
_MAX_CELL_CHARS = 16 * 1024 * 1024
_MAX_COLUMNS_NAMED = 30  # in an error


def harvest(feed: Feed, ask: Ask, env: Environment, report: Callable[[int, int | None], None]) -> Iterator[Page]:
    """Yield the table's rows; the table is the whole list."""
    yield from harvest_document(feed, ask, env, report, _records, whole=True)


def _records(feed: Feed, reply: Reply, client: Client) -> Iterator[Result]:
    cause, page = html_cause(reply.body, "bad_format")
    if page:
        raise failed(cause, f"{feed.url} answers with {page} instead of a table")
    text = _decode(reply.body, feed, client)
    csv.field_size_limit(_MAX_CELL_CHARS)
    lines = chain(io.StringIO(text, newline=""), ["\n", _END])
    rows = csv.reader(lines, delimiter=feed.request.delimiter or detect_delimiter(text))
    columns = _read_columns(feed, next(rows, []))
    yield from _read_rows(feed, columns, rows)


def _read_columns(feed: Feed, header: list[str]) -> list[str]:
    """Return the columns' names. Raises HarvestFailed if a column that the feed's identifier names is missing."""
    columns = [] if header == [_END] else _column_names(header)
    missing = [name for name in feed.identifier if name not in columns]
    if missing:
        present = ", ".join(columns[:_MAX_COLUMNS_NAMED])
        problem = f"has no column {' and '.join(missing)}, which identifier names; it has {present}"
        raise failed("bad_format", f"{feed.url} {problem}")
    return columns


def _read_rows(feed: Feed, columns: list[str], rows: Reader) -> Iterator[Result]:
    """Yield a record for each row that has text, up to the end of the table or a quotation mark that is not closed."""
    while True:
        first_line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield unreadable(None, f"line {rows.line_num}: {error}")
            continue
        if row == [_END]:
            return
        if row and row[-1].endswith(_END):
            yield _unclosed(feed, row, first_line)
        elif any(cell.strip() for cell in row):
            yield _record(feed, columns, row, rows.line_num)


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
    except LookupError as error:
        problem = f"request.encoding {declared!r} is not a known encoding; correct it"
        raise failed("bad_format", f"{feed.url}: {problem}") from error
    except UnicodeDecodeError as error:
        if _is_mostly(body, encoding):
            client.notes.append(f"some rows are not in {encoding} ({error})")
            return body.decode(encoding, "surrogateescape")
        if declared:
            raise failed("bad_format", f"{feed.url} is not in the declared encoding {declared} ({error})") from error
    detected = detect_encoding(body)
    if detected is None:
        raise failed("malformed", f"{feed.url}: the encoding could not be detected; set request.encoding")
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


def _column_names(header: list[str]) -> list[str]:
    """Return the columns' names; a repeated name gets its number: name, name.2."""
    names: list[str] = []
    for cell in header:
        name = cell.strip()
        same = sum(1 for earlier in names if earlier == name or earlier.startswith(f"{name}."))
        names.append(f"{name}.{same + 1}" if same else name)
    return names


def _record(feed: Feed, columns: list[str], row: list[str], line: int) -> Result:
    cells: dict[str, object] = dict(zip(columns, row, strict=False))
    if len(row) > len(columns):
        cells[""] = row[len(columns) :]
    parts = [_stripped_cell(cells, name) for name in feed.identifier]
    identifier = "|".join(parts)
    try:
        payload = msgspec.json.encode(cells)
    except UnicodeEncodeError:
        body = (feed.request.delimiter or ",").join(row).encode("utf-8", "surrogateescape")
        name = identifier if identifier.isprintable() and all(parts) else None
        return unreadable(name, f"line {line}: not in the table's encoding", feed.url, body)
    if not all(parts) or "\x00" in identifier:
        reason = f"line {line}: a row without {' and '.join(feed.identifier)} that can be stored"
        return unreadable(None, reason, feed.url, payload)
    datestamp = _stripped_cell(cells, feed.request.datestamp_path) or None
    return build_record(feed, identifier, payload, datestamp=datestamp)


def _stripped_cell(cells: dict[str, object], column: str | None) -> str:
    """Return the text of the row in a column without white space around it; empty if there is none."""
    return str(cells.get(column, "")).strip() if column else ""
