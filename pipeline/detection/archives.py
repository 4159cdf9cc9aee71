"""Propose a feed for an archive or a file of records, by harvesting some of them as protocol `files` does."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from harvesters import harvest
from harvesters.client import Reply
from pipeline.detection.crosswalk_fit import fits, fitting_xml
from pipeline.detection.documents import Document
from pipeline.detection.found import Proposal
from pipeline.detection.lists import find_list
from pipeline.detection.reading import Reading, reading_of
from pipeline.detection.tables import propose_table
from schemas import Ask, Environment, Feed, Request, Sentence, SourceRecord, environment, replace, sentence

_MAX_RECORDS = 50  # that are looked at
_MAX_FILE_BYTES = 16 * 1024 * 1024  # of one file in the archive; all of them may be 32 times that
_MAX_UPLOAD_BYTES = 64 * 1024 * 1024  # of a file that is no archive
_BUDGET_SECONDS = 60.0


def propose_bytes(body: bytes, url: str, name: str) -> Iterator[Proposal]:
    """Yield the proposal for the archive that an address gave. Raises HarvestFailed for one that cannot be read."""
    yield from _propose(lambda stored: _write(stored, body), url, name, "upload.zip")


def propose_path(path: Path, url: str, name: str) -> Iterator[Proposal]:
    """Yield the proposal for a file: an archive, a table, or one document of records.

    Raises HarvestFailed for one that cannot be read.
    """
    document = _document(path, url)
    if document is not None and not document.is_archive:
        if document.json is not None or document.xml is not None:
            yield from _propose_document(document, path, url, name)
            return
        tables = list(propose_table(document))
        yield from (replace(table, name=name) for table in tables)
        if tables:
            return
    yield from _propose(lambda stored: _link(path, stored), url, name, "upload.zip")


def _document(path: Path, url: str) -> Document | None:
    """Return a file as if a server had sent it; None for one that is too large for it."""
    if path.stat().st_size > _MAX_UPLOAD_BYTES:
        return None
    return Document(Reply(url, 200, httpx.Headers(), path.read_bytes()))


def _propose_document(document: Document, path: Path, url: str, name: str) -> Iterator[Proposal]:
    """Yield the proposal for one JSON or XML file, which is harvested by its suffix."""
    suffix = ".json" if document.json is not None else ".xml"
    if PurePosixPath(name).suffix.lower() != suffix:
        return
    record_list = find_list(document.json)
    records_path = record_list.path if record_list is not None else ""
    yield from _propose(lambda stored: _link(path, stored), url, name, f"upload{suffix}", records_path)


def _write(stored: Path, body: bytes) -> None:
    stored.write_bytes(body)


def _link(path: Path, stored: Path) -> None:
    """Make a file appear in the inbox without a copy where that is possible."""
    try:
        os.link(path, stored)
    except OSError:  # on another file system, or a link that may not be followed
        shutil.copyfile(path, stored)


def _propose(
    put: Callable[[Path], None], url: str, name: str, stored_name: str, records_path: str = ""
) -> Iterator[Proposal]:
    with tempfile.TemporaryDirectory(prefix="elib-detection-") as folder:
        env = environment({"ELIB_HOME": folder, "ELIB_FEEDS": folder})
        (env.home / "inbox").mkdir()
        put(env.home / "inbox" / stored_name)
        records = _read(env, stored_name, records_path)
    payloads = [record.payload for record in records if record.payload]
    reading = _reading_of_json(payloads)
    keys = reading.keys if reading is not None else _keys_for_xml(payloads, {record.format for record in records})
    if keys is None:
        return
    request = {"request": {"records_path": records_path}} if records_path else {}
    yield Proposal(
        declaration={"protocol": "files", "url": url, **keys, **request},
        protocol="files",
        recognised=_recognised(reading, keys),
        name=name,
        fields=reading.seen if reading is not None else (),
        records=len(records),
        total=len(records) if len(records) < _MAX_RECORDS else None,
        warnings=reading.warnings if reading is not None else (),
    )


def _reading_of_json(payloads: Sequence[str]) -> Reading | None:
    """Return how the records can be read if most are JSON."""
    documents = [value for text in payloads if isinstance(value := _json(text), dict)]
    return reading_of(documents) if 2 * len(documents) > len(payloads) else None


def _recognised(reading: Reading | None, keys: dict[str, Any]) -> Sentence:
    if reading is not None and reading.format is None:
        return sentence("JSON list of records")
    return sentence("Archive of records in the format %(format)s", format=keys["format"])


def _read(env: Environment, stored_name: str, records_path: str) -> list[SourceRecord]:
    """Return some records of the stored file. Raises HarvestFailed."""
    keys = {"max_bytes": _MAX_FILE_BYTES, "budget": _BUDGET_SECONDS, "records_path": records_path}
    feed = Feed(
        name="detection",
        title="-",
        partner="-",
        protocol="files",
        url=f"inbox:{stored_name}",
        format="lom",
        request=Request.model_validate(keys),
    )
    return [record for page in harvest(feed, Ask(limit=_MAX_RECORDS), env) for record in page.records][:_MAX_RECORDS]


def _keys_for_xml(payloads: Sequence[str], formats: set[str]) -> dict[str, Any] | None:
    """Return the format of XML records; None if no crosswalk reads them.

    Of LOM and manifests in one archive each keeps its own: the protocol tells them apart.
    """
    usual = "imscp" if formats == {"imscp"} else "lom"
    if fits(usual, payloads) or fits("imscp", payloads):
        return {"format": usual}
    format_ = fitting_xml(payloads)
    return {"format": format_} if format_ is not None else None


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip()[:1] == "{" else None
    except (ValueError, RecursionError):
        return None
