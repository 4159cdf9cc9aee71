"""Which payloads a feed has landed, and where: a small SQLite file beside its parts, made again from them at need."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
from more_itertools import chunked

from loaders.landing.part import part_paths

NAME = "index.db"
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LOOKUP = 30_000 // 64  # keys a query: SQLite's own limit is 32 766

_SCHEMA = """
CREATE TABLE IF NOT EXISTS part (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS landed (name BLOB PRIMARY KEY, part INTEGER NOT NULL, row INTEGER NOT NULL) WITHOUT ROWID;
"""
_Place = tuple[str, int]  # the part's path under the feed's folder, and the row in it


class LandingIndex:
    """Where each (identifier, sha256) of a feed was first landed. Read and written under the feed's lock."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def places(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], _Place]:
        """The places of those (identifier, sha256) that are landed."""
        names = {_name(*one): one for one in wanted}
        found: dict[tuple[str, str], _Place] = {}
        for batch in chunked(names, _LOOKUP):
            marks = ",".join("?" * len(batch))
            query = f"SELECT name, path, row FROM landed JOIN part ON part.id = part WHERE name IN ({marks})"  # noqa: S608 (marks only)
            for name, path, row in self._connection.execute(query, batch):
                found[names[name]] = (path, row)
        return found

    def add(self, path: Path, rows: Iterator[tuple[str, str, int]]) -> None:
        """Note a whole part: its (identifier, sha256, row) that hold a payload. The first place of each stays."""
        with self._connection:
            made = self._connection.execute("INSERT INTO part (path) VALUES (?)", (self._relative(path),))
            placed = ((_name(identifier, sha256), made.lastrowid, row) for identifier, sha256, row in rows)
            self._connection.executemany("INSERT OR IGNORE INTO landed VALUES (?, ?, ?)", placed)

    def catch_up(self) -> None:
        """Read the parts that are on disk and not here. A part that is here and not on disk makes all anew."""
        known = {path for (path,) in self._connection.execute("SELECT path FROM part")}
        there = {self._relative(path): path for path in _parts(self._folder)}
        if known - there.keys():
            with self._connection:
                self._connection.execute("DELETE FROM landed")
                self._connection.execute("DELETE FROM part")
            known = set()
        for name in sorted(there.keys() - known):
            self.add(there[name], _payload_rows(there[name]))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


@contextmanager
def landing_index(folder: Path) -> Iterator[LandingIndex]:
    """The index of a feed's landing folder, complete. An unreadable one is made anew from the parts."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    try:
        connection = _opened(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in _DAMAGED:
            raise  # a full disk or a lock says nothing of the file
        for file in folder.glob(f"{NAME}*"):
            file.unlink()
        connection = _opened(path)
    try:
        index = LandingIndex(connection, folder)
        index.catch_up()
        yield index
    finally:
        connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-32768")
        connection.executescript(_SCHEMA)
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()  # a tenth of a second a million payloads
        if found != "ok":
            damage = sqlite3.DatabaseError(f"{path}: {found}")
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _name(identifier: str, sha256: str) -> bytes:
    return hashlib.blake2b(f"{sha256} {identifier}".encode(), digest_size=16).digest()


def _parts(folder: Path) -> Iterator[Path]:
    for run in sorted(one for one in folder.iterdir() if one.is_dir()):
        yield from part_paths(run)


def _payload_rows(path: Path) -> Iterator[tuple[str, str, int]]:
    table = pq.read_table(path, columns=["identifier", "sha256", "kept"])
    for row, (identifier, sha256, kept) in enumerate(
        zip(*(column.to_pylist() for column in table.columns), strict=True)
    ):
        if kept:
            yield identifier, sha256, row
