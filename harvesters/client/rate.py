"""Turns at a partner's host: so many connections, so many requests a second, over all processes of this machine."""

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

from harvesters.causes import failed

_QUIET = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)(?: (\S+))?")
_CLOCK = 3600.0  # seconds; a last request further ahead than this is a clock that was set back
_LONGEST = 200  # characters of a host's name in a file's
_TIME = struct.Struct("<d")  # how the last request's time is written, seconds since 1970
_POLL = 0.02  # seconds between two looks at a lock that another process holds


class Turns:
    """The turns at one host. The last request's time lies beside the locks, so that every process keeps the rate.

    The locks are the system's own on open files: a kill frees them, and a turn costs a few microseconds.
    """

    def __init__(self, folder: Path, host: str, *, rate: float, connections: int) -> None:
        folder = folder / "hosts"
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^a-z0-9.-]", "_", host.lower())
        name = name if len(name) <= _LONGEST else sha256(name.encode()).hexdigest()
        self.host = host
        self.gap = 1 / rate
        self.slots = [_opened(folder / f"{name}.{n}.lock") for n in range(connections)]
        self.last = _opened(folder / f"{name}.last")

    def close(self) -> None:
        """Give the files back, and with them every lock."""
        for opened in (*self.slots, self.last):
            os.close(opened)

    @contextmanager
    def turn(self, deadline: float) -> Iterator[None]:
        """One request's turn. Raises HarvestFailed when it has not come by the deadline (time.monotonic)."""
        slot = self._slot(deadline)
        try:
            wait = self._reserve()
            if time.monotonic() + wait > deadline:
                raise failed("too_slow", f"the time for this harvest ended while waiting for a turn at {self.host}")
            if wait > 0:
                time.sleep(wait)
            yield
        finally:
            fcntl.flock(slot, fcntl.LOCK_UN)

    def _slot(self, deadline: float) -> int:
        while True:
            for slot in self.slots:
                try:
                    fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                return slot
            if time.monotonic() > deadline:
                raise failed("too_slow", f"other harvests kept {self.host} busy until the time for this one ended")
            time.sleep(_POLL)

    def _reserve(self) -> float:
        """Seconds until our request may go; the next one of any process counts from there."""
        fcntl.flock(self.last, fcntl.LOCK_EX)
        try:
            now = time.time()
            written = os.pread(self.last, _TIME.size, 0)
            last = _TIME.unpack(written)[0] if len(written) == _TIME.size else 0.0  # nobody asked yet
            mine: float = max(now, last + self.gap) if last < now + _CLOCK else now
            os.pwrite(self.last, _TIME.pack(mine), 0)
        finally:
            fcntl.flock(self.last, fcntl.LOCK_UN)
        return mine - now


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def quiet_until(hours: list[str], now: datetime) -> datetime | None:
    """When the quiet hours that hold at `now` (aware) end, or None outside of them."""
    for said in hours:
        match = _QUIET.fullmatch(said)
        if match is None:
            raise ValueError(f"quiet_hours: {said!r} is not like '08:00-18:00 Europe/Belgrade'")
        there = now.astimezone(ZoneInfo(match[5] or "UTC"))
        start = there.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        end = there.replace(hour=int(match[3]), minute=int(match[4]), second=0, microsecond=0)
        if start < end and start <= there < end:
            return end
        if start > end and there >= start:
            return end + timedelta(days=1)
        if start > end and there < end:
            return end
    return None


def keep_quiet(hours: list[str], now: datetime) -> None:
    """Raises HarvestFailed("quiet_hours") when quiet hours hold at `now` (aware)."""
    end = quiet_until(hours, now)
    if end is not None:
        raise failed("quiet_hours", f"no request before {end:%H:%M %Z}")
