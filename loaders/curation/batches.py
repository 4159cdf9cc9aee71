"""Decide on many records or pairs at once: in one transaction, under one batch id, to be undone together."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, select, update

from loaders.catalog import check_signature, recount_uncoded_terms, standing_corrections
from loaders.curation.curation import (
    accept_version,
    correctable,
    insert_curation,
    insert_judgement,
    is_judged,
    refuse_waiting,
    undo_row,
)
from loaders.curation.seen import SeenDecisions, check_seen
from loaders.curation.values import CannotDecide, fitting_value, never_read
from loaders.store import (
    MAX_BOUND_VALUES,
    CurationRow,
    JudgementRow,
    ReaderReportDecisionRow,
    ReaderReportRow,
    SourceRecordRow,
    TermMappingRow,
    now,
    read_transaction,
    rows_among,
    write_transaction,
)
from schemas import (
    Base,
    Correction,
    CorrectionUnusable,
    Environment,
    Resource,
    apply_correction,
    sentence,
)

_RECORDS: Any = SourceRecordRow.__table__
_CURATIONS: Any = CurationRow.__table__
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_MAX_LISTED = 20  # records named one by one where a value does not fit them
Keys = Callable[[Connection], Iterable[str]]  # which records are meant, read in the transaction that decides
ErrorsLeft = Callable[[Resource, list[tuple[str, str]], tuple[Correction, ...]], tuple[str, ...]]


class Batch(Base, frozen=True):
    """Decisions that were made together: their id, and how many they are."""

    id: str
    count: int


class DryRun(Base, frozen=True, kw_only=True):
    """What a correction of many waiting versions would do.

    published: versions without an error after it; failing: the others, by the codes of the errors they keep
    unfit: records that cannot have the value, with the reason; `unfit_count` counts those beyond the ones listed
    examples: keys with the value that they would get
    """

    published: int
    failing: dict[str, int]
    failing_count: int
    unfit: list[tuple[str, str]]
    unfit_count: int
    examples: list[tuple[str, str]]


def accept_all(
    env: Environment, versions: Sequence[tuple[str, str]] | Keys, *, by: str, reason: str, force: bool = False
) -> Batch:
    """Accept waiting versions: pairs of key and the beginning of the digest that was looked at, or those of the keys.

    Raises CannotDecide, naming the record, when one cannot be accepted; then none is.
    """

    def accept_one(connection: Connection, key: str, version: str, signature: Mapping[str, str]) -> int:
        return accept_version(connection, key, version, signature, force=force)

    return _decide_all(env, versions, accept_one, by, reason)


def refuse_all(env: Environment, versions: Sequence[tuple[str, str]] | Keys, *, by: str, reason: str) -> Batch:
    """Refuse waiting versions, given as for `accept_all`. Raises CannotDecide as it does."""
    return _decide_all(env, versions, refuse_waiting, by, reason)


def _decide_all(
    env: Environment,
    versions: Sequence[tuple[str, str]] | Keys,
    decide: Callable[[Connection, str, str, Mapping[str, str]], int],
    by: str,
    reason: str,
) -> Batch:
    batch_id = new_batch_id()
    signature = {**check_signature(by, reason), "batch_id": batch_id}
    feeds, count = set(), 0
    with write_transaction(env) as connection:
        meant = ((key, "") for key in versions(connection)) if callable(versions) else versions
        for key, version in meant:
            decide(connection, key, version, signature)
            feeds.add(key.partition(":")[0])
            count += 1
        for feed in sorted(feeds):
            recount_uncoded_terms(connection, feed, now())
    return _not_empty(batch_id, count)


def correct_all(env: Environment, keys: Keys, path: str, template: str, *, by: str, reason: str) -> Batch:
    """Correct a field of many records. `template` is the value, in which {identifier}, {key}, {feed} and {title} stand.

    A record that is corrected so already is left as it is. Raises CannotDecide, naming the record, when one cannot have
    its value, and when all are corrected so already; then none is corrected.
    """
    batch_id = new_batch_id()
    signature = {**check_signature(by, reason), "batch_id": batch_id}
    count = 0
    with write_transaction(env) as connection:
        for meant in _records(connection, keys):
            value = fitting_value(meant.corrected, correctable(path), fill(template, meant.key, meant.corrected))
            standing = [each.value for each in meant.corrections if each.path == path][-1:]
            if standing == [value]:
                continue
            insert_curation(connection, signature, key=meant.key, path=path, value=value, action="set")
            count += 1
    return _not_empty(batch_id, count)


def dry_run_correction(env: Environment, keys: Keys, path: str, template: str, errors_left: ErrorsLeft) -> DryRun:
    """Return what `correct_all` would do. Changes nothing. Raises CannotDecide for a path or template that is none."""
    published, failing, failing_count, unfit_count = 0, dict[str, int](), 0, 0
    unfit, examples = list[tuple[str, str]](), list[tuple[str, str]]()
    with read_transaction(env) as connection:
        for meant in _records(connection, keys):
            value = fill(template, meant.key, meant.corrected)
            try:
                fitting = fitting_value(meant.corrected, correctable(path), value)
            except CannotDecide as error:
                unfit_count += 1
                unfit.extend([(meant.key, str(error))] if len(unfit) < _MAX_LISTED else [])
                continue
            examples.extend([(meant.key, value)] if len(examples) < _MAX_LISTED else [])
            new = Correction(id=0, path=path, value=fitting, by="", at="")
            left = errors_left(meant.record, meant.errors, (*meant.corrections, new))
            published += not left
            failing_count += bool(left)
            for code in left:
                failing[code] = failing.get(code, 0) + 1
    return DryRun(
        published=published,
        failing=failing,
        failing_count=failing_count,
        unfit=unfit,
        unfit_count=unfit_count,
        examples=examples,
    )


def fill(template: str, key: str, record: Resource) -> str:
    """Return the value that a template gives for a record. Raises CannotDecide for a placeholder that there is not."""
    feed, _, identifier = key.partition(":")
    values = {"identifier": identifier, "key": key, "feed": feed, "title": next(iter(record.title.values()), "")}

    def value_of(match: re.Match[str]) -> str:
        if match[1] not in values:
            known = ", ".join(f"{{{name}}}" for name in values)
            raise CannotDecide(sentence("%(name)s is no placeholder; there are %(known)s", name=match[0], known=known))
        return values[match[1]]

    return template if _is_json(template) else _PLACEHOLDER.sub(value_of, template)


def _is_json(template: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(template), dict | list)
    except (msgspec.DecodeError, RecursionError):
        return False


def judge_all(
    env: Environment,
    verdict: str,
    pairs: Sequence[tuple[str, str]],
    *,
    by: str,
    reason: str,
    seen: SeenDecisions | None = None,
) -> Batch:
    """Judge pairs of live records to be the `same` work or `different` works.

    Raises CannotDecide as `judge` does, when each of them is judged so already, and when another has judged one of them
    since what was `seen`.
    """
    batch_id = new_batch_id()
    signature = {**check_signature(by, reason), "batch_id": batch_id}
    with write_transaction(env) as connection:
        meant = [(left, right) for left, right in pairs if not is_judged(connection, verdict, left, right)]
        for left, right in meant:
            of_pair = (JudgementRow.left_key == min(left, right), JudgementRow.right_key == max(left, right))
            check_seen(connection, JudgementRow, seen and seen.judgement, *of_pair)
            insert_judgement(connection, verdict, left, right, signature)
    return _not_empty(batch_id, len(meant))


def undo_batch(env: Environment, batch_id: str, *, by: str, reason: str) -> Batch:
    """Undo what is still in force of a batch, the newest first. Raises CannotDecide when nothing of it is."""
    signature = check_signature(by, reason)
    undone = {"undone_at": now(), "undone_by": signature["by"], "undone_reason": signature["reason"]}
    count = 0
    with write_transaction(env) as connection:
        in_force = (_CURATIONS.c.batch_id == batch_id, _CURATIONS.c.undone_at.is_(None))
        query = select(_CURATIONS).where(*in_force).order_by(_CURATIONS.c.id.desc())
        for row in connection.execute(query).mappings().all():
            undo_row(connection, dict(row), signature)
            count += 1
        for table in (JudgementRow, TermMappingRow):
            of_batch = (table.batch_id == batch_id, table.undone_at.is_(None))
            count += connection.execute(update(table).where(*of_batch).values(**undone)).rowcount
        # of reports with which resources were withdrawn, the reports are counted: several may be about one resource
        count = _undo_report_decisions(connection, batch_id, undone) or count
    if not count:
        raise CannotDecide(sentence("there is nothing to undo: these decisions are undone already"))
    return Batch(batch_id, count)


def _undo_report_decisions(connection: Connection, batch_id: str, undone: Mapping[str, str]) -> int:
    """Undo the decisions of a batch on what readers reported, which is open again; return how many they are."""
    decisions = ReaderReportDecisionRow
    of_batch = (decisions.batch_id == batch_id, decisions.undone_at.is_(None))
    decided = ReaderReportRow.decision_id.in_(select(decisions.id).where(*of_batch))
    connection.execute(update(ReaderReportRow).where(decided).values(decision_id=None))
    return connection.execute(update(decisions).where(*of_batch).values(**undone)).rowcount


def new_batch_id() -> str:
    """Return an id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(5)}"


class _Meant(NamedTuple):
    """A record that is to be corrected: its version that waits, else the accepted one; and what stands already."""

    key: str
    record: Resource
    corrected: Resource
    errors: list[tuple[str, str]]
    corrections: tuple[Correction, ...]


def _records(connection: Connection, keys: Keys) -> Iterator[_Meant]:
    from loaders.browse import open_errors  # here, because every match imports this package

    standing = standing_corrections(connection)
    for some in chunked(keys(connection), MAX_BOUND_VALUES):
        errors = open_errors(connection, some)
        rows = rows_among(connection, select(_RECORDS), _RECORDS.c.key, some)
        for row in sorted((each._mapping for each in rows), key=lambda each: str(each["key"])):
            key, text = row["key"], row["pending_record"] or row["record"]
            if not text:
                raise CannotDecide(never_read(key))
            record = msgspec.json.decode(text, type=Resource)
            its_errors = [(error.code, error.path) for error in errors.get(key, ())]
            its_corrections = standing.get(key, ())
            yield _Meant(key, record, _corrected(record, its_corrections), its_errors, its_corrections)


def _corrected(record: Resource, corrections: Iterable[Correction]) -> Resource:
    for correction in corrections:
        with suppress(CorrectionUnusable):  # the publication reports it
            record = apply_correction(record, correction)
    return record


def _not_empty(batch_id: str, count: int) -> Batch:
    if not count:
        raise CannotDecide(sentence("nothing is meant by this decision: what was chosen is decided already"))
    return Batch(batch_id, count)
