"""`make restore FILE=backup.tar`: put a backup back, make every feed's records again from landing, and publish."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from loaders.backup import BadBackup, NotReprocessed, restore, waiting_feeds
from loaders.declarations import Undeclared, feeds_in_use
from loaders.store import FeedBusy
from pipeline.catalog import publish_now
from pipeline.feed import begin_reprocess, feed_of, run_feed
from schemas import BadFeed, Environment, environment


def main(arguments: list[str] | None = None) -> int:
    """A line a feed; 1 when something is left to do that no steward can do by releasing a held run, else 0."""
    parser = argparse.ArgumentParser(prog="python -m commands.restore", description=__doc__)
    parser.add_argument("file", type=Path, help="what make backup has written")
    file = parser.parse_args(arguments).file
    env = environment()
    try:
        print(f"{restore(env, file)} files of landing and the primary tables restored from {file}")
    except (BadBackup, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    done = [_reprocessed(env, feed) for feed in _landed_feeds(env)]
    return 1 if not all(done) else _published()


def _landed_feeds(env: Environment) -> list[str]:
    """The feeds to make again: those that have landed anything, and those whose records were published."""
    landed = {path.name for path in env.landing.glob("*") if path.is_dir() and not path.name.startswith(".")}
    return sorted(landed | set(waiting_feeds(env)))


def _reprocessed(env: Environment, name: str) -> bool:
    """Reprocess one feed and say how it went; False when it could not be."""
    try:
        feed_of(env, name)
    except BadFeed as error:
        why = f"{error.sentence}, and the catalog keeps no earlier declaration; put its file back"
        print(f"{name}: NOT REPROCESSED: {why}, then: make reprocess FEED={name}", file=sys.stderr)
        return False
    if trouble := feeds_in_use(env).troubles.get(name):
        print(f"{name}: {trouble.sentence}; it is read by its last good declaration", file=sys.stderr)
    try:
        counts = run_feed(name, begin_reprocess(name))
    except FeedBusy as busy:
        print(f"{name}: NOT REPROCESSED: {busy}", file=sys.stderr)
        return False
    print(f"{name}: {counts['added']} records live" if counts else f"{name}: HELD; python -m loaders.review says why")
    return True


def _published() -> int:
    """Publish, unless a feed waits for a steward."""
    try:
        counts = publish_now()
    except NotReprocessed as error:
        print(error)
        return 0
    except (FeedBusy, Undeclared) as error:
        print(f"NOT PUBLISHED: {error}", file=sys.stderr)
        return 1
    print("Published: " + ", ".join(f"{counts[name]} {name}" for name in ("added", "changed", "unchanged", "deleted")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
