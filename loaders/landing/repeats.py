"""Whether repeats in a harvest's lists may hide records that are missing, told by its distinct identifiers.

A list that changes while it is walked page by page moves: a record is listed on two pages, and another on none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from loaders.landing.part import Footer
from loaders.landing.past import recent_harvests
from loaders.store import create_parquet_view, open_workspace
from schemas import Listing, SourceRecord

_ENTRIES = pa.schema([("list", pa.string()), ("page", pa.int32()), ("identifier", pa.string())])
_PROMISES = pa.schema([("list", pa.string()), ("size", pa.int64()), ("nameless", pa.int64())])

# A repeat on another page may stand for a record that moved away, unless as many distinct ones came as were promised
# and none of them is new: one that was added in between would stand for the missing one too.
# A repeat on the same page hides nothing, unless the promised number is only reached by counting it.
_DOUBTFUL = """
WITH entry AS (
    SELECT list, identifier, min(page) <> max(page) AS moved, count(*) AS times FROM listed GROUP BY list, identifier
), counted AS (
    SELECT list, count(*) AS records, sum(times) AS entries,
        count(*) FILTER (moved) AS moved, count(*) FILTER (times > 1) AS repeated
    FROM entry GROUP BY list
)
SELECT list, moved > 0 AND records + nameless = size AS reached, CASE WHEN moved > 0 THEN moved ELSE repeated END
FROM counted JOIN promise USING (list)
WHERE moved > 0 OR records + nameless < size AND entries + nameless >= size AND repeated > 0
"""
_NEW = "SELECT count(*) FROM listed ANTI JOIN known USING (identifier) WHERE list = ?"
# Lists that overlap, such as slices by a field with several values, may reach the promised number together by repeats.
_TOGETHER = "SELECT count(DISTINCT identifier), count(*) - count(DISTINCT identifier) FROM listed"


def count_repeats(
    folder: Path,
    parts: Sequence[tuple[Path, Footer]],
    last: Footer,
    records: Sequence[SourceRecord],
    listings: Sequence[Listing],
) -> int:
    """The records of a harvest that its lists repeat where this may hide missing ones; 0 when the lists are whole.

    `parts` are the harvest's parts so far, `last` the footer of the part that `records` will be written to.
    The work is done in `folder`, with a fixed amount of memory.
    """
    footers = [*(footer for _, footer in parts), last]
    dropped = sum(footer.repeated for footer in footers)
    if not _can_hide(footers):
        return dropped
    with open_workspace(folder) as duck:
        _list_entries(duck, parts, records, listings, footers)
        doubtful = 0
        for name, reached, repeats in duck.execute(_DOUBTFUL).fetchall():
            doubtful += 0 if reached and not _has_new(duck, folder.parent, name) else repeats
        if last.promised is not None and not doubtful:
            distinct, repeats = duck.execute(_TOGETHER).fetchone()
            nameless = sum(part.nameless for footer in footers for part in footer.lists.values())
            doubtful = repeats if distinct + nameless < last.promised else 0
    return dropped + int(doubtful)


def _has_new(duck: Any, folder: Path, name: str) -> bool:
    """Whether a list holds a record that no complete harvest before it had, from the feed's last whole list on.

    One that an earlier harvest had was there before this one began: it is among those that were promised.
    """
    known = [path for past in recent_harvests(folder) if past.last.complete for path in past.parts]
    if not known:
        return True
    create_parquet_view(duck, "known", *known, more=", union_by_name = true")
    (new,) = duck.execute(_NEW, [name]).fetchone()
    return bool(new)


def _can_hide(footers: Sequence[Footer]) -> bool:
    """Whether a list came on more than one page, or with a promised number."""
    if footers[-1].promised is not None:
        return True
    return any(part.pages > 1 or part.size is not None for footer in footers for part in footer.lists.values())


def _list_entries(
    duck: Any,
    parts: Sequence[tuple[Path, Footer]],
    records: Sequence[SourceRecord],
    listings: Sequence[Listing],
    footers: Sequence[Footer],
) -> None:
    duck.execute("CREATE TABLE listed (list VARCHAR, page INT, identifier VARCHAR)")
    written = [path for path, footer in parts if footer.lists]  # parts of earlier versions do not say where rows stood
    if written:
        create_parquet_view(duck, "part", *written)
        duck.execute("INSERT INTO listed SELECT list, page, identifier FROM part")
    unwritten = ((place.name, place.page, record.identifier) for record, place in zip(records, listings, strict=True))
    skipped = (
        (name, page, identifier)
        for footer in footers
        for name, part in footer.lists.items()
        for page, identifier in part.skipped
    )
    _insert(duck, "listed", _ENTRIES, [*unwritten, *skipped])
    sizes: dict[str, int | None] = {}
    nameless: dict[str, int] = {}
    for footer in footers:
        for name, part in footer.lists.items():
            sizes[name] = max((size for size in (part.size, sizes.get(name)) if size is not None), default=None)
            nameless[name] = nameless.get(name, 0) + part.nameless
    duck.execute("CREATE TABLE promise (list VARCHAR, size BIGINT, nameless BIGINT)")
    _insert(duck, "promise", _PROMISES, [(name, size, nameless[name]) for name, size in sizes.items()])


def _insert(duck: Any, table: str, schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> None:
    arrow = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)
    duck.register("given", arrow)
    duck.execute(f"INSERT INTO {table} SELECT * FROM given")  # noqa: S608 (our names)
    duck.unregister("given")
