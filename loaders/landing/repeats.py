"""Decide from the distinct identifiers of a harvest whether repeats in its lists may hide records that are missing.

A list that changes while it is read page by page shifts: one record is listed on two pages, and another on none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from loaders.landing.harvest import Harvest
from loaders.landing.part import Footer
from loaders.landing.past import recent_harvests
from loaders.store import create_parquet_view, open_workspace
from schemas import Listing, SourceRecord, arrow_table

_LISTED = pa.schema([("list", pa.string()), ("page", pa.int32()), ("identifier", pa.string()), ("deleted", pa.bool_())])
_PROMISES = pa.schema([("list", pa.string()), ("size", pa.int64()), ("nameless", pa.int64())])
_EARLIER_PARTS = pa.schema([("filename", pa.string()), ("number", pa.int64())])

# A repeat on another page may stand for a record that moved away, unless the list gave as many distinct live records as
# were promised. Some servers count deleted records in the size and some do not: only live ones are counted here, so
# that no deleted one stands for a missing one.
# A repeat on the same page hides nothing, unless the promised number is only reached by counting it.
_SUSPECT_LISTS = """
WITH entry AS (
    SELECT list, identifier, min(page) <> max(page) AS moved, count(*) AS times, bool_or(deleted) AS deleted
    FROM listed GROUP BY list, identifier
), counted AS (
    SELECT list, count(*) FILTER (NOT deleted) AS live, sum(times) AS entries,
        count(*) FILTER (moved) AS moved, count(*) FILTER (times > 1) AS repeated
    FROM entry GROUP BY list
)
SELECT list, moved > 0 AND live + nameless = size AS reached, CASE WHEN moved > 0 THEN moved ELSE repeated END
FROM counted JOIN promise USING (list)
WHERE moved > 0 OR live + nameless < size AND entries + nameless >= size AND repeated > 0
"""
# Lists that overlap, such as slices by a field with several values, may reach the promised number together by repeats.
_TOGETHER = """
SELECT count(DISTINCT identifier) FILTER (NOT deleted), count(*) - count(DISTINCT identifier) FROM listed
"""
_NEW = "SELECT count(*) FROM listed ANTI JOIN known USING (identifier) WHERE NOT deleted AND list = coalesce(?, list)"
_KNOWN = """
CREATE TABLE known AS SELECT identifier FROM earlier JOIN earlier_part USING (filename)
GROUP BY identifier HAVING NOT arg_max(deleted, (number, file_row_number))
"""


def count_repeats(
    folder: Path,
    parts: Sequence[tuple[Path, Footer]],
    last: Footer,
    records: Sequence[SourceRecord],
    listings: Sequence[Listing],
) -> int:
    """Return how many records a harvest's lists repeat where this may hide missing ones; 0 when the lists are whole.

    `parts` are the harvest's parts so far, `last` the footer of the part that `records` will be written to.
    The work is done in `folder`, with a fixed amount of memory.
    """
    footers = [*(footer for _, footer in parts), last]
    dropped = sum(footer.repeated for footer in footers)
    if not _can_hide(footers):
        return dropped
    with open_workspace(folder) as duck:
        _list_entries(duck, parts, records, listings, footers)
        earlier = _earlier_harvests(folder.parent, parts)
        return dropped + (_doubtful_in_single_lists(duck, earlier) or _doubtful_together(duck, earlier, footers))


def _doubtful_in_single_lists(duck: Any, earlier: list[Harvest]) -> int:
    """Return how many records the suspect lists repeat whose size does not prove that they lack none."""
    suspects = duck.execute(_SUSPECT_LISTS).fetchall()
    return int(
        sum(repeats for name, reached, repeats in suspects if not (reached and _size_proves(duck, earlier, name)))
    )


def _doubtful_together(duck: Any, earlier: list[Harvest], footers: Sequence[Footer]) -> int:
    """Return how many records all lists together repeat, unless their promised number proves that they lack none."""
    promised = footers[-1].promised
    if promised is None:
        return 0
    live, repeats = duck.execute(_TOGETHER).fetchone()
    nameless = sum(part.nameless for footer in footers for part in footer.lists.values())
    reached = live + nameless == promised
    if not repeats or (reached and (not earlier or _size_proves(duck, earlier))):
        return 0
    return int(repeats)


def _can_hide(footers: Sequence[Footer]) -> bool:
    """Return whether a list came on more than one page, or with a promised number."""
    if footers[-1].promised is not None:
        return True
    return any(part.pages > 1 or part.size is not None for footer in footers for part in footer.lists.values())


def _earlier_harvests(folder: Path, parts: Sequence[tuple[Path, Footer]]) -> list[Harvest]:
    """Return the feed's recent harvests without the one that `parts` belong to."""
    current = parts[-1][0] if parts else None
    return [harvest for harvest in recent_harvests(folder) if harvest.parts[-1] != current]


def _size_proves(duck: Any, earlier: list[Harvest], name: str | None = None) -> bool:
    """Return whether a list that gave as many distinct records as were promised lacks none.

    `name` is the list's; None means all lists together. The size proves nothing where this server's lists outgrew
    their promised sizes before, or where a record is new: one that was added while the list was read would stand for a
    missing one.
    """
    if not earlier or any(_outgrew(duck, harvest) for harvest in earlier):
        return False
    _make_known(duck, earlier)
    (new,) = duck.execute(_NEW, [name]).fetchone()
    return not new


def _outgrew(duck: Any, harvest: Harvest) -> bool:
    """Return whether a harvest gave more distinct records than were promised, in one list or in all together."""
    promises = {name: size for name, (size, _) in _promises(harvest.footers).items() if size is not None}
    if not promises and harvest.last.promised is None:
        return False
    create_parquet_view(duck, "outgrown", *harvest.parts, more=", union_by_name = true")
    if harvest.last.promised is not None:
        (together,) = duck.execute("SELECT count(DISTINCT identifier) FROM outgrown").fetchone()
        if together > harvest.last.promised:
            return True
    if not promises:
        return False
    lists = duck.execute("SELECT list, count(DISTINCT identifier) FROM outgrown GROUP BY list").fetchall()
    return any(name in promises and records > promises[name] for name, records in lists)


def _make_known(duck: Any, earlier: list[Harvest]) -> None:
    """Fill the table `known`: records that are live in their newest row, from the feed's last whole list on.

    They were there before this harvest began, so that they are among those that were promised; one that was deleted
    may have come back while the list was read.
    """
    if duck.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'known'").fetchone() != (0,):
        return
    paths = [path for harvest in earlier for path in harvest.parts]
    create_parquet_view(duck, "earlier", *paths, more=", union_by_name = true, filename = true, file_row_number = true")
    duck.execute("CREATE TABLE earlier_part (filename VARCHAR, number BIGINT)")
    _insert(duck, "earlier_part", _EARLIER_PARTS, ((str(path), number) for number, path in enumerate(paths)))
    duck.execute(_KNOWN)


def _list_entries(
    duck: Any,
    parts: Sequence[tuple[Path, Footer]],
    records: Sequence[SourceRecord],
    listings: Sequence[Listing],
    footers: Sequence[Footer],
) -> None:
    """Fill the tables `listed`, one row per entry of a list, and `promise`, one row per list."""
    duck.execute("CREATE TABLE listed (list VARCHAR, page INT, identifier VARCHAR, deleted BOOLEAN)")
    written = [path for path, footer in parts if footer.lists]  # parts of earlier versions do not say where rows stood
    if written:
        create_parquet_view(duck, "part", *written)
        duck.execute("INSERT INTO listed SELECT list, page, identifier, deleted FROM part")
    unwritten = (
        (listing.name, listing.page, record.identifier, record.deleted)
        for record, listing in zip(records, listings, strict=True)
    )
    _insert(duck, "listed", _LISTED, [*unwritten, *_skipped(footers)])
    duck.execute("CREATE TABLE promise (list VARCHAR, size BIGINT, nameless BIGINT)")
    promises = _promises(footers).items()
    _insert(duck, "promise", _PROMISES, ((name, size, nameless) for name, (size, nameless) in promises))


def _skipped(footers: Sequence[Footer]) -> Iterator[tuple[str, int, str, bool]]:
    """Yield the entries that could not be read and have an identifier: they count as listed."""
    for footer in footers:
        for name, part in footer.lists.items():
            for page, identifier in part.skipped:
                yield name, page, identifier, False


def _promises(footers: Sequence[Footer]) -> dict[str, tuple[int | None, int]]:
    """Return each list's promised size, the largest of several, and how many of its records have no identifier."""
    promises: dict[str, tuple[int | None, int]] = {}
    for footer in footers:
        for name, part in footer.lists.items():
            size, nameless = promises.get(name, (None, 0))
            larger = max((number for number in (size, part.size) if number is not None), default=None)
            promises[name] = (larger, nameless + part.nameless)
    return promises


def _insert(duck: Any, table: str, schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> None:
    arrow = arrow_table((dict(zip(schema.names, row, strict=True)) for row in rows), schema)
    duck.register("given", arrow)
    duck.execute(f"INSERT INTO {table} SELECT * FROM given")  # noqa: S608 (our names)
    duck.unregister("given")
