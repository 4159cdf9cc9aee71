"""Progress of a harvest in words: records so far, of how many, at what rate, until when."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TextIO

_CLEAR = "\r\033[K"  # back to the line's begin, and wipe it
_EVERY = 1.0  # seconds between two lines on a terminal
_EVERY_LOGGED = 15.0  # and in a file


def progress_line(listed: int, total: int | None, seconds: float, now: datetime | None = None) -> str:
    """One line, such as "1 200 of 4 000 records (30 %), 60/s, until about 01:12 UTC"."""
    rate = listed / seconds if seconds > 0 else 0.0
    line = f"{_spaced(listed)} of {_spaced(total)} records ({listed * 100 // total} %)" if total else ""
    line = line or f"{_spaced(listed)} records"
    line += f", {rate:.0f}/s"
    if total and rate > 0 and listed < total:
        end = (now or datetime.now(UTC)) + timedelta(seconds=(total - listed) / rate)
        line += f", until about {end:%H:%M} UTC"
    return line


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


class Terminal:
    """Writes a feed's progress: over itself on a terminal, a line now and then into a log."""

    def __init__(self, name: str, out: TextIO) -> None:
        self.name, self.out = name, out
        self.began = self.last = time.monotonic()
        self.line = ""
        self.live = out.isatty()

    def __call__(self, listed: int, total: int | None) -> None:
        now = time.monotonic()
        self.line = f"{self.name}: {progress_line(listed, total, now - self.began)}"
        if now - self.last < (_EVERY if self.live else _EVERY_LOGGED):
            return
        self.last = now
        self._write()

    def say(self, sentence: str) -> None:
        """A sentence on its own line."""
        self.out.write(f"{_CLEAR if self.live else ''}{self.name}: {sentence}\n")
        self.out.flush()

    def end(self) -> None:
        """The last count, on its own line."""
        self._write()
        if self.live:
            self.out.write("\n")
        self.out.flush()

    def _write(self) -> None:
        self.out.write(f"{_CLEAR}{self.line}" if self.live else f"{self.line}\n")
        self.out.flush()
