"""A run that is of no feed, whose row says how it ended: whatever raises, the report and the notification tell it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schemas import Environment

if TYPE_CHECKING:
    from loaders.store import Run
    from pipeline.notifications import Receiver

log = logging.getLogger("elib.upkeep")
_MAX_ERROR_CHARS = 2_000
_KEPT = {
    "links": "What was checked before is kept; the next run goes on.",
    "downloads": "The earlier downloads are as they were.",
}


@dataclass
class Upkeep:
    """A run that goes on: its row, how many things it went through, and sentences for the operator."""

    run: Run
    listed: int = 0
    notes: list[str] = field(default_factory=list)


class UpkeepFailed(Exception):
    """A run of upkeep that could not be done; the message is one sentence for the operator, `cause` its code."""

    def __init__(self, sentence: str, cause: str) -> None:
        super().__init__(sentence)
        self.cause = cause


@contextmanager
def upkeep(env: Environment, kind: str) -> Iterator[Upkeep]:
    """Begin a run of a kind of UPKEEP_KINDS, and end its row: as failed, with one sentence, when something is raised.

    Raises FeedBusy, and records nothing, while another process has a run of the kind.
    """
    from loaders.store import end_upkeep_run, upkeep_run

    with upkeep_run(env, kind) as run:
        work = Upkeep(run)
        try:
            yield work
        except BaseException as error:
            _record_failure(env, kind, work, error)
            raise
        end_upkeep_run(env, run, listed=work.listed, notes=work.notes)


def _record_failure(env: Environment, kind: str, work: Upkeep, error: BaseException) -> None:
    """Write why a run failed; where not even that can be written, log it, and do not hide why."""
    from loaders.store import end_upkeep_run

    failure = _failure(env, kind, error)
    try:
        end_upkeep_run(env, work.run, listed=work.listed, notes=work.notes, failure=failure)
    except Exception as second:
        log.warning("%s: that it failed could not be recorded: %s: %s", work.run.id, type(second).__name__, second)


def _failure(env: Environment, kind: str, error: BaseException) -> tuple[str, str]:
    """Return the cause and the sentence of an error."""
    from loaders.downloads import DownloadsFailed
    from loaders.store import storage_sentence

    if isinstance(error, UpkeepFailed | DownloadsFailed):
        return error.cause, str(error)
    if sentence := storage_sentence(error, env):
        return "unusable_file", f"{sentence}. {_KEPT[kind]}"
    return "crashed", f"{type(error).__name__}: {error}"[:_MAX_ERROR_CHARS].rstrip(".") + f". {_KEPT[kind]}"


def tell_failed_upkeep(
    env: Environment, kind: str, find: Callable[[str], Receiver], now: datetime | None = None
) -> str:
    """Write the night's report anew after a run has failed or was killed, and notify; return a sentence.

    Raises NotSent.
    """
    from loaders.reports import upkeep_need
    from loaders.store import end_interrupted_upkeep, failed_upkeep, read_transaction
    from pipeline.catalog import report_feed
    from pipeline.notifications import send_needs

    end_interrupted_upkeep(env, kind)
    report_feed(None)
    with read_transaction(env) as connection:
        failed: list[Mapping[str, Any]] = [run for run in failed_upkeep(connection) if run["kind"] == kind]
    if not failed:
        return f"nothing was sent: the newest run of {kind} has not failed; the failed task's log says what happened"
    return send_needs(env, kind, [upkeep_need(run) for run in failed], now or datetime.now(UTC), find)
