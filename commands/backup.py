"""`elib backup` and `elib restore`: landing and what people have decided, in one file; the rest is made again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas import Environment


def backup(
    file: Annotated[
        str | None,
        typer.Argument(
            help="The file to write, also s3://bucket/name; ELIB_HOME/backups/elib-<time>.tar unless given."
        ),
    ] = None,
    copy_to: Annotated[
        str | None,
        typer.Option(envvar="ELIB_BACKUP_COPY", metavar="PLACE", help="Copy it to this folder or s3://bucket/prefix."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            envvar="ELIB_BACKUP_KEEP",
            min=1,
            help="Then remove all but so many of the newest elib-<time>.tar, in ELIB_HOME/backups and in PLACE.",
        ),
    ] = None,
) -> int:
    """Write landing and all decisions to a file. Exits with 1 when it, or its copy, could not be written."""
    from loaders.backup import BadBackup, make_backup, remove_older_backups
    from loaders.copies import CopyFailed
    from loaders.migrations import migrate
    from schemas import environment

    env = environment()
    try:
        migrate(env)
        addresses, files = make_backup(env, file, copy_to=copy_to)
        print(f"{files} files of landing and the primary tables in {' and '.join(addresses)}")
        for address in remove_older_backups(env, keep, copy_to=copy_to) if keep else ():
            print(f"{address} is older than the newest {keep}, and was removed")
    except CopyFailed as error:
        print(f"NOT COPIED: {error}", file=sys.stderr)
        return 1
    except (BadBackup, OSError) as error:
        print(_sentence(error, env), file=sys.stderr)
        return 1
    return 0


def restore(
    file: Annotated[str, typer.Argument(help="A file that `elib backup` has written, also s3://bucket/name.")],
) -> int:
    """Restore a backup and publish.

    Writes the feed files that are missing to ELIB_HOME/feeds. Makes every feed's records again from landing and prints
    one line per feed; the installation must be empty. Exits with 1 when something is left to do other than deciding on
    held runs.
    """
    from loaders.backup import BadBackup, fetch_backup
    from loaders.copies import CopyFailed, is_bucket
    from loaders.store import temporary_folder
    from schemas import environment

    env = environment()
    try:
        if is_bucket(file):
            with temporary_folder(env.home / "backups") as folder:
                _restore(env, fetch_backup(file, folder), file)
        else:
            _restore(env, Path(file), file)
    except (BadBackup, CopyFailed, OSError) as error:
        print(_sentence(error, env), file=sys.stderr)
        return 1
    reprocessed = [_reprocess(env, feed) for feed in _feeds_to_reprocess(env)]
    return 1 if not all(reprocessed) else _publish()


def _restore(env: Environment, path: Path, address: str) -> None:
    from loaders.backup import restore as restore_files
    from loaders.backup import write_feed_files
    from loaders.erasure import erasures_since

    print(f"{restore_files(env, path)} files of landing and the primary tables restored from {address}")
    if since := erasures_since(env, path):
        print(f"The backup is older than {since} erasures: what they concern was erased from it again.")
    for written in write_feed_files(env):
        print(f"{written.stem}: its feed file was missing and is written to {written}{_unless_read(env, written)}")


def _sentence(error: Exception, env: Environment) -> str:
    """Return what is wrong; of a file in ELIB_HOME also what to do."""
    from loaders.store import storage_sentence

    inside = isinstance(error, OSError) and str(error.filename).startswith(str(env.home))
    return (storage_sentence(error, env) if inside else None) or str(error)


def _unless_read(env: Environment, path: Path) -> str:
    """Return what to do where ELIB_FEEDS does not name the folder of a feed file that was written."""
    return "" if path.parent in env.feeds else f"; ELIB_FEEDS={env.feeds} does not name that folder: add it"


def _feeds_to_reprocess(env: Environment) -> list[str]:
    """Return the feeds that have landed anything and those whose records were published."""
    from loaders.restored import waiting_feeds

    landed = {path.name for path in env.landing.glob("*") if path.is_dir() and not path.name.startswith(".")}
    return sorted(landed | set(waiting_feeds(env)))


def _reprocess(env: Environment, name: str) -> bool:
    """Reprocess one feed and print how it went; return False when it could not be."""
    from loaders.declarations import feeds_in_use
    from loaders.shell import elib_command
    from loaders.store import FeedBusy, feed_lock
    from pipeline.feed import begin_reprocess, load_feed, run_feed
    from schemas import BadFeed

    try:
        load_feed(env, name)
    except BadFeed as error:
        why = f"{error.sentence}, and the catalog keeps no earlier declaration; put its file back"
        print(f"{name}: NOT REPROCESSED: {why}, then: {elib_command('reprocess', name)}", file=sys.stderr)
        return False
    if trouble := feeds_in_use(env).troubles.get(name):
        print(f"{name}: {trouble.sentence}; its last good declaration is used", file=sys.stderr)
    try:
        with feed_lock(env, name, wait=False):
            counts = run_feed(name, begin_reprocess(name))
    except FeedBusy as busy:
        print(f"{name}: NOT REPROCESSED: {busy}", file=sys.stderr)
        return False
    print(
        f"{name}: {counts['added']} records live" if counts else f"{name}: HELD; what to do: {elib_command('review')}"
    )
    return True


def _publish() -> int:
    """Publish, unless a feed waits for a steward."""
    from commands.publish import publish_now
    from loaders.declarations import Undeclared
    from loaders.restored import NotReprocessed
    from loaders.store import FeedBusy

    try:
        print(publish_now())
    except NotReprocessed as error:
        print(error)
    except (FeedBusy, Undeclared) as error:
        print(f"NOT PUBLISHED: {error}", file=sys.stderr)
        return 1
    return 0
