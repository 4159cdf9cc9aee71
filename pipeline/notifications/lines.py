"""The lines of a notification: one for everything that failed, is held or needs a person, with what to do about it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from loaders.reports import command_for, messages, reason_in, reason_messages, web_page_for
from loaders.store import UPKEEP_KINDS
from schemas import one_line

Need = Mapping[str, Any]  # one thing that needs a person, as reports/night.json has it under `people`
_ALWAYS_SENT = frozenset(
    {"failed", "held", "takedowns", "mistake", "publish", "report", *UPKEEP_KINDS}
)  # the others only when they have grown
_NEVER_SENT_ALONE = frozenset({"absent", "unusual"})  # nothing has to be done about it
_WEB_URL_VARIABLE = "ELIB_WEB_URL"
_MAX_REPORT_AGE = timedelta(hours=12)  # an older report is another night's


def list_needs(night: Mapping[str, Any] | None, now: datetime) -> list[Need]:
    """Return what the night's report (reports/night.json) lists, and whether publishing or reporting itself failed."""
    if night is None or now - datetime.fromisoformat(night["at"]) > _MAX_REPORT_AGE:
        return [need("report")]
    publication = night["publish"]
    failed = [need("publish", publication)] if publication and publication["status"] == "failed" else []
    return [*failed, *night["people"]]


def need(what: str, run: Mapping[str, Any] | None = None) -> Need:
    """Return one thing that needs a person, with the error of the run that it is about."""
    detail = [f"{run['cause']}: {run['error']}"] if run and run["error"] else []
    return {"what": what, "feed": None, "run": run["id"] if run else None, "count": 1, "detail": detail}


def worth_sending(needs: Sequence[Need], sent_counts: Mapping[str, int]) -> bool:
    """Return whether something failed or is held, or more waits than when it was last sent."""
    alone = [need for need in needs if need["what"] not in _NEVER_SENT_ALONE]
    return any(need["what"] in _ALWAYS_SENT or need["count"] > sent_counts.get(_name(need), 0) for need in alone)


def waiting_counts(needs: Sequence[Need]) -> dict[str, int]:
    """Return how many of each thing wait, to compare with the next night."""
    return {_name(need): need["count"] for need in needs if need["what"] not in _ALWAYS_SENT}


def _name(need: Need) -> str:
    return f"{need['what']} {need['feed'] or ''}".strip()


def line(need: Need, language: str = "en") -> str:
    """Write one need as text: the feed, what is the matter, why, and what to do, with the command if there is one."""
    feed = f"{need['feed']}: " if need["feed"] else ""
    matter = message(f"person_{need['what']}", language).format(count=need["count"])
    reasons = (reason_in(detail, language)[0] for detail in need["detail"])
    web_url = os.environ.get(_WEB_URL_VARIABLE, "").strip()
    command = command_for(need["what"], need["feed"], need["run"]) or web_page_for(web_url, need["what"])
    advice = f"{message('do_' + need['what'], language)} {command}".strip()
    parts = (matter, *(f"{reason.rstrip('.')}." for reason in reasons), advice)
    return one_line(feed + " ".join(part for part in parts if part))


def message(key: str, language: str) -> str:
    """Return a message in the language, from the run reasons' messages or the reports'."""
    return reason_messages(language).get(key) or messages(language)[key]
