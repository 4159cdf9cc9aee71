"""What a partner asks for a feed that is accepted already, and who may see the feed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from loaders.accounts import check_partner, grant_feed, partners_of, revoke_feed
from loaders.applications.application import OPEN_STATUSES, Application, read_application
from loaders.store import ApplicationRow, FixMailRow, now, read_transaction, write_transaction
from schemas import Environment

_APPLICATIONS: Any = ApplicationRow.__table__
_MAILS: Any = FixMailRow.__table__


def open_change(env: Environment, feed: str) -> Application | None:
    """Return the newest application for a change of a feed that is not decided; None when there is none."""
    query = select(_APPLICATIONS.c.id).where(_APPLICATIONS.c.feed == feed, _APPLICATIONS.c.status.in_(OPEN_STATUSES))
    with read_transaction(env) as connection:
        newest = connection.scalar(query.order_by(_APPLICATIONS.c.id.desc()).limit(1))
    return None if newest is None else read_application(env, newest)


def hand_over(env: Environment, feed: str, *, giver: str, taker: str) -> bool:
    """Let the taker see a feed instead of the giver, in one transaction; False when the giver sees it no more.

    The giver's weekly mail ends. Raises AccountTrouble when the taker's address cannot be a partner's account.
    """
    with write_transaction(env) as connection:
        if giver not in partners_of(connection, feed):
            return False
        check_partner(connection, taker)
        grant_feed(connection, taker, feed)
        if taker != giver:
            _take_from(connection, giver, feed)
    return True


def give_up(env: Environment, feed: str, account: str) -> bool:
    """Let an account see a feed no longer; False when nobody else would see it."""
    with write_transaction(env) as connection:
        if not [name for name in partners_of(connection, feed) if name != account]:
            return False
        _take_from(connection, account, feed)
    return True


def _take_from(connection: Any, account: str, feed: str) -> None:
    """Let an account see a feed no longer; the changes that would give it back are withdrawn, and its mails end."""
    revoke_feed(connection, account, feed)
    its_changes = (
        _APPLICATIONS.c.feed == feed,
        _APPLICATIONS.c.contact == account,
        _APPLICATIONS.c.accepting.is_(None),
    )
    withdrawn = {"status": "withdrawn", "version": _APPLICATIONS.c.version + 1, "changed_at": now()}
    are_open = _APPLICATIONS.c.status.in_(OPEN_STATUSES)
    connection.execute(_APPLICATIONS.update().where(*its_changes, are_open).values(**withdrawn))
    wish = (_MAILS.c.feed == feed, _MAILS.c.account == account, _MAILS.c.ended_at.is_(None))
    connection.execute(_MAILS.update().where(*wish).values(ended_at=now()))
