"""What a notification says: a line for everything that failed, is held or needs a person, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from loaders.reports.page import COMMANDS, messages
from loaders.reports.reasons import reason_messages, told

Facts = Mapping[str, Any]
_ALWAYS = frozenset({"failed", "held", "mistake", "publish", "report"})  # told every night; the rest when it has grown
_STALE = timedelta(hours=12)  # a report older than this is of another night


def needs(night: Facts | None, now: datetime) -> list[Facts]:
    """What the report of the night names, and what went wrong with publishing and reporting themselves."""
    if night is None or now - datetime.fromisoformat(night["at"]) > _STALE:
        return [need("report")]
    published = night["publish"]
    failed = [need("publish", published)] if published and published["status"] == "failed" else []
    return [*failed, *night["people"]]


def need(what: str, run: Facts | None = None) -> Facts:
    detail = [f"{run['cause']}: {run['error']}"] if run and run["error"] else []
    return {"what": what, "feed": None, "run": run["id"] if run else None, "count": 1, "detail": detail}


def worth_telling(wanted: Sequence[Facts], standing: Mapping[str, int]) -> bool:
    """Whether something failed or is held, or more waits for a person than when it was last told."""
    return any(one["what"] in _ALWAYS or one["count"] > standing.get(_name(one), 0) for one in wanted)


def standing_of(wanted: Sequence[Facts]) -> dict[str, int]:
    """How much of each thing waits, to compare with the next night."""
    return {_name(one): one["count"] for one in wanted if one["what"] not in _ALWAYS}


def _name(one: Facts) -> str:
    return f"{one['what']} {one['feed'] or ''}".strip()


def line(one: Facts, language: str = "en") -> str:
    """One thing in words: the feed, what is the matter, why, and what to do."""
    whose = f"{one['feed']}: " if one["feed"] else ""
    why = (told(detail, language)[0] for detail in one["detail"])
    parts = (_matter(one, language), *(f"{text.rstrip('.')}." for text in why), _do(one, language))
    return whose + " ".join(part for part in parts if part)


def _matter(one: Facts, language: str) -> str:
    return words(f"person_{one['what']}", language).format(count=one["count"])


def _do(one: Facts, language: str) -> str:
    """What to do about it, with the command where there is one."""
    command = COMMANDS.get(one["what"], "").format(run=one["run"], feed=one["feed"])
    return f"{words('do_' + one['what'], language)} {command}".strip()


def words(key: str, language: str) -> str:
    """A message of the notification's own, or of the reports."""
    return reason_messages(language).get(key) or messages(language)[key]
