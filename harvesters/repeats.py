"""Count repeated records in temporary databases that spill to disk, so that long lists need no more memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from hashlib import sha256

from schemas import Page, SourceRecord


class SeenIdentifiers:
    """The identifiers that a list gave so far."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE seen (identifier PRIMARY KEY) WITHOUT ROWID")

    def add(self, identifiers: list[str]) -> int:
        """Add identifiers, and return how many of them were there before or are repeated among them."""
        rows = [(identifier,) for identifier in identifiers]
        added = self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?)", rows).rowcount if rows else 0
        return len(rows) - added


class SharedIdentifiers:
    """Counts the records of one document that have the identifier of another one, and other content."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE kept (identifier PRIMARY KEY, digest) WITHOUT ROWID")
        self._records = self._shared = 0
        self._example = ""

    def add(self, records: Iterable[SourceRecord]) -> None:
        """Add records, in their order."""
        for record in records:
            digest = sha256((record.payload or "").encode("utf-8", "surrogatepass")).digest()
            self._records += 1
            earlier = self._database.execute("SELECT digest FROM kept WHERE identifier = ?", (record.identifier,))
            row = earlier.fetchone()
            if row is not None and row[0] != digest:
                self._shared += 1
                self._example = self._example or record.identifier
            self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (record.identifier, digest))

    def notes(self) -> list[str]:
        """Return a note on these records, of which only the last with an identifier counts."""
        if not self._shared:
            return []
        what = f"{self._shared} of {self._records} records have the identifier of another one, and other content"
        return [f"{what} (such as {self._example!r}): only the last of them counts; let identifier name what differs"]


class Repeats:
    """Counts the records that lists repeat, for a reader at the terminal. Landing decides for itself."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE listed (list, identifier, page, moved DEFAULT 0, PRIMARY KEY (list, identifier))"
        )
        self._sizes: dict[str, int] = {}

    def add(self, page: Page) -> None:
        """Add a page's records."""
        listing = page.listing
        if listing.size is not None:
            self._sizes[listing.name] = max(listing.size, self._sizes.get(listing.name, 0))
        self._database.executemany(
            "INSERT INTO listed (list, identifier, page) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET moved = moved OR page <> excluded.page",
            [(listing.name, record.identifier, listing.page) for record in page.records],
        )

    def count(self) -> int:
        """Return how many records are on two pages of a list that did not give as many distinct ones as promised."""
        lists = self._database.execute("SELECT list, count(*), sum(moved) FROM listed GROUP BY list")
        return sum(moved for name, records, moved in lists if records != self._sizes.get(name))
