"""One notification a night, and only when something failed, is held or needs a person."""

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

from loaders.reports.page import LANGUAGES, suffix
from loaders.store import whole_file
from pipeline.notifications.lines import Facts, line, needs, standing_of, words, worth_telling
from pipeline.notifications.send import Notification, NotSent, Receiver, send
from schemas import Environment

log = logging.getLogger("elib.notify")
VARIABLE, LANGUAGE = "ELIB_NOTIFY", "ELIB_NOTIFY_LANGUAGE"
_KEPT = 60  # nights that are remembered
NOTIFIES: Mapping[str, bool] = {  # whether a run tells about the night, by the value of Airflow's DagRunType
    "scheduled": True,  # the morning's, the last of the night
    "manual": True,  # started by hand, also by `make run`
    "operator_triggered": True,  # started by another DAG, which takes the schedule's place
    "asset_materialization": True,  # started by hand from an asset's page
    "asset_triggered": False,  # one of many in a night: one after every feed that was loaded
    "backfill": False,  # one of many for days that are past; the catalog has only today
}
Find = Callable[[str], Receiver]


class _Told(msgspec.Struct):
    """What was sent: the states of each night, and how much waited for a person when it was last told."""

    nights: dict[str, list[str]] = {}
    standing: dict[str, int] = {}


def notify(env: Environment, run_type: str, find: Find | None = None, now: datetime | None = None) -> str:
    """Tell about the night when a run of this type is one that tells; says what was done. Raises NotSent.

    `run_type` is the value of Airflow's DagRunType. A type that is not in the table tells too: better a message too
    many, which is sent once for a state of the night, than none.
    """
    if run_type not in NOTIFIES:
        table = "the table of pipeline/notifications/night.py"
        unknown = f"Airflow's run type {run_type!r} is not in {table}, so it is treated as a manual run"
        log.warning("%s", unknown)
        return f"{notify_night(env, find, now)}; {unknown}"
    if not NOTIFIES[run_type]:
        many = f"a run of the type {run_type!r} is one of many"
        return said(f"nothing was sent: {many}; the morning's run of the catalog tells about the whole night")
    return notify_night(env, find, now)


def notify_night(env: Environment, find: Find | None = None, now: datetime | None = None) -> str:
    """Tell about the night whose report lies under reports/night.json; says what was done. Raises NotSent."""
    spoken()  # a language that is none is told tonight, not on the night on which something fails
    at = now or datetime.now(UTC)
    path = env.reports / "night.json"
    night = json.loads(path.read_bytes()) if path.exists() else None
    wanted, told = needs(night, at), _read(env)
    if not worth_telling(wanted, told.standing):
        _write(env, _Told(told.nights, standing_of(wanted)))
        return said("nothing was sent: nothing failed, nothing is held, and nothing new waits for a person")
    return tell(env, "night", wanted, at, find)


def tell(env: Environment, about: str, wanted: Sequence[Facts], at: datetime, find: Find | None = None) -> str:
    """Send what needs a person, unless this state of this night was sent before. Raises NotSent."""
    name = os.environ.get(VARIABLE, "").strip()
    if not name:
        return said(f"nothing was sent: {VARIABLE} names no Airflow connection")
    told, night = _read(env), f"{at:%Y-%m-%d}"
    language = spoken()
    lines = tuple(line(one, language) for one in wanted)
    state = hashlib.sha256("\n".join([about, *lines]).encode()).hexdigest()[:16]
    if state in told.nights.get(night, []):
        return said("nothing was sent: this was told before")
    send((find or _connection)(name), _composed(env, night, wanted, lines, language))
    nights = {**told.nights, night: [*told.nights.get(night, []), state]}
    kept = dict(sorted(nights.items())[-_KEPT:])
    _write(env, _Told(kept, standing_of(wanted) if about == "night" else told.standing))
    return said(f"sent {len(lines)} line(s) to the connection {name}")


def _composed(
    env: Environment, night: str, wanted: Sequence[Facts], lines: tuple[str, ...], language: str
) -> Notification:
    """What is sent: the lines in the operator's language, and the page of the report in it."""
    page = str(env.reports / f"night{suffix(language, LANGUAGES)}.html")
    subject = words("subject", language).format(night=night, count=len(lines))
    facts: Mapping[str, Any] = {"night": night, "needs": list(wanted), "report": page}
    return Notification(subject, (*lines, words("report_at", language).format(path=page)), facts)


def spoken() -> str:
    """The language of notifications. Raises ValueError when there are no reports in it."""
    language = os.environ.get(LANGUAGE, "").strip() or LANGUAGES[0]
    if language not in LANGUAGES:
        raise ValueError(f"{LANGUAGE}: {language!r} is no language of the reports; put one of {', '.join(LANGUAGES)}")
    return language


def said(what: str) -> str:
    """Once into the task's log, and as its result."""
    log.info("%s", what)
    return what


def _read(env: Environment) -> _Told:
    """What was told before. Raises ValueError naming the file when it cannot be read."""
    path = _memory(env)
    if not path.exists():
        return _Told()
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Told)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} cannot be read ({error}); remove it, and the night is told again") from error


def _write(env: Environment, told: _Told) -> None:
    with whole_file(_memory(env)) as beside:
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(told, order="sorted"), indent=1) + b"\n")


def _memory(env: Environment) -> Path:
    return env.reports / "notified.json"


def _connection(name: str) -> Receiver:
    """The Airflow connection of that name; only inside a task. Raises NotSent."""
    from dags.connections import BadConnection, read_connection

    try:
        opened = read_connection(name)
    except BadConnection as error:
        raise NotSent(f"{error} ({VARIABLE} names it)") from None
    to = opened.connection
    return Receiver(
        name=name,
        kind=to.conn_type or "",
        host=to.host or "",
        port=to.port,
        scheme=to.schema or "",
        login=to.login or "",
        password=to.password or "",
        extra=opened.extra,
    )
