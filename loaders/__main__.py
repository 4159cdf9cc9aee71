"""python -m loaders [--load --by NAME]: assessments from stdin, one JSON line each, staged as a held run a feed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from loaders.catalog import BadLine, pipe
from loaders.curation import funnel_line
from loaders.migrations import migrate
from loaders.store import FeedBusy, NotRunning
from schemas import environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Stage (or load) what stdin says; a line a feed. 2 when a line is bad, 1 when a feed is busy."""
    parser = argparse.ArgumentParser(prog="python -m loaders", description=__doc__)
    parser.add_argument("--load", action="store_true", help="load at once, past the gate; needs --by")
    parser.add_argument("--by", help="who loads past the gate")
    parser.add_argument("--take-over", action="store_true", help="end a feed's unfinished run, if its DAG does not run")
    said = parser.parse_args(arguments)
    if said.load and not (said.by or "").strip():
        parser.error("--load goes past the gate: say --by NAME")
    env = environment()
    migrate(env)
    try:
        piped = pipe(env, sys.stdin.buffer, load_by=said.by.strip() if said.load else None, take_over=said.take_over)
    except BadLine as error:
        print(f"{error}; nothing was staged", file=sys.stderr)
        return 2
    except (FeedBusy, NotRunning) as error:
        print(error, file=sys.stderr)
        return 1
    for one in piped:
        how = f"HELD {one.run_id}" if one.held else f"loaded ungated by {said.by.strip()} {one.run_id}"
        print(f"{one.feed}: {funnel_line(one.counts)} {how}")
    if any(one.held for one in piped):
        print("release a held run with: python -m loaders.review release RUN --by NAME --reason WHY")
    return 0


if __name__ == "__main__":
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has enough; all is staged
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
