"""Find where a payload was landed: a small SQLite file beside a feed's parts, rebuilt from them when needed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
from more_itertools import chunked

from loaders.landing.part import part_paths

INDEX_FILE_NAME = "index.db"
_DAMAGED_FILE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_ROWS_PER_READ = 100
_KEYS_PER_QUERY = 30_000 // 64  # SQLite's own limit is 32 766

_SCHEMA = """
CREATE TABLE IF NOT EXISTS part (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS landed (name BLOB PRIMARY KEY, part INTEGER NOT NULL, row INTEGER NOT NULL) WITHOUT ROWID;
"""
_Location = tuple[str, int]  # the part's path under the feed's folder, and the row in it


class LandingIndex:
    """Where each (identifier, sha256) of a feed was first landed. Used only by the holder of the feed's lock."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def locations(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], _Location]:
        """Return the locations of those (identifier, sha256) that are landed."""
        payloads = {_digest(*payload): payload for payload in wanted}
        locations: dict[tuple[str, str], _Location] = {}
        for batch in chunked(payloads, _KEYS_PER_QUERY):
            marks = ",".join("?" * len(batch))
            query = f"SELECT name, path, row FROM landed JOIN part ON part.id = part WHERE name IN ({marks})"  # noqa: S608 (marks only)
            for digest, path, row in self._connection.execute(query, batch):
                locations[payloads[digest]] = (path, row)
        return locations

    def add(self, path: Path, rows: Iterator[tuple[str, str, int]]) -> None:
        """Add a part by its (identifier, sha256, row) that hold a payload. The first location of each payload stays."""
        with self._connection:
            part = self._connection.execute("INSERT INTO part (path) VALUES (?)", (self._relative(path),)).lastrowid
            landed = ((_digest(identifier, sha256), part, row) for identifier, sha256, row in rows)
            self._connection.executemany("INSERT OR IGNORE INTO landed VALUES (?, ?, ?)", landed)

    def catch_up(self) -> None:
        """Add the parts that are on disk only. If one is in the index only, rebuild the index."""
        known = {path for (path,) in self._connection.execute("SELECT path FROM part")}
        on_disk = {self._relative(path): path for path in _parts(self._folder)}
        if known - on_disk.keys():
            with self._connection:
                self._connection.execute("DELETE FROM landed")
                self._connection.execute("DELETE FROM part")
            known = set()
        for name in sorted(on_disk.keys() - known):
            self.add(on_disk[name], _payload_rows(on_disk[name]))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


@contextmanager
def landing_index(folder: Path) -> Iterator[LandingIndex]:
    """Open the index of a feed's landing folder, and complete it. A damaged one is rebuilt from the parts."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / INDEX_FILE_NAME
    try:
        connection = _open(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in _DAMAGED_FILE_CODES:
            raise  # a full disk or a lock does not mean that the file is damaged
        for file in folder.glob(f"{INDEX_FILE_NAME}*"):
            file.unlink()
        connection = _open(path)
    try:
        index = LandingIndex(connection, folder)
        index.catch_up()
        yield index
    finally:
        connection.close()


def read_payload(folder: Path, identifier: str, sha256: str) -> str | None:
    """Read a payload that was landed; None when the index does not have it, as of a harvest that goes on.

    Needs no lock: nothing is written, and only the rows around it are read.
    """
    path = folder / INDEX_FILE_NAME
    if not path.exists():
        return None
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)
    try:
        location = LandingIndex(connection, folder).locations([(identifier, sha256)]).get((identifier, sha256))
    except sqlite3.DatabaseError:  # damaged, or being made: the next run of the feed makes it anew
        return None
    finally:
        connection.close()
    return None if location is None else _read_row(folder / location[0], location[1])


def _read_row(path: Path, row: int) -> str | None:
    """Return the payload in a row of a part, reading some rows at a time; None when the part is gone."""
    if not path.exists():
        return None
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row >= rows:
                row -= rows
                continue
            for batch in file.iter_batches(_ROWS_PER_READ, row_groups=[group], columns=["payload"], use_threads=False):
                if row < batch.num_rows:
                    payload: str | None = batch.column(0)[row].as_py()
                    return payload
                row -= batch.num_rows
    return None


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-32768")
        connection.executescript(_SCHEMA)
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()  # 0.1 s per million payloads
        if verdict != "ok":
            damage = sqlite3.DatabaseError(f"{path}: {verdict}")
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _digest(identifier: str, sha256: str) -> bytes:
    return hashlib.blake2b(f"{sha256} {identifier}".encode(), digest_size=16).digest()


def _parts(folder: Path) -> Iterator[Path]:
    for run in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield from part_paths(run)


def _payload_rows(path: Path) -> Iterator[tuple[str, str, int]]:
    table = pq.read_table(path, columns=["identifier", "sha256", "kept"])
    for row, (identifier, sha256, kept) in enumerate(
        zip(*(column.to_pylist() for column in table.columns), strict=True)
    ):
        if kept:
            yield identifier, sha256, row
