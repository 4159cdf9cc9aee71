"""Do what takes long outside the request: in Airflow where that is configured, else in a process of its own.

A piece of work is a file in ELIB_HOME/web, and the log of its process beside it. How far it is, is read from the run
that it has begun, and whether its process is alive from the lock that this has (`elib`, told by ELIB_WORK): so it does
not matter whether anybody looks, whether the web is started again meanwhile, or on which machine it is asked.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import httpx
import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from loaders.browse import PUBLICATIONS, RunSummary, first_run_after, newest_run, read_run_summary
from loaders.store import (
    INTERRUPTED,
    FeedBusy,
    LockUnusable,
    fail_run,
    hold_lock,
    now,
    read_transaction,
    run_lock_name,
    whole_file,
)
from loaders.web_work import WORK_VARIABLE, ended_at, forget_work, has_begun, is_at_work, note_end
from schemas import ROOT, Base, Environment, one_line, sentence

log = logging.getLogger("elib.web")
Action = Literal["release", "publish", "reprocess", "reprocess and publish", "harvest", "full harvest"]
State = Literal["working", "done", "held", "failed"]
_WORK_ID = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{10}")
_MAX_LOG_BYTES = 8_000  # of a log's end that are read
_MAX_SENTENCE_CHARS = 600
_MAX_KEPT = 100  # pieces of work of which file and log stay
_AIRFLOW_SECONDS = 10.0
_UNFINISHED = ("running", "landed")
_START_SECONDS = 60  # that a process may take until it has its lock
_END_SECONDS = 5  # until the lock of a process that was killed is free
ENDED_EARLY = "The process that did it ended before it was done. What was received is kept; start it again."


class CannotBegin(Exception):
    """The work could not be begun; the text says why."""


class Work(Base, frozen=True, kw_only=True):
    """A piece of work: what is done to what, who began it and why.

    target: a run's id (release), a feed's name (reprocess, harvest, full harvest), feeds' names with spaces between
        (reprocess and publish), empty for publish
    run_before: the newest run of the feed, or publication, when it was begun; a later one is this work's
    pid: the process that does it, for people; None where Airflow does it
    airflow: the address of the DAG's run in Airflow; empty where a process does it
    """

    id: str
    action: Action
    target: str
    by: str
    reason: str
    began_at: str
    run_before: str = ""
    pid: int | None = None
    airflow: str = ""


class Progress(NamedTuple):
    """How far a piece of work is: its state, the run that it works on, and the last line that its process wrote."""

    state: State
    run: RunSummary | None
    sentence: str


def begin_work(env: Environment, action: Action, target: str, *, by: str, reason: str) -> Work:
    """Begin a piece of work and return it at once; where the same is under way already, return that.

    Raises CannotBegin when Airflow does not take it, or no process can be started.
    """
    for earlier in _latest(env):
        is_same = (earlier.action, earlier.target) == (action, target)
        if is_same and progress_of(env, earlier).state == "working":
            return earlier
    with read_transaction(env) as connection:
        before = newest_run(connection, _feed_of_run(action, target))
    work = Work(
        id=f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(5)}",
        action=action,
        target=target,
        by=by,
        reason=one_line(reason),
        began_at=now(),
        run_before=before.id if before else "",
    )
    airflow = _airflow_url()
    begun = _begin_in_airflow(env, airflow, work) if airflow and action != "release" else None
    work = begun or _begin_process(env, work)
    _keep(env, work)
    return work


def begin_reprocesses(env: Environment, feeds: Sequence[str], *, by: str, reason: str) -> Work:
    """Begin to reprocess feeds and to publish what comes of it; return the work, of several in Airflow the last.

    In Airflow each feed is a run of the DAG `reprocess`, after which the catalog's DAG publishes. Raises CannotBegin.
    """
    if not _airflow_url():
        return begin_work(env, "reprocess and publish", " ".join(feeds), by=by, reason=reason)
    return [begin_work(env, "reprocess", feed, by=by, reason=reason) for feed in feeds][-1]


def read_work(env: Environment, work_id: str) -> Work | None:
    """Return a piece of work by its id; None when there is none."""
    if not _WORK_ID.fullmatch(work_id):
        return None
    try:
        return msgspec.json.decode(_path(env, work_id).read_bytes(), type=Work)
    except FileNotFoundError:
        return None


def work_on(env: Environment, target: str) -> Work | None:
    """Return the newest piece of work on a run or feed; None when there was none lately."""
    return next((work for work in _latest(env) if work.target == target), None)


def work_behind(env: Environment, run: RunSummary) -> Work | None:
    """Return the piece of work that began a run or released it; None when that was no work of the console."""
    with read_transaction(env) as connection:
        for work in _latest(env):
            if work.target in (run.id, run.feed or ""):
                its_run = _run_of(env, connection, work)
                if its_run is not None and its_run.id == run.id:
                    return work
    return None


def progress_of(env: Environment, work: Work) -> Progress:
    """Return how far a piece of work is: from its run, whether its process still works, and the end of its log."""
    is_alive = _is_alive(env, work)  # before its run and log are read: they change no more once it has ended
    with read_transaction(env) as connection:
        run = _run_of(env, connection, work)
    line = _last_line(env, work)
    if _is_at_work(work, run, is_alive=is_alive):
        return Progress("working", run, line)
    if run is None or not _has_ended(work, run):
        return Progress("failed", run, line or ENDED_EARLY)
    if run.status == "failed":
        return Progress("failed", run, run.error or line)
    return Progress("held" if run.status == "held" else "done", run, line)


def _has_ended(work: Work, run: RunSummary) -> bool:
    return run.status != "held" if work.action == "release" else run.status not in _UNFINISHED


def _run_of(env: Environment, connection: Connection, work: Work) -> RunSummary | None:
    """Return the run that the work has begun: the first one since, unless its process had ended before."""
    if work.action == "release":
        return read_run_summary(connection, work.target)
    run = first_run_after(connection, _feed_of_run(work.action, work.target), work.run_before)
    is_later = (
        run is not None and not work.airflow and not _is_alive(env, work) and run.started_at > _ended_at(env, work)
    )
    return None if is_later else run


def _ended_at(env: Environment, work: Work) -> str:
    """Return when the work's process ended, as the catalog writes times; unless noted, when it wrote its log last."""
    ended, path = ended_at(env, work.id), _log_path(env, work)
    if ended is None:
        ended = path.stat().st_mtime if path.exists() else 0.0
    return datetime.fromtimestamp(ended, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _feed_of_run(action: Action, target: str) -> str:
    """Return the feed of the run that tells how far the work is; of what ends with a publication it is that."""
    return PUBLICATIONS if action in ("publish", "reprocess and publish") else target


def _airflow_url() -> str:
    return os.environ.get("ELIB_AIRFLOW_URL", "").rstrip("/")


def _is_at_work(work: Work, run: RunSummary | None, *, is_alive: bool) -> bool:
    """Return whether the work goes on; of Airflow's, only the run says that it has ended."""
    return run is None or run.status in _UNFINISHED if work.airflow else is_alive


def _is_alive(env: Environment, work: Work) -> bool:
    """Return whether the work's process has its lock, or may still be about to take it."""
    if is_at_work(env, work.id):
        return True
    if ended_at(env, work.id) is not None or has_begun(env, work.id):
        return is_at_work(env, work.id)  # it may have begun since
    return datetime.now(UTC) - datetime.fromisoformat(work.began_at) < timedelta(seconds=_START_SECONDS)


def _begin_process(env: Environment, work: Work) -> Work:
    """Start `elib` in a session of its own, so that it outlives the web; a thread waits for its end."""
    log_path = _log_path(env, work)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    variables = {
        **os.environ,
        "ELIB_HOME": str(env.home),
        "ELIB_CATALOG_URL": env.catalog_url,
        "ELIB_FEEDS": str(env.feeds),
        "ELIB_ALLOW_PRIVATE": ",".join(sorted(env.allow_private)),
        "ELIB_LOCK_URL": env.lock_url,
        WORK_VARIABLE: work.id,
    }
    try:
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "commands.cli", *_words(work)],
                cwd=ROOT,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise CannotBegin(sentence("No process could be started: %(why)s", why=str(error))) from error
    begun = msgspec.structs.replace(work, pid=process.pid)
    threading.Thread(target=_wait, args=(env, begun, process), daemon=True).start()
    return begun


def _words(work: Work) -> list[str]:
    """Return the command's words; none of them passes through a shell."""
    if work.action == "release":
        return ["review", "release", work.target, f"--by={work.by}", f"--reason={work.reason}", "--publish"]
    if work.action == "publish":
        return ["publish"]
    if work.action == "reprocess":
        return ["reprocess", work.target]
    if work.action == "reprocess and publish":
        return ["reprocess", "--publish", *work.target.split()]
    return ["harvest-now", work.target, *(["--full"] if work.action == "full harvest" else [])]


def _wait(env: Environment, work: Work, process: subprocess.Popen[bytes]) -> None:
    """Wait for the process; when it was killed, end the run that it has left, so that the run says so."""
    process.wait()
    try:
        note_end(env, work.id)
        with read_transaction(env) as connection:
            run = _run_of(env, connection, work)
        if run is not None and run.status in _UNFINISHED and run.dag is None:
            with hold_lock(env, run_lock_name(run.kind, run.feed), wait_seconds=_END_SECONDS):
                fail_run(env, run.id, INTERRUPTED, ENDED_EARLY)
    except (SQLAlchemyError, OSError, LockUnusable, FeedBusy) as error:  # the feed's next run ends it
        log.warning("%s %s: how its process ended is not recorded: %s", work.action, work.target, error)


def _begin_in_airflow(env: Environment, url: str, work: Work) -> Work | None:
    """Trigger the DAG by Airflow's REST API, and return the work with the address of the DAG's run.

    None when Airflow would not run it: its DAG is paused there, or Airflow does not know it yet. Raises CannotBegin.
    """
    dag, conf = _dag_of(work)
    body = {"logical_date": None, "conf": conf, "note": f"{work.by}: {work.reason}"}
    try:
        with httpx.Client(base_url=url, timeout=_AIRFLOW_SECONDS) as client:
            token = _answer_of(client.post("/auth/token", json=_airflow_login(env)))["access_token"]
            bearer = {"authorization": f"Bearer {token}"}
            known = client.get(f"/api/v2/dags/{dag}", headers=bearer)
            if known.status_code == httpx.codes.NOT_FOUND or _answer_of(known)["is_paused"]:
                return None
            run = _answer_of(client.post(f"/api/v2/dags/{dag}/dagRuns", json=body, headers=bearer))["dag_run_id"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, OSError) as error:
        raise CannotBegin(
            sentence(
                "Airflow at %(url)s does not begin %(dag)s: %(why)s",
                url=url,
                dag=dag,
                why=str(one_line(str(error))[:_MAX_SENTENCE_CHARS]),
            )
        ) from error
    return msgspec.structs.replace(work, airflow=str(httpx.URL(f"{_address_for_people(url)}/dags/{dag}/runs/{run}")))


def _address_for_people(url: str) -> str:
    """Return the address of Airflow's pages that people use; the web itself may reach it by another."""
    return os.environ.get("AIRFLOW__API__BASE_URL", "").rstrip("/") or url


def _airflow_login(env: Environment) -> dict[str, str]:
    """Return the name and password for Airflow: those of the variables, or the admin's that Airflow itself has made."""
    name, password = (os.environ.get(f"ELIB_AIRFLOW_{each}", "") for each in ("USERNAME", "PASSWORD"))
    if password:
        return {"username": name, "password": password}
    usual = env.home / "airflow" / "passwords.json"  # where `elib airflow` lets Airflow write it
    path = Path(os.environ.get("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE") or usual)
    name = name or "admin"
    try:
        return {"username": name, "password": msgspec.json.decode(path.read_bytes(), type=dict[str, str])[name]}
    except (OSError, KeyError, msgspec.DecodeError) as error:
        raise ValueError(
            f"ELIB_AIRFLOW_USERNAME and ELIB_AIRFLOW_PASSWORD are not set, and {path} has no password of {name}"
        ) from error


def _answer_of(response: httpx.Response) -> Any:
    if response.is_error:
        raise ValueError(f"it answers {response.status_code} {response.text[:200]}")
    return response.json()


def _dag_of(work: Work) -> tuple[str, dict[str, Any]]:
    """Return the DAG that does the work, and the configuration of its run."""
    if work.action == "publish":
        return "catalog", {}
    if work.action.startswith("reprocess"):
        return "reprocess", {"feed": work.target}
    return f"feed_{work.target}", {"full": True} if work.action == "full harvest" else {}


def _keep(env: Environment, work: Work) -> None:
    with whole_file(_path(env, work.id)) as temporary:
        temporary.write_bytes(msgspec.json.encode(work))
    for old in _newest_files(env)[_MAX_KEPT:]:
        old.with_suffix(".log").unlink(missing_ok=True)
        forget_work(env, old.stem)
        old.unlink(missing_ok=True)


def _latest(env: Environment) -> Iterator[Work]:
    """Yield the pieces of work, newest first."""
    for path in _newest_files(env):
        if (work := read_work(env, path.stem)) is not None:
            yield work


def _newest_files(env: Environment) -> list[Path]:
    return sorted((env.home / "web").glob("*.json"), reverse=True)


def _path(env: Environment, work_id: str) -> Path:
    return env.home / "web" / f"{work_id}.json"


def _log_path(env: Environment, work: Work) -> Path:
    return _path(env, work.id).with_suffix(".log")


def _last_line(env: Environment, work: Work) -> str:
    """Return the last line of the work's log that has a text; empty without one."""
    path = _log_path(env, work)
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _MAX_LOG_BYTES))
        lines = log.read().decode(errors="replace").splitlines()
    return next((one_line(line)[:_MAX_SENTENCE_CHARS] for line in reversed(lines) if line.strip()), "")
