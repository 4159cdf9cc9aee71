"""Findings over the whole catalog, written by a publication: on their way beside the match, then as rows of `issue`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from loaders.catalog import TABLE, compare, standing_or_found
from loaders.publication.match_state import NothingMatched
from loaders.staging import finding_name, storable
from loaders.store import HarvestRunRow, SourceRecordRow, read_run, rows_among, whole_file, writing
from schemas import Issue
from schemas.environment import Environment

NAME, SCOPE = "across.json", "catalog"


def keep_across(folder: Path, found: Iterable[Issue]) -> None:
    """Lay the findings down beside the match that they were found in."""
    with whole_file(folder / NAME) as beside:
        beside.write_bytes(msgspec.json.encode(list(found)))


def read_across(folder: Path) -> list[Issue]:
    """The findings of a match. Raises NothingMatched when it is published already."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=list[Issue])
    except FileNotFoundError as error:
        raise NothingMatched(f"{folder.name}: nothing was matched, or it is published already") from error


def write_across(env: Environment, run_id: str, found: list[Issue], codes: Iterable[str]) -> None:
    """Make the open findings with these codes those that were found, about records that live; others are resolved."""
    run = read_run(env, run_id)
    with writing(env) as connection:
        live = _live(connection, [one.key for one in found])
        rows = {row["finding"]: row for row in (_row(one) for one in found if one.key in live)}
        feeds = connection.scalars(select(HarvestRunRow.feed).where(HarvestRunRow.feed.is_not(None)).distinct()).all()
        where = TABLE.c.feed.in_(feeds) & TABLE.c.code.in_(list(codes))  # by the index of both
        compare(connection, run, rows, standing_or_found(connection, where, SCOPE, rows), SCOPE)


def _row(one: Issue) -> dict[str, str]:
    path, value = storable(one.path), storable(one.value)
    return {
        "finding": finding_name(one.key, one.code, path, value),
        "key": one.key,
        "feed": one.key.partition(":")[0],
        "code": one.code,
        "severity": one.severity,
        "path": path,
        "value": value,
    }


def _live(connection: Connection, keys: list[str]) -> set[str]:
    query = select(SourceRecordRow.key).where(SourceRecordRow.status == "live")
    return {key for (key,) in rows_among(connection, query, SourceRecordRow.key, keys)}
