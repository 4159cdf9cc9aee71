"""What cannot be made again, in one file: landing, and the catalog's primary tables.

`elib backup` writes it; `elib restore` puts it back, reprocesses each feed and publishes.

Primary are judgement, curation, redirect, refused, feed_declaration, and every resource with its id and created_at;
all else after landing is made again from landing. A plain tar: landing's parts are compressed already.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

import msgspec
from sqlalchemy import Connection, select, tuple_

from loaders.backup.restored import promise
from loaders.landing import NAME as INDEX
from loaders.migrations import migrate
from loaders.store import (
    CurationRow,
    FeedDeclarationRow,
    JudgementRow,
    RedirectRow,
    RefusedRow,
    ResourceRow,
    RestoredMemberRow,
    SourceRecordRow,
    read_transaction,
    upsert,
    whole_file,
    write_transaction,
)
from schemas import Environment

ROWS, LOOKUP, BLOCK = 5_000, 300, 1 << 20
_PRIMARY: dict[str, Any] = {
    table.__tablename__: table.__table__
    for table in (
        JudgementRow,
        CurationRow,
        RedirectRow,
        RefusedRow,
        ResourceRow,
        RestoredMemberRow,
        FeedDeclarationRow,
    )
}


class BadBackup(ValueError):
    """A file that is no whole backup of ours, or that does not fit this installation."""


def back_up(env: Environment, path: Path) -> int:
    """Write landing and the primary tables to one tar file, whole or not at all; returns the number of files in it."""
    with whole_file(path) as beside, tarfile.open(beside, "w") as tar:
        for number, (name, rows) in enumerate(_tables(env)):
            _add(tar, f"tables/{name}-{number:05d}.json", rows)
        files = [one for one in sorted(env.landing.rglob("*")) if one.is_file() and _is_kept(one)]
        for one in files:
            tar.add(one, f"landing/{one.relative_to(env.landing).as_posix()}", recursive=False)
        _add(tar, "complete.json", msgspec.json.encode({"files": len(files)}))
    return len(files)


def restore(env: Environment, path: Path) -> int:
    """Put a backup back; returns the number of landing's files. What is there already and equal stays.

    Raises BadBackup when the file is not whole, or when landing holds another file of the same name, or the catalog
    another row: nothing is overwritten.
    """
    _check(env, path)
    migrate(env)
    files = 0
    with tarfile.open(path) as tar, write_transaction(env) as connection:
        for member in tar:
            source = tar.extractfile(member)
            if source is None:
                continue
            folder, *rest = PurePosixPath(member.name).parts
            if folder == "tables":
                _insert(connection, _table(rest[0]), msgspec.json.decode(source.read()))
            elif folder == "landing":
                _extract(source, env.landing.joinpath(*rest))
                files += 1
        promise(connection)
        _after_insert(connection)
    return files


def _is_kept(path: Path) -> bool:
    return not path.name.startswith((".", INDEX))


def _tables(env: Environment) -> Iterator[tuple[str, bytes]]:
    members = select(SourceRecordRow.key, SourceRecordRow.resource_id).where(SourceRecordRow.resource_id.is_not(None))
    queries: list[tuple[str, Any]] = [(name, select(table)) for name, table in _PRIMARY.items()]
    with read_transaction(env) as connection:
        for name, query in [*queries, (RestoredMemberRow.__tablename__, members)]:
            streamed = connection.execution_options(stream_results=True, yield_per=ROWS).execute(query).mappings()
            for rows in streamed.partitions(ROWS):
                yield name, msgspec.json.encode([dict(row) for row in rows])


def _add(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(body)
    tar.addfile(member, io.BytesIO(body))


def _check(env: Environment, path: Path) -> None:
    """Read it from end to end before anything is written. Raises BadBackup."""
    whole = False
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                _check_member(env, path, member, tar.extractfile(member))
                whole = whole or member.name == "complete.json"
    except (OSError, tarfile.TarError) as error:
        raise BadBackup(f"{path}: not a readable backup: {error}") from error
    if not whole:
        raise BadBackup(f"{path}: not a whole backup: it was cut short, or is something else")


def _check_member(env: Environment, path: Path, member: tarfile.TarInfo, source: IO[bytes] | None) -> None:
    folder, *rest = PurePosixPath(member.name).parts or ("",)
    placed = (folder, bool(rest)) in {("tables", True), ("landing", True), ("complete.json", False)}
    if not placed or ".." in rest or source is None or (folder == "tables" and _table(rest[0]) not in _PRIMARY):
        raise BadBackup(f"{path}: {member.name!r} has no place in a backup")
    there = env.landing.joinpath(*rest)
    if folder == "landing" and there.exists() and not _same(source, there):
        raise BadBackup(f"{there} is there already and differs; restore into an empty ELIB_HOME")
    if folder == "tables":
        try:
            msgspec.json.decode(source.read(), type=list[dict[str, Any]])
        except msgspec.DecodeError as error:
            raise BadBackup(f"{path}: {member.name} cannot be read: {error}") from error


def _table(name: str) -> str:
    """The table whose rows a file of tables/ holds: issue-00003.json is of issue."""
    return name.rsplit("-", 1)[0]


def _same(source: IO[bytes], there: Path) -> bool:
    with there.open("rb") as other:
        while block := source.read(BLOCK):
            if block != other.read(len(block)):
                return False
        return not other.read(1)


def _extract(source: Any, target: Path) -> None:
    if target.exists():
        return
    with whole_file(target) as beside, beside.open("wb") as written:
        _copy(source, written)


def _copy(source: Any, target: BinaryIO) -> None:
    while block := source.read(BLOCK):
        target.write(block)


def _insert(connection: Connection, name: str, rows: list[dict[str, Any]]) -> None:
    table = _PRIMARY[name]
    if name != RestoredMemberRow.__tablename__:
        _refuse_others(connection, table, rows)
    names = tuple(column.name for column in table.columns if not column.primary_key)
    connection.execute(upsert(connection, table, names), rows)


def _refuse_others(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """A decision that was made since the backup must not be overwritten by one of the same number."""
    keys = list(table.primary_key.columns)
    for start in range(0, len(rows), LOOKUP):
        wanted = {tuple(row[key.name] for key in keys): row for row in rows[start : start + LOOKUP]}
        query = select(table).where(tuple_(*keys).in_(list(wanted)))
        for found in connection.execute(query).mappings():
            named = tuple(found[key.name] for key in keys)
            if dict(found) != wanted[named]:
                shown = " ".join(map(str, named))
                raise BadBackup(f"the catalog holds another {table.name} {shown}; restore into an empty catalog")


def _after_insert(connection: Connection) -> None:
    """PostgreSQL counts on from the numbers that were put in."""
    if connection.dialect.name != "postgresql":
        return
    for name in ("judgement", "curation"):
        newest = (
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name} HAVING max(id) IS NOT NULL"  # noqa: S608 (our names)
        )
        connection.exec_driver_sql(newest)
