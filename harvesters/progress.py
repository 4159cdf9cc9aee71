"""Progress of a harvest in words: records so far, of how many, at what rate, until when."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TextIO

from schemas import one_line

_CLEAR_LINE = "\r\033[K"
_TERMINAL_INTERVAL = 1.0  # seconds between two updates
_LOG_INTERVAL = 15.0  # seconds between two lines, where the output is no terminal


def progress_line(listed: int, total: int | None, seconds: float, now: datetime | None = None) -> str:
    """Return one line, such as "1 200 of 4 000 records (30 %), 60/s, until about 01:12 UTC"."""
    rate = listed / seconds if seconds > 0 else 0.0
    counts = f"{_grouped(listed)} records"
    if total:
        counts = f"{_grouped(listed)} of {_grouped(total)} records ({listed * 100 // total} %)"
    line = f"{counts}, {rate:.0f}/s"
    if total and rate > 0 and listed < total:
        end = (now or datetime.now(UTC)) + timedelta(seconds=(total - listed) / rate)
        line += f", until about {end:%H:%M} UTC"
    return line


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")


class ProgressLine:
    """Writes a feed's progress: over the same line on a terminal, a line now and then into a log."""

    def __init__(self, name: str, out: TextIO) -> None:
        self.name, self.out = name, out
        self.began = self.written = time.monotonic()
        self.line = ""
        self.is_terminal = out.isatty()

    def __call__(self, listed: int, total: int | None) -> None:
        """Update the line, and write it if the last one is old enough."""
        now = time.monotonic()
        self.line = f"{self.name}: {progress_line(listed, total, now - self.began)}"
        if now - self.written >= (_TERMINAL_INTERVAL if self.is_terminal else _LOG_INTERVAL):
            self.written = now
            self._write()

    def say(self, sentence: str) -> None:
        """Write a sentence on a line of its own."""
        self.out.write(f"{_CLEAR_LINE if self.is_terminal else ''}{self.name}: {one_line(sentence)}\n")
        self.out.flush()

    def end(self) -> None:
        """Write the last line, and end it."""
        self._write()
        if self.is_terminal:
            self.out.write("\n")
        self.out.flush()

    def _write(self) -> None:
        self.out.write(f"{_CLEAR_LINE}{self.line}" if self.is_terminal else f"{self.line}\n")
        self.out.flush()
