"""CSV and TSV: a row is a record, its payload a JSON object of the columns in their order.

Delimiter and encoding are declared in the feed file or detected. Columns past the header stand under "" as a list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain

import msgspec

from harvesters.causes import failed
from harvesters.client import Client, Reply
from harvesters.documents.document import Broken, Read, document, now
from harvesters.encodings import decodes, guessed
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, Page, RawResponse, Skipped, SourceRecord

_DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 8 * 1024  # csv.Sniffer takes time that grows with the square of its sample
_END = "\x00end of the table\x00"  # a last line of ours: whether it is read as one tells whether every quote was closed
_LONGEST = 16 * 1024 * 1024  # characters in one cell


def harvest(feed: Feed, ask: Ask, env: Environment, report: Callable[[int, int | None], None]) -> Iterator[Page]:
    """The table's rows; the table is the whole list."""
    yield from document(feed, ask, env, report, _records, whole=True)


def _records(feed: Feed, reply: Reply, client: Client) -> Iterator[Read]:
    cause, what = html_cause(reply.body, "bad_format")
    if what:
        raise failed(cause, f"{feed.url} answers with {what} instead of a table")
    text = _decoded(reply.body, feed, client)
    csv.field_size_limit(_LONGEST)
    lines = chain(io.StringIO(text, newline=""), ["\n", _END])
    rows = csv.reader(lines, delimiter=feed.request.delimiter or delimiter(text))
    columns = _columns(next(rows, []))
    columns = [] if columns == [_END] else columns
    missing = [name for name in feed.identifier if name not in columns]
    if missing:
        seen = ", ".join(columns[:30])
        raise failed(
            "bad_format", f"{feed.url} has no column {' and '.join(missing)}, which identifier names; it has {seen}"
        )
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"line {rows.line_num}: {error}"
            yield Broken(skipped=Skipped(identifier=None, reason=reason))
            continue
        if row == [_END]:
            return
        if row and row[-1].endswith(_END):
            yield _unclosed(feed, row, line)
        elif any(cell.strip() for cell in row):
            yield _record(feed, columns, row, rows.line_num)


def _unclosed(feed: Feed, row: list[str], line: int) -> Broken:
    """The row whose quotation mark is never closed: it holds everything that stood behind it."""
    body = msgspec.json.encode([cell.removesuffix(_END) for cell in row])
    reason = f"line {line}: a quotation mark is never closed, so that no row behind it can be told"
    raw = RawResponse(url=feed.url, body=body, reason=reason)
    return Broken(skipped=Skipped(identifier=None, reason=reason), raw=raw)


def _decoded(body: bytes, feed: Feed, client: Client) -> str:
    """The table as text: in the declared encoding, or UTF-8, or what the bytes look like (noted).

    Where only some rows are not in it, their bytes are kept as surrogates, and `_record` skips them.
    """
    declared = feed.request.encoding
    wide = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}.get(body[:2]) or ("utf-16-le" if body[1:2] == b"\0" else "")
    encoding = declared or wide or "utf-8"
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") == "utf-8" else encoding
    try:
        return body.decode(encoding)
    except LookupError as error:
        raise failed("bad_format", f"{feed.url}: there is no encoding {declared}; correct it") from error
    except UnicodeDecodeError as error:
        if _mostly(body, encoding):
            client.notes.append(f"some rows are not in {encoding} ({error})")
            return body.decode(encoding, "surrogateescape")
        if declared:
            raise failed("bad_format", f"{feed.url} is not in the declared encoding {declared} ({error})") from error
    guess = guessed(body)
    if guess is None:
        raise failed("malformed", f"{feed.url} is in no encoding that can be told; declare [request] encoding")
    client.notes.append(f"the table is not UTF-8 and seems to be {guess}; declare [request] encoding")
    return body.decode(guess)


def _mostly(body: bytes, encoding: str) -> bool:
    """Whether most lines that are more than ASCII are in an encoding, so that the others are the exception."""
    foreign = [line for line in body.split(b"\n") if not line.isascii()]
    return sum(decodes(line, encoding) for line in foreign) * 2 > len(foreign)


def delimiter(text: str) -> str:
    """What stands between columns, told from the first lines: the sign that the header has most of when in doubt."""
    try:
        return csv.Sniffer().sniff(text[:_SAMPLE_CHARS], _DELIMITERS).delimiter
    except csv.Error:
        header = text.split("\n", 1)[0]
        return max(_DELIMITERS, key=header.count)


def _columns(header: list[str]) -> list[str]:
    """The columns' names, a name that comes again with its number."""
    names: list[str] = []
    for said in header:
        name = said.strip()
        same = sum(1 for known in names if known == name or known.startswith(f"{name}."))
        names.append(f"{name}.{same + 1}" if same else name)
    return names


def _record(feed: Feed, columns: list[str], row: list[str], line: int) -> Read:
    cells: dict[str, object] = dict(zip(columns, row, strict=False))
    if len(row) > len(columns):
        cells[""] = row[len(columns) :]
    parts = [str(cells.get(name, "")).strip() for name in feed.identifier]
    try:
        payload = msgspec.json.encode(cells)
    except UnicodeEncodeError:
        text = feed.request.delimiter or ","
        raw = RawResponse(url=feed.url, body=text.join(row).encode("utf-8", "surrogateescape"), reason="encoding")
        name = "|".join(parts)
        seen = name if name.isprintable() and all(parts) else None
        return Broken(skipped=Skipped(identifier=seen, reason=f"line {line}: not in the table's encoding"), raw=raw)
    if not all(parts) or "\x00" in "".join(parts):
        reason = f"line {line}: a row without {' and '.join(feed.identifier)} that can be stored"
        raw = RawResponse(url=feed.url, body=payload, reason=reason)
        return Broken(skipped=Skipped(identifier=None, reason=reason), raw=raw)
    stamp = feed.request.datestamp_path
    return SourceRecord(
        feed=feed.name,
        identifier="|".join(parts),
        format=feed.format,
        datestamp=str(cells.get(stamp, "")).strip() or None if stamp else None,
        payload=payload.decode(),
        sha256=sha256(payload).hexdigest(),
        harvested_at=now(),
    )
