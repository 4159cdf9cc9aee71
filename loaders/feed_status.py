"""Pause, resume, reopen or end a feed whose file this installation writes itself: decided by a person, and noted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from loaders.catalog import check_signature
from loaders.declarations import read_own_feed, set_status
from loaders.store import TaskNoteRow, now, write_transaction
from schemas import Environment, sentence

FEED_STATUSES = ("active", "paused", "retired")
_NOTES: Any = TaskNoteRow.__table__


class StatusUnchanged(ValueError):
    """A feed has the status already, or cannot come to it from the one that it has; the text says which."""


def change_status(env: Environment, name: str, status: str, *, by: str, reason: str) -> str:
    """Write a feed's status into its file, note who did it and why, and return the status before.

    A feed that has ended is reopened as `active`: its next harvest reads the whole list, and waits for a person. Raises
    StatusUnchanged, so that of two people who decide the same one is told; BadFeed when the file is not this
    installation's own; and Unsigned.
    """
    signature = check_signature(by, reason)
    with write_transaction(env) as connection:  # one decision at a time
        before = read_own_feed(env, name).status
        if before == status:
            text = sentence("The feed %(feed)s has this status already: %(status)s.", feed=name, status=status)
            raise StatusUnchanged(text)
        if (before, status) == ("retired", "paused"):
            raise StatusUnchanged(sentence("The feed %(feed)s has ended. Reopen it first.", feed=name))
        note = f"{status}\n{signature['reason']}"
        values = {"object": f"status:{name}", "kind": "remarked", "who": signature["by"], "at": now(), "note": note}
        connection.execute(insert(_NOTES).values(**values))
        set_status(env, name, status)
    return before
