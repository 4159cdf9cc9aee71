"""Limit the requests to a host: connections at a time and requests per second, over all processes that harvest.

Files in ELIB_HOME/locks keep both, for all machines that share the folder. With ELIB_REDIS_URL, Redis keeps the rate.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from harvesters.causes import HostInUse, failed
from harvesters.client.shared_rate import shared_rate

_QUIET_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)(?: (\S+))?")
_MAX_AHEAD_SECONDS = 3600.0  # a last request further ahead than this means that the clock was set back
_MAX_FILE_NAME_CHARS = 200
_TIMESTAMP = struct.Struct("<d")  # the last request's time in its file, in seconds since 1970
_POLL_SECONDS = 0.02  # between two attempts to take a lock that another process holds


class HostLimit:
    """The limits of one host, kept in files so that all processes keep them together.

    The locks are the operating system's, on open files: they are released when a process is killed, and taking one
    costs a few microseconds.
    """

    def __init__(self, folder: Path, host: str, *, rate: float, connections: int, redis_url: str = "") -> None:
        folder = folder / "hosts"
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^a-z0-9.-]", "_", host.lower())
        name = name if len(name) <= _MAX_FILE_NAME_CHARS else sha256(name.encode()).hexdigest()
        self._host = host
        self._interval = 1 / rate  # seconds between two requests
        self._slots = [_open(folder / f"{name}.{number}.lock") for number in range(connections)]
        self._last_request = _open(folder / f"{name}.last")
        self._shared = shared_rate(redis_url)

    def keep_interval(self, seconds: float) -> None:
        """Let requests be at least so far apart, also where the feed allows more."""
        self._interval = max(self._interval, seconds)

    def close(self) -> None:
        """Close the files, which releases every lock."""
        for file in (*self._slots, self._last_request):
            os.close(file)

    @contextmanager
    def request(self, deadline: float) -> Iterator[None]:
        """Wait until a request may be sent, and hold a connection's slot during it.

        Raises HarvestFailed("too_slow") when that is not before the deadline (time.monotonic).
        """
        slot = self._take_slot(deadline)
        try:
            wait = self._reserve_time()
            if time.monotonic() + wait > deadline:
                what = f"the feed's time ran out while it waited for its next request to {self._host}"
                failure = failed("too_slow", what)
                raise HostInUse("too_slow", failure.sentence) if wait > self._interval else failure
            if wait > 0:
                time.sleep(wait)
            yield
        finally:
            fcntl.flock(slot, fcntl.LOCK_UN)

    def _take_slot(self, deadline: float) -> int:
        while True:
            for slot in self._slots:
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                return slot
            if time.monotonic() > deadline:
                what = f"the feed's time ran out while other harvests used all connections to {self._host}"
                raise HostInUse("too_slow", failed("too_slow", what).sentence)
            time.sleep(_POLL_SECONDS)

    def _reserve_time(self) -> float:
        """Reserve the next free time for a request and return the seconds until then.

        What Redis reserves is noted in the file too, which goes on from there when Redis does not answer.
        """
        wait = None
        if self._shared is not None:
            wait = self._shared.reserve(self._host.lower(), self._interval, _MAX_AHEAD_SECONDS)
        if wait is None:
            return self._reserve_in_file()
        os.pwrite(self._last_request, _TIMESTAMP.pack(time.time() + wait), 0)
        return wait

    def _reserve_in_file(self) -> float:
        fcntl.flock(self._last_request, fcntl.LOCK_EX)
        try:
            now = time.time()
            stored = os.pread(self._last_request, _TIMESTAMP.size, 0)
            last = _TIMESTAMP.unpack(stored)[0] if len(stored) == _TIMESTAMP.size else 0.0  # an empty file: no request
            reserved: float = max(now, last + self._interval) if last < now + _MAX_AHEAD_SECONDS else now
            os.pwrite(self._last_request, _TIMESTAMP.pack(reserved), 0)
        finally:
            fcntl.flock(self._last_request, fcntl.LOCK_UN)
        return reserved - now


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def quiet_hours_end(quiet_hours: list[str], now: datetime) -> datetime | None:
    """Return when the quiet hours that include `now` (aware) end; None outside of them.

    Quiet hours look like "22:00-06:00 Europe/Belgrade"; the time zone is UTC if it is missing.
    """
    for hours in quiet_hours:
        match = _QUIET_HOURS.fullmatch(hours)
        if match is None:
            raise ValueError(f"quiet_hours: {hours!r} is not like '08:00-18:00 Europe/Belgrade'")
        local = now.astimezone(ZoneInfo(match[5] or "UTC"))
        start = local.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        end = local.replace(hour=int(match[3]), minute=int(match[4]), second=0, microsecond=0)
        if start <= local < end:
            return end
        if end < start <= local:  # over midnight
            return end + timedelta(days=1)
        if local < end < start:
            return end
    return None


def require_no_quiet_hours(quiet_hours: list[str], now: datetime) -> None:
    """Raise HarvestFailed("quiet_hours") when `now` (aware) is in the partner's quiet hours."""
    end = quiet_hours_end(quiet_hours, now)
    if end is not None:
        raise failed("quiet_hours", f"the partner allows no request before {end:%H:%M %Z}")
