"""Back up what cannot be made again to one tar file, and restore it: landing, and the catalog's primary tables.

Primary are judgement, curation, redirect, refused, feed_declaration, term_mapping, account, task_note, application,
fix_mail, reader_report, reader_report_decision, every resource with its id and created_at, and what deleted records
said last; everything else after landing is made again from landing. The tar is not compressed:
landing's parts are already.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, select, tuple_

from loaders.landing import ERASURES_FILE_NAME, INDEX_FILE_NAME, Erasures
from loaders.migrations import migrate
from loaders.restored import note_restored_feeds
from loaders.store import (
    AccountRow,
    ApplicationRow,
    CurationRow,
    FeedDeclarationRow,
    FeedDeclarationVersionRow,
    FixMailRow,
    JudgementRow,
    ReaderReportDecisionRow,
    ReaderReportRow,
    RedirectRow,
    RefusedRow,
    ResourceRow,
    RestoredMemberRow,
    SourceRecordRow,
    TaskNoteRow,
    TermMappingRow,
    note_restored_resources,
    read_transaction,
    upsert,
    whole_file,
    write_transaction,
)
from schemas import Environment

_FETCH_ROWS, _LOOKUP_ROWS, _BLOCK_BYTES = 5_000, 300, 1 << 20
_COMPLETE = "complete.json"  # the last member: without it the file was cut short
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
        FeedDeclarationVersionRow,
        TermMappingRow,
        AccountRow,
        TaskNoteRow,
        ApplicationRow,
        FixMailRow,
        ReaderReportRow,
        ReaderReportDecisionRow,
        SourceRecordRow,  # of deleted records only: the others are made again
    )
}


_RECORDS = SourceRecordRow.__tablename__


class BadBackup(ValueError):
    """The file is not a complete backup, or does not fit this installation."""


def back_up(env: Environment, path: Path) -> int:
    """Write landing and the primary tables to one tar file, and return the number of landing's files in it.

    The file is there only when it is complete, and readable by this user only: it holds accounts and contacts.
    """
    with (
        whole_file(path) as temporary,
        _private(temporary).open("wb") as written,
        tarfile.open(fileobj=written, mode="w") as tar,
    ):
        for number, (name, rows) in enumerate(_primary_rows(env)):
            _add(tar, f"tables/{name}-{number:05d}.json", rows)
        files = [file for file in sorted(env.landing.rglob("*")) if file.is_file() and _is_kept(file)]
        for file in files:
            tar.add(file, f"landing/{file.relative_to(env.landing).as_posix()}", recursive=False)
        _add(tar, _COMPLETE, msgspec.json.encode({"files": len(files)}))
    return len(files)


def _private(path: Path) -> Path:
    """Create a file that only this user may read."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    return path


def restore(env: Environment, path: Path) -> int:
    """Restore a backup, and return the number of landing's files; what exists already and is equal stays.

    Raises BadBackup when the file is not complete, or when landing has another file or the catalog another row of the
    same name: nothing is overwritten.
    """
    from loaders.erasure import erase_again  # here, because every plan, gate and publication imports this package

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
                _insert(connection, _table_name(rest[0]), msgspec.json.decode(source.read()))
            elif rest == [ERASURES_FILE_NAME]:
                Erasures(env.landing).merge(source.read())
                files += 1
            elif folder == "landing":
                _extract(source, env.landing.joinpath(*rest))
                files += 1
        note_restored_feeds(connection)
        note_restored_resources(connection)
        _set_serials(connection)
    erase_again(env)
    return files


def _is_kept(path: Path) -> bool:
    return not path.name.startswith((".", INDEX_FILE_NAME))


def _primary_rows(env: Environment) -> Iterator[tuple[str, bytes]]:
    """Yield the primary tables' rows as JSON, in batches, each with its table's name."""
    members = select(SourceRecordRow.key, SourceRecordRow.resource_id).where(SourceRecordRow.resource_id.is_not(None))
    queries: list[tuple[str, Any]] = [(name, select(table)) for name, table in _PRIMARY.items() if name != _RECORDS]
    queries.append((_RECORDS, select(_PRIMARY[_RECORDS]).where(SourceRecordRow.status == "deleted")))
    with read_transaction(env) as connection:
        for name, query in [*queries, (RestoredMemberRow.__tablename__, members)]:
            streamed = connection.execution_options(stream_results=True, yield_per=_FETCH_ROWS)
            for rows in streamed.execute(query).mappings().partitions(_FETCH_ROWS):
                yield name, msgspec.json.encode([dict(row) for row in rows])


def _add(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(body)
    tar.addfile(member, io.BytesIO(body))


def _check(env: Environment, path: Path) -> None:
    """Read the file from end to end before anything is written. Raises BadBackup."""
    complete = False
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                _check_member(env, path, member, tar.extractfile(member))
                complete = complete or member.name == _COMPLETE
    except (OSError, tarfile.TarError) as error:
        raise BadBackup(f"{path}: not a readable backup: {error}") from error
    if not complete:
        raise BadBackup(f"{path}: not a complete backup: it was cut short, or is another kind of file")


def _check_member(env: Environment, path: Path, member: tarfile.TarInfo, source: IO[bytes] | None) -> None:
    """Check that a member belongs into a backup, can be read, and does not differ from a file that exists."""
    folder, *rest = PurePosixPath(member.name).parts or ("",)
    if source is None or not _belongs(folder, rest):
        raise BadBackup(f"{path}: {member.name!r} does not belong in a backup")
    existing = env.landing.joinpath(*rest)
    if rest == [ERASURES_FILE_NAME]:
        return  # those of both are kept
    if folder == "landing" and existing.exists() and not _same_content(source, existing):
        raise BadBackup(f"{existing} exists already and differs; restore into an empty ELIB_HOME")
    if folder == "tables":
        try:
            msgspec.json.decode(source.read(), type=list[dict[str, Any]])
        except msgspec.DecodeError as error:
            raise BadBackup(f"{path}: {member.name} cannot be read: {error}") from error


def _belongs(folder: str, rest: list[str]) -> bool:
    """Tell whether a member's path is one that back_up writes."""
    if folder == "tables":
        return bool(rest) and _table_name(rest[0]) in _PRIMARY
    if folder == "landing":
        return bool(rest) and ".." not in rest
    return folder == _COMPLETE and not rest


def _table_name(name: str) -> str:
    """Return the table of a file of tables/: the rows in issue-00003.json belong to issue."""
    return name.rsplit("-", 1)[0]


def _same_content(source: IO[bytes], path: Path) -> bool:
    with path.open("rb") as existing:
        while block := source.read(_BLOCK_BYTES):
            if block != existing.read(len(block)):
                return False
        return not existing.read(1)


def _extract(source: IO[bytes], path: Path) -> None:
    if not path.exists():
        with whole_file(path) as temporary, temporary.open("wb") as written:
            shutil.copyfileobj(source, written, _BLOCK_BYTES)


def _insert(connection: Connection, name: str, rows: list[dict[str, Any]]) -> None:
    table = _PRIMARY[name]
    if name != RestoredMemberRow.__tablename__:
        _check_rows(connection, table, rows)
    columns = tuple(column.name for column in table.columns if not column.primary_key)
    connection.execute(upsert(connection, table, columns), rows)


def _check_rows(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """Raise BadBackup when the catalog has a newer decision with the same number as one of the rows."""
    keys = list(table.primary_key.columns)
    for batch in chunked(rows, _LOOKUP_ROWS):
        wanted = {tuple(row[key.name] for key in keys): row for row in batch}
        query = select(table).where(tuple_(*keys).in_(list(wanted)))
        for row in connection.execute(query).mappings():
            row_key = tuple(row[key.name] for key in keys)
            if dict(row) != wanted[row_key]:
                name = " ".join(map(str, row_key))
                raise BadBackup(f"the catalog holds another {table.name} {name}; restore into an empty catalog")


def _set_serials(connection: Connection) -> None:
    """Make PostgreSQL number new rows after the restored ones."""
    if connection.dialect.name != "postgresql":
        return
    for name in [name for name, table in _PRIMARY.items() if table.autoincrement_column is not None]:
        newest = (
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name} HAVING max(id) IS NOT NULL"  # noqa: S608 (our names)
        )
        connection.exec_driver_sql(newest)
