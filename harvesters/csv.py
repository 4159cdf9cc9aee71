"""CSV and TSV: a row is a record, its payload a JSON object of the columns in their order.

Delimiter and encoding are declared in the feed file or detected. Columns past the header stand under "" as a list.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from hashlib import sha256

import msgspec
from charset_normalizer import from_bytes

from harvesters.causes import failed
from harvesters.documents import Broken, Read, document, now
from harvesters.http import Client, Reply
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, Page, RawResponse, Skipped, SourceRecord

DELIMITERS = ",;\t|"
SAMPLE = 64 * 1024  # characters that the delimiter is told from
LONGEST = 16 * 1024 * 1024  # characters in one cell


def harvest(feed: Feed, ask: Ask, env: Environment, report: Callable[[int, int | None], None]) -> Iterator[Page]:
    """The table's rows; the table is the whole list."""
    yield from document(feed, ask, env, report, _records, whole=True)


def _records(feed: Feed, reply: Reply, client: Client) -> Iterator[Read]:
    cause, what = html_cause(reply.body, "bad_format")
    if what:
        raise failed(cause, f"{feed.url} answers with {what} instead of a table")
    text = decoded(reply.body, feed, client)
    csv.field_size_limit(LONGEST)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=feed.request.delimiter or delimiter(text))
    columns = _columns(next(rows, []))
    missing = [name for name in feed.identifier if name not in columns]
    if missing:
        seen = ", ".join(columns[:30])
        raise failed(
            "bad_format", f"{feed.url} has no column {' and '.join(missing)}, which identifier names; it has {seen}"
        )
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"line {rows.line_num}: {error}"
            yield Broken(skipped=Skipped(identifier=None, reason=reason))
            continue
        if any(cell.strip() for cell in row):
            yield _record(feed, columns, row, rows.line_num)


def decoded(body: bytes, feed: Feed, client: Client) -> str:
    """The table as text: in the declared encoding, or UTF-8, or what the bytes look like (noted)."""
    declared = feed.request.encoding
    if declared:
        try:
            return body.decode("utf-8-sig" if declared.lower().replace("_", "-") == "utf-8" else declared)
        except (UnicodeDecodeError, LookupError) as error:
            raise failed("bad_format", f"{feed.url} is not in the declared encoding {declared} ({error})") from error
    try:
        return body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        guess = from_bytes(body).best()
    if guess is None:
        raise failed("malformed", f"{feed.url} is in no encoding that can be told; declare [request] encoding")
    client.notes.append(f"the table is not UTF-8 and seems to be {guess.encoding}; declare [request] encoding")
    return str(guess)


def delimiter(text: str) -> str:
    """What stands between columns, told from the first lines: the sign that the header has most of when in doubt."""
    try:
        return csv.Sniffer().sniff(text[:SAMPLE], DELIMITERS).delimiter
    except csv.Error:
        header = text.split("\n", 1)[0]
        return max(DELIMITERS, key=header.count)


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
    payload = msgspec.json.encode(cells)
    parts = [str(cells.get(name, "")).strip() for name in feed.identifier]
    if not all(parts):
        reason = f"line {line}: a row without {' and '.join(feed.identifier)}"
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
