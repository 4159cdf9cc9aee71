"""A trial: how it is begun, how far it is, and its result, in files below ELIB_HOME/trials."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from loaders import trials
from loaders.reports import PreviewFacts
from loaders.store import is_locked
from pipeline.self_test import TestLine
from pipeline.trials.bounds import TrialBounds, TrialRefused, trial_feed
from schemas import ROOT, Base, Environment, Sentence, one_line, sentence

log = logging.getLogger("elib.web")
TrialState = Literal["waiting", "working", "done", "failed"]
Stage = Literal["waiting", "self_test", "reading", "judging", "done"]
_INBOX = "inbox:"
_START_SECONDS = 60.0  # until a process must have said that it is there
_MAX_UPLOAD_NAME_CHARS = 100


class Upload(NamedTuple):
    """A file that a partner sends instead of an address: its name as sent, and where it lies now (it is copied)."""

    name: str
    path: Path


class TrialRequest(Base, frozen=True, kw_only=True):
    """What is to be tried, as the process of the trial reads it."""

    declaration: dict[str, Any]
    by: str
    began_at: str
    upload: str
    bounds: TrialBounds


class TrialProgress(Base, frozen=True, kw_only=True):
    """How far a trial is, as its process writes it.

    began: when it began to work, in seconds since 1970; until: of the same clock, when it was written
    """

    stage: Stage
    records: int = 0
    began: float = 0.0
    until: float = 0.0
    lines: tuple[TestLine, ...] = ()
    has_failed: bool = False
    reason: Sentence | None = None


class Trial(Base, frozen=True, kw_only=True):
    """A trial as it stands now.

    id: 32 hexadecimal digits that cannot be guessed
    declaration: the feed's declaration as it was given, without its name
    by: who began it
    began_at, kept_until: UTC, ISO 8601
    state: failed has a `reason`, and may still have lines: what was found before it failed
    stage: what is done now
    records: records received so far, for the progress
    seconds: since it began to work
    ahead: trials that wait or work before this one
    lines: the self-test's lines so far
    preview: the result; None until it is there
    upload: the name of the uploaded file; empty without one
    """

    id: str
    declaration: dict[str, Any]
    by: str
    began_at: str
    kept_until: str
    state: TrialState = "waiting"
    stage: Stage = "waiting"
    reason: Sentence | None = None
    records: int = 0
    seconds: float = 0.0
    ahead: int = 0
    lines: tuple[TestLine, ...] = ()
    preview: PreviewFacts | None = None
    upload: str = ""


def begin_trial(
    env: Environment,
    declaration: Mapping[str, Any],
    *,
    by: str,
    upload: Upload | None = None,
    bounds: TrialBounds | None = None,
) -> str:
    """Begin a trial of a declaration (the keys of a feed file, without a name) and return its id at once.

    With an upload, the declaration's protocol is one that reads files, and its `url` may be left out. Raises
    TrialRefused: the declaration has a mistake, the upload is too large, too many trials wait, or no process starts.
    """
    bounds = bounds or TrialBounds()
    if upload is not None and upload.path.stat().st_size > bounds.upload_bytes:
        largest = bounds.upload_bytes // 2**20
        raise TrialRefused(sentence("The file is larger than %(megabytes)s MB.", megabytes=largest))
    trial_feed(_with_file(declaration, "upload") if upload else declaration, bounds)
    trials.remove_old_trials(env)
    with trials.ordering(env):
        _require_room(env, bounds)
        trial_id = trials.mint_trial_id()
        folder = _folder(env, trial_id)
        request = TrialRequest(
            declaration=dict(declaration),
            by=one_line(by),
            began_at=_text(datetime.now(UTC)),
            upload=one_line(upload.name)[:_MAX_UPLOAD_NAME_CHARS] if upload else "",
            bounds=bounds,
        )
        if upload is not None:
            stored = trials.keep_upload(folder, upload.path, upload.name)
            request = msgspec.structs.replace(request, declaration=_with_file(declaration, stored))
        trials.write_part(folder, "request", request)
        trials.join_queue(env, trial_id)
    _start(env, folder)
    return trial_id


def _with_file(declaration: Mapping[str, Any], stored: str) -> dict[str, Any]:
    return {**declaration, "url": f"{_INBOX}{stored}"}


def _require_room(env: Environment, bounds: TrialBounds) -> None:
    """Raise TrialRefused when too many trials wait; those that have ended without a word are taken out first."""
    for trial_id in trials.queue(env):
        trial = read_trial(env, trial_id, with_preview=False)
        if trial is None or trial.state in ("done", "failed"):
            trials.leave_queue(env, trial_id)
    if len(trials.queue(env)) >= bounds.at_once + bounds.waiting:
        raise TrialRefused(sentence("Many sources are being tested now. Try again in a few minutes."))


def _start(env: Environment, folder: Path) -> None:
    """Start the process of a trial in a session of its own, so that it outlives the web."""
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
        "ELIB_HOME": str(env.home),
        "ELIB_CATALOG_URL": env.catalog_url,
        "ELIB_FEEDS": str(env.feeds),
        "ELIB_ALLOW_PRIVATE": ",".join(sorted(env.allow_private)),
        "ELIB_LOCK_URL": env.lock_url,
    }
    try:
        with (folder / "log.txt").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.trials.worker", folder.name],
                cwd=ROOT,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        trials.leave_queue(env, folder.name)
        raise TrialRefused(sentence("No process could be started: %(reason)s", reason=str(error))) from error
    threading.Thread(target=process.wait, daemon=True).start()  # so that no zombie is left of it


def read_trial(env: Environment, trial_id: str, *, with_preview: bool = True) -> Trial | None:
    """Return a trial as it stands now; None when there is none with that id, or it is no longer kept.

    A trial whose process has ended without a result, or is past its time, has failed.
    """
    folder = trials.trial_folder(env, trial_id)
    request = trials.read_part(folder, "request", TrialRequest) if folder is not None else None
    if folder is None or request is None:
        return None
    progress = trials.read_part(folder, "progress", TrialProgress) or TrialProgress(stage="waiting")
    state, reason = _state(env, folder, request, progress)
    began = datetime.fromisoformat(request.began_at)
    until = progress.until if state in ("done", "failed") else _now()
    return Trial(
        id=trial_id,
        declaration=request.declaration,
        by=request.by,
        began_at=request.began_at,
        kept_until=_text(began + timedelta(days=trials.KEPT_DAYS)),
        state=state,
        stage=progress.stage,
        reason=reason,
        records=progress.records,
        seconds=max(0.0, until - progress.began) if progress.began else 0.0,
        ahead=_ahead(env, trial_id) if state == "waiting" else 0,
        lines=progress.lines,
        preview=trials.read_part(folder, "preview", PreviewFacts) if with_preview and state == "done" else None,
        upload=request.upload,
    )


def _state(
    env: Environment, folder: Path, request: TrialRequest, progress: TrialProgress
) -> tuple[TrialState, Sentence | None]:
    """Return the state of a trial, and why it has failed: judged by what its process wrote, and whether it is alive."""
    if progress.has_failed:
        return "failed", progress.reason
    if progress.stage == "done":
        return "done", None
    worker = trials.read_part(folder, "worker", str)
    age = _now() - datetime.fromisoformat(request.began_at).timestamp()
    if worker is None and age > _START_SECONDS:
        return "failed", sentence("The test did not begin. Begin it again.")
    if worker is not None and not is_locked(env, trials.trial_lock_name(folder.name)):
        progress = trials.read_part(folder, "progress", TrialProgress) or progress  # it may have ended just now
        return _state_of_ended(progress)
    if age > request.bounds.longest_seconds:
        return "failed", too_long(request.bounds)
    return ("waiting", None) if progress.stage == "waiting" else ("working", None)


def _state_of_ended(progress: TrialProgress) -> tuple[TrialState, Sentence | None]:
    if progress.has_failed or progress.stage == "done":
        return ("failed", progress.reason) if progress.has_failed else ("done", None)
    return "failed", sentence("The process that made the test ended before it was done. Begin it again.")


def too_long(bounds: TrialBounds) -> Sentence:
    """Return the sentence for a trial that is past its time."""
    seconds = round(bounds.work_seconds)
    return sentence("The test took longer than %(seconds)s seconds and was ended.", seconds=seconds)


def _ahead(env: Environment, trial_id: str) -> int:
    waiting = trials.queue(env)
    return waiting.index(trial_id) if trial_id in waiting else 0


def _folder(env: Environment, trial_id: str) -> Path:
    folder = trials.trial_folder(env, trial_id)
    if folder is None:
        raise ValueError(f"{trial_id!r} is not the id of a trial")
    return folder


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}Z"


def _now() -> float:
    return datetime.now(UTC).timestamp()
