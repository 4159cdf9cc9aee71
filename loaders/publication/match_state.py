"""Read what the matcher needs from the catalog, and keep its files between two nights under ELIB_HOME/match.

The files can be deleted at any time: the next match is then a full one.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, func, select

from loaders.publication.feature_store import delete_stored_features
from loaders.publication.feature_update import Sums
from loaders.publication.unchanged import ReadState
from loaders.store import (
    HarvestRunRow,
    JudgementRow,
    SourceRecordRow,
    link_file,
    read_publish_state,
    read_transaction,
    rows_among,
    sweep,
    temporary_ending,
    undecoded,
    whole_file,
)
from schemas import Base, Cluster, Environment, FeatureFiles, FeatureNames, Judgement, Match, ResourceView

_FOLDER, _STATE_FILE = "match", "state.json"
_KEPT_FILES = ("features*.parquet", "changed-*.parquet", "gone-*.parquet", "pairs*.parquet")  # of some match
_RESULT_FILE, _MATCHES_FILE = "found.json", "matches.jsonl"
_READ_FILE = "read.json"
_FOLDER_PREFIX = "found-"  # of the folder of one match
_MAX_UNPUBLISHED_SECONDS = 2 * 86_400  # a match that was not published is deleted after this time
_PARQUET_MAGIC, _PARQUET_MIN_BYTES = b"PAR1", 12
_VIEW = msgspec.json.Decoder(ResourceView)
_PUBLISHED_FILE = "published.json"
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


class _PublishedBy(Base, frozen=True, kw_only=True):
    match: str
    run_id: str


class MatchResult(Base, frozen=True, kw_only=True):
    """The clusters and related pairs of a match, for the publication; its matches are in a file of JSON lines."""

    clusters: tuple[Cluster, ...]
    related: tuple[_RelatedPair, ...]


class KeptMatch(NamedTuple):
    """The files of a match: its features with the sums of their keys and texts, and its pairs."""

    features: FeatureFiles
    sums: Sums | None  # None of those that an older version of ours wrote
    pairs: Path

    def paths(self) -> list[Path]:
        """Return every file."""
        return [path for path in (*self.features, self.pairs) if path is not None]


class _MatchState(Base, frozen=True, kw_only=True):
    version: str  # of the matcher: features and model
    digest: str  # of the features and pairs
    # the newest publication when the match began
    after_publication: str | None = msgspec.field(default=None, name="since")
    features: FeatureNames = FeatureNames()
    pairs: str = "pairs.parquet"
    sums: Sums | None = None

    def files(self, folder: Path) -> KeptMatch:
        return KeptMatch(self.features.in_folder(folder), self.sums, folder / self.pairs)


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


class LastMatch(NamedTuple):
    """What is kept of the last published match, for the next one."""

    kept: KeptMatch
    is_published: bool  # the catalog was last published from it, so that its pairs still hold


def read_last_match(env: Environment, version: str, folder: Path) -> LastMatch | None:
    """Return what is kept of the match that was last published; its files also stand in `folder` then.

    Returns None when there is none, or when another version of the matcher made it. The features can be used whichever
    catalog they came from, since each carries its record's sha256. Raises StateUnreadable.
    """
    state = _kept_state(env)
    if state is None or state.version != version:
        return None
    kept = state.files(_folder(env))
    for path in kept.paths():
        _check_readable(path, whole=False)
        link_file(path, folder / path.name)
    with read_transaction(env) as connection:
        published = read_publish_state(connection, MATCH_STATE)
    return LastMatch(state.files(folder), published == _value(state.digest))


def check_last_match(env: Environment) -> None:
    """Read every file of the last match whole. Raises StateUnreadable, naming the first that cannot be read."""
    state = _kept_state(env)
    for path in state.files(_folder(env)).paths() if state else ():
        _check_readable(path, whole=True)


def is_state_kept(env: Environment, connection: Connection) -> bool:
    """Return whether the files of the match from which the catalog was published are there, without reading them."""
    try:
        state = _kept_state(env)
        if state is None or read_publish_state(connection, MATCH_STATE) != _value(state.digest):
            return False
        return all(map(_is_whole, state.files(_folder(env)).paths()))
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


def _check_readable(path: Path, *, whole: bool) -> None:
    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches(use_threads=False) if whole else ():
                pass
    except (pa.ArrowException, OSError) as error:
        raise StateUnreadable(f"{path}: {error}") from error


def kept_features(env: Environment) -> FeatureFiles | None:
    """Return the features of the last published match, whichever version made them. Raises StateUnreadable."""
    state = _kept_state(env)
    return None if state is None else state.files(_folder(env)).features


def kept_match_version(env: Environment) -> str | None:
    """Return the version of the matcher that made the last published match; None without one that can be read."""
    try:
        state = _kept_state(env)
    except StateUnreadable:
        return None
    return None if state is None else state.version


def _kept_state(env: Environment) -> _MatchState | None:
    path = env.home / _FOLDER / _STATE_FILE  # reading makes no folder
    try:
        return msgspec.json.decode(path.read_bytes(), type=_MatchState) if path.exists() else None
    except (msgspec.DecodeError, OSError) as error:
        raise StateUnreadable(f"{path}: {error}") from error


def write_match_result(
    env: Environment,
    version: str,
    files: KeptMatch,
    clusters: Iterable[Cluster],
    matches: Iterable[Match],
    related: Iterable[tuple[str, str, str, str]],
    *,
    after_publication: str | None,
) -> Path:
    """Write what a match found into a new folder, for the publication, and return the folder.

    Of `files`, those that are not kept already stand there too then. `after_publication` is newest_publication at the
    time the match began. The previous state stays until this match is published.
    """
    _delete_unpublished(env)
    encoder = msgspec.json.Encoder()
    related_pairs = tuple(
        msgspec.convert({"key": key, "other_key": other, "kind": kind, "variant": variant}, _RelatedPair)
        for key, other, kind, variant in related
    )
    state = _MatchState(
        version=version,
        digest=_digest(version, files),
        after_publication=after_publication,
        features=files.features.names(),
        pairs=files.pairs.name,
        sums=files.sums,
    )
    with _new_folder(env) as folder:
        with (folder / _MATCHES_FILE).open("wb") as lines:
            lines.writelines(encoder.encode(match) + b"\n" for match in matches)
        (folder / _STATE_FILE).write_bytes(encoder.encode(state))
        result = MatchResult(clusters=tuple(clusters), related=related_pairs)
        (folder / _RESULT_FILE).write_bytes(encoder.encode(result))
        for path in files.paths():
            if not (_folder(env) / path.name).exists():
                link_file(path, folder / path.name)
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


def note_publishing(env: Environment, folder: Path, run_id: str) -> None:
    """Note which run is about to publish a match, before its transaction, so that a try after it knows."""
    with whole_file(_folder(env) / _PUBLISHED_FILE) as temporary:
        temporary.write_bytes(msgspec.json.encode(_PublishedBy(match=folder.name, run_id=run_id)))


def publication_of(env: Environment, folder: Path) -> str | None:
    """Return the run that has published this match, if it was the last match that one published; else None."""
    try:
        noted = msgspec.json.decode((_folder(env) / _PUBLISHED_FILE).read_bytes(), type=_PublishedBy)
    except (OSError, msgspec.DecodeError):
        return None
    with read_transaction(env) as connection:
        is_newest = newest_publication_run(connection) == noted.run_id
    return noted.run_id if is_newest and noted.match == folder.name else None


def published_value(folder: Path) -> str:
    """Return the value of the row MATCH_STATE of publish_state once this match is published."""
    return _value(_state_of(folder).digest)


def _state_of(folder: Path) -> _MatchState:
    return msgspec.json.decode((folder / _STATE_FILE).read_bytes(), type=_MatchState)


def keep_state(env: Environment, folder: Path) -> None:
    """Keep a published match's features and pairs for the next night, and delete its folder."""
    state = _state_of(folder)
    kept = {path.name for path in state.files(_folder(env)).paths()}
    for name in kept:
        if (folder / name).exists():
            (folder / name).replace(_folder(env) / name)
    with whole_file(_folder(env) / _STATE_FILE) as temporary:  # last: the other files count only with it
        shutil.copyfile(folder / _STATE_FILE, temporary)
    for path in itertools.chain.from_iterable(map(_folder(env).glob, _KEPT_FILES)):
        if path.name not in kept:
            path.unlink(missing_ok=True)
    delete_stored_features(env, until=(folder / _STATE_FILE).stat().st_mtime)
    shutil.rmtree(folder.rename(f"{folder}.{temporary_ending()}"))  # what is left of it when killed is swept


def _folder(env: Environment) -> Path:
    folder = env.home / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _value(digest: str) -> str:
    return msgspec.json.encode({"digest": digest}).decode()


def _digest(version: str, files: KeptMatch) -> str:
    """Return a digest of the features' records and of the pairs, however they are cut into files."""
    digest = hashlib.sha256(msgspec.json.encode((version, files.sums)))
    with pq.ParquetFile(files.pairs) as file:
        for batch in file.iter_batches(columns=["left_key", "right_key"], use_threads=False):
            for left, right in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                digest.update(f"{left}\x00{right}\x01".encode())
    return digest.hexdigest()
