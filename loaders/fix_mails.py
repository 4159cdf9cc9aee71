"""Partners' wishes for a weekly mail about what is new to fix, and what was told to them.

A mail is begun before it is sent, and confirmed when the mail server has it. When the process ends in between, it is
not known whether the mail went: no other begins for a week, and the next one tells the same findings again. So nobody
gets two mails in a week, and no finding is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from loaders.browse import last_night
from loaders.store import FixMailRow, now, read_transaction, upsert, write_transaction
from schemas import Base, Environment

MAIL_INTERVAL = timedelta(days=7)
_MAILS: Any = FixMailRow.__table__


class FixMail(Base, frozen=True, kw_only=True):
    """A row of `fix_mail`: a wish that holds."""

    feed: str
    account: str
    language: str
    chosen_at: str
    told_run_id: str | None = None
    begun_at: str | None = None
    told_at: str | None = None

    def is_due(self, at: datetime) -> bool:
        """Return whether a week is over since the last mail was begun."""
        return self.begun_at is None or datetime.fromisoformat(self.begun_at) <= at - MAIL_INTERVAL


def choose_mail(env: Environment, feed: str, account: str, language: str) -> None:
    """Let an account be told weekly what is new to fix in a feed from now on; one that is told already stays so."""
    with write_transaction(env) as connection:
        of_both = (_MAILS.c.feed == feed, _MAILS.c.account == account)
        row = connection.execute(select(_MAILS).where(*of_both)).mappings().one_or_none()
        night = last_night(connection, feed)
        told = night.last if night else None
        if row is not None and row["ended_at"] is None:
            told = row["told_run_id"]
        values = {"language": language, "chosen_at": now(), "ended_at": None, "told_run_id": told}
        names = tuple(values)
        connection.execute(upsert(connection, _MAILS, names), {"feed": feed, "account": account, **values})


def end_mail(env: Environment, feed: str, account: str) -> None:
    """End the weekly mail of an account about a feed; when there is none, nothing changes."""
    with write_transaction(env) as connection:
        in_force = (_MAILS.c.feed == feed, _MAILS.c.account == account, _MAILS.c.ended_at.is_(None))
        connection.execute(update(_MAILS).where(*in_force).values(ended_at=now()))


def chosen_mail(env: Environment, feed: str, account: str) -> FixMail | None:
    """Return the wish of an account for mails about a feed; None when it wants none."""
    return next((mail for mail in chosen_mails(env, feed) if mail.account == account), None)


def chosen_mails(env: Environment, feed: str | None = None) -> list[FixMail]:
    """Return the wishes that hold, of one feed or of all."""
    query = select(*(_MAILS.c[name] for name in FixMail.__struct_fields__)).where(_MAILS.c.ended_at.is_(None))
    if feed is not None:
        query = query.where(_MAILS.c.feed == feed)
    with read_transaction(env) as connection:
        rows = connection.execute(query.order_by(_MAILS.c.feed, _MAILS.c.account)).mappings()
        return [FixMail(**row) for row in rows]


def begin_mail(env: Environment, mail: FixMail, at: datetime) -> bool:
    """Note that a mail is about to be sent; False when another process has begun or ended it meanwhile."""
    begun = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return _change(env, mail, mail.begun_at, begun_at=begun)


def confirm_mail(env: Environment, mail: FixMail, at: datetime, run_id: str) -> None:
    """Note that the mail that was begun is with the mail server, and told everything up to a run."""
    begun = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    _change(env, mail, begun, told_at=begun, told_run_id=run_id)


def take_mail_back(env: Environment, mail: FixMail, at: datetime) -> None:
    """Note that the mail that was begun was not sent, so that it is tried again."""
    begun = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    _change(env, mail, begun, begun_at=mail.begun_at)


def _change(env: Environment, mail: FixMail, was_begun: str | None, **values: Any) -> bool:
    is_same = _MAILS.c.begun_at.is_(None) if was_begun is None else _MAILS.c.begun_at == was_begun
    of_both = (_MAILS.c.feed == mail.feed, _MAILS.c.account == mail.account, _MAILS.c.ended_at.is_(None))
    with write_transaction(env) as connection:
        return bool(connection.execute(update(_MAILS).where(*of_both, is_same).values(**values)).rowcount)
