"""Rules over the whole catalog: what unrelated records of different feeds have in common. Pure.

The facts are the matcher's features, which the publication has at hand: no feed is read again, and both sides are told
on the same night, whichever of the two came last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from schemas import Issue
from transforms.rules.batch import LOOKS, issue, unrelated

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_COLUMNS = ("key", "feed", "titles", "languages", "identifiers")
CATALOG_RULE_CODES = ("url_shared_elsewhere", "identifier_shared_elsewhere")
_FETCH = 2_000
_SHARED = """
WITH bearer AS (SELECT unnest(identifiers) AS mark, key, feed, titles, languages FROM feature),
shared AS (SELECT mark FROM bearer GROUP BY mark HAVING min(feed) <> max(feed))
SELECT mark, key, feed, titles, languages FROM bearer SEMI JOIN shared USING (mark) ORDER BY mark, key
"""


class _Bearer(NamedTuple):
    """A live record that bears an address or identifier which another feed has too."""

    mark: str  # doi:, isbn:, handle: or url: with the value
    key: str
    feed: str
    titles: list[str]
    languages: list[str]


def apply_catalog_rules(features: pa.Table) -> Iterator[Issue]:
    """A finding for each record that shares an address or identifier with an unrelated record of another feed.

    In the order of addresses, identifiers and keys; the value names the other record. Memory does not grow with the
    catalog, but with the records that share one address or identifier.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.register("feature", features.select(_COLUMNS))
        found = connection.execute(_SHARED)
        for _, group in groupby(_bearers(found), key=lambda one: one.mark):
            yield from _shared(list(group))


def _bearers(found: duckdb.DuckDBPyConnection) -> Iterator[_Bearer]:
    while rows := found.fetchmany(_FETCH):
        yield from (_Bearer(*row) for row in rows)


def _shared(group: list[_Bearer]) -> Iterator[Issue]:
    """Findings about the bearers of one mark; each is compared with the first few of other feeds only."""
    few = list(_first_of_each_feed(group))
    for one in group:
        others = islice((other for other in few if other.feed != one.feed), LOOKS)
        other = next((other for other in others if _apart(one, other)), None)
        if other is not None:
            scheme, _, value = one.mark.partition(":")
            if scheme == "url":
                yield issue(CATALOG_RULE_CODES[0], one.key, "url", f"{value} = {other.key}")
            else:
                yield issue(CATALOG_RULE_CODES[1], one.key, "identifiers", f"{one.mark} = {other.key}")


def _first_of_each_feed(group: list[_Bearer]) -> Iterator[_Bearer]:
    """In their order, at most LOOKS bearers of each feed: no more are ever looked at."""
    seen: Counter[str] = Counter()
    for one in group:
        seen[one.feed] += 1
        if seen[one.feed] <= LOOKS:
            yield one


def _apart(one: _Bearer, other: _Bearer) -> bool:
    """Whether two records are unrelated; titles of different languages say nothing of it: one may be a translation."""
    translated = one.languages and other.languages and not set(one.languages) & set(other.languages)
    return not translated and unrelated(one.titles, other.titles)
