"""python -m harvesters FEED.toml [--since D] [--limit N] [--check]: a SourceRecord a line, progress on stderr."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import msgspec

from harvesters import check, harvest
from harvesters.client import from_environment
from harvesters.progress import Terminal
from harvesters.repeats import Repeats
from schemas import Ask, BadFeed, HarvestFailed, environment, read_feed

DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")


def main(words: list[str] | None = None) -> int:
    """Print the feed's records. 0 when the list is whole, 1 when the harvest failed, 2 when the feed file is bad."""
    asked = _arguments().parse_args(words)
    try:
        feed = read_feed(asked.feed)
    except BadFeed as error:
        print(error, file=sys.stderr)
        return 2
    try:
        credentials = from_environment(feed.connection, os.environ)
    except HarvestFailed as error:
        print(f"{feed.name}: failed: {error}", file=sys.stderr)
        return 1
    ask = Ask(since=asked.since, full=asked.since is None, limit=asked.limit, credentials=credentials)
    if asked.check:
        found = check(feed, ask, environment())
        print("\n".join(found) or f"{feed.name}: can be harvested")
        return 1 if found else 0
    encoder, terminal, repeats = msgspec.json.Encoder(), Terminal(feed.name, sys.stderr), Repeats()
    try:
        for page in harvest(feed, ask, environment(), terminal):
            sys.stdout.buffer.write(encoder.encode_lines(page.records))
            repeats.add(page)
            for note in page.notes:
                terminal.say(note)
            for skipped in page.skipped:
                terminal.say(f"skipped {skipped.identifier or skipped.window or 'a record'}: {skipped.reason}")
        sys.stdout.buffer.flush()
    except HarvestFailed as error:
        sys.stdout.buffer.flush()
        terminal.say(f"failed: {error.cause}: {error.sentence}")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has enough, as head does
        return 0
    if repeated := repeats.count():
        terminal.say(f"the list repeats {repeated} record{'s' if repeated > 1 else ''} and may omit others")
    terminal.end()
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harvesters", description=__doc__)
    parser.add_argument("feed", type=Path, help="a feed file")
    parser.add_argument("--since", type=_date, help="only what changed since this day or second (UTC)")
    parser.add_argument("--limit", type=_positive, help="stop after so many records")
    parser.add_argument("--check", action="store_true", help="only say whether the server offers what the feed asks")
    return parser


def _date(said: str) -> str:
    if not DATE.fullmatch(said):
        raise argparse.ArgumentTypeError(f"{said!r} is neither YYYY-MM-DD nor YYYY-MM-DDThh:mm:ssZ")
    return said


def _positive(said: str) -> int:
    if not said.isdigit() or int(said) < 1:
        raise argparse.ArgumentTypeError(f"{said!r} is not a number of records")
    return int(said)


if __name__ == "__main__":
    sys.exit(main())
