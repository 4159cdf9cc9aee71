"""Erase a person's mail address where a partner's account, mails and applications have it.

The account goes, whatever other feeds it looked after: without its address nobody could sign in with it. What it
decided stays, without the name. Accounts of stewards and operators are not a feed's, and are disabled instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, or_, select, update

from loaders.store import AccountRow, ApplicationRow, FixMailRow, now
from schemas import ERASED, TextDigest, redact

_ACCOUNTS: Any = AccountRow.__table__
_APPLICATIONS: Any = ApplicationRow.__table__
_MAILS: Any = FixMailRow.__table__
_OPEN = ("draft", "tested", "submitted")


class ErasedPeople(NamedTuple):
    """The numbers of the accounts that went, and how many rows changed or went."""

    accounts: tuple[int, ...]
    rows: int


def erase_people(connection: Connection, feed: str, text: TextDigest) -> ErasedPeople:
    """Erase the partners of a feed whose address holds a text; return what went. Safe to repeat.

    `feed` is that of the erasure: who looks after it, is told of it by mail, or has applied for it or a change of it.
    """
    of_feed = or_(_APPLICATIONS.c.name == feed, _APPLICATIONS.c.feed == feed)
    applicants = connection.scalars(select(_APPLICATIONS.c.contact).where(of_feed))
    told = connection.scalars(select(_MAILS.c.account).where(_MAILS.c.feed == feed))
    partners = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.role == "partner")).mappings().all()
    looking_after = (row["name"] for row in partners if feed in msgspec.json.decode(row["feeds"] or "[]"))
    named = {name for name in (*applicants, *told, *looking_after) if redact(name, [text]) != name}
    if not named:
        return ErasedPeople((), 0)
    gone = tuple(row["id"] for row in partners if row["name"] in named)
    rows = _erase_applications(connection, named)
    rows += connection.execute(delete(_ACCOUNTS).where(_ACCOUNTS.c.id.in_(gone))).rowcount
    rows += connection.execute(delete(_MAILS).where(_MAILS.c.account.in_(named))).rowcount
    return ErasedPeople(gone, rows)


def _erase_applications(connection: Connection, names: Iterable[str]) -> int:
    """Take the addresses out of every application, of other feeds too; one that is open is withdrawn."""
    changed = 0
    for name in names:
        mine = or_(_APPLICATIONS.c.contact == name, _APPLICATIONS.c.messages.contains(name, autoescape=True))
        for row in connection.execute(select(_APPLICATIONS).where(mine)).mappings().all():
            values: dict[str, Any] = {"messages": (row["messages"] or "").replace(name, ERASED) or None}
            if row["contact"] == name:
                values |= {"contact": ERASED, "contact_name": None, "changed_at": now(), "version": row["version"] + 1}
                if row["status"] in _OPEN:
                    values |= {"status": "withdrawn", "reason": ERASED}
            changed += connection.execute(
                update(_APPLICATIONS).where(_APPLICATIONS.c.id == row["id"]).values(**values)
            ).rowcount
    return changed
