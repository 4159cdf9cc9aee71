"""Runs every feed's DAG and then the catalog's, one after the other in this process, and says how each went."""

from __future__ import annotations

import logging
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
from airflow.sdk import DAG
from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager
from sqlalchemy import select

from commands.terminal import Terminal
from dags.feeds import build
from loaders.store import FUNNEL, HarvestRunRow, decode_reasons, read_transaction
from schemas import Environment

_WIDTH = 24
_FULL = 1 << 20  # bytes; less is left on a full disk
_STOPPED = threading.Event()  # somebody pressed Ctrl-C


def run_night(env: Environment, feeds: Path, terminal: Terminal) -> int:
    """The whole night; 1 when a feed failed, a feed file is bad, or the catalog's DAG failed, else 0."""
    dags, problems = build(feeds)
    logging.getLogger("elib").addHandler(_Said(terminal))
    for problem in problems:
        terminal.say(f"BAD FEED FILE  {problem}", style="red")
    if not dags and not problems:
        terminal.say(f"{feeds} holds no feed file; look at ELIB_FEEDS.", style="red")
        return 1
    terminal.say(f"{len(dags)} feeds, one after the other:")
    terminal.say(f"{'feed':{_WIDTH}} " + " ".join(f"{name:>11}" for name in FUNNEL))
    try:
        with _heeding_ctrl_c():
            good = [_guarded(_run_feed_dag, env, terminal, dag, f"{n}/{len(dags)}") for n, dag in enumerate(dags, 1)]
            published = _guarded(_run_catalog_dag, env, terminal)
    except _Stopped:
        terminal.say("Stopped; what was loaded stays, and the next night goes on from what was landed.", style="red")
        return 130
    terminal.say(f"catalog  {env.catalog_url.removeprefix('sqlite:///').split('@')[-1]}")
    terminal.say(f"report   {env.reports / 'night.html'}")
    terminal.say(f"log      {terminal.log}")
    failed = good.count(False)
    if (failed or not published) and shutil.disk_usage(env.home).free < _FULL:
        terminal.say(f"The disk of {env.home} is full: make room, and run the night again.", style="red")
    if failed or problems:
        terminal.say(f"{failed} feed(s) failed, {len(problems)} feed file(s) cannot be used.", style="red")
    return 0 if all(good) and published and not problems else 1


class _Stopped(Exception):
    """Somebody pressed Ctrl-C."""


@contextmanager
def _heeding_ctrl_c() -> Iterator[None]:
    """Ctrl-C ends the task at work, as usual, and then the night: Airflow alone would go on with the next task."""
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:
        _STOPPED.set()
        raise KeyboardInterrupt

    _STOPPED.clear()
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _guarded(run: Callable[..., bool], env: Environment, terminal: Terminal, *more: Any) -> bool:
    """Whether a DAG ended well. What Airflow itself cannot bear (a full disk) is told in a line, and the night goes on.

    Raises Stopped.
    """
    said = None
    try:
        ended = run(env, terminal, *more)
    except KeyboardInterrupt as error:
        raise _Stopped from error
    except Exception as error:
        ended, said = False, str(error).strip().splitlines()
    if _STOPPED.is_set():
        raise _Stopped
    if said is not None:
        terminal.working(None)
        name = more[0].dag_id.removeprefix("feed_") if more else "catalog"
        terminal.say(f"{name:{_WIDTH}} FAILED {said[0] if said else 'without a word'}; see the log", style="red")
    return ended


def _run_feed_dag(env: Environment, terminal: Terminal, dag: DAG, number: str) -> bool:
    """One feed's DAG; its line on the terminal says what came of it. False when it failed."""
    name = dag.dag_id.removeprefix("feed_")
    before = _last_run(env, name)
    terminal.working(f"[{number}] {name}")
    succeeded = _test(dag)
    terminal.working(None)
    run = _last_run(env, name)
    if run is None or (before and run["id"] == before["id"]):
        terminal.say(f"{name:{_WIDTH}} FAILED before it began a run; see the log", style="red")
        return False
    if run["status"] == "failed" or not succeeded:
        said = f"{run['cause']}: {run['error']}" if run["error"] else "see the log"
        terminal.say(f"{name:{_WIDTH}} FAILED {said}", style="red")
        return False
    line = f"{name:{_WIDTH}} " + " ".join(f"{run[count]:>11}" for count in FUNNEL)
    held = run["status"] == "held"
    terminal.say(line + ("  HELD" if held else ""), style="yellow" if held else None)
    for line in [*(reasons(run) if held else ()), *notes(run)]:
        terminal.say(f"{'':{_WIDTH}}   {line}", style="yellow")
    return True


def _run_catalog_dag(env: Environment, terminal: Terminal) -> bool:
    from dags.catalog import dag

    before = _last_run(env, None)
    terminal.working("catalog: matching, publishing, reporting")
    succeeded = _test(dag)
    terminal.working(None)
    run = _last_run(env, None)
    if run is None or (before and run["id"] == before["id"]) or run["status"] != "loaded":
        said = run["error"] if run and run["status"] == "failed" else "nothing was published; see the log"
        terminal.say(f"{'catalog':{_WIDTH}} FAILED {said}", style="red")
        return False
    if not succeeded:
        said = "FAILED after it had published: a report or a notification; see the log"
        terminal.say(f"{'catalog':{_WIDTH}} {said}", style="red")
    terminal.say(
        f"Published {run['added'] + run['changed'] + run['unchanged']} resources of {run['listed']} live records: "
        f"{run['added']} added, {run['changed']} changed, {run['deleted']} withdrawn."
    )
    return succeeded


def _test(dag: DAG) -> bool:
    """Run a DAG once in this process; whether every task ended well (a skipped load of a held run does).

    Airflow reads the DAG files again for each DAG; they are told for which, or each feed would build them all.
    """
    with _airflow_parsing_context_manager(dag_id=dag.dag_id):
        return str(dag.test().state) == "success"


def _last_run(env: Environment, feed: str | None) -> dict[str, Any] | None:
    """The newest run of the feed (None: the newest publication) as its row says."""
    of = HarvestRunRow.feed.is_(None) if feed is None else HarvestRunRow.feed == feed
    with read_transaction(env) as connection:
        row = connection.execute(
            select(HarvestRunRow.__table__).where(of).order_by(HarvestRunRow.id.desc()).limit(1)
        ).first()
    return dict(row._mapping) if row else None


def reasons(run: dict[str, Any]) -> list[str]:
    from loaders.reports.reasons import sentences

    return sentences(decode_reasons(run["reasons"]))


def notes(run: dict[str, Any]) -> list[str]:
    """What an operator should know of a harvest that ended well."""
    return msgspec.json.decode(run["notes"], type=list[str]) if run["notes"] else []


class _Said(logging.Handler):
    """Shows on the terminal, while they last, the lines that our tasks write into their log."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.INFO)
        self.terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self.terminal.working(record.getMessage())
