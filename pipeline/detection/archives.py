"""Propose a feed for an archive of records, by harvesting some of them as protocol `files` does, with its bounds."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harvesters import harvest
from pipeline.detection.crosswalk_fit import fits, fitting_json, fitting_xml
from pipeline.detection.fields import guess_identifier, read_fields
from pipeline.detection.found import Proposal
from schemas import Ask, Environment, Feed, Request, SourceRecord, environment, sentence

_MAX_RECORDS = 50  # that are looked at
_MAX_FILE_BYTES = 16 * 1024 * 1024  # of one file in the archive; all of them may be 32 times that
_BUDGET_SECONDS = 60.0
_STORED_NAME = "upload.zip"


def propose_bytes(body: bytes, url: str, name: str) -> Iterator[Proposal]:
    """Yield the proposal for the archive that an address gave. Raises HarvestFailed for one that cannot be read."""
    yield from _propose(lambda stored: _write(stored, body), url, name)


def propose_path(path: Path, url: str, name: str) -> Iterator[Proposal]:
    """Yield the proposal for an archive in a file. Raises HarvestFailed for one that cannot be read."""
    yield from _propose(lambda stored: _link(path, stored), url, name)


def _write(stored: Path, body: bytes) -> None:
    stored.write_bytes(body)


def _link(path: Path, stored: Path) -> None:
    """Make a file appear in the inbox without a copy where that is possible."""
    try:
        os.link(path, stored)
    except OSError:  # on another file system, or a link that may not be followed
        shutil.copyfile(path, stored)


def _propose(put: Callable[[Path], None], url: str, name: str) -> Iterator[Proposal]:
    with tempfile.TemporaryDirectory(prefix="elib-detection-") as folder:
        env = environment({"ELIB_HOME": folder, "ELIB_FEEDS": folder})
        (env.home / "inbox").mkdir()
        put(env.home / "inbox" / _STORED_NAME)
        records = _read(env)
    payloads = [record.payload for record in records if record.payload]
    keys = _keys_for(payloads, {record.format for record in records})
    if keys is None:
        return
    yield Proposal(
        declaration={"protocol": "files", "url": url, **keys},
        protocol="files",
        recognised=sentence("Archive of records in the format %(format)s", format=keys["format"]),
        name=name,
        records=len(records),
        total=len(records) if len(records) < _MAX_RECORDS else None,
    )


def _read(env: Environment) -> list[SourceRecord]:
    """Return some records of the stored archive. Raises HarvestFailed."""
    request = Request(max_bytes=_MAX_FILE_BYTES, budget=_BUDGET_SECONDS)
    url = f"inbox:{_STORED_NAME}"
    feed = Feed(name="detection", title="-", partner="-", protocol="files", url=url, format="lom", request=request)
    return [record for page in harvest(feed, Ask(limit=_MAX_RECORDS), env) for record in page.records][:_MAX_RECORDS]


def _keys_for(payloads: Sequence[str], formats: set[str]) -> dict[str, Any] | None:
    """Return the format of the records, and their identifier where it is not the file's name; None if none reads them.

    Of LOM and manifests in one archive each keeps its own: the protocol tells them apart.
    """
    if not payloads:
        return None
    documents = [value for text in payloads if isinstance(value := _json(text), dict)]
    if 2 * len(documents) > len(payloads):
        return _keys_for_json(documents)
    usual = "imscp" if formats == {"imscp"} else "lom"
    if fits(usual, payloads) or fits("imscp", payloads):
        return {"format": usual}
    format_ = fitting_xml(payloads)
    return {"format": format_} if format_ is not None else None


def _keys_for_json(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    format_ = fitting_json(documents)
    if format_ is None:
        return None
    identifier = guess_identifier(read_fields(documents), len(documents))
    return {"format": format_, **({"identifier": identifier.dotted} if identifier is not None else {})}


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip()[:1] == "{" else None
    except (ValueError, RecursionError):
        return None
