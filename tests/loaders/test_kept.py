"""What was counted is counted again as soon as anything was written, by whomever, and not before."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import Connection, func, select

from loaders.store import TaskNoteRow, read_kept
from loaders.task_notes import write_note
from schemas import ROOT, Environment

COUNTED: list[int] = []


def count_notes(connection: Connection, kind: str) -> int:
    """Count the notes of a kind, and note that it was done."""
    COUNTED.append(1)
    return connection.scalar(select(func.count()).where(TaskNoteRow.kind == kind)) or 0


def counted(env: Environment, kind: str = "taken") -> tuple[int, int]:
    """Return the count, and how often it was really counted."""
    COUNTED.clear()
    return read_kept(env, count_notes, kind), len(COUNTED)


def test_what_was_counted_is_kept_until_anybody_writes(env: Environment) -> None:
    assert counted(env) == (0, 1)
    assert counted(env) == (0, 0)
    assert counted(env, "snoozed") == (0, 1)
    write_note(env, "books", "taken", who="Amina")
    assert counted(env) == (1, 1)
    assert counted(env) == (1, 0)
    other = "from schemas import environment; from loaders.task_notes import write_note; "
    other += "write_note(environment(), 'films', 'taken', who='Boris')"
    variables = {"ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", other], env=variables, check=True)
    assert counted(env) == (2, 1)
