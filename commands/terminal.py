"""The terminal while the night runs: our own lines only; all other output goes into a log file."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from schemas import one_line


class Terminal:
    """Redirects standard output and error, as file descriptors, into the log while it is entered.

    Airflow, alembic and native libraries write there from everywhere; only `say` and `working` reach the terminal.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._saved: list[int] = []
        self._status: Status | None = None

    def __enter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        sys.stdout.flush()
        sys.stderr.flush()
        self._saved = [os.dup(1), os.dup(2)]
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        self.console = Console(file=self._out, highlight=False, soft_wrap=True)
        target = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(target, 1)
        os.dup2(target, 2)
        os.close(target)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.working(None)
        for stream, number, saved in zip((sys.stdout, sys.stderr), (1, 2), self._saved, strict=True):
            with contextlib.suppress(OSError):  # the log's disk is full; only output of libraries is lost
                stream.flush()
            os.dup2(saved, number)
            os.close(saved)
        self._out.close()

    def say(self, line: str = "", style: str | None = None) -> None:
        """Print one line that stays."""
        self.console.print(one_line(line), style=style, markup=False)

    def working(self, activity: str | None) -> None:
        """Show what is being done: a changing line on a terminal, nothing in a file; None removes it."""
        if not self.console.is_terminal:
            return
        activity = activity and one_line(activity)
        if activity is None:
            if self._status:
                self._status.stop()
            self._status = None
        elif self._status is None:
            self._status = self.console.status(activity)
            self._status.start()
        else:
            self._status.update(activity)
