"""When a task is tried again: after its process was killed or PostgreSQL went away, never because its work failed.

Every task that a feed's DAG or the catalog's has can be tried again at any point: what a killed one has left is taken
over and continued. A failure that ended the run (a partner that does not answer, a defect, a held run) would be the
same again at once, or has been tried again by the harvest itself.

ELIB_TASK_RETRIES says how often (5 unless given), ELIB_TASK_RETRY_SECONDS after how long the first time (10 unless
given, or somewhat later); each further try waits twice as long as the one before, five minutes and more in all.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryDecision, RetryPolicy

if TYPE_CHECKING:
    from airflow.sdk import Context

_RETRIES, _MAX_RETRIES = 5, 100
_RETRY_SECONDS, _MAX_RETRY_SECONDS = 10, 86_400
_BUSY_FACTOR = 3  # how many times longer a task waits that another one keeps from working


class TaskEnded(SystemExit):
    """The end of a task in one sentence, and whether its step was only interrupted and can be tried again."""

    def __init__(self, sentence: str, *, is_interrupted: bool) -> None:
        super().__init__(sentence)
        self.is_interrupted = is_interrupted


class RetryInterrupted(RetryPolicy):
    """Tries a task again unless it ended by itself, with a sentence that says why its work failed."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide as Airflow asks in the task's process; that of a killed process is tried again without being asked."""
        if isinstance(exception, TaskEnded) and not exception.is_interrupted:
            return RetryDecision.fail()
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Return nothing: the policy has no settings."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> RetryInterrupted:
        """Return the policy."""
        return cls()


def retries() -> dict[str, Any]:
    """Return the arguments of a task that is tried again when it was interrupted. Raises ValueError for nonsense."""
    return {
        "retries": _setting("ELIB_TASK_RETRIES", _RETRIES, _MAX_RETRIES),
        "retry_delay": timedelta(seconds=_setting("ELIB_TASK_RETRY_SECONDS", _RETRY_SECONDS, _MAX_RETRY_SECONDS)),
        "retry_exponential_backoff": 2,
        "retry_policy": RetryInterrupted(),
    }


def busy_delay() -> timedelta:
    """Return after how long a task begins again that waits for another one. Raises ValueError for nonsense."""
    seconds = _setting("ELIB_TASK_RETRY_SECONDS", _RETRY_SECONDS, _MAX_RETRY_SECONDS)
    return _BUSY_FACTOR * timedelta(seconds=max(1, seconds))


def _setting(name: str, default: int, most: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise ValueError(f"{name}={text} is not a whole number from 0 to {most}; leave it out for {default}")
    return int(text)
