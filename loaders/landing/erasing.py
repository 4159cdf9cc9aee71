"""Rewrite the files of a feed's landing without what an erasure concerns, each file as a whole."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.landing.erasures import Erasure, Erasures, erased_identifier
from loaders.landing.index import INDEX_FILE_NAME
from loaders.landing.part import part_paths, write_table
from loaders.store import sweep, whole_file
from schemas import ERASED, TextDigest, glued_digests, redact, redact_bytes

_ERASED_ROW: dict[str, Any] = {"payload": None, "kept": False, "sha256": None, "deleted": True, "sets": []}


def erase_landing(landing: Path, erasures: Erasures, erasure: Erasure) -> int:
    """Erase from the feed's landing; return how many records were in it. Safe to repeat, and to break off.

    The caller holds the feed's lock. Rows keep their places, footers their counts; the index is made again.
    """
    folder = landing / erasure.feed
    sweep(folder)
    parts = [path for run in _runs(folder) for path in part_paths(run)]
    identifiers = set()
    for path in parts:
        changed, replaced, glued = _look(path, erasures, erasure)
        identifiers |= changed
        erasures.note_replaced(erasure, replaced, glued)
    for run in _runs(folder):  # before the parts, which name the records until the last of them is written
        for path in [*run.glob("raw-*"), *run.glob("failed.json")]:
            _rewrite_bytes(path, erasure, identifiers)
    for path in parts:
        _rewrite_part(path, erasures, erasure, identifiers)
    for path in folder.glob(f"{INDEX_FILE_NAME}*"):
        path.unlink()
    return len(identifiers)


def _runs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_dir())


def _look(path: Path, erasures: Erasures, erasure: Erasure) -> tuple[set[str], dict[str, str], set[TextDigest]]:
    """Return the identifiers of the records that the erasure changes, and the digests of the payloads to replace.

    Also those of what is erased with the letters beside it, which have nothing between them once markup is dropped.
    """
    identifiers: set[str] = set()
    replaced: dict[str, str] = {}
    glued: set[TextDigest] = set()
    for row in pq.read_table(path, columns=["identifier", "payload", "sha256"]).to_pylist():
        if erasure.covers(row["identifier"]):
            erased = _erased_row(row, erasures, erasure)
            if erased["payload"] and erased["payload"] != row["payload"]:
                replaced[row["sha256"]] = sha256(erased["payload"].encode()).hexdigest()
                glued.update(glued_digests(row["payload"], [erasure.text] if erasure.text else []))
            if row["sha256"] in replaced or any(erased[name] != row[name] for name in row):
                identifiers.add(row["identifier"])
    return identifiers, replaced, glued


def _rewrite_part(path: Path, erasures: Erasures, erasure: Erasure, identifiers: set[str]) -> None:
    """Write a part without what is erased, unless it holds nothing of it."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    erased = [_erased_row(row, erasures, erasure) if erasure.covers(row["identifier"]) else row for row in rows]
    metadata = {
        name: _erased_footer(value, erasure, identifiers) for name, value in (table.schema.metadata or {}).items()
    }
    if erased != rows or metadata != table.schema.metadata:
        write_table(path, pa.Table.from_pylist(erased, schema=table.schema.with_metadata(metadata)))


def _erased_row(row: dict[str, Any], erasures: Erasures, erasure: Erasure) -> dict[str, Any]:
    if erasure.text is None:
        return {**row, **_ERASED_ROW, "identifier": erased_identifier(row["identifier"])}
    payload = redact(row["payload"], [erasure.text], numbers=True) if row["payload"] else row["payload"]
    return {**row, "payload": payload, "sha256": erasures.replaced.get(row["sha256"], row["sha256"])}


def _erased_footer(value: bytes, erasure: Erasure, identifiers: set[str]) -> bytes:
    """Return a part's footer, which names what could not be read, without what is erased."""
    text = value.decode()
    if erasure.text is not None:
        return redact(text, [erasure.text]).encode()
    for identifier in identifiers:
        text = text.replace(f'"{identifier}"', f'"{erased_identifier(identifier)}"')
    return text.encode()


def _rewrite_bytes(path: Path, erasure: Erasure, identifiers: set[str]) -> None:
    """Write a response that was kept as it came without what is erased; of an erased record, nothing of it."""
    body = path.read_bytes()
    if erasure.text is not None:
        erased = redact_bytes(body, [erasure.text])
    else:
        names_record = any(identifier.encode() in body for identifier in identifiers)
        erased = (
            (ERASED.encode() if path.suffix == ".bin" else b'{"url":"","reason":"erased"}') if names_record else body
        )
    if erased != body:
        with whole_file(path) as temporary:
            temporary.write_bytes(erased)
