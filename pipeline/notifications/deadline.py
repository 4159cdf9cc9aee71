"""Whether the catalog is ready by the hour that ELIB_READY_BY declares, such as "06:00 UTC" or "07:30 Africa/Tunis"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.notifications.lines import message, need
from pipeline.notifications.night import FindReceiver, logged, notification_language, send_needs
from schemas import Environment

READY_BY_VARIABLE = "ELIB_READY_BY"
_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?:\s+(\S+))?")


@dataclass(frozen=True)
class DailyHour:
    """An hour of every day in a time zone."""

    hour: int
    minute: int
    zone: str

    @property
    def cron(self) -> str:
        return f"{self.minute} {self.hour} * * *"

    def __str__(self) -> str:
        return f"{self.hour:02}:{self.minute:02} {self.zone}"


def read_hour(text: str) -> DailyHour | None:
    """Parse the declared hour, in UTC unless a zone is named; None for an empty text. Raises ValueError."""
    if not text.strip():
        return None
    match = _HOUR.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{READY_BY_VARIABLE}: {text!r} is not an hour; write '06:00 UTC' or '07:30 Africa/Tunis'")
    zone = match[3] or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{READY_BY_VARIABLE}: unknown time zone {zone!r}; write one such as Africa/Tunis") from error
    return DailyHour(int(match[1]), int(match[2]), zone)


def check_ready(env: Environment, hour: DailyHour, find: FindReceiver, now: datetime | None = None) -> str:
    """Notify when no publication was loaded since midnight in the hour's zone.

    Returns a sentence on what was done. Raises NotSent.
    """
    at = now or datetime.now(UTC)
    midnight = at.astimezone(ZoneInfo(hour.zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    if _published_since(env, midnight):
        return logged(f"the catalog was ready by {hour}")
    late = {**need("late"), "detail": [message("due", notification_language()).format(hour=hour)]}
    return send_needs(env, "deadline", [late], at, find)


def _published_since(env: Environment, midnight: datetime) -> bool:
    from sqlalchemy import func, select

    from loaders.store import HarvestRunRow, read_transaction

    since = f"{midnight.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"  # without a zone it sorts before any text of that second
    loaded = (HarvestRunRow.kind == "publish", HarvestRunRow.status == "loaded", HarvestRunRow.ended_at >= since)
    with read_transaction(env) as connection:
        return bool(connection.scalar(select(func.count()).select_from(HarvestRunRow).where(*loaded)))
