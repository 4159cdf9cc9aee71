"""How a step that did not succeed is told: as one sentence for people, without a trace unless the defect is ours."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime

from schemas import BadFeed, Environment, HarvestFailed, environment, one_line

log = logging.getLogger("elib.run")
_WEB_URL_VARIABLE = "ELIB_WEB_URL"


class RunHeld(Exception):
    """A run waits for a person's decision; the text is one sentence."""


def failure_sentence(error: BaseException) -> str | None:
    """Return the sentence of a failure that is explained by it; None for a defect, of which a trace is needed."""
    from loaders.declarations import Undeclared
    from loaders.downloads import DownloadsFailed
    from loaders.restored import NotReprocessed
    from loaders.store import FeedBusy, WrongRunState, storage_sentence
    from pipeline.airflow_inputs import BadConnection, BadRequest
    from pipeline.catalog import PublicationUnfinished
    from pipeline.fix_mails import MailsFailed
    from pipeline.links import LinksFailed
    from pipeline.notifications import NotSent

    explained = (
        RunHeld, HarvestFailed, BadFeed, FeedBusy, WrongRunState, Undeclared, NotReprocessed, BadConnection, BadRequest,
        NotSent, MailsFailed, LinksFailed, DownloadsFailed, PublicationUnfinished,
    )  # fmt: skip
    return _one_line(str(error)) if isinstance(error, explained) else storage_sentence(error, environment())


def defect_sentence(error: BaseException) -> str:
    """Return the sentence of a defect: what was raised, and where to look."""
    what = _one_line(f"{type(error).__name__}: {error}").rstrip(".")
    return f"crashed: {what}. What was landed and loaded is kept; the trace is above."


def _one_line(text: str) -> str:
    return one_line(" ".join(text.split()))


def end_and_report(feed: str | None, until: datetime, *, dag: str) -> list[str]:
    """End the runs of a DAG that has failed, of a feed (None: publications), and that no process works on any more.

    Also writes the reports anew, because a process that was killed could not. Returns the ids of the runs.
    """
    from loaders.store import end_interrupted_runs
    from pipeline.catalog import report_feed

    interrupted = end_interrupted_runs(environment(), feed, until, dag=dag)
    report_feed(feed)
    return interrupted


def end_left_runs(env: Environment, is_dag_active: Callable[[str], bool]) -> list[str]:
    """End the runs of feeds whose DAG has ended without them, so that they block nobody; return their ids."""
    from loaders.store import end_runs_of_ended_dags

    left = end_runs_of_ended_dags(env, is_dag_active)
    for run_id in left:
        log.warning("%s: its DAG had ended without it, and nobody was told; it is ended as interrupted", run_id)
    return left


def require_decision(env: Environment, run_id: str) -> str:
    """Return the status that a person's decision gave to a held run. Raises RunHeld while nobody has decided."""
    from loaders.reports import reason_sentence
    from loaders.shell import elib_command
    from loaders.store import read_run

    run = read_run(env, run_id)
    if run.status != "held":
        return run.status
    why = " ".join(f"{reason_sentence(reason, decide='then decide').rstrip('.')}." for reason in run.reasons)
    raise RunHeld(
        f"HELD: {run_id} waits for a decision, and nothing of it is loaded: {why} "
        f"Look at it with: {elib_command('review', 'show', run_id)}; its report: {_report_of(env, run_id)}"
    )


def _report_of(env: Environment, run_id: str) -> str:
    """Return where the run's report is: its address on the web if there is one, and the file."""
    gate_page = env.reports / "gate" / f"{run_id}.html"
    page = gate_page if gate_page.exists() else env.reports / "night.html"
    web = os.environ.get(_WEB_URL_VARIABLE, "").strip().rstrip("/")
    return f"{web}/console/runs/{run_id}, {page}" if web else str(page)
