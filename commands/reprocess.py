"""`elib reprocess`: normalize what was landed again, with today's tables; the partner is not asked."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands.app import no_feed

_COUNTS = ("added", "unchanged", "deleted", "rejected", "quarantined")


def reprocess(
    feeds: Annotated[list[str], typer.Argument(metavar="FEED...", help="Names or files of feeds, such as col_oasis.")],
    take_over: Annotated[
        bool, typer.Option("--take-over", help="End its unfinished run first; only if its DAG does not run.")
    ] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Match, publish and report afterwards.")] = False,
) -> int:
    """Normalize feeds' landed records again. The partner is not asked. Prints how many records each change touches.

    While a feed's file cannot be used, its last good declaration is. Exits with 1 when a feed is at work or nothing can
    be published, 2 when there is no such feed.
    """
    from commands.publish import publish as publish_all
    from loaders.catalog import migrate
    from pipeline.feed import load_feed
    from schemas import BadFeed, environment

    env = environment()
    names = [feed.rpartition("/")[2].removesuffix(".toml") for feed in feeds]
    migrate(env)
    for name in names:
        try:
            load_feed(env, name)
        except BadFeed as error:
            print(no_feed(env, name, error), file=sys.stderr)
            return 2
    codes = [_reprocess(name, take_over=take_over) for name in dict.fromkeys(names)]
    if publish and 0 in codes:
        codes.append(publish_all())
    return max(codes)


def _reprocess(name: str, *, take_over: bool) -> int:
    """Reprocess one feed and print what became of it; return the exit code."""
    from loaders.declarations import feeds_in_use
    from loaders.shell import elib_command
    from loaders.store import FeedBusy, feed_lock, read_run
    from pipeline.catalog import report_feed
    from pipeline.feed import begin_reprocess, run_feed
    from schemas import environment

    env = environment()
    if trouble := feeds_in_use(env).troubles.get(name):
        print(f"{name}: {trouble.sentence}; its last good declaration is used", file=sys.stderr)
    try:
        with feed_lock(env, name, wait=take_over):
            run_id = begin_reprocess(name, take_over=take_over)
            counts = run_feed(name, run_id)
    except FeedBusy as busy:
        print(busy, file=sys.stderr)
        return 1
    if not counts:
        report_feed(name)
        print(f"{name}: HELD; what to do: {elib_command('review')}")
    else:
        others = ", ".join(f"{counts[count]} {count}" for count in _COUNTS)
        print(f"{name}: {counts['changed']} of {counts['landed']} records changed; {others}")
    for what, records in read_run(env, run_id).changes:
        print(f"{records:9}  {what}")
    sys.stdout.flush()
    return 0
