"""What is known of an address after a check: strikes, whether it is dead, and when it is due again. Pure.

An address is dead after three failures, of which the first is at least seven days before the last; failures on one day
are one. One success clears all. What is not known (robots.txt keeps us out, a firewall) changes nothing.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

from schemas import Base, LinkCheck

DEAD_AFTER_STRIKES = 3
DEAD_AFTER_DAYS = 7
_CERTIFICATE_DAYS = 14  # before its end a certificate is told of
_STRIKE_HOURS = 20  # failures that follow sooner are the same one; a daily run never comes to the minute
_DAYS_AFTER_FAILURE = {1: 3, 2: 4}  # by strikes, so that the third is seven days after the first
_DAYS_WHILE_DEAD = 7
_DAYS_LONG_DEAD, _LONG_DEAD_DAYS = 30, 90
_FIRST_DAYS, _SPREAD_DAYS = (
    28,
    5,
)  # about thirty; spread, so that not all are due again at once
_DAYS_UNKNOWN = {"busy": 1, "name_server": 1, "unreadable": 7, "robots_unreachable": 7}
_MAX_RETRY_DAYS = 14
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class LinkState(Base, frozen=True, kw_only=True):
    """The columns of link_check that a check changes; times in the catalog's format."""

    checked_at: str | None = None
    status: str | None = None
    detail: str = ""
    final_url: str | None = None
    strikes: int = 0
    first_failed_at: str | None = None
    last_failed_at: str | None = None
    dead_at: str | None = None
    certificate_until: str | None = None
    size_bytes: int | None = None
    next_due: str = ""


def catalog_time(at: datetime) -> str:
    """Return a time in the catalog's format."""
    return at.strftime(_FORMAT)


def next_state(before: LinkState, check: LinkCheck, at: datetime) -> LinkState:
    """Return what is known after a check at a time (UTC)."""
    if check.outcome == "failed":
        strikes, first, last = _struck(before, at)
    elif check.outcome == "alive":
        strikes, first, last = 0, None, None
    else:
        strikes, first, last = before.strikes, before.first_failed_at, before.last_failed_at
    return LinkState(
        checked_at=catalog_time(at),
        status=check.status,
        detail=check.detail,
        final_url=check.final_url if check.outcome == "alive" else before.final_url,
        strikes=strikes,
        first_failed_at=first,
        last_failed_at=last,
        dead_at=_dead_at(before, strikes, first, at),
        certificate_until=_ending_certificate(before, check, at),
        size_bytes=check.size_bytes if check.outcome == "alive" else before.size_bytes,
        next_due=catalog_time(at + timedelta(days=_days(check, strikes, first, at))),
    )


def _struck(before: LinkState, at: datetime) -> tuple[int, str, str]:
    """Return strikes, the first and the last failure, with a failure now."""
    now = catalog_time(at)
    if before.first_failed_at is None or before.last_failed_at is None:
        return 1, now, now
    if at - _time(before.last_failed_at) < timedelta(hours=_STRIKE_HOURS):
        return before.strikes, before.first_failed_at, before.last_failed_at
    return before.strikes + 1, before.first_failed_at, now


def _dead_at(before: LinkState, strikes: int, first: str | None, at: datetime) -> str | None:
    if strikes < DEAD_AFTER_STRIKES or first is None or at - _time(first) < timedelta(days=DEAD_AFTER_DAYS):
        return None if strikes == 0 else before.dead_at
    return before.dead_at or catalog_time(at)


def _days(check: LinkCheck, strikes: int, first: str | None, at: datetime) -> float:
    """Return after how many days an address is due again."""
    usual = _FIRST_DAYS + zlib.crc32(check.url.encode()) % _SPREAD_DAYS
    if check.outcome == "failed":
        long_dead = first is not None and at - _time(first) > timedelta(days=_LONG_DEAD_DAYS)
        return _DAYS_LONG_DEAD if long_dead else _DAYS_AFTER_FAILURE.get(strikes, _DAYS_WHILE_DEAD)
    if check.outcome == "alive":
        return usual
    wanted = min((check.retry_after or 0) / 86_400, _MAX_RETRY_DAYS)
    return max(wanted, _DAYS_UNKNOWN.get(check.status, usual))


def _ending_certificate(before: LinkState, check: LinkCheck, at: datetime) -> str | None:
    """Return until when a certificate is valid that ends soon; of one that has ended, the time of the check."""
    if check.status == "certificate_expired":
        return catalog_time(at)
    if check.certificate_until is None:
        return before.certificate_until if check.outcome == "unknown" else None
    ends = _time(check.certificate_until)
    return catalog_time(ends) if ends - at <= timedelta(days=_CERTIFICATE_DAYS) else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
