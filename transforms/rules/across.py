"""Rules over the whole catalog: what unrelated records of different feeds have in common. Pure.

They read the matcher's features, which the publication has at hand: no feed is read again, and both records get their
issue on the same night, whichever of them came last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas import FeatureFiles, Issue
from transforms.rules.batch import MAX_COMPARED_TITLES, issue, unrelated

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CATALOG_RULE_CODES = ("url_shared_elsewhere", "identifier_shared_elsewhere")
_COLUMNS = ("key", "feed", "titles", "languages", "identifiers")
_FETCH_ROWS = 2_000
_MEMORY = "600MB"  # of DuckDB
_SHARED_ELSEWHERE = """
WITH owner AS (SELECT unnest(identifiers) AS identifier, key, feed, titles, languages FROM feature),
shared AS (SELECT identifier FROM owner GROUP BY identifier HAVING min(feed) <> max(feed))
SELECT identifier, key, feed, titles, languages FROM owner SEMI JOIN shared USING (identifier) ORDER BY identifier, key
"""


class _Owner(NamedTuple):
    """A live record with an address or identifier that a record of another feed has too."""

    identifier: str  # doi:, isbn:, handle: or url: with the value
    key: str
    feed: str
    titles: list[str]
    languages: list[str]


def apply_catalog_rules(features: pa.Table | FeatureFiles, folder: Path | None = None) -> Iterator[Issue]:
    """Yield an issue for each record that shares an address or identifier with an unrelated record of another feed.

    In the order of addresses, identifiers and keys; the value names the other record. Memory does not grow with the
    catalog, but with the records that share one address or identifier; DuckDB spills to `folder`.
    """
    import duckdb

    config: dict[str, Any] = {
        "memory_limit": _MEMORY,
        "threads": 2,
        **({"temp_directory": str(folder)} if folder else {}),
    }
    with duckdb.connect(config=config) as connection:
        if isinstance(features, FeatureFiles):
            connection.execute(f"CREATE TEMP VIEW feature AS SELECT {', '.join(_COLUMNS)} FROM ({features.query()})")  # noqa: S608
        else:
            connection.register("feature", features.select(_COLUMNS))
        rows = connection.execute(_SHARED_ELSEWHERE)
        for _, owners in groupby(_fetch(rows), key=lambda owner: owner.identifier):
            yield from _issues_of(list(owners))


def _fetch(rows: duckdb.DuckDBPyConnection) -> Iterator[_Owner]:
    while batch := rows.fetchmany(_FETCH_ROWS):
        yield from (_Owner(*row) for row in batch)


def _issues_of(owners: list[_Owner]) -> Iterator[Issue]:
    """Yield the issues of the records that share one identifier; each is compared with a few of other feeds only."""
    compared = list(_first_of_each_feed(owners))
    for owner in owners:
        others = islice((other for other in compared if other.feed != owner.feed), MAX_COMPARED_TITLES)
        other = next((other for other in others if _is_unrelated(owner, other)), None)
        if other is not None:
            scheme, _, value = owner.identifier.partition(":")
            if scheme == "url":
                yield issue("url_shared_elsewhere", owner.key, "url", f"{value} = {other.key}")
            else:
                shared = f"{owner.identifier} = {other.key}"
                yield issue("identifier_shared_elsewhere", owner.key, "identifiers", shared)


def _first_of_each_feed(owners: list[_Owner]) -> Iterator[_Owner]:
    """Yield at most MAX_COMPARED_TITLES records of each feed, in their order."""
    counts: Counter[str] = Counter()
    for owner in owners:
        counts[owner.feed] += 1
        if counts[owner.feed] <= MAX_COMPARED_TITLES:
            yield owner


def _is_unrelated(left: _Owner, right: _Owner) -> bool:
    """Whether two records are unrelated; titles of different languages do not show it: one may be a translation."""
    may_be_translated = left.languages and right.languages and not set(left.languages) & set(right.languages)
    return not may_be_translated and unrelated(left.titles, right.titles)
