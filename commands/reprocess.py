"""`make reprocess FEED=name`: normalize what was landed again, with today's tables; the partner is not asked."""

from __future__ import annotations

import argparse
import sys

from pipeline.feed import begin_reprocess, feed_of, run_feed
from schemas import BadFeed, environment


def main(arguments: list[str] | None = None) -> int:
    """Reprocess one feed and say how many records changed. 1 when the feed is at work, 2 when there is none.

    While its file cannot be used, its records are read by its last good declaration.
    """
    parser = argparse.ArgumentParser(prog="python -m commands.reprocess", description=__doc__)
    parser.add_argument("feed", help="the feed's name, as FEED=col_oasis of make")
    parser.add_argument(
        "--take-over", action="store_true", help="end its unfinished run first, if its DAG does not run"
    )
    said = parser.parse_args(arguments)
    env = environment()
    name = said.feed.rpartition("/")[2].removesuffix(".toml")
    from loaders.catalog import migrate
    from loaders.declarations import feeds_in_use
    from loaders.store import FeedBusy

    migrate(env)
    try:
        feed_of(env, name)
    except BadFeed as error:
        print(f"{error} (in {env.feeds}; ELIB_FEEDS names another folder)", file=sys.stderr)
        return 2
    if trouble := feeds_in_use(env).troubles.get(name):
        print(f"{name}: {trouble.sentence}; it is read by its last good declaration", file=sys.stderr)
    try:
        counts = run_feed(name, begin_reprocess(name, take_over=said.take_over))
    except FeedBusy as busy:
        print(busy, file=sys.stderr)
        return 1
    if not counts:
        print(f"{name}: HELD; python -m loaders.review says why")
        return 0
    others = ", ".join(f"{counts[one]} {one}" for one in ("added", "unchanged", "deleted", "rejected", "quarantined"))
    print(f"{name}: {counts['changed']} of {counts['landed']} records changed; {others}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
