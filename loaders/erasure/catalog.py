"""Erase from the catalog's tables, and from the pages of the database that rows have left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, false, or_, select, text, update

from loaders.catalog import recount_uncoded_terms
from loaders.erasure.links import erase_links_of_record, erase_text_from_links
from loaders.erasure.rows import erased_row
from loaders.landing import Erasure, Erasures, key_digest
from loaders.store import (
    ApplicationRow,
    CurationRow,
    HarvestRunRow,
    IssueRow,
    JudgementRow,
    MatchRow,
    ReaderReportDecisionRow,
    ReaderReportRow,
    RefusedRow,
    ResourceRow,
    ResourceVersionRow,
    RestoredMemberRow,
    SourceRecordRow,
    Table,
    TaskNoteRow,
    UnmappedValueRow,
    change_time,
    close_connections,
    engine,
    note_publication,
    now,
    read_transaction,
    supersede_held_runs,
)
from schemas import ERASED, Environment, Resource, TextDigest, digest_text, redact

_ERASED_RECORD = '{"key":"erased"}'
_ERASED_RESOURCE = {
    **dict.fromkeys(("title", "language", "license_uri", "resource_type", "url", "issued", "issued_year", "quality")),
    "record": _ERASED_RECORD,
    "record_sha256": sha256(_ERASED_RECORD.encode()).hexdigest(),
}
_KEYED: tuple[Any, ...] = (SourceRecordRow, RestoredMemberRow, CurationRow, IssueRow, RefusedRow)
_FETCH_ROWS = 500


class _Scope(NamedTuple):
    """What an erasure is about: records by key (None: all of the feed), and the resources that they are part of."""

    feed: str
    keys: tuple[str, ...] | None
    resource_ids: tuple[str, ...]
    at: str  # the time of the change, for resources

    def of_key(self, *columns: Any) -> Any:
        """Return the condition that one of the columns holds one of the keys."""
        if self.keys is None:
            return or_(*(column.startswith(f"{self.feed}:", autoescape=True) for column in columns))
        return or_(*(column.in_(self.keys) for column in columns))

    def of_resource(self, column: Any) -> Any:
        return column.in_(self.resource_ids) if self.resource_ids else false()


def is_known(env: Environment, feed: str, key: str | None) -> bool:
    """Return whether the catalog has the record, or a record of the feed."""
    about = SourceRecordRow.key == key if key else SourceRecordRow.feed == feed
    with read_transaction(env) as connection:
        return connection.scalar(select(SourceRecordRow.key).where(about).limit(1)) is not None


def erase_catalog(connection: Connection, erasures: Erasures, erasure: Erasure, key: str | None) -> int:
    """Erase from every table; return how many rows changed or went. Safe to repeat."""
    scope = _scope(connection, erasure, key)
    rows = (
        _erase_record(connection, scope) if erasure.text is None else _erase_text(connection, scope, erasures, erasure)
    )
    if connection.scalar(select(ResourceRow.id).where(ResourceRow.updated_at == scope.at).limit(1)) is not None:
        note_publication(connection, scope.at)  # so that those who follow the library's changes erase it too
    recount_uncoded_terms(connection, erasure.feed, now())
    supersede_held_runs(connection, erasure.feed)  # their stagings hold what is erased, and are gone
    return rows


def records_of_same_works(env: Environment, erasures: Sequence[Erasure], key: str | None) -> tuple[str, ...]:
    """Return the keys of records beside the erased ones, of the same resources, that hold the same person's name.

    Of an erased record, it is about every contributor whom the record names.
    """
    with read_transaction(env) as connection:
        scope = _scope(connection, erasures[0], key)
        named = SourceRecordRow.key, SourceRecordRow.record, SourceRecordRow.pending_record
        texts = [erasure.text for erasure in erasures if erasure.text is not None]
        if not texts:
            texts = list(
                _contributors(connection.execute(select(*named).where(scope.of_key(SourceRecordRow.key))).all())
            )
        rows = connection.execute(select(*named).where(scope.of_resource(SourceRecordRow.resource_id)))
        holders = {each for each, *records in rows if any(text and redact(text, texts) != text for text in records)}
    return tuple(sorted(each for each in holders if not erasures[0].covers_key(each)))


def _contributors(rows: Iterable[Any]) -> Iterator[TextDigest]:
    for _, *records in rows:
        for record in filter(None, records):
            for person in msgspec.json.decode(record, type=Resource).contributors:
                with suppress(ValueError):  # no word, or too many
                    yield digest_text(person.name)


def _scope(connection: Connection, erasure: Erasure, key: str | None) -> _Scope:
    keys = None if erasure.key_sha256 is None else ((key,) if key else tuple(_find_keys(connection, erasure)))
    scope = _Scope(erasure.feed, keys, (), change_time(connection))
    ids: set[str] = set()
    for table in (SourceRecordRow, RestoredMemberRow):
        query = select(table.resource_id).where(scope.of_key(table.key), table.resource_id.is_not(None))
        ids.update(filter(None, connection.scalars(query)))
    named = [f'"{erasure.feed}:'] if keys is None else [msgspec.json.encode(each).decode() for each in keys]
    made_of = or_(false(), *(ResourceRow.record.contains(name, autoescape=True) for name in named))
    ids.update(connection.scalars(select(ResourceRow.id).where(made_of)))  # also resources that it was once part of
    return scope._replace(resource_ids=tuple(sorted(ids)))


def _find_keys(connection: Connection, erasure: Erasure) -> set[str]:
    """Return the key that an erasure knows by its digest, where any table has it."""
    named: set[str] = set()
    for table in _KEYED:
        keys = connection.scalars(select(table.key).where(table.key.startswith(f"{erasure.feed}:", autoescape=True)))
        named.update(key for key in keys if key_digest(erasure.feed, key.partition(":")[2]) == erasure.key_sha256)
    return named


def _erase_record(connection: Connection, scope: _Scope) -> int:
    uncoded = set(_uncoded_terms(connection, scope))
    changed = 0
    for table, columns in (
        *((table, (table.key,)) for table in _KEYED),
        (MatchRow, (MatchRow.left_key, MatchRow.right_key)),
        (JudgementRow, (JudgementRow.left_key, JudgementRow.right_key)),
    ):
        changed += connection.execute(delete(table).where(scope.of_key(*columns))).rowcount
    changed += _blank_resources(connection, scope)
    changed += erase_links_of_record(connection, scope.resource_ids)
    for field, value in uncoded:
        unused = (UnmappedValueRow.feed == scope.feed, UnmappedValueRow.field == field, UnmappedValueRow.value == value)
        connection.execute(delete(UnmappedValueRow).where(*unused))  # counted again where another record has it
    for identifier in [key.partition(":")[2] for key in scope.keys or ()]:
        _erase_from_runs(connection, identifier)
    return changed


def _uncoded_terms(connection: Connection, scope: _Scope) -> Iterator[tuple[str, str]]:
    query = select(SourceRecordRow.unmapped).where(
        scope.of_key(SourceRecordRow.key), SourceRecordRow.unmapped.is_not(None)
    )
    for terms in connection.scalars(query).all():
        yield from ((field, value) for field, value in msgspec.json.decode(terms or "[]"))


def _blank_resources(connection: Connection, scope: _Scope) -> int:
    """Empty the resources of an erased record, until the publication makes those anew that have other members."""
    ids = scope.resource_ids
    members = select(SourceRecordRow.resource_id).where(scope.of_resource(SourceRecordRow.resource_id))
    others = set(connection.scalars(members))
    alone = [resource_id for resource_id in ids if resource_id not in others]
    blank = update(ResourceRow).where(scope.of_resource(ResourceRow.id))
    connection.execute(blank.values(**_ERASED_RESOURCE, updated_at=scope.at))
    gone = update(ResourceRow).where(ResourceRow.id.in_(alone), ResourceRow.withdrawn_at.is_(None))
    connection.execute(gone.values(withdrawn_at=scope.at))
    connection.execute(delete(CurationRow).where(CurationRow.resource_id.in_(alone)))
    reported = scope.of_resource(ReaderReportRow.resource_id)  # readers may have named the record's people
    connection.execute(update(ReaderReportRow).where(reported).values(messages="[]"))
    answered = scope.of_resource(ReaderReportDecisionRow.resource_id)
    connection.execute(update(ReaderReportDecisionRow).where(answered).values(answer=None, reason=ERASED))
    of_versions = scope.of_resource(ResourceVersionRow.resource_id)
    connection.execute(update(ResourceVersionRow).where(of_versions).values(changes='{"erased":true}'))
    return len(ids)


def _erase_from_runs(connection: Connection, identifier: str) -> None:
    for column in (HarvestRunRow.notes, HarvestRunRow.error, HarvestRunRow.decision_reason):
        rows = connection.execute(select(HarvestRunRow.id, column).where(column.contains(identifier, autoescape=True)))
        for run_id, value in rows.all():
            values = {column.key: (value or "").replace(identifier, ERASED)}
            connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**values))


def _erase_text(connection: Connection, scope: _Scope, erasures: Erasures, erasure: Erasure) -> int:
    changed = 0
    for table, condition in (
        (SourceRecordRow, scope.of_key(SourceRecordRow.key)),
        (ResourceRow, scope.of_resource(ResourceRow.id)),
        (ResourceVersionRow, scope.of_resource(ResourceVersionRow.resource_id)),
        (IssueRow, scope.of_key(IssueRow.key)),
        (MatchRow, scope.of_key(MatchRow.left_key, MatchRow.right_key)),
        (JudgementRow, scope.of_key(JudgementRow.left_key, JudgementRow.right_key)),
        (CurationRow, or_(scope.of_key(CurationRow.key), scope.of_resource(CurationRow.resource_id))),
        (RefusedRow, scope.of_key(RefusedRow.key)),
        (ReaderReportRow, scope.of_resource(ReaderReportRow.resource_id)),
        (ReaderReportDecisionRow, scope.of_resource(ReaderReportDecisionRow.resource_id)),
        (ApplicationRow, or_(ApplicationRow.name == scope.feed, ApplicationRow.feed == scope.feed)),
        (TaskNoteRow, _about_feed(scope.feed)),
        (HarvestRunRow, or_(HarvestRunRow.feed == scope.feed, HarvestRunRow.feed.is_(None))),
    ):
        also = {"updated_at": scope.at} if table is ResourceRow else {}
        changed += _rewrite(connection, table, condition, erasures, erasure, **also)
    for digest in erasures.texts_of(erasure):
        changed += erase_text_from_links(connection, scope.resource_ids, digest)
    return changed + _erase_uncoded(connection, scope, erasures, erasure)


def _about_feed(feed: str) -> Any:
    """Return the condition on notes: remarks on the feed, and questions about its records and terms."""
    about = TaskNoteRow.object
    return about.contains(f":{feed}:", autoescape=True) | about.endswith(f":{feed}", autoescape=True)


def _rewrite(
    connection: Connection, model: type[Table], condition: Any, erasures: Erasures, erasure: Erasure, **also: str
) -> int:
    """Write the rows that the erasure changes, and into them what is given besides; return how many."""
    table: Any = model.__table__
    streamed = connection.execute(select(table).where(condition)).mappings()
    changes = []
    for rows in streamed.partitions(_FETCH_ROWS):
        changes += [(row, erased) for row in map(dict, rows) if (erased := _erased(row, erasures, erasure)) != row]
    for row, erased in changes:
        primary = [column == row[column.name] for column in table.primary_key.columns]
        values = {name: value for name, value in erased.items() if value != row[name]}
        connection.execute(update(table).where(*primary).values(**values, **also))
    return len(changes)


def _erased(row: dict[str, Any], erasures: Erasures, erasure: Erasure) -> dict[str, Any]:
    """Return a row without what is erased; of decisions, also the version and the row before."""
    erased = erased_row(row, erasures, erasure)
    for name in ("value", "sha256"):  # of a curation, and of a refused version
        if name in row:
            erased[name] = erasures.replaced.get(row[name], erased[name])
    if row.get("before"):
        before = msgspec.json.decode(row["before"])
        erased["before"] = msgspec.json.encode(erased_row(before, erasures, erasure)).decode()
    return erased


def _erase_uncoded(connection: Connection, scope: _Scope, erasures: Erasures, erasure: Erasure) -> int:
    """Delete the terms that hold what is erased; those that other records have are counted anew."""
    query = select(UnmappedValueRow.__table__).where(UnmappedValueRow.feed == scope.feed)
    gone = 0
    for row in map(dict, connection.execute(query).mappings().all()):
        if erased_row(row, erasures, erasure) != row:
            its_row = [getattr(UnmappedValueRow, name) == row[name] for name in ("field", "value", "feed")]
            gone += connection.execute(delete(UnmappedValueRow).where(*its_row)).rowcount
    return gone


def wipe_free_pages(env: Environment) -> None:
    """Remove what deleted rows have left in the database's files: SQLite's free pages, PostgreSQL's dead rows."""
    catalog_engine = engine(env)
    close_connections(env)
    if catalog_engine.dialect.name == "postgresql":
        with catalog_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for name in Table.metadata.tables:
                connection.execute(text(f'VACUUM "{name}"'))
        return
    database = catalog_engine.raw_connection()  # without the BEGIN that the engine sends
    try:
        for statement in ("PRAGMA secure_delete=ON", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            database.cursor().execute(statement).fetchall()
    finally:
        database.close()
        close_connections(env)
