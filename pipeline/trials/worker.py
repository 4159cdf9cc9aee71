"""The process of one trial: python -m pipeline.trials.worker ID. It tests the source, makes the preview, and ends.

Its time, memory and files are bounded by the operating system; what it does is told in its folder. It writes to no
landing, staging or catalog.
"""

from __future__ import annotations

import errno
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from loaders import trials
from loaders.store import hold_lock, this_worker
from pipeline.self_test import TestLine, failure_message, self_test
from pipeline.trials.bounds import trial_feed
from pipeline.trials.trial import Stage, TrialProgress, TrialRequest, read_trial, too_long
from schemas import Environment, Feed, HarvestFailed, Sentence, environment, sentence

log = logging.getLogger("elib.trial")
_POLL_SECONDS = 0.2  # between two looks whether it is this trial's turn
_WRITE_SECONDS = 0.5  # between two notes of the progress
_HARD_SECONDS = 10  # after its time, until the operating system ends the process
_NICENESS = 5  # the web and the night come first
_MAX_SOURCE_CHARS = 60_000  # of a record, in the result
_INBOX = "inbox:"
_REACHABLE = "reachable"  # the check without which nothing else can be made


@dataclass
class Work:
    """One trial at work."""

    env: Environment
    folder: Path
    request: TrialRequest
    lines: list[TestLine] = field(default_factory=list)
    stage: Stage = "waiting"
    records: int = 0
    began: float = 0.0
    deadline: float = 0.0  # of test and preview, of time.monotonic
    written: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, failed: Sentence | None = None, now: bool = True) -> None:
        """Write the progress; without `now` only when the last time is a while ago."""
        if not now and time.monotonic() - self.written < _WRITE_SECONDS:
            return
        with self.lock:
            progress = TrialProgress(
                stage=self.stage,
                records=self.records,
                began=self.began,
                until=time.time(),
                lines=tuple(self.lines),
                has_failed=failed is not None,
                reason=failed,
            )
            trials.write_part(self.folder, "progress", progress)
            self.written = time.monotonic()

    def go_on(self, stage: Stage) -> None:
        """Note that a stage begins."""
        self.stage = stage
        self.note()

    def count(self, records: int) -> None:
        """Note how many records have come."""
        self.records = records
        self.note(now=False)


def main(trial_id: str) -> int:
    """Make a trial; return 0 whenever its end was written."""
    env = environment()
    folder = trials.trial_folder(env, trial_id)
    request = trials.read_part(folder, "request", TrialRequest) if folder is not None else None
    if folder is None or request is None:
        sys.stderr.write(f"{trial_id!r} is not a trial of this installation\n")
        return 2
    with hold_lock(env, trials.trial_lock_name(trial_id), is_noted=False):
        trials.write_part(folder, "worker", this_worker())
        work = Work(env, folder, request)
        try:
            if _wait_for_turn(work):
                _begin(work)
                _end(work, _outcome(work))
            else:
                _end(work, sentence("Too many other sources were tested before this one. Begin it again."))
        finally:
            trials.leave_queue(env, trial_id)
    return 0


def _wait_for_turn(work: Work) -> bool:
    """Wait until fewer trials work than may, and none waits before this one; return False when that takes too long."""
    bounds = work.request.bounds
    until = time.monotonic() + bounds.wait_seconds
    while time.monotonic() < until:
        if _is_next(work) and trials.take_slot(work.env, bounds.at_once) is not None:
            return True  # the place is given back when this process ends
        time.sleep(_POLL_SECONDS)
    return False


def _is_next(work: Work) -> bool:
    """Return whether no trial waits before this one whose process is alive."""
    for trial_id in trials.queue(work.env):
        if trial_id == work.folder.name:
            return True
        trial = read_trial(work.env, trial_id, with_preview=False)
        if trial is not None and trial.state == "waiting":
            return False
    return True


def _begin(work: Work) -> None:
    """Bound this process: niceness, memory, size of files, and time, by a timer and by the operating system."""
    bounds = work.request.bounds
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bounds.file_bytes, bounds.file_bytes))
    resource.setrlimit(resource.RLIMIT_AS, (bounds.memory_bytes, bounds.memory_bytes))
    signal.alarm(int(bounds.work_seconds) + _HARD_SECONDS)  # ends the process even where no Python runs
    work.began = time.time()
    work.deadline = time.monotonic() + bounds.test_seconds + bounds.preview_seconds
    timer = threading.Timer(bounds.work_seconds, _give_up, (work,))
    timer.daemon = True
    timer.start()


def _give_up(work: Work) -> None:
    """End the process that is past its time, with a sentence."""
    try:
        work.note(failed=too_long(work.request.bounds))
    finally:
        trials.leave_queue(work.env, work.folder.name)
        os._exit(1)


def _end(work: Work, failed: Sentence | None) -> None:
    if failed is None:
        work.stage = "done"
    work.note(failed=failed)


def _outcome(work: Work) -> Sentence | None:
    """Test, and preview; return why there is no preview, None when there is one."""
    return _within_memory(lambda: _tested_and_previewed(work))


def _within_memory(step: Callable[[], Sentence | None]) -> Sentence | None:
    """Return what a step returns; a sentence when it needs more memory than it may have, or fails unexpectedly."""
    try:
        return step()
    except MemoryError:
        pass  # the frames that held the memory must be gone before anything is written
    except Exception as error:  # of a library, for what a partner sends; the process's log has all of it
        if not (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            log.exception("the trial failed")
            return sentence("The preview could not be made; the library's log says why.")
    return sentence("The source needs more memory than a test may take. Give smaller pages, or smaller files.")


def _require_memory(error: BaseException | None) -> None:
    """Raise MemoryError when that is what a harvest has made a failure of."""
    while error is not None:
        if isinstance(error, MemoryError):
            raise MemoryError from error
        error = error.__cause__


def _tested_and_previewed(work: Work) -> Sentence | None:
    feed = trial_feed(work.request.declaration, work.request.bounds)
    env = _harvest_environment(work, feed)
    work.go_on("self_test")
    for line in self_test(feed, env, seconds=work.request.bounds.test_seconds):
        work.lines.append(line)
        work.note(now=False)
    unreached = next((line for line in work.lines if line.check == _REACHABLE and line.level == "problem"), None)
    if unreached is not None:
        return unreached.message
    work.go_on("reading")
    return _previewed(work, feed, env)


def _harvest_environment(work: Work, feed: Feed) -> Environment:
    """Return where the source is read: an uploaded file lies in the trial's own inbox, and no other is reached."""
    is_file = feed.traits.reads_inbox and feed.url.startswith(_INBOX)
    return msgspec.structs.replace(work.env, home=work.folder) if is_file else work.env


def _previewed(work: Work, feed: Feed, env: Environment) -> Sentence | None:
    """Write the preview; return why there is none."""
    from pipeline.preview import PREVIEW_RECORDS, NoIdentifiers, NoRecords, SampleBounds, make_preview
    from pipeline.trials.result import fitting_result

    bounds = work.request.bounds
    try:
        made = make_preview(
            feed,
            PREVIEW_RECORDS,
            work.env,
            harvest_env=env,
            bounds=SampleBounds(work.deadline, work.count, partial(work.go_on, "judging")),
            max_chars=_MAX_SOURCE_CHARS,
        )
    except HarvestFailed as failure:
        _require_memory(failure)
        return failure_message(failure)
    except NoIdentifiers:
        names = " + ".join(feed.identifier)
        return sentence("No record has the identifier that the settings name: %(names)s.", names=names)
    except NoRecords as error:
        return sentence("There is no record to show: %(reason)s", reason=str(error))
    trials.write_part(work.folder, "preview", fitting_result(made.facts, bounds.result_bytes))
    return None


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else ""))
