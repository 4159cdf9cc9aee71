"""Which declaration of each feed counts: its file's, or the last good one, which the catalog keeps.

A file that has a mistake, is missing, or lies in another ELIB_FEEDS than the one that the feed was harvested from never
changes how a feed is trusted, matched, normalized or gated (decision 016). Only a harvest and a publication write here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from loaders.store import (
    FeedDeclarationRow,
    HarvestRunRow,
    PublishStateRow,
    now,
    read_transaction,
    upsert,
    write_transaction,
)
from schemas import BadFeed, Cluster, Environment, Feed, read_feed, read_feeds, read_leniently

log = logging.getLogger("elib.feed")
FOLDERS_STATE = "feed_folders"  # the row of publish_state: the folder from which each feed's declaration was taken
_SOURCE = "file"


class FileTrouble(NamedTuple):
    """Why a feed's file does not count: mistake, missing, or moved (good, in another folder, and not harvested yet)."""

    state: str
    sentence: str  # "its file has a mistake: …"
    details: tuple[str, ...] = ()


class FeedsInUse(NamedTuple):
    """Every feed as it counts, in name order, and what is wrong with feed files; `undeclared` have no declaration."""

    feeds: tuple[Feed, ...]
    troubles: Mapping[str, FileTrouble]
    undeclared: frozenset[str]

    @property
    def trust(self) -> dict[str, int]:
        return {feed.name: feed.trust for feed in self.feeds}


class Undeclared(Exception):
    """A publication that would have to guess how far a feed is trusted."""


class _Kept(NamedTuple):
    """What the catalog knows: declarations, the folders that they came from, and the feeds with runs."""

    rows: dict[str, FeedDeclarationRow]
    folders: dict[str, str]
    ran: frozenset[str]
    harvested: frozenset[str]  # by us, and not through the pipe


def feeds_in_use(env: Environment) -> FeedsInUse:
    """Every feed as it counts now; writes nothing."""
    good, bad = read_feeds(env.feeds)
    with read_transaction(env) as connection:
        kept = _read_kept(connection)
    return _in_use(env, kept, good, bad)


def feed_in_use(env: Environment, name: str) -> Feed:
    """One feed as it counts now. Raises BadFeed when its file cannot be used and the catalog keeps no declaration."""
    try:
        feed = read_feed(env.feeds / f"{name}.toml")
    except BadFeed as error:
        with read_transaction(env) as connection:
            row = _rows(connection).get(name)
        last = _declared(row)
        if last is None:
            raise
        log.info("%s: %s; its last good declaration counts", name, error.sentence)
        return last
    with read_transaction(env) as connection:
        row, folder = _rows(connection).get(name), _folders(connection).get(name)
    if _is_moved(env, feed, row, folder):
        last = _declared(row)
        if last is not None:
            log.info("%s: %s", name, _moved(env, name).sentence)
            return last
    return feed


def keep_declaration(env: Environment, feed: Feed) -> None:
    """Keep the declaration with which the feed is harvested, and the folder of its file."""
    with write_transaction(env) as connection:
        _write(connection, env, [feed], _rows(connection))


def update_declarations(env: Environment) -> FeedsInUse:
    """Keep what good files declare of feeds that the catalog knows; return every feed as it counts."""
    good, bad = read_feeds(env.feeds)
    with write_transaction(env) as connection:
        kept = _read_kept(connection)
        known = kept.ran | set(kept.rows)
        taken = [
            feed
            for feed in good
            if feed.name in known and not _is_moved(env, feed, kept.rows.get(feed.name), kept.folders.get(feed.name))
        ]
        _write(connection, env, taken, kept.rows)
        kept = _read_kept(connection)
    return _in_use(env, kept, good, bad)


def check_declared(in_use: FeedsInUse, clusters: Iterable[Cluster]) -> None:
    """Raises Undeclared when records of a feed that no declaration is known of would be merged with others.

    So it is in a catalog of before declarations were kept, until every feed's file was good once: to merge without
    knowing how far a feed is trusted could change what is published.
    """
    merged = {key.partition(":")[0] for cluster in clusters if len(cluster.keys) > 1 for key in cluster.keys}
    unknown = sorted(in_use.undeclared & merged)
    if unknown:
        why = "; ".join(f"{name}: {in_use.troubles[name].sentence}" for name in unknown)
        raise Undeclared(
            f"Nothing is published: {why}. The catalog keeps no earlier declaration of {', '.join(unknown)}, and "
            "records of it are merged with others, so that how far it is trusted would be a guess. "
            "Correct the file or put it back (ELIB_FEEDS names the folder); then: elib publish"
        )


def _in_use(env: Environment, kept: _Kept, good: Iterable[Feed], bad: Iterable[BadFeed]) -> FeedsInUse:
    files = {feed.name: feed for feed in good}
    mistakes = {error.path.stem: error for error in bad}
    feeds: list[Feed] = []
    troubles: dict[str, FileTrouble] = {}
    undeclared: set[str] = set()
    for name in sorted({*files, *mistakes, *kept.rows, *kept.ran}):
        feed, row = files.get(name), kept.rows.get(name)
        if feed is None:
            error = mistakes.get(name)
            troubles[name] = _mistake(error) if error else FileTrouble("missing", "its file is missing")
        elif _is_moved(env, feed, row, kept.folders.get(name)):
            troubles[name] = _moved(env, name)
        counts = _declared(row) or feed if name in troubles else feed
        if counts is not None:
            feeds.append(counts)
        elif name in (kept.ran if name in mistakes else kept.harvested):
            undeclared.add(name)
    return FeedsInUse(tuple(feeds), troubles, frozenset(undeclared))


def _mistake(error: BadFeed) -> FileTrouble:
    return FileTrouble("mistake", error.sentence, ("; ".join(error.reasons),))


def _moved(env: Environment, name: str) -> FileTrouble:
    path = str(env.feeds / f"{name}.toml")
    sentence = f"its file {path} is not known to be the one by which the feed was harvested, and says something else"
    return FileTrouble("moved", f"{sentence}; it counts from the feed's next harvest", (path,))


def _is_moved(env: Environment, feed: Feed, row: FeedDeclarationRow | None, folder: str | None) -> bool:
    """Return whether a file differs from the kept declaration and is not known to lie where that came from.

    The folder is unknown after a restore: a file that differs from the backup's declaration counts once harvested.
    """
    return row is not None and folder != os.path.normpath(env.feeds) and _sha256(_text(feed)) != row.sha256


def _text(feed: Feed) -> str:
    """The keys that a feed's file sets, as JSON; the name is the row's key."""
    keys = feed.model_dump(mode="json", exclude_unset=True, exclude={"name"})
    return json.dumps(keys, ensure_ascii=False, sort_keys=True)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _declared(row: FeedDeclarationRow | None) -> Feed | None:
    """The feed of a row, read leniently; None when there is no row, or nothing in it that can be read."""
    if row is None:
        return None
    try:
        keys = json.loads(row.declaration)
    except (ValueError, RecursionError) as error:
        log.warning("%s: its declaration in the catalog cannot be read: %s", row.feed, error)
        return None
    if not isinstance(keys, dict):
        log.warning("%s: its declaration in the catalog is no object", row.feed)
        return None
    feed, left_out = read_leniently(row.feed, keys)
    if left_out:
        log.warning("%s: keys of its declaration that do not count: %s", row.feed, ", ".join(left_out))
    return feed


def _write(
    connection: Connection, env: Environment, feeds: Iterable[Feed], rows: Mapping[str, FeedDeclarationRow]
) -> None:
    """Write what is new in the declarations of some feeds, and from which folder they came."""
    names = ("version", "declaration", "sha256", "seen_at", "source")
    folders = _folders(connection)
    now_here = dict(folders)
    for feed in feeds:
        text, row = _text(feed), rows.get(feed.name)
        now_here[feed.name] = os.path.normpath(env.feeds)
        if row is None or row.sha256 != _sha256(text):
            version = row.version + 1 if row else 1
            values = (version, text, _sha256(text), now(), _SOURCE)
            written = {"feed": feed.name, **dict(zip(names, values, strict=True))}
            connection.execute(upsert(connection, FeedDeclarationRow.__table__, names), written)
    if now_here != folders:
        value = json.dumps(now_here, sort_keys=True)
        statement = upsert(connection, PublishStateRow.__table__, ("value",))
        connection.execute(statement, {"name": FOLDERS_STATE, "value": value})


def _read_kept(connection: Connection) -> _Kept:
    runs = select(HarvestRunRow.feed).where(HarvestRunRow.feed.is_not(None)).distinct()
    ran, harvested = (
        frozenset(name for name in connection.scalars(query) if name)
        for query in (runs, runs.where(HarvestRunRow.landing_until.is_not(None)))
    )
    return _Kept(_rows(connection), _folders(connection), ran, harvested)


def _rows(connection: Connection) -> dict[str, FeedDeclarationRow]:
    rows = connection.execute(select(FeedDeclarationRow.__table__).order_by(FeedDeclarationRow.feed)).mappings()
    return {row["feed"]: FeedDeclarationRow(**row) for row in rows}


def _folders(connection: Connection) -> dict[str, str]:
    value = connection.scalar(select(PublishStateRow.value).where(PublishStateRow.name == FOLDERS_STATE))
    return dict(json.loads(value)) if value else {}
