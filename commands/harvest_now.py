"""`elib harvest-now`: one feed through every step in this process, without Airflow."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands.app import no_feed


def harvest_now(
    feed: Annotated[str, typer.Argument(help="The feed's name or feed file, such as col_oasis.")],
    full: Annotated[bool, typer.Option("--full", help="Ask for the whole list, not only for what is new.")] = False,
) -> int:
    """Harvest a feed, take what it lists through every step, and publish; without Airflow.

    Exits with 1 when the harvest failed or the feed is at work, and 2 when there is no such feed. A held run is 0.
    """
    from commands.publish import publish_now
    from loaders.catalog import migrate
    from loaders.curation import run_counts_line
    from loaders.shell import elib_command
    from loaders.store import feed_lock
    from pipeline.catalog import report_feed
    from pipeline.endings import failure_sentence
    from pipeline.feed import harvest, load_feed, run_feed
    from schemas import BadFeed, environment

    env = environment()
    name = feed.rpartition("/")[2].removesuffix(".toml")
    migrate(env)
    try:
        load_feed(env, name)
    except BadFeed as error:
        print(no_feed(env, name, error), file=sys.stderr)
        return 2
    try:
        with feed_lock(env, name, wait=False):
            counts = run_feed(name, harvest(name, full=full, take_over=False)["run_id"])
        if not counts:
            report_feed(name)
            print(f"{name}: HELD; what to do: {elib_command('review')}")
            return 0
        print(f"{name}: {run_counts_line(counts)}")
        print(publish_now())
    except Exception as error:
        sentence = failure_sentence(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1
    return 0
