"""Absence: which records the newest whole lists of a feed lack, worked out from its landing without a counter.

A record is gone when the newest `absent_after` whole lists lack it; until then its absence waits. That the server says
"not modified" counts as its list seen again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from loaders.landing.harvest import Harvest
from loaders.landing.part import Footer
from loaders.landing.past import harvests
from loaders.store import create_parquet_view, open_workspace
from schemas import Skipped, SourceRecord, arrow_table

_SQL = Path(__file__).with_name("absence.sql")
_SKIPPED = pa.schema(
    [
        *((name, pa.string()) for name in ("identifier", "since", "until", "reason")),
        ("harvest", pa.int32()),
    ]
)
_NUMBERS = pa.schema([("harvest", pa.int32())])
_ROWS = pa.schema([("identifier", pa.string()), ("deleted", pa.bool_()), ("harvest", pa.int32())])
_PARTS = pa.schema([("filename", pa.string()), ("run", pa.string()), ("harvest", pa.int32()), ("ordinal", pa.int32())])
_NO_ROWS = """CREATE VIEW every_row AS SELECT NULL::VARCHAR AS identifier, NULL::VARCHAR AS format,
NULL::VARCHAR AS datestamp, NULL::VARCHAR AS sha256, false AS deleted, false AS kept, NULL::VARCHAR AS filename,
0::BIGINT AS file_row_number LIMIT 0"""
# The records that are not deleted in their newest row, as far as landing knows; without those of the newest list.
_CANDIDATES = """
CREATE VIEW seen_row AS SELECT identifier, harvest FROM every_row JOIN part USING (filename)
UNION ALL SELECT identifier, harvest FROM unwritten;
CREATE VIEW candidate AS
WITH row AS (
    SELECT identifier, datestamp, deleted, harvest, (ordinal, file_row_number) AS position
    FROM every_row JOIN part USING (filename)
    UNION ALL SELECT identifier, NULL, deleted, harvest, (2147483647, row_number() OVER ()) FROM unwritten
), newest AS (
    SELECT identifier FROM row WHERE harvest >= (SELECT max(harvest) FROM sighting)
)
SELECT identifier, arg_max(datestamp, position) AS datestamp FROM row ANTI JOIN newest USING (identifier)
GROUP BY identifier HAVING NOT arg_max(deleted, position)
"""


def count_missing(
    folder: Path,
    parts: Sequence[tuple[Path, Footer]],
    last: Footer,
    records: Sequence[SourceRecord],
    absent_after: int,
) -> int:
    """Return how many records the newest whole list lacks that are not gone yet: their absence waits for another list.

    `parts` are the parts so far of a harvest that is complete, `last` the footer of the part that `records` will be
    written to. The work is done in `folder`.
    """
    if absent_after == 1:  # nothing waits
        return 0
    past = past_with_lists(folder.parent, lists=absent_after, after=None)
    if parts and past[-1].parts[-1] == parts[-1][0]:
        past.pop()  # this harvest, as far as it is written
    current = Harvest(parts=tuple(path for path, _ in parts), footers=(*(footer for _, footer in parts), last))
    if not (current.whole_list or current.repeats_a_list or _waits(past)):
        return 0
    past.append(current)
    with open_workspace(folder) as duck:
        create_rows(duck, past)
        rows = [(record.identifier, record.deleted, len(past) - 1) for record in records]
        _create(duck, "unwritten", _ROWS, rows)
        duck.execute(_CANDIDATES)
        create_absence(duck, past, absent_after)
        (missing,) = duck.execute("SELECT count(*) FROM absence WHERE lists > 0 AND NOT gone").fetchone()
    return int(missing)


def _waits(past: Sequence[Harvest]) -> bool:
    return any(harvest.last.missing for harvest in [harvest for harvest in past if harvest.last.complete][-1:])


def create_rows(duck: Any, past: Sequence[Harvest]) -> None:
    """Create `every_row` of the harvests, `part` (the files of each harvest), and `sighting` (see absence.sql)."""
    _create(duck, "sighting", _NUMBERS, [(number,) for number in list_sightings(past)])
    parts = [(path, number) for number, harvest in enumerate(past) for path in harvest.parts]
    rows = [(str(path), path.parent.name, number, ordinal) for ordinal, (path, number) in enumerate(parts)]
    _create(duck, "part", _PARTS, rows)
    if parts:
        options = ", union_by_name = true, filename = true, file_row_number = true"
        create_parquet_view(duck, "every_row", *(path for path, _ in parts), more=options)
    else:
        duck.execute(_NO_ROWS)


def list_sightings(past: Sequence[Harvest]) -> list[int]:
    """Return for each time that a whole list was seen, oldest first, the number of the harvest that brought it.

    A harvest that was not modified repeats the list that its validators belong to.
    """
    sightings: list[int] = []
    seen: list[int | None] = []
    for number, harvest in enumerate(past):
        if harvest.whole_list:
            seen.append(number)
        else:
            seen.append(_repeated_list(past, seen, number) if harvest.repeats_a_list else None)
        if seen[-1] is not None:
            sightings.append(seen[-1])
    return sightings


def _repeated_list(past: Sequence[Harvest], seen: Sequence[int | None], number: int) -> int | None:
    """Return the list that the harvest with this number found not modified; None when it is not among `past`."""
    source = past[number].last.source_fingerprint
    for earlier in range(number - 1, -1, -1):
        if past[earlier].last.source_fingerprint != source:
            return None
        if past[earlier].last.complete and past[earlier].last.validators:
            return seen[earlier]
    return None


def past_with_lists(folder: Path, *, lists: int, after: str | None, until: str | None = None) -> list[Harvest]:
    """Return the harvests with a part in a run later than `after`, and those before that judging absence takes.

    They reach back until `lists` whole lists of the newest source were seen before the run `after`, or to landing's
    beginning.
    """

    def has_lists(earlier: list[Harvest]) -> bool:
        before = [harvest for harvest in earlier if after is None or harvest.parts[-1].parent.name <= after]
        source = earlier[-1].last.source_fingerprint
        sightings = list_sightings(before)
        return sum(before[number].last.source_fingerprint == source for number in sightings) >= lists

    return harvests(folder, after=after, until=until, reaches_back=has_lists)


def create_absence(duck: Any, past: Sequence[Harvest], absent_after: int) -> None:
    """Create the table `absence` from `candidate` and `seen_row` (see absence.sql), and `skipped` of every harvest."""
    changes = [
        (number,)
        for number in range(1, len(past))
        if past[number].last.source_fingerprint != past[number - 1].last.source_fingerprint
    ]
    skipped = [_skipped_row(record, number) for number, harvest in enumerate(past) for record in harvest.skipped]
    _create(duck, "source_change", _NUMBERS, changes)
    _create(duck, "skipped", _SKIPPED, skipped)
    duck.execute("SET VARIABLE absent_after = ?", [absent_after])
    duck.execute(_SQL.read_text(encoding="utf-8"))


def _skipped_row(skipped: Skipped, number: int) -> tuple[str | None, str | None, str | None, str, int]:
    """Return a row of `skipped`, without NUL, which no store takes."""
    since, until = skipped.window or (None, None)
    identifier = None if skipped.identifier is None else skipped.identifier.replace("\x00", "␀")
    return identifier, since, until, skipped.reason.replace("\x00", "␀"), number


def _create(duck: Any, table: str, schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> None:
    given = arrow_table((dict(zip(schema.names, row, strict=True)) for row in rows), schema)
    duck.register("given", given)
    duck.execute(f"CREATE TABLE {table} AS SELECT * FROM given")  # noqa: S608 (our names)
    duck.unregister("given")
