"""Read what the matcher needs from the catalog, and keep its files between two nights under ELIB_HOME/match.

The files can be deleted at any time: the next match is then a full one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, func, select

from loaders.publication.feature_store import delete_stored_features
from loaders.publication.publish_state import read_publish_state
from loaders.publication.unchanged import ReadState
from loaders.store import (
    HarvestRunRow,
    JudgementRow,
    SourceRecordRow,
    read_transaction,
    rows_among,
    sweep,
    temporary_ending,
    undecoded,
    whole_file,
)
from schemas import Base, Cluster, Environment, Judgement, Match, ResourceView

_FEATURES_FILE, _PAIRS_FILE, _STATE_FILE = "features.parquet", "pairs.parquet", "state.json"
_RESULT_FILE, _MATCHES_FILE = "found.json", "matches.jsonl"
_READ_FILE = "read.json"
_FOLDER_PREFIX = "found-"  # of the folder of one match
_MAX_UNPUBLISHED_SECONDS = 2 * 86_400  # a match that was not published is deleted after this time
_PARQUET_MAGIC, _PARQUET_MIN_BYTES = b"PAR1", 12
_VIEW = msgspec.json.Decoder(ResourceView)
MATCH_STATE = "matched"  # the row of publish_state: the match from which the catalog was published


class NothingMatched(Exception):
    """There is no match to publish."""


class Outdated(Exception):
    """The catalog was published after the match began, so that the match may undo newer decisions."""


class StateUnreadable(Exception):
    """A file of the last match cannot be read; the message names it and says why. It can be deleted."""


class _RelatedPair(Base, frozen=True, kw_only=True):
    """Two records that are one work in two forms: linked, not merged."""

    key: str
    other_key: str
    kind: str  # LOM 7.1, of the first to the second
    variant: Literal["translation", "edition", "version"]


class MatchResult(Base, frozen=True, kw_only=True):
    """The clusters and related pairs of a match, for the publication; its matches are in a file of JSON lines."""

    clusters: tuple[Cluster, ...]
    related: tuple[_RelatedPair, ...]


class _MatchState(Base, frozen=True, kw_only=True):
    version: str  # of the matcher: features and model
    digest: str  # of the features and pairs
    # the newest publication when the match began
    after_publication: str | None = msgspec.field(default=None, name="since")


def newest_publication(env: Environment) -> str | None:
    """Return the last run that published the catalog; a match reads it before anything else."""
    with read_transaction(env) as connection:
        return newest_publication_run(connection)


def newest_publication_run(connection: Connection) -> str | None:
    """Return the last run that published the catalog, as a transaction sees it."""
    newest = select(func.max(HarvestRunRow.id)).where(HarvestRunRow.kind == "publish", HarvestRunRow.status == "loaded")
    return connection.scalar(newest)


def check_current(connection: Connection, folder: Path) -> None:
    """Raise Outdated when the catalog was published after the match of this folder began."""
    after_publication, newest = _state_of(folder).after_publication, newest_publication_run(connection)
    if after_publication != newest:
        raise Outdated(
            f"{folder.name}: it was matched after {after_publication or 'no publication'}, and {newest} was published "
            "meanwhile; match again"
        )


def live_versions(env: Environment) -> dict[str, str]:
    """Return the key of every live accepted record, with the sha256 of its JSON."""
    query = select(SourceRecordRow.key, SourceRecordRow.record_sha256).where(
        SourceRecordRow.status == "live", SourceRecordRow.record.is_not(None)
    )
    with read_transaction(env) as connection:
        rows = connection.execute(query, execution_options={"stream_results": True, "yield_per": 10_000})
        return {key: sha256 or "" for key, sha256 in rows}


def read_live_records(env: Environment, keys: Iterable[str]) -> Iterator[tuple[str, str, ResourceView]]:
    """Yield feed, sha256 of the JSON and compared fields of each live record among the keys, read in batches."""
    with read_transaction(env) as connection:
        record_json = undecoded(connection, SourceRecordRow.record)
        query = select(SourceRecordRow.feed, SourceRecordRow.record_sha256, record_json)
        query = query.where(SourceRecordRow.status == "live", SourceRecordRow.record.is_not(None))
        for feed, sha256, record in rows_among(connection, query, SourceRecordRow.key, sorted(keys)):
            yield feed, sha256 or "", _VIEW.decode(record)


def read_judgements(env: Environment) -> list[Judgement]:
    """Return every judgement of a steward that is in force, oldest first."""
    query = select(JudgementRow.__table__).where(JudgementRow.undone_at.is_(None)).order_by(JudgementRow.id)
    with read_transaction(env) as connection:
        rows = connection.execute(query).mappings()
        return [msgspec.convert({name: row[name] for name in Judgement.__struct_fields__}, Judgement) for row in rows]


def read_state(env: Environment, version: str) -> tuple[pa.Table, pa.Table] | None:
    """Return the features and pairs of the match from which the catalog was last published.

    Returns None when there are none, when another version of the matcher made them, or when they belong to another
    catalog. Raises StateUnreadable.
    """
    state = _kept_state(env)
    if state is None or state.version != version:
        return None
    with read_transaction(env) as connection:
        published = read_publish_state(connection, MATCH_STATE)
    if published != _value(state.digest):
        return None
    return _table(env, _FEATURES_FILE), _table(env, _PAIRS_FILE)


def read_features(env: Environment, version: str) -> pa.Table | None:
    """Return the features kept from the last publication, for a full match.

    Returns None when another version of the matcher made them. Each feature carries its record's sha256, so that it can
    be used whichever catalog it came from. Raises StateUnreadable.
    """
    state = _kept_state(env)
    return None if state is None or state.version != version else _table(env, _FEATURES_FILE)


def is_state_kept(env: Environment, connection: Connection) -> bool:
    """Return whether the files of the match from which the catalog was published are there, without reading them."""
    try:
        state = _kept_state(env)
        if state is None or read_publish_state(connection, MATCH_STATE) != _value(state.digest):
            return False
        return all(_is_whole(_folder(env) / name) for name in (_FEATURES_FILE, _PAIRS_FILE))
    except (StateUnreadable, OSError):
        return False


def _is_whole(path: Path) -> bool:
    """Return whether a file begins and ends as Parquet does."""
    with path.open("rb") as file:
        begins = file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
        return begins and file.seek(0, os.SEEK_END) > _PARQUET_MIN_BYTES and _ends_as_parquet(file)


def _ends_as_parquet(file: BinaryIO) -> bool:
    file.seek(-len(_PARQUET_MAGIC), os.SEEK_END)
    return file.read() == _PARQUET_MAGIC


def features_file(env: Environment) -> Path:
    """Return the file of the features of the last published match, which need not exist."""
    return env.home / "match" / _FEATURES_FILE


def kept_match_version(env: Environment) -> str | None:
    """Return the version of the matcher that made the last published match; None without one that can be read."""
    try:
        state = _kept_state(env)
    except StateUnreadable:
        return None
    return None if state is None else state.version


def _kept_state(env: Environment) -> _MatchState | None:
    path = _folder(env) / _STATE_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_MatchState) if path.exists() else None
    except (msgspec.DecodeError, OSError) as error:
        raise StateUnreadable(f"{path}: {error}") from error


def _table(env: Environment, name: str) -> pa.Table:
    path = _folder(env) / name
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise StateUnreadable(f"{path}: {error}") from error


def stale_keys(env: Environment, features: pa.Table | None) -> tuple[dict[str, str], set[str]]:
    """Return the live records whose features are missing or out of date, and the keys whose features must be dropped.

    The records are given by key, with the sha256 of their JSON.
    """
    live = live_versions(env)
    if features is None:
        return live, set()
    known = dict(zip(features["key"].to_pylist(), features["record_sha256"].to_pylist(), strict=True))
    fresh = {key: sha256 for key, sha256 in live.items() if known.get(key) != sha256}
    return fresh, {key for key in known if key not in live or key in fresh}


def drop_keys(features: pa.Table, keys: set[str]) -> pa.Table:
    """Return the features without those of some keys."""
    if not keys:
        return features
    return features.filter(pc.invert(pc.is_in(features["key"], pa.array(sorted(keys), pa.string()))))


def write_match_result(
    env: Environment,
    version: str,
    features: pa.Table,
    pairs: pa.Table,
    clusters: Iterable[Cluster],
    matches: Iterable[Match],
    related: Iterable[tuple[str, str, str, str]],
    *,
    after_publication: str | None,
) -> Path:
    """Write what a match found into a new folder, for the publication, and return the folder.

    `after_publication` is newest_publication at the time the match began. The previous state stays until this match is
    published.
    """
    _delete_unpublished(env)
    encoder = msgspec.json.Encoder()
    related_pairs = tuple(
        msgspec.convert({"key": key, "other_key": other, "kind": kind, "variant": variant}, _RelatedPair)
        for key, other, kind, variant in related
    )
    digest = _digest(version, features, pairs)
    state = _MatchState(version=version, digest=digest, after_publication=after_publication)
    with _new_folder(env) as folder:
        pq.write_table(features, folder / _FEATURES_FILE, compression="zstd")
        pq.write_table(pairs, folder / _PAIRS_FILE, compression="zstd")
        with (folder / _MATCHES_FILE).open("wb") as lines:
            lines.writelines(encoder.encode(match) + b"\n" for match in matches)
        (folder / _STATE_FILE).write_bytes(encoder.encode(state))
        result = MatchResult(clusters=tuple(clusters), related=related_pairs)
        (folder / _RESULT_FILE).write_bytes(encoder.encode(result))
    return folder.rename(folder.with_name(folder.name.removesuffix(f".{temporary_ending()}")))


@contextmanager
def _new_folder(env: Environment) -> Iterator[Path]:
    """Make a folder for one match, which has its name once it is complete.

    It is deleted when writing fails, so that a full disk is not filled further; of a killed match, by the next.
    """
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, suffix=f".{temporary_ending()}", dir=_folder(env)))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _delete_unpublished(env: Environment) -> None:
    """Delete matches that were not published for some days, the folder `found` of older versions, and leftovers."""
    sweep(_folder(env))
    for folder in _folder(env).glob(f"{_FOLDER_PREFIX.rstrip('-')}*"):
        if time.time() - folder.stat().st_mtime > _MAX_UNPUBLISHED_SECONDS:
            shutil.rmtree(folder)


def read_match_result(folder: Path) -> MatchResult:
    """Read what a match found. Raises NothingMatched when it is not there: each match is published only once."""
    if not (folder / _RESULT_FILE).exists():
        raise NothingMatched(f"{folder}: nothing was matched, or it is published already; run the match again first")
    return msgspec.json.decode((folder / _RESULT_FILE).read_bytes(), type=MatchResult)


def read_matches(folder: Path) -> Iterator[Match]:
    """Yield the pairs that a match found, in key order."""
    decoder = msgspec.json.Decoder(Match)
    with (folder / _MATCHES_FILE).open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)


def keep_read_state(folder: Path, read: ReadState) -> None:
    """Keep beside a match what begin_reading returned before it; without it, the next night does all of its work."""
    with whole_file(folder / _READ_FILE) as temporary:
        temporary.write_bytes(msgspec.json.encode(read))


def read_by_match(folder: Path) -> ReadState | None:
    """Return the state of the catalog, the code and the declarations that a match read; None when it is not known."""
    path = folder / _READ_FILE
    return msgspec.json.decode(path.read_bytes(), type=ReadState) if path.exists() else None


def published_value(folder: Path) -> str:
    """Return the value of the row MATCH_STATE of publish_state once this match is published."""
    return _value(_state_of(folder).digest)


def _state_of(folder: Path) -> _MatchState:
    return msgspec.json.decode((folder / _STATE_FILE).read_bytes(), type=_MatchState)


def keep_state(env: Environment, folder: Path) -> None:
    """Keep a published match's features and pairs for the next night, and delete its folder."""
    for name in (_FEATURES_FILE, _PAIRS_FILE, _STATE_FILE):  # the state last: the other files count only with it
        with whole_file(_folder(env) / name) as temporary:
            shutil.copyfile(folder / name, temporary)
    delete_stored_features(env, until=(folder / _STATE_FILE).stat().st_mtime)
    shutil.rmtree(folder)


def _folder(env: Environment) -> Path:
    folder = env.home / "match"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _value(digest: str) -> str:
    return msgspec.json.encode({"digest": digest}).decode()


def _digest(version: str, features: pa.Table, pairs: pa.Table) -> str:
    """Return a digest of the features' records and of the pairs, however their columns are cut into chunks."""
    digest = hashlib.sha256(version.encode())
    for table, names in ((features, ("key", "record_sha256")), (pairs, ("left_key", "right_key"))):
        for name in names:
            digest.update(b"\x00".join(value.encode() for value in table[name].to_pylist()))
            digest.update(b"\x01")
    return digest.hexdigest()
