"""`elib run`: the whole night once, through Airflow, over the sample feeds (or those that ELIB_FEEDS names)."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock

    from commands.terminal import Terminal
    from schemas import Environment, FeedFolders

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
_SAMPLE_PORT = 8765  # as the sample feed files write it; another night at the same time takes any free port


def run() -> int:
    """Run the whole night once, through Airflow.

    Runs every feed's DAG and then the catalog's, over the sample feeds or those of ELIB_FEEDS. Exits with 1
    when a feed failed or a feed file is bad.
    """
    from filelock import Timeout

    from commands.terminal import Terminal
    from schemas import environment

    env = environment()
    try:
        with _night_lock(env), Terminal(env.home / "airflow" / "logs" / "night.log") as terminal:
            return _run_prepared(env, terminal)
    except Timeout:
        print(f"Another night is running in {env.home}; wait until it is done.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped before the first feed.", file=sys.stderr)
        return 130
    except (OSError, ValueError) as error:
        print(f"The night could not be run: {error}", file=sys.stderr)
    return 1


def _run_prepared(env: Environment, terminal: Terminal) -> int:
    from commands.airflow_home import prepare
    from commands.setup import NotSetUp, set_up

    with _served_feeds(env, terminal) as feeds:
        prepare(env, feeds=feeds)
        terminal.say("Preparing the catalog and Airflow …")
        try:
            set_up(env)
        except NotSetUp as error:
            terminal.say(str(error), style="red")
            return 1
        os.environ["ELIB_TASK_RETRIES"] = "0"  # what stops a task of this process (Ctrl-C) stops the night
        from commands.night_runs import run_night  # imports Airflow, which reads its environment then

        return run_night(env, feeds, terminal)


def _night_lock(env: Environment) -> FileLock:
    """Return the lock of one night per home: the log, Airflow's database and the samples' copies are shared."""
    from filelock import FileLock

    env.locks.mkdir(parents=True, exist_ok=True)
    return FileLock(env.locks / "night.lock", timeout=0)


@contextlib.contextmanager
def _served_feeds(env: Environment, terminal: Terminal) -> Iterator[FeedFolders]:
    """Yield the folders of feed files to run: ELIB_FEEDS if set, else the samples while their server runs."""
    if os.environ.get("ELIB_FEEDS"):
        yield env.feeds
        return
    from samples.server import ReplayServer
    from schemas import FeedFolders

    try:
        server = ReplayServer(SAMPLES, _SAMPLE_PORT)  # the same port each time, so that a second night is incremental
    except OSError:
        server = ReplayServer(SAMPLES)
    with server:
        terminal.say(f"The sample partners answer on {server.url}")
        os.environ["ELIB_ALLOW_PRIVATE"] = ",".join(sorted({*env.allow_private, "127.0.0.1"}))
        address = server.url.removeprefix("http://").rstrip("/")
        yield FeedFolders([write_sample_feeds(address, env.home / "samples" / "feeds")])


def write_sample_feeds(address: str, folder: Path) -> Path:
    """Copy the sample feed files into the folder with the server's address in them; remove older copies."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.toml"):
        stale.unlink()
    for path in sorted((SAMPLES / "feeds").glob("*.toml")):
        copy = folder / path.name
        if not path.is_file():  # a folder, a pipe, or a link to nothing: read_feeds reports it
            copy.symlink_to(path)
            continue
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        copy.write_text(text.replace(f"127.0.0.1:{_SAMPLE_PORT}", address), encoding="utf-8", errors="surrogateescape")
    return folder
