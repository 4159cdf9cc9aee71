"""Counts the records that a list repeats, for a reader at the terminal: landing decides for itself."""

from __future__ import annotations

import sqlite3

from schemas import Page


class Repeats:
    """The records of each list so far, in a temporary database that spills to disk rather than grow in memory."""

    def __init__(self) -> None:
        self._listed = sqlite3.connect("")
        self._listed.execute(
            "CREATE TABLE listed (list, identifier, page, moved DEFAULT 0, PRIMARY KEY (list, identifier))"
        )
        self._sizes: dict[str, int] = {}

    def add(self, page: Page) -> None:
        """Note a page's records."""
        place = page.listing
        if place.size is not None:
            self._sizes[place.name] = max(place.size, self._sizes.get(place.name, 0))
        self._listed.executemany(
            "INSERT INTO listed (list, identifier, page) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET moved = moved OR page <> excluded.page",
            [(place.name, record.identifier, place.page) for record in page.records],
        )

    def count(self) -> int:
        """The records that stood on two pages of a list, unless it gave as many distinct ones as were promised."""
        lists = self._listed.execute("SELECT list, count(*), sum(moved) FROM listed GROUP BY list")
        return sum(moved for name, records, moved in lists if records != self._sizes.get(name))


class SeenIdentifiers:
    """The identifiers that a list gave so far, in a temporary database that spills to disk."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE seen (identifier PRIMARY KEY) WITHOUT ROWID")

    def add(self, identifiers: list[str]) -> int:
        """Note identifiers and return how many of them were there before, or come twice among them."""
        rows = [(identifier,) for identifier in identifiers]
        added = self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?)", rows).rowcount if rows else 0
        return len(rows) - added
