"""Decide which declaration of each feed is used: that of its file, or the last good one, kept in the catalog.

A file that has a mistake, is missing, or is in another ELIB_FEEDS than the one that the feed was harvested from never
changes how a feed is trusted, matched, normalized or gated (decision 016). Only a harvest and a publication write here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from loaders.feed_text import changed_feed_text
from loaders.shell import elib_command
from loaders.store import (
    ApplicationRow,
    FeedDeclarationRow,
    FeedDeclarationVersionRow,
    HarvestRunRow,
    PublishStateRow,
    now,
    read_kept,
    read_transaction,
    temporary_folder,
    upsert,
    whole_file,
    write_transaction,
)
from schemas import (
    BadFeed,
    Cluster,
    Environment,
    Feed,
    Mistake,
    Sentence,
    read_feed,
    read_feeds,
    read_leniently,
    sentence,
)

log = logging.getLogger("elib.feed")
FOLDERS_STATE = "feed_folders"  # the row of publish_state with the folder of each feed's declaration
_MISSING = sentence("its file is missing")
_FRESH_NANOSECONDS = 1_000_000_000
_VALUE_COLUMNS = ("version", "declaration", "sha256", "seen_at", "source")


class FileTrouble(NamedTuple):
    """What is wrong with a feed's file: mistake, missing, moved (good, but in another folder and not harvested yet).

    Or shadowed: the file is used, and another of the same name in a later folder is not.
    """

    state: str
    sentence: str  # "its file has a mistake: …"
    text: Sentence  # the same, without the mistakes
    details: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


class FeedsInUse(NamedTuple):
    """Every feed by the declaration that is used, in name order, and the troubles with feed files by feed name.

    `undeclared` are feeds without any known declaration. `unconsented` are feeds that came of a partner's application
    and state no `metadata_license`: their partner did not consent to passing on their metadata (decision 087).
    """

    feeds: tuple[Feed, ...]
    troubles: Mapping[str, FileTrouble]
    undeclared: frozenset[str]
    unconsented: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all feeds: those that have a file, and those that have runs."""
        return frozenset(feed.name for feed in self.feeds) | self.undeclared | frozenset(self.troubles)

    @property
    def trust(self) -> dict[str, int]:
        return {feed.name: feed.trust for feed in self.feeds}


class Undeclared(Exception):
    """A publication cannot know how far a feed is trusted."""


class _Kept(NamedTuple):
    """What the catalog knows of feeds: declarations, the folders they came from, and the feeds that have runs."""

    rows: dict[str, Row[Any]]
    folders: dict[str, str]
    ran: frozenset[str]
    harvested: frozenset[str]  # without those that only came through the pipe


def feeds_in_use(env: Environment) -> FeedsInUse:
    """Return every feed by the declaration that is used now; write nothing.

    Files are read again when one of them, or the catalog, was written.
    """
    return read_kept(env, _feeds_in_use, env, _feed_files(env))


def _feeds_in_use(connection: Connection, env: Environment, _files: tuple[tuple[str | int, ...], ...]) -> FeedsInUse:
    good, bad = read_feeds(env.feeds)
    return _choose(env, _read_kept(connection), good, bad)


def _feed_files(env: Environment) -> tuple[tuple[str | int, ...], ...]:
    """Return what changes with the feed files: their names, sizes and times.

    A file that was written a moment ago may be written again within the clock's step: then nothing equals it.
    """
    files: list[tuple[str | int, ...]] = []
    for path in (path for folder in env.feeds for path in sorted(folder.glob("*.toml"))):
        try:
            status = path.stat()
        except OSError:  # it is read as missing
            files.append((str(path),))
            continue
        times = (status.st_mtime_ns, status.st_ctime_ns)
        is_fresh = abs(time.time_ns() - max(times)) < _FRESH_NANOSECONDS
        files.append((str(path), status.st_ino, status.st_size, *times, time.monotonic_ns() if is_fresh else 0))
    return tuple(files)


def set_status(env: Environment, name: str, status: str) -> None:
    """Write a feed's `status` into its file, which must be one that this installation writes itself.

    Nothing else in the file changes, comments neither. Raises BadFeed when the file is another's, is missing, or would
    not be the same declaration with that status.
    """
    path = _own_file(env, name)
    text = path.read_bytes().decode()
    changed = _with_status(text, status)
    if tomllib.loads(changed) != {**tomllib.loads(text), "status": status}:
        why = sentence(
            "its status cannot be changed without changing more; write status = %(status)s by hand", status=repr(status)
        )
        raise BadFeed(path, [Mistake("", why)])
    with whole_file(path) as temporary:
        temporary.write_bytes(changed.encode())


def set_expectations(env: Environment, name: str, expect: Mapping[str, Any]) -> Feed:
    """Write the section `[expect]` of a feed's file, which must be one that this installation writes itself.

    Keys without a value are left out; nothing else in the file changes, comments neither. Returns the feed that the
    file declares then. Raises BadFeed when the file is another's, is missing, or would have a mistake; it is unchanged.
    """
    path = _own_file(env, name)
    text = path.read_bytes().decode()
    keys = tomllib.loads(text)
    expected = {key: value for key, value in expect.items() if value is not None}
    wanted = {key: value for key, value in keys.items() if key != "expect"} | ({"expect": expected} if expected else {})
    changed = changed_feed_text(text, wanted)
    with temporary_folder(env.home / "web") as folder:
        tried = folder / path.name
        tried.write_bytes(changed.encode())
        feed = read_feed(tried)
    with whole_file(path) as temporary:
        temporary.write_bytes(changed.encode())
    return feed


def _own_file(env: Environment, name: str) -> Path:
    """Return the path of a good file that this installation writes itself. Raises BadFeed for any other."""
    path = _feed_file(env, name)
    if not is_own_file(env, name):
        what = sentence("this installation does not write this file; change it by hand")
        raise BadFeed(path, [Mistake("", what)])
    read_feed(path)
    return path


def read_own_feed(env: Environment, name: str) -> Feed:
    """Return what the file of a feed declares that this installation writes itself. Raises BadFeed for any other."""
    return read_feed(_own_file(env, name))


def is_own_file(env: Environment, name: str) -> bool:
    """Return whether a feed's file is in the folder that this installation writes itself."""
    path = _feed_file(env, name)
    is_there = os.path.realpath(path.parent) == os.path.realpath(env.registered_feeds)
    return is_there and path.is_file() and not path.is_symlink()


def feed_path(env: Environment, name: str) -> Path:
    """Return the path of a feed's file, or where it would be."""
    return _feed_file(env, name)


def _with_status(text: str, status: str) -> str:
    """Return a feed file's text with another status: its line is replaced, or written before the first section."""
    line = f'status = "{status}"\n'
    lines = text.splitlines(keepends=True)
    for number, each in enumerate(lines):
        if each.partition("=")[0].strip() == "status":
            _, mark, comment = each.partition("#")
            line = f'status = "{status}"  {mark}{comment}' if mark else line
            return "".join([*lines[:number], line, *lines[number + 1 :]])
        if each.lstrip().startswith("["):
            return "".join([*lines[:number], line, *lines[number:]])
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}"


def feed_in_use(env: Environment, name: str) -> Feed:
    """Return one feed by the declaration that is used now.

    Raises BadFeed when its file has a mistake or is missing, and the catalog keeps no declaration.
    """
    try:
        feed = read_feed(_feed_file(env, name))
    except BadFeed as error:
        with read_transaction(env) as connection:
            row = _read_rows(connection).get(name)
        kept = _decode(row)
        if kept is None:
            raise
        log.info("%s: %s; its last good declaration is used", name, error.sentence)
        return kept
    with read_transaction(env) as connection:
        row, folder = _read_rows(connection).get(name), _read_folders(connection).get(name)
    if _is_moved(env, feed, row, folder):
        kept = _decode(row)
        if kept is not None:
            log.info("%s: %s", name, _moved_trouble(env, name).sentence)
            return kept
    return feed


def kept_declaration(env: Environment, name: str) -> tuple[int, str] | None:
    """Return number and time of the last good declaration that the catalog keeps of a feed; None without one."""
    with read_transaction(env) as connection:
        query = select(FeedDeclarationRow.version, FeedDeclarationRow.seen_at).where(FeedDeclarationRow.feed == name)
        row = connection.execute(query).one_or_none()
    return None if row is None else (row.version, row.seen_at)


def is_new_registration(env: Environment, name: str) -> bool:
    """Return whether a feed came of a partner's application and no run of it has been loaded."""
    source = select(FeedDeclarationRow.source).where(FeedDeclarationRow.feed == name)
    loaded = select(HarvestRunRow.id).where(HarvestRunRow.feed == name, HarvestRunRow.status == "loaded")
    with read_transaction(env) as connection:
        return connection.scalar(source) == "registration" and connection.scalar(loaded.limit(1)) is None


def keep_declaration(env: Environment, feed: Feed) -> None:
    """Keep the declaration with which the feed is harvested, and the folder of its file."""
    with write_transaction(env) as connection:
        _write(connection, env, [feed], _read_rows(connection))


def awaits_whole_list(env: Environment, name: str) -> bool:
    """Return whether a feed had ended, and no run has loaded anything of its partner since.

    The records that were withdrawn then are in no list of what is new, so that its next harvest must read everything.
    A run of the time when the feed had ended asked nobody and lists nothing.
    """
    versions, runs = FeedDeclarationVersionRow, HarvestRunRow
    has_ended = (versions.feed == name, versions.declaration.contains('"retired"'))
    newest_first = select(versions.declaration, versions.seen_at).where(*has_ended).order_by(versions.version.desc())
    with read_transaction(env) as connection:
        ends = (seen for text, seen in connection.execute(newest_first) if json.loads(text).get("status") == "retired")
        ended_at = next(ends, None)
        if ended_at is None:
            return False
        is_of_partner = (runs.kind == "harvest", runs.status == "loaded", runs.listed > 0, runs.started_at > ended_at)
        return connection.scalar(select(runs.id).where(runs.feed == name, *is_of_partner).limit(1)) is None


def update_declarations(env: Environment) -> FeedsInUse:
    """Keep the declarations of good files of feeds that the catalog knows; return every feed as `feeds_in_use` does."""
    good, bad = read_feeds(env.feeds)
    with write_transaction(env) as connection:
        kept = _read_kept(connection)
        known = kept.ran | set(kept.rows)
        usable = [
            feed
            for feed in good
            if feed.name in known and not _is_moved(env, feed, kept.rows.get(feed.name), kept.folders.get(feed.name))
        ]
        _write(connection, env, usable, kept.rows)
        kept = _read_kept(connection)
    return _choose(env, kept, good, bad)


def check_declared(in_use: FeedsInUse, clusters: Iterable[Cluster]) -> None:
    """Raise Undeclared when records of a feed without a declaration would be merged with records of other feeds.

    A catalog can have such feeds if it is older than kept declarations and the feed's file was never good since. To
    merge without knowing how far a feed is trusted could change what is published.
    """
    merged = {key.partition(":")[0] for cluster in clusters if len(cluster.keys) > 1 for key in cluster.keys}
    unknown = sorted(in_use.undeclared & merged)
    if unknown:
        why = "; ".join(f"{name}: {in_use.troubles[name].sentence}" for name in unknown)
        raise Undeclared(
            f"Nothing is published: {why}. The catalog keeps no earlier declaration of {', '.join(unknown)}, and "
            "its records are merged with others, so that its trust is unknown. "
            "Correct the file or put it back (ELIB_FEEDS names the folder); then: "
            f"{elib_command('publish')}"
        )


def _choose(env: Environment, kept: _Kept, good: Iterable[Feed], bad: Iterable[BadFeed]) -> FeedsInUse:
    """Choose the declaration of each feed: the file's unless there is trouble with it, else the kept one."""
    files = {feed.name: feed for feed in good}
    bad = list(bad)
    mistakes = {error.path.stem: error for error in reversed(bad)}
    feeds: list[Feed] = []
    troubles: dict[str, FileTrouble] = {}
    undeclared: set[str] = set()
    for name in sorted({*files, *mistakes, *kept.rows, *kept.ran}):
        trouble = _find_trouble(env, name, files.get(name), mistakes.get(name), kept)
        if trouble is not None:
            troubles[name] = trouble
        feed = _counting_feed(files.get(name), trouble, kept.rows.get(name))
        if feed is not None:
            feeds.append(feed)
        elif name in (kept.ran if name in mistakes else kept.harvested):
            undeclared.add(name)
    return FeedsInUse(tuple(feeds), troubles, frozenset(undeclared), _unconsented(feeds, kept))


def _unconsented(feeds: Iterable[Feed], kept: _Kept) -> frozenset[str]:
    registered = {name for name, row in kept.rows.items() if row.source == "registration"}
    return frozenset(feed.name for feed in feeds if feed.name in registered and feed.metadata_license is None)


def _counting_feed(feed: Feed | None, trouble: FileTrouble | None, kept_row: Row[Any] | None) -> Feed | None:
    """Return the declaration that counts: the kept one while the file's cannot, else the file's."""
    if trouble is None or trouble.state == "shadowed":
        return feed
    return _decode(kept_row) or feed


def _find_trouble(
    env: Environment, name: str, feed: Feed | None, mistake: BadFeed | None, kept: _Kept
) -> FileTrouble | None:
    if feed is not None:
        if _is_moved(env, feed, kept.rows.get(name), kept.folders.get(name)):
            return _moved_trouble(env, name)
        return _mistake_trouble("shadowed", mistake) if mistake else None
    if mistake is not None:
        return _mistake_trouble("mistake", mistake)
    return FileTrouble("missing", str(_MISSING), _MISSING)


def _mistake_trouble(state: str, mistake: BadFeed) -> FileTrouble:
    reasons = tuple(mistake.reasons)
    return FileTrouble(state, mistake.sentence, sentence("its file has a mistake:"), ("; ".join(reasons),), reasons)


def _moved_trouble(env: Environment, name: str) -> FileTrouble:
    path = str(_feed_file(env, name))
    text = sentence(
        "its file %(path)s is not known to be the one by which the feed was harvested, and says something else; "
        "it counts from the feed's next harvest",
        path=path,
    )
    return FileTrouble("moved", str(text), text, (path,))


def _is_moved(env: Environment, feed: Feed, row: Row[Any] | None, folder: str | None) -> bool:
    """Return whether a file differs from the kept declaration and is not known to be in the folder that it came from.

    The folder is unknown after a restore: a file that differs from the backup's declaration is used once harvested.
    """
    return row is not None and folder != _folder(env, feed.name) and _sha256(_encode(feed)) != row.sha256


def _folder(env: Environment, name: str) -> str:
    return os.path.normpath(_feed_file(env, name).parent)


def _feed_file(env: Environment, name: str) -> Path:
    return env.feeds / f"{name}.toml"


def _encode(feed: Feed) -> str:
    """Return the keys that a feed's file sets as JSON, without the name, which is the row's key."""
    keys = feed.model_dump(mode="json", exclude_unset=True, exclude={"name"})
    return json.dumps(keys, ensure_ascii=False, sort_keys=True)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _decode(row: Row[Any] | None) -> Feed | None:
    """Return the feed of a row, read leniently; None when there is no row or it cannot be read."""
    if row is None:
        return None
    try:
        keys = json.loads(row.declaration)
    except (ValueError, RecursionError) as error:
        log.warning("%s: its declaration in the catalog cannot be read: %s", row.feed, error)
        return None
    if not isinstance(keys, dict):
        log.warning("%s: its declaration in the catalog is not a JSON object", row.feed)
        return None
    feed, ignored_keys = read_leniently(row.feed, keys)
    if ignored_keys:
        log.warning("%s: keys of its declaration that are ignored: %s", row.feed, ", ".join(ignored_keys))
    return feed


def _write(connection: Connection, env: Environment, feeds: Iterable[Feed], rows: Mapping[str, Row[Any]]) -> None:
    """Write the declarations that changed, and the folder of each feed's file."""
    old_folders = _read_folders(connection)
    folders = dict(old_folders)
    for feed in feeds:
        text, row = _encode(feed), rows.get(feed.name)
        folders[feed.name] = _folder(env, feed.name)
        if row is None or row.sha256 != _sha256(text):
            version = row.version + 1 if row else 1
            source = "registration" if _is_registered(connection, feed.name) else "file"
            values = (version, text, _sha256(text), now(), source)
            columns = {"feed": feed.name, **dict(zip(_VALUE_COLUMNS, values, strict=True))}
            connection.execute(upsert(connection, FeedDeclarationRow.__table__, _VALUE_COLUMNS), columns)
            connection.execute(upsert(connection, FeedDeclarationVersionRow.__table__, _VALUE_COLUMNS[1:]), columns)
    if folders != old_folders:
        state = {"name": FOLDERS_STATE, "value": json.dumps(folders, sort_keys=True)}
        connection.execute(upsert(connection, PublishStateRow.__table__, ("value",)), state)


def _is_registered(connection: Connection, feed: str) -> bool:
    """Return whether a feed came of a partner's application that was accepted, or is being accepted."""
    is_accepted = (ApplicationRow.status == "accepted") | ApplicationRow.accepting.is_not(None)
    return bool(connection.scalar(select(ApplicationRow.id).where(ApplicationRow.name == feed, is_accepted).limit(1)))


def _read_kept(connection: Connection) -> _Kept:
    runs = select(HarvestRunRow.feed).where(HarvestRunRow.feed.is_not(None)).distinct()
    ran, harvested = (
        frozenset(name for name in connection.scalars(query) if name)
        for query in (runs, runs.where(HarvestRunRow.landing_until.is_not(None)))
    )
    return _Kept(_read_rows(connection), _read_folders(connection), ran, harvested)


def _read_rows(connection: Connection) -> dict[str, Row[Any]]:
    return {row.feed: row for row in connection.execute(select(FeedDeclarationRow).order_by(FeedDeclarationRow.feed))}


def _read_folders(connection: Connection) -> dict[str, str]:
    value = connection.scalar(select(PublishStateRow.value).where(PublishStateRow.name == FOLDERS_STATE))
    return dict(json.loads(value)) if value else {}
