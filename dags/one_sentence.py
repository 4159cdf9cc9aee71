"""How a failed task ends: in one sentence, the last line of its log.

Airflow logs an exception with its trace, some fifty frames of which none helps an operator; of SystemExit it logs only
the code, here the sentence (decision 074). A defect of ours keeps its trace, above the sentence.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from airflow.sdk.exceptions import AirflowException, AirflowTaskTimeout

from dags.retrying import TaskEnded

log = logging.getLogger("elib.task")


@contextmanager
def ends_in_one_sentence(feed: str | None = None, *, waits: bool = True) -> Iterator[None]:
    """Turn an exception of a task's body into TaskEnded with one sentence; Airflow's own (a skip) pass.

    With a feed, the night's report and the feed's are written anew first, because no publication may follow. Without
    `waits`, a task that meets another process at work is not tried again.
    """
    try:
        yield
    except AirflowException:
        raise
    except (Exception, AirflowTaskTimeout) as error:
        _end(error, feed, waits)


def _end(error: BaseException, feed: str | None, waits: bool) -> NoReturn:
    from loaders.store import FeedBusy, is_interruption
    from pipeline.endings import defect_sentence, failure_sentence

    sentence = failure_sentence(error)
    if sentence is None:
        log.error("A defect of the software, or of the machine:", exc_info=error)
        sentence = defect_sentence(error)
    is_interrupted = is_interruption(error) or (waits and isinstance(error, FeedBusy))
    if feed is not None and not is_interrupted:
        _refresh_reports(feed)
    raise TaskEnded(sentence, is_interrupted=is_interrupted) from error


def _refresh_reports(feed: str) -> None:
    """Write the reports anew; that this fails is logged, and does not hide why the task failed."""
    from pipeline.catalog import report_feed

    try:
        report_feed(feed)
    except Exception as error:
        log.warning("The night's report could not be written anew: %s: %s", type(error).__name__, error)
