"""What the matcher needs of the catalog, and what it keeps between two nights under ELIB_HOME/match.

The files there can be thrown away at any time: the next match is then a full one.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, delete, func, insert, select

from loaders.store import (
    HarvestRunRow,
    JudgementRow,
    PublishStateRow,
    SourceRecordRow,
    as_kept,
    reading,
    rows_among,
    whole_file,
)
from schemas import Cluster, Compared, Judgement, Match
from schemas.base import Base
from schemas.environment import Environment

FEATURES, PAIRS, FOUND, STATE_FILE = "features.parquet", "pairs.parquet", "found-", "state.json"
_KEPT = 2 * 86_400  # seconds that a match which nobody published lies about
_COMPARED = msgspec.json.Decoder(Compared)
_STATE = "matched"  # the name of the row of publish_state


class NothingMatched(Exception):
    """There is no match to publish."""


class Outdated(Exception):
    """The catalog was published since the match began: what it found may undo what was decided meanwhile."""


class StateUnreadable(Exception):
    """A file of the last match cannot be read: which, and why. It can be thrown away."""


class _Related(Base, frozen=True, kw_only=True):
    """A record and another that is a translation or a version of it: linked, not merged."""

    key: str
    other_key: str
    kind: str  # LOM 7.1, of the first to the second


class Found(Base, frozen=True, kw_only=True):
    """What a match found, on its way to the publication; its pairs lie beside it, a JSON line each."""

    clusters: tuple[Cluster, ...]
    related: tuple[_Related, ...]


class _State(Base, frozen=True, kw_only=True):
    version: str  # of the matcher: features and model
    digest: str
    since: str | None = None  # the newest publication when the match began


def newest_publication(env: Environment) -> str | None:
    """The last run that published the catalog; a match asks for it before it reads anything else."""
    with reading(env) as connection:
        return _newest(connection)


def _newest(connection: Connection) -> str | None:
    newest = select(func.max(HarvestRunRow.id)).where(HarvestRunRow.kind == "publish", HarvestRunRow.status == "loaded")
    return connection.scalar(newest)


def check_current(connection: Connection, folder: Path) -> None:
    """Raises Outdated when the catalog was published since the match of this folder began."""
    since, newest = _state_of(folder).since, _newest(connection)
    if since != newest:
        raise Outdated(f"{folder.name}: matched after {since or 'nothing'}, and {newest} was published meanwhile")


def live_versions(env: Environment) -> dict[str, str]:
    """The key of every live accepted record, with the sha256 of its text."""
    query = select(SourceRecordRow.key, SourceRecordRow.record_sha256).where(
        SourceRecordRow.status == "live", SourceRecordRow.record.is_not(None)
    )
    with reading(env) as connection:
        rows = connection.execute(query, execution_options={"stream_results": True, "yield_per": 10_000})
        return {key: sha256 or "" for key, sha256 in rows}


def read_live(env: Environment, keys: Iterable[str]) -> Iterator[tuple[str, str, Compared]]:
    """Feed, text's sha256 and what is compared of those of the keys that are live, in batches; memory does not grow."""
    with reading(env) as connection:
        text = as_kept(connection, SourceRecordRow.record)
        query = select(SourceRecordRow.feed, SourceRecordRow.record_sha256, text)
        query = query.where(SourceRecordRow.status == "live", SourceRecordRow.record.is_not(None))
        for feed, sha256, record in rows_among(connection, query, SourceRecordRow.key, sorted(keys)):
            yield feed, sha256 or "", _COMPARED.decode(record)


def judgements(env: Environment) -> list[Judgement]:
    """Every judgement of a steward, in the order in which they were made."""
    with reading(env) as connection:
        rows = connection.execute(select(JudgementRow.__table__).order_by(JudgementRow.id)).mappings()
        return [msgspec.convert({name: row[name] for name in Judgement.__struct_fields__}, Judgement) for row in rows]


def read_state(env: Environment, version: str) -> tuple[pa.Table, pa.Table] | None:
    """The features and pairs of the match that the catalog was last published from.

    None when there are none, they are of another version of the matcher, or not those of this catalog. Raises
    StateUnreadable.
    """
    state = _kept_state(env)
    if state is None or state.version != version:
        return None
    with reading(env) as connection:
        published = connection.scalar(select(PublishStateRow.value).where(PublishStateRow.name == _STATE))
    if published != _value(state.digest):
        return None
    return _table(env, FEATURES), _table(env, PAIRS)


def read_features(env: Environment, version: str) -> pa.Table | None:
    """The features kept from the last publication, for a full match; None when another version's matcher made them.

    Each tells by its record's sha256 whether it still holds, so that it does not matter which catalog it was.
    """
    state = _kept_state(env)
    return None if state is None or state.version != version else _table(env, FEATURES)


def _kept_state(env: Environment) -> _State | None:
    path = _folder(env) / STATE_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_State) if path.exists() else None
    except (msgspec.DecodeError, OSError) as error:
        raise StateUnreadable(f"{path}: {error}") from error


def _table(env: Environment, name: str) -> pa.Table:
    path = _folder(env) / name
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise StateUnreadable(f"{path}: {error}") from error


def stale_keys(env: Environment, features: pa.Table | None) -> tuple[set[str], set[str]]:
    """The live keys of which the features are missing or old, and the keys of features that must go."""
    live = live_versions(env)
    if features is None:
        return set(live), set()
    known = dict(zip(features["key"].to_pylist(), features["record_sha256"].to_pylist(), strict=True))
    fresh = {key for key, sha256 in live.items() if known.get(key) != sha256}
    return fresh, {key for key in known if key not in live or key in fresh}


def without(features: pa.Table, keys: set[str]) -> pa.Table:
    """The features less those of some keys."""
    if not keys:
        return features
    return features.filter(pc.invert(pc.is_in(features["key"], pa.array(sorted(keys), pa.string()))))


def write_found(
    env: Environment,
    version: str,
    features: pa.Table,
    pairs: pa.Table,
    clusters: Iterable[Cluster],
    matches: Iterable[Match],
    related: Iterable[tuple[str, str, str]],
    *,
    since: str | None,
) -> Path:
    """Lay down what a match found, in a folder of its own, for the publication; returns it.

    `since` is newest_publication of when the match began. The state of before stays until what was found is published.
    """
    _sweep(env)
    encoder = msgspec.json.Encoder()
    linked = tuple(_Related(key=key, other_key=other, kind=kind) for key, other, kind in related)
    state = _State(version=version, digest=_digest(version, features, pairs), since=since)
    with _own_folder(env) as folder:
        pq.write_table(features, folder / FEATURES, compression="zstd")
        pq.write_table(pairs, folder / PAIRS, compression="zstd")
        with (folder / "matches.jsonl").open("wb") as lines:
            lines.writelines(encoder.encode(match) + b"\n" for match in matches)
        (folder / STATE_FILE).write_bytes(encoder.encode(state))
        (folder / "found.json").write_bytes(encoder.encode(Found(clusters=tuple(clusters), related=linked)))
    return folder


@contextmanager
def _own_folder(env: Environment) -> Iterator[Path]:
    """A folder for one match; gone again when it cannot be filled: half a match would fill a full disk more."""
    folder = Path(tempfile.mkdtemp(prefix=FOUND, dir=_folder(env)))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _sweep(env: Environment) -> None:
    """Matches that nobody has published are of no use to anyone after some days."""
    for folder in _folder(env).glob(f"{FOUND.rstrip('-')}*"):  # and that of catalogs of before, which had one
        if time.time() - folder.stat().st_mtime > _KEPT:
            shutil.rmtree(folder)


def read_found(folder: Path) -> Found:
    """What a match found. Raises NothingMatched when it is not there (any more): each match is published once."""
    if not (folder / "found.json").exists():
        raise NothingMatched(f"{folder}: nothing was matched, or it is published already; run the match again first")
    return msgspec.json.decode((folder / "found.json").read_bytes(), type=Found)


def read_matches(folder: Path) -> Iterator[Match]:
    """The pairs that a match found, by key."""
    decoder = msgspec.json.Decoder(Match)
    with (folder / "matches.jsonl").open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)


def published_value(folder: Path) -> str:
    """The value of the row of publish_state when this match is published."""
    return _value(_state_of(folder).digest)


def _state_of(folder: Path) -> _State:
    return msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=_State)


def keep_state(env: Environment, folder: Path) -> None:
    """After a publication: what it was made from is what the next night starts from."""
    for name in (FEATURES, PAIRS, STATE_FILE):  # the state last: it makes the rest count
        with whole_file(_folder(env) / name) as beside:
            shutil.copyfile(folder / name, beside)
    shutil.rmtree(folder)


def note_published(connection: Connection, value: str) -> bool:
    """Say in the catalog which match it was published from; true when that is a change."""
    row = connection.scalar(select(PublishStateRow.value).where(PublishStateRow.name == _STATE))
    if row == value:
        return False
    connection.execute(delete(PublishStateRow).where(PublishStateRow.name == _STATE))
    connection.execute(insert(PublishStateRow).values(name=_STATE, value=value))
    return True


def _folder(env: Environment) -> Path:
    folder = env.home / "match"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _value(digest: str) -> str:
    return msgspec.json.encode({"digest": digest}).decode()


def _digest(version: str, features: pa.Table, pairs: pa.Table) -> str:
    """What tells one match's features and pairs from another's."""
    digest = hashlib.sha256(version.encode())
    for table, names in ((features, ("key", "record_sha256")), (pairs, ("left_key", "right_key"))):
        for name in names:
            digest.update(b"\x00".join(value.encode() for value in table[name].to_pylist()))
            digest.update(b"\x01")
    return digest.hexdigest()
