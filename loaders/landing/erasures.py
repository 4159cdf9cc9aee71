"""What people asked to be erased: landing/erasures.jsonl, known by digests only, and how landing keeps it out.

Landing is append-only except for this: an erasure rewrites the parts that hold what is erased, and what a partner sends
again is erased as it is landed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from loaders.store import whole_file
from schemas import Base, Page, SourceRecord, TextDigest, redact, redact_bytes, replace

ERASURES_FILE_NAME = "erasures.jsonl"


class Erasure(Base, frozen=True, kw_only=True):
    """One erasure, without what was erased."""

    id: str
    kind: Literal["record", "name", "contact"]
    feed: str
    key_sha256: str | None  # of feed:identifier; None: every record of the feed
    text: TextDigest | None  # None: the whole record
    by: str
    at: str
    reason: str

    def covers(self, identifier: str) -> bool:
        """Return whether a record of the feed is the erased one, or one that the text is erased from."""
        return self.key_sha256 is None or key_digest(self.feed, identifier) == self.key_sha256

    def covers_key(self, key: str) -> bool:
        """Return whether the erasure covers the record with this key, feed:identifier."""
        feed, _, identifier = key.partition(":")
        return feed == self.feed and self.covers(identifier)


class _Line(Base, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the file: an erasure that began, payloads that it is about to replace, or its end."""

    begun: Erasure | None = None
    id: str = ""
    replaced: dict[str, str] = {}  # sha256 of a payload → that of the payload in its place
    glued: tuple[TextDigest, ...] = ()  # what is erased, with the letters that markup parted from it
    done_at: str = ""


class Erasures:
    """The erasures of an installation, by the order in which they were made."""

    def __init__(self, landing: Path) -> None:
        self._path = landing / ERASURES_FILE_NAME
        lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        self.all: dict[str, Erasure] = {}
        self.replaced: dict[str, str] = {}
        self.done: dict[str, str] = {}  # id → when
        self.replacing: set[str] = set()  # ids of those that replaced payloads
        self._glued: dict[str, set[TextDigest]] = {}  # by id
        for line in map(_decode, lines):
            if line is not None:
                self._take(line)

    def _take(self, line: _Line) -> None:
        if line.begun is not None:
            self.all.setdefault(line.begun.id, line.begun)
        self.replaced |= line.replaced
        if line.replaced:
            self.replacing.add(line.id)
        if line.glued:
            self._glued.setdefault(line.id, set()).update(line.glued)
        if line.done_at:
            self.done[line.id] = line.done_at

    def of_feed(self, feed: str) -> list[Erasure]:
        """Return the erasures that concern a feed's records."""
        return [erasure for erasure in self.all.values() if erasure.feed == feed]

    def texts_of(self, erasure: Erasure) -> list[TextDigest]:
        """Return what is erased from what was made of payloads: crosswalks drop markup, which glues words."""
        return [] if erasure.text is None else [erasure.text, *self._glued.get(erasure.id, ())]

    def begin(self, erasure: Erasure) -> Erasure:
        """Note an erasure before anything is changed; one that began before is returned as it was."""
        if erasure.id not in self.all:
            self._append(_Line(begun=erasure))
        return self.all[erasure.id]

    def note_replaced(self, erasure: Erasure, replaced: dict[str, str], glued: set[TextDigest]) -> None:
        """Note the payloads that are about to be replaced: their digests are elsewhere in landing and the catalog."""
        new = {old: now for old, now in replaced.items() if self.replaced.get(old) != now}
        new_glued = glued - self._glued.get(erasure.id, set())
        if new or new_glued:
            in_order = tuple(sorted(new_glued, key=lambda digest: digest.sha256))
            self._append(_Line(id=erasure.id, replaced=new, glued=in_order))

    def finish(self, erasure: Erasure, at: str) -> None:
        """Note that nothing of an erasure is left to do."""
        self._append(_Line(id=erasure.id, done_at=at))

    def redact_reasons(self, text: TextDigest) -> None:
        """Take a name or contact out of the reasons of earlier erasures; the file is written anew as a whole."""
        reasons = {id_: redact(erasure.reason, [text]) for id_, erasure in self.all.items()}
        if all(reason == self.all[id_].reason for id_, reason in reasons.items()):
            return
        self.all = {id_: replace(erasure, reason=reasons[id_]) for id_, erasure in self.all.items()}
        lines = [line for line in map(_decode, self._path.read_bytes().splitlines()) if line is not None]
        mended = [line if line.begun is None else replace(line, begun=self.all[line.begun.id]) for line in lines]
        with whole_file(self._path) as temporary:
            temporary.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in mended))

    def merge(self, lines: bytes) -> None:
        """Add the lines of another installation's file, such as that of a backup."""
        mine = set(self._path.read_bytes().splitlines()) if self._path.exists() else set()
        for text in lines.splitlines():
            line = _decode(text)
            if line is not None and text not in mine and not (line.begun and line.begun.id in self.all):
                self._append(line)

    def _append(self, line: _Line) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        whole = not self._path.exists() or self._path.read_bytes()[-1:] in (b"", b"\n")
        with self._path.open("ab") as file:
            file.write((b"" if whole else b"\n") + msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._take(line)


def _decode(line: bytes) -> _Line | None:
    """Decode a line; None for one that a killed process did not finish."""
    try:
        return msgspec.json.decode(line, type=_Line)
    except msgspec.DecodeError:
        return None


def erasures_in(body: bytes) -> set[str]:
    """Return the ids of the erasures that the bytes of an erasures file begin."""
    return {line.begun.id for line in map(_decode, body.splitlines()) if line is not None and line.begun is not None}


def key_digest(feed: str, identifier: str) -> str:
    """Return the sha256 of a record's key, by which an erasure knows it."""
    return sha256(f"{feed}:{identifier}".encode()).hexdigest()


def erased_identifier(identifier: str) -> str:
    """Return what stands for the identifier of an erased record, so that lists of it stay complete."""
    return f"erased:{sha256(identifier.encode()).hexdigest()[:32]}"


def without_erased(page: Page, erasures: list[Erasure]) -> Page:
    """Return a harvested page without what is to stay erased; an erased record is a deleted one."""
    if not erasures:
        return page
    texts = list(_texts(erasures))
    return replace(
        page,
        records=[erase_record(record, erasures) for record in page.records],
        raw=tuple(
            replace(raw, body=redact_bytes(raw.body, texts), reason=redact(raw.reason, texts)) for raw in page.raw
        ),
        skipped=tuple(replace(skipped, reason=redact(skipped.reason, texts)) for skipped in page.skipped),
        notes=tuple(redact(note, texts) for note in page.notes),
    )


def erase_record(record: SourceRecord, erasures: Iterable[Erasure]) -> SourceRecord:
    """Return a record without what its erasures concern."""
    mine = [erasure for erasure in erasures if erasure.covers(record.identifier)]
    if any(erasure.text is None for erasure in mine):
        identifier = erased_identifier(record.identifier)
        return replace(record, identifier=identifier, payload=None, sha256=None, deleted=True, sets=())
    payload = redact(record.payload, _texts(mine), numbers=True) if record.payload and mine else record.payload
    return record if payload == record.payload else replace(record, payload=payload, sha256=None)


def _texts(erasures: Iterable[Erasure]) -> Iterator[TextDigest]:
    return (erasure.text for erasure in erasures if erasure.text is not None)
