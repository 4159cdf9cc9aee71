"""`make run`: the whole night once, through Airflow, over the sample feeds (or those that ELIB_FEEDS names)."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from commands.airflow_home import prepare
from commands.terminal import Terminal
from samples.server import ReplayServer
from schemas import ROOT, Environment, environment

SAMPLES = ROOT / "samples"
_SAMPLE_PORT = 8765  # as the sample feed files write it; another night at the same time takes any free port
_SAMPLE_ADDRESS = f"127.0.0.1:{_SAMPLE_PORT}"


def main() -> int:
    """Run every feed's DAG and then the catalog's; 1 when a feed failed or a feed file is bad, else 0."""
    env = environment()
    try:
        with _night_lock(env), Terminal(env.home / "airflow" / "logs" / "night.log") as terminal:
            return _night(env, terminal)
    except Timeout:
        print(f"Another night is running in {env.home}; wait until it is done.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped before the first feed.", file=sys.stderr)
        return 130
    except (OSError, ValueError) as error:
        print(f"The night could not be run: {error}", file=sys.stderr)
    return 1


def _night(env: Environment, terminal: Terminal) -> int:
    with _served(env, terminal) as feeds:
        prepare(env, feeds=feeds)
        terminal.say("Preparing the catalog and Airflow …")
        from commands.setup import NotSetUp, set_up

        try:
            set_up(env)
        except NotSetUp as error:
            terminal.say(str(error), style="red")
            return 1
        from commands.night_runs import run_night

        return run_night(env, feeds, terminal)


def _night_lock(env: Environment) -> FileLock:
    """One night at a time in one home: the log, Airflow's database and the copies of the samples are everybody's."""
    env.locks.mkdir(parents=True, exist_ok=True)
    return FileLock(env.locks / "night.lock", timeout=0)


@contextlib.contextmanager
def _served(env: Environment, terminal: Terminal) -> Iterator[Path]:
    """The folder of feed files to run: ELIB_FEEDS if set, else the samples with their loopback server running."""
    if os.environ.get("ELIB_FEEDS"):
        yield env.feeds
        return
    with _sample_server() as server:
        terminal.say(f"The sample partners answer on {server.url}")
        os.environ["ELIB_ALLOW_PRIVATE"] = ",".join(sorted({*env.allow_private, "127.0.0.1"}))
        yield written_for(server.url.removeprefix("http://").rstrip("/"), env.home / "samples" / "feeds")


def _sample_server() -> ReplayServer:
    """The server of the samples, on its own port where that is free: then a second night harvests incrementally."""
    try:
        return ReplayServer(SAMPLES, _SAMPLE_PORT)
    except OSError:
        return ReplayServer(SAMPLES)


def written_for(address: str, folder: Path) -> Path:
    """The sample feed files with the server's address in them, as a folder of their own; stale copies are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.toml"):
        stale.unlink()
    for path in sorted((SAMPLES / "feeds").glob("*.toml")):
        copy = folder / path.name
        if not path.is_file():  # a folder, a pipe, or a link to nothing: read_feeds names it
            copy.symlink_to(path)
            continue
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        copy.write_text(text.replace(_SAMPLE_ADDRESS, address), encoding="utf-8", errors="surrogateescape")
    return folder


if __name__ == "__main__":
    sys.exit(main())
