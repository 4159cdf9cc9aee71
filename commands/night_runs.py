"""Run every feed's DAG, the catalog's and that of the downloads in this process, and print how each went.

Importing this imports Airflow: `commands.airflow_home.prepare` must run first.
"""

from __future__ import annotations

import logging
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import msgspec
from airflow.sdk import DAG
from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager
from sqlalchemy import select

from commands.terminal import Terminal
from commands.web import DEFAULT_PORT
from dags.catalog import dag as catalog_dag
from dags.downloads import dag as downloads_dag
from dags.feeds import build
from loaders.reports import reason_sentence
from loaders.search import library_state
from loaders.shell import elib_command
from loaders.store import RUN_COUNTS, HarvestRunRow, decode_reasons, read_transaction
from pipeline.downloads import downloads_due
from schemas import ROOT, Environment, FeedFolders

_NAME_WIDTH = 24  # columns
_FULL_DISK_BYTES = 1 << 20  # a disk with less free space is full
_STOPPED = threading.Event()  # Ctrl-C was pressed


def run_night(env: Environment, feeds: FeedFolders, terminal: Terminal) -> int:
    """Run the whole night; return 1 when a feed failed, a feed file is bad, or the catalog's DAG failed, else 0."""
    dags, problems = build(feeds)
    logging.getLogger("elib").addHandler(_TerminalLog(terminal))
    for problem in problems:
        terminal.say(f"BAD FEED FILE  {problem}", style="red")
    if not dags and not problems:
        terminal.say(f"{feeds} holds no feed file; look at ELIB_FEEDS.", style="red")
        return 1
    try:
        failures, published = _run_dags(env, terminal, dags)
    except _Stopped:
        terminal.say("Stopped; what was loaded stays, and the next night goes on from what was landed.", style="red")
        return 130
    _print_end(env, terminal, failures if published else failures + 1)
    _print_trouble(terminal, failures, len(problems))
    return 0 if published and not failures and not problems else 1


def _print_end(env: Environment, terminal: Terminal, failed_dags: int) -> None:
    terminal.say(f"catalog  {env.catalog_url.removeprefix('sqlite:///').split('@')[-1]}")
    terminal.say(f"report   {env.reports / 'night.html'}")
    terminal.say(f"log      {terminal.log}")
    if library_state(env) is not None:
        opens = "make web" if (ROOT / "Makefile").is_file() else elib_command("web")
        terminal.say(f"library  {opens}   then search it on http://127.0.0.1:{DEFAULT_PORT}/")
    if failed_dags and shutil.disk_usage(env.home).free < _FULL_DISK_BYTES:
        terminal.say(f"The disk of {env.home} is full: make room, and run the night again.", style="red")


def _print_trouble(terminal: Terminal, failures: int, problems: int) -> None:
    """Print how many feeds failed and how many feed files are bad, if any."""
    if failures or problems:
        terminal.say(f"{failures} feed(s) failed, {problems} feed file(s) cannot be used.", style="red")


def _run_dags(env: Environment, terminal: Terminal, dags: list[DAG]) -> tuple[int, bool]:
    """Run every feed's DAG, then the catalog's; return how many feeds failed, and whether the catalog was published.

    Raises _Stopped.
    """
    terminal.say(f"{len(dags)} feeds, one after the other:")
    terminal.say(f"{'feed':{_NAME_WIDTH}} " + " ".join(f"{name:>11}" for name in RUN_COUNTS))
    failures = 0
    with _interruptible():
        for number, dag in enumerate(dags, 1):
            failures += not _guarded(_run_feed_dag, env, terminal, dag, f"{number}/{len(dags)}")
        return failures, _guarded(_run_catalog_dag, env, terminal) and _guarded(_run_downloads_dag, env, terminal)


class _Stopped(Exception):
    """Ctrl-C was pressed."""


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the running task, as usual, and then the night: Airflow alone would start the next task."""
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


def _guarded(run_dag: Callable[..., bool], env: Environment, terminal: Terminal, *arguments: Any) -> bool:
    """Return whether a DAG ended well; an error of Airflow itself (a full disk) is printed, and the night continues.

    Raises _Stopped.
    """
    error_lines = None
    try:
        succeeded = run_dag(env, terminal, *arguments)
    except KeyboardInterrupt as error:
        raise _Stopped from error
    except Exception as error:
        succeeded, error_lines = False, str(error).strip().splitlines()
    if _STOPPED.is_set():
        raise _Stopped
    if error_lines is not None:
        terminal.working(None)
        name = arguments[0].dag_id.removeprefix("feed_") if arguments else "catalog"
        why = error_lines[0] if error_lines else "without a message"
        terminal.say(f"{name:{_NAME_WIDTH}} FAILED {why}; see the log", style="red")
    return succeeded


def _run_feed_dag(env: Environment, terminal: Terminal, dag: DAG, number: str) -> bool:
    """Run one feed's DAG and print a line on its result; return False when it failed."""
    name = dag.dag_id.removeprefix("feed_")
    before = _last_run(env, name)
    terminal.working(f"[{number}] {name}")
    succeeded = _test(dag)
    terminal.working(None)
    run = _last_run(env, name)
    if run is None or (before and run["id"] == before["id"]):
        terminal.say(f"{name:{_NAME_WIDTH}} FAILED before it began a run; see the log", style="red")
        return False
    if run["status"] == "failed" or not (succeeded or run["status"] == "held"):  # a held run fails its DAG
        why = f"{run['cause']}: {run['error']}" if run["error"] else "see the log"
        terminal.say(f"{name:{_NAME_WIDTH}} FAILED {why}", style="red")
        return False
    _print_counts(terminal, name, run)
    return True


def _print_counts(terminal: Terminal, name: str, run: dict[str, Any]) -> None:
    """Print the counts of a run that did not fail, why it is held, and the harvest's notes."""
    counts = f"{name:{_NAME_WIDTH}} " + " ".join(f"{run[count]:>11}" for count in RUN_COUNTS)
    held = run["status"] == "held"
    terminal.say(counts + ("  HELD" if held else ""), style="yellow" if held else None)
    decide = f"then decide: {elib_command('review', 'show', run['id'])}"
    reasons = [reason_sentence(reason, decide=decide) for reason in decode_reasons(run["reasons"])] if held else []
    notes = msgspec.json.decode(run["notes"], type=list[str]) if run["notes"] else []
    for line in [*reasons, *notes]:
        terminal.say(f"{'':{_NAME_WIDTH}}   {line}", style="yellow")


def _run_catalog_dag(env: Environment, terminal: Terminal) -> bool:
    before = _last_run(env, None)
    terminal.working("catalog: matching, publishing, reporting")
    succeeded = _test(catalog_dag)
    terminal.working(None)
    run = _last_run(env, None)
    if run is None or (before and run["id"] == before["id"]) or run["status"] != "loaded":
        why = run["error"] if run and run["status"] == "failed" else "nothing was published; see the log"
        terminal.say(f"{'catalog':{_NAME_WIDTH}} FAILED {why}", style="red")
        return False
    if not succeeded:
        why = "FAILED after it had published: a report or a notification; see the log"
        terminal.say(f"{'catalog':{_NAME_WIDTH}} {why}", style="red")
    terminal.say(
        f"Published {run['added'] + run['changed'] + run['unchanged']} resources of {run['listed']} live records: "
        f"{run['added']} added, {run['changed']} changed, {run['deleted']} withdrawn."
    )
    return succeeded


def _run_downloads_dag(env: Environment, terminal: Terminal) -> bool:
    """Write the downloads if anything changed, as the scheduler would after the catalog's run has asked for it."""
    if not downloads_due(env)[0]:
        return True
    terminal.working("downloads: writing")
    succeeded = _test(downloads_dag)
    terminal.working(None)
    if not succeeded:
        why = "FAILED to be written, and what is published is right; see the report"
        terminal.say(f"{'downloads':{_NAME_WIDTH}} {why}", style="red")
    return succeeded


def _test(dag: DAG) -> bool:
    """Run a DAG once in this process; return whether every task ended well (a held run's load does not).

    Airflow reads the DAG files again for each DAG; the context names the one, or each feed would build them all.
    """
    with _airflow_parsing_context_manager(dag_id=dag.dag_id):
        return str(dag.test().state) == "success"


def _last_run(env: Environment, feed: str | None) -> dict[str, Any] | None:
    """Return the row of the feed's newest run, or of the newest publication for None."""
    of_feed = HarvestRunRow.kind == "publish" if feed is None else HarvestRunRow.feed == feed
    query = select(HarvestRunRow.__table__).where(of_feed).order_by(HarvestRunRow.id.desc()).limit(1)
    with read_transaction(env) as connection:
        row = connection.execute(query).first()
    return dict(row._mapping) if row else None


class _TerminalLog(logging.Handler):
    """Shows the tasks' log lines on the terminal, each until the next."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.INFO)
        self.terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self.terminal.working(record.getMessage())
