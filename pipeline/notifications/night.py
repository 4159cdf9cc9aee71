"""One notification per night, and only when something failed, is held or needs a person."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from loaders.reports import LANGUAGES, page_suffix
from loaders.store import whole_file
from pipeline.notifications.lines import Need, line, list_needs, message, waiting_counts, worth_sending
from pipeline.notifications.send import Notification, Receiver, send
from schemas import Environment

log = logging.getLogger("elib.notify")
NOTIFY_VARIABLE, LANGUAGE_VARIABLE = "ELIB_NOTIFY", "ELIB_NOTIFY_LANGUAGE"
_REMEMBERED_NIGHTS = 60
NOTIFIES: Mapping[str, bool] = {  # whether a run of the catalog notifies, by the value of Airflow's DagRunType
    "scheduled": True,  # the morning's run, the last of the night
    "manual": True,  # started by hand, also by `make run`
    "operator_triggered": True,  # started by another DAG, which replaces the schedule
    "asset_materialization": True,  # started by hand from an asset's page
    "asset_triggered": False,  # one of many per night: one after every feed that was loaded
    "backfill": False,  # one of many for past days; the catalog has only today
}
FindReceiver = Callable[[str], Receiver]  # the Airflow connection of that name; raises NotSent


class _Sent(msgspec.Struct):
    """reports/notified.json: a digest of each state that was sent, by night, and how much waited the last time."""

    nights: dict[str, list[str]] = {}
    standing: dict[str, int] = {}


def notify(env: Environment, run_type: str, find: FindReceiver, now: datetime | None = None) -> str:
    """Send the night's notification when a run of this type notifies; return a sentence on what was done.

    `run_type` is the value of Airflow's DagRunType. A type that is not in NOTIFIES notifies too: a message too many,
    sent once per state of the night, is better than none. Raises NotSent.
    """
    if run_type not in NOTIFIES:
        unknown = (
            f"Airflow's run type {run_type!r} is not in the table of pipeline/notifications/night.py, "
            "so it is treated as a manual run"
        )
        log.warning("%s", unknown)
        return f"{notify_night(env, find, now)}; {unknown}"
    if not NOTIFIES[run_type]:
        why = f"a run of the type {run_type!r} is one of many"
        return logged(f"nothing was sent: {why}; the morning's run of the catalog notifies about the whole night")
    return notify_night(env, find, now)


def is_last_of_night(run_type: str) -> bool:
    """Return whether a run of the catalog of this type is the last of its night; unknown types count as such."""
    return NOTIFIES.get(run_type, True)


def notify_night(env: Environment, find: FindReceiver, now: datetime | None = None) -> str:
    """Notify about the night of reports/night.json; return a sentence on what was done. Raises NotSent."""
    notification_language()  # a wrong language fails tonight, not on the night on which something else fails
    at = now or datetime.now(UTC)
    path = env.reports / "night.json"
    night = json.loads(path.read_bytes()) if path.exists() else None
    needs, sent = list_needs(night, at), _read_sent(env)
    if not worth_sending(needs, sent.standing):
        _write_sent(env, _Sent(sent.nights, waiting_counts(needs)))
        return logged("nothing was sent: nothing failed, nothing is held, and nothing new waits for a person")
    return send_needs(env, "night", needs, at, find)


def send_needs(env: Environment, about: str, needs: Sequence[Need], at: datetime, find: FindReceiver) -> str:
    """Send what needs a person, unless the same was sent for this night before. Raises NotSent.

    `about` is "night" or "deadline". Returns a sentence on what was done.
    """
    name = os.environ.get(NOTIFY_VARIABLE, "").strip()
    if not name:
        return logged(f"nothing was sent: {NOTIFY_VARIABLE} names no Airflow connection")
    sent, night = _read_sent(env), f"{at:%Y-%m-%d}"
    language = notification_language()
    lines = tuple(line(need, language) for need in needs)
    digest = hashlib.sha256("\n".join([about, *lines]).encode()).hexdigest()[:16]
    if digest in sent.nights.get(night, []):
        return logged("nothing was sent: the same was sent before")
    send(find(name), _compose(env, night, needs, lines, language))
    nights = {**sent.nights, night: [*sent.nights.get(night, []), digest]}
    remembered = dict(sorted(nights.items())[-_REMEMBERED_NIGHTS:])
    _write_sent(env, _Sent(remembered, waiting_counts(needs) if about == "night" else sent.standing))
    return logged(f"sent {len(lines)} line(s) to the connection {name}")


def _compose(
    env: Environment, night: str, needs: Sequence[Need], lines: tuple[str, ...], language: str
) -> Notification:
    """Return the notification: the lines in the operator's language, and the report's page in that language."""
    page = str(env.reports / f"night{page_suffix(language, LANGUAGES)}.html")
    subject = message("subject", language).format(night=night, count=len(lines))
    facts: Mapping[str, Any] = {"night": night, "needs": list(needs), "report": page}
    return Notification(subject, (*lines, message("report_at", language).format(path=page)), facts)


def notification_language() -> str:
    """Return the language of notifications. Raises ValueError when no reports are written in it."""
    language = os.environ.get(LANGUAGE_VARIABLE, "").strip() or LANGUAGES[0]
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise ValueError(f"{LANGUAGE_VARIABLE}: {language!r} is not a language of the reports; set one of {known}")
    return language


def logged(sentence: str) -> str:
    """Write the sentence into the task's log and return it as the task's result."""
    log.info("%s", sentence)
    return sentence


def _read_sent(env: Environment) -> _Sent:
    """Read what was sent before. Raises ValueError naming the file when it cannot be read."""
    path = _sent_file(env)
    if not path.exists():
        return _Sent()
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Sent)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} cannot be read ({error}); remove it, and the night is sent again") from error


def _write_sent(env: Environment, sent: _Sent) -> None:
    with whole_file(_sent_file(env)) as unfinished:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(sent, order="sorted"), indent=1) + b"\n")


def _sent_file(env: Environment) -> Path:
    return env.reports / "notified.json"
