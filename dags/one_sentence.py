"""How a failed task ends: in one sentence, the last line of its log.

Airflow logs an exception with its trace, some fifty frames of which none helps an operator; of SystemExit it logs only
the code, here the sentence (decision 074). A defect of ours keeps its trace, above the sentence.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowRescheduleException, AirflowTaskTimeout

from dags.retrying import TaskEnded, busy_delay

log = logging.getLogger("elib.task")
MAX_WAIT = timedelta(days=1)  # of a task for another one that is at work


@contextmanager
def ends_in_one_sentence(feed: str | None = None, *, waits: bool = True) -> Iterator[None]:
    """Turn an exception of a task's body into TaskEnded with one sentence; Airflow's own (a skip) pass.

    With a feed, the night's report and the feed's are written anew first, because no publication may follow. A task
    that meets another one at work, such as a harvest a reprocess of its feed, is put off until that has ended, for at
    most MAX_WAIT; without `waits`, it fails at once.
    """
    try:
        yield
    except AirflowException:
        raise
    except (Exception, AirflowTaskTimeout) as error:
        _end(error, feed, waits)


def _end(error: BaseException, feed: str | None, waits: bool) -> NoReturn:
    from loaders.store import FeedBusy, is_interruption
    from pipeline.catalog import PublicationUnfinished
    from pipeline.endings import defect_sentence, failure_sentence

    sentence = failure_sentence(error)
    if sentence is None:
        log.error("A defect of the software, or of the machine:", exc_info=error)
        sentence = defect_sentence(error)
    if waits and isinstance(error, FeedBusy):
        _put_off(sentence)
    is_interrupted = is_interruption(error) or isinstance(error, PublicationUnfinished)
    if feed is not None and not is_interrupted:
        _refresh_reports(feed)
    raise TaskEnded(sentence, is_interrupted=is_interrupted) from error


def _put_off(sentence: str) -> None:
    """Have Airflow begin the task anew in a while, which counts as no try; return when it has waited for too long."""
    now, context = datetime.now(UTC), get_current_context()
    since = context["ti"].get_first_reschedule_date(context)
    if since is not None and now - since > MAX_WAIT:
        return
    then = now + busy_delay()
    log.warning("%s. This task waits, and begins again at %s", sentence.rstrip("."), f"{then:%H:%M:%S} UTC")
    raise AirflowRescheduleException(then)  # type: ignore[no-untyped-call]


def _refresh_reports(feed: str) -> None:
    """Write the reports anew; that this fails is logged, and does not hide why the task failed."""
    from pipeline.catalog import report_feed

    try:
        report_feed(feed)
    except Exception as error:
        log.warning("The night's report could not be written anew: %s: %s", type(error).__name__, error)
