"""python -m transforms [--feeds DIR]: source records on standard input, assessments on standard output.

Both are JSON, one a line. A feed that has no file there is read without defaults, dialect or expectations;
one whose file has a mistake is not read.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

from schemas import Feed, SourceRecord, environment, read_feeds
from transforms import transform


def main(arguments: list[str] | None = None) -> int:
    """0 when every line was read; 2 when one is no source record, or its feed file has a mistake, as stderr says."""
    parser = argparse.ArgumentParser(
        prog="python -m transforms", description="Source records to assessments, line by line."
    )
    parser.add_argument("--feeds", type=Path, default=None, help="folder of the feed files (default: ELIB_FEEDS)")
    said = parser.parse_args(arguments)
    good, bad = read_feeds(said.feeds or environment().feeds)
    for error in bad:
        print(f"feed file left out: {error}", file=sys.stderr)
    mistakes = {error.path.stem: error.sentence for error in bad}
    feeds = {feed.name: feed for feed in good}
    decode, encode = msgspec.json.Decoder(SourceRecord).decode, msgspec.json.Encoder(order="deterministic").encode
    wrong = 0
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            record = decode(line)
        except msgspec.DecodeError as error:
            print(f"line {number}: not a source record: {error}", file=sys.stderr)
            wrong += 1
            continue
        if record.feed in mistakes:  # without its defaults and dialect, its records would become others
            print(f"line {number}: not read: {record.feed}: {mistakes[record.feed]}", file=sys.stderr)
            wrong += 1
            continue
        feed = feeds.get(record.feed)
        if feed is None:
            print(f"line {number}: no file for feed {record.feed!r}: read without its defaults", file=sys.stderr)
            feed = feeds.setdefault(record.feed, _undeclared(record.feed))
        sys.stdout.buffer.write(encode(transform(record, feed)) + b"\n")
    sys.stdout.buffer.flush()
    return 2 if wrong else 0


def _undeclared(name: str) -> Feed:
    return Feed(name=name, title=name, partner=name, protocol="files", url="stdin")


if __name__ == "__main__":
    try:
        code = main()
    except BrokenPipeError:  # the reader has enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:  # a full disk
        print(f"the assessments cannot be written: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
