"""The people who may sign in: made on the command line, or by a steward who accepts a partner's application."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, insert, select, update

from loaders.sessions import end_sessions_of
from loaders.store import AccountRow, now, read_transaction, write_transaction
from schemas import Base, Environment, sentence

Role = Literal["steward", "operator", "partner"]
_ACCOUNTS: Any = AccountRow.__table__


class AccountTrouble(ValueError):
    """An account cannot be made or changed like this."""


class Account(Base, frozen=True, kw_only=True):
    """A row of `account`; `feeds` are those that a partner may see."""

    id: int
    name: str
    role: Role
    created_at: str
    feeds: tuple[str, ...] = ()
    password: str | None = None
    disabled_at: str | None = None


def account_of(env: Environment, number: int) -> Account | None:
    """Return the account of a number, or None."""
    return _account(env, _ACCOUNTS.c.id == number)


def account_by_name(env: Environment, name: str) -> Account | None:
    """Return the account of a name, or None."""
    return _account(env, _ACCOUNTS.c.name == name.strip())


def list_accounts(env: Environment) -> list[Account]:
    """Return every account by name."""
    with read_transaction(env) as connection:
        rows = connection.execute(select(_ACCOUNTS).order_by(_ACCOUNTS.c.name)).mappings()
        return [_decode(row) for row in rows]


def add_account(
    env: Environment, name: str, role: Role, *, password: str | None = None, feeds: tuple[str, ...] = ()
) -> Account:
    """Make an account and return it. `password` is its hash. Raises AccountTrouble for a bad name."""
    name = name.strip()
    if not name or not name.isprintable():
        raise AccountTrouble(sentence("an account needs a name of printable characters"))
    values = {"name": name, "role": role, "password": password, "created_at": now(), "feeds": _feeds_json(feeds)}
    with write_transaction(env) as connection:
        if connection.scalar(select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.name == name)) is not None:
            raise AccountTrouble(sentence("there is an account %(name)s already", name=repr(name)))
        number = connection.execute(insert(_ACCOUNTS).values(**values).returning(_ACCOUNTS.c.id)).scalar_one()
        row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.id == number)).mappings().one()
        return _decode(row)


def change_account(
    env: Environment,
    name: str,
    *,
    password: str | None = None,
    role: Role | None = None,
    feeds: tuple[str, ...] | None = None,
    disabled: bool | None = None,
) -> None:
    """Change what is given of an account; another password or role, and disabling it, end its sessions.

    `password` is a hash. Raises AccountTrouble when there is no such account.
    """
    values: dict[str, Any] = {}
    if role is not None:
        values["role"] = role
    if password is not None:
        values["password"] = password
    if feeds is not None:
        values["feeds"] = _feeds_json(feeds)
    if disabled is not None:
        values["disabled_at"] = now() if disabled else None
    with write_transaction(env) as connection:
        number = _number_of(connection, name)
        connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.id == number).values(**values))
        if password is not None or role is not None or disabled:
            end_sessions_of(env, number)


def end_sessions(env: Environment, name: str) -> int:
    """End every session of an account and return how many went on. Raises AccountTrouble when there is no account."""
    with read_transaction(env) as connection:
        number = _number_of(connection, name)
    return end_sessions_of(env, number)


def _number_of(connection: Connection, name: str) -> int:
    number: int | None = connection.scalar(select(_ACCOUNTS.c.id).where(_ACCOUNTS.c.name == name.strip()))
    if number is None:
        raise AccountTrouble(sentence("there is no account %(name)s", name=repr(name)))
    return number


def check_partner(connection: Connection, mail: str) -> None:
    """Raise AccountTrouble when a mail address cannot be a partner's account: it is disabled, or has another role."""
    row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.name == mail)).mappings().one_or_none()
    if row is None:
        return
    if row["role"] != "partner":
        raise AccountTrouble(
            sentence(
                "%(mail)s is the account of a %(role)s; a partner needs another address",
                mail=mail,
                role=str(row["role"]),
            )
        )
    if row["disabled_at"]:
        raise AccountTrouble(
            sentence("the account %(mail)s is disabled; enable it first, or ask for another address", mail=mail)
        )


def grant_feed(connection: Connection, mail: str, feed: str | None = None) -> None:
    """Make the account of a partner, or extend it, so that it may see a feed.

    Raises AccountTrouble when the address is the account of another role.
    """
    row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.name == mail)).mappings().one_or_none()
    if row is None:
        values = {"name": mail, "role": "partner", "created_at": now(), "feeds": _feeds_json((feed,) if feed else ())}
        connection.execute(insert(_ACCOUNTS).values(**values))
        return
    if row["role"] != "partner":
        raise AccountTrouble(
            sentence(
                "%(mail)s is the account of a %(role)s; a partner needs another address",
                mail=mail,
                role=str(row["role"]),
            )
        )
    feeds = _decode(row).feeds
    if feed and feed not in feeds:
        changed = _feeds_json((*feeds, feed))
        connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.id == row["id"]).values(feeds=changed))


def revoke_feed(connection: Connection, mail: str, feed: str) -> None:
    """Let a partner's account see a feed no longer; when it does not see it, nothing changes."""
    row = connection.execute(select(_ACCOUNTS).where(_ACCOUNTS.c.name == mail)).mappings().one_or_none()
    feeds = () if row is None else _decode(row).feeds
    if feed in feeds:
        left = _feeds_json(tuple(each for each in feeds if each != feed))
        connection.execute(update(_ACCOUNTS).where(_ACCOUNTS.c.name == mail).values(feeds=left))


def partners_of(connection: Connection, feed: str) -> list[str]:
    """Return the names of the partners' accounts that may see a feed and may sign in."""
    partners = (_ACCOUNTS.c.role == "partner", _ACCOUNTS.c.disabled_at.is_(None), _ACCOUNTS.c.feeds.is_not(None))
    rows = connection.execute(select(_ACCOUNTS).where(*partners).order_by(_ACCOUNTS.c.name)).mappings()
    return [row["name"] for row in rows if feed in _decode(row).feeds]


def _feeds_json(feeds: tuple[str, ...]) -> str | None:
    return msgspec.json.encode(feeds).decode() if feeds else None


def _account(env: Environment, condition: Any) -> Account | None:
    with read_transaction(env) as connection:
        row = connection.execute(select(_ACCOUNTS).where(condition)).mappings().one_or_none()
    return None if row is None else _decode(row)


def _decode(row: Any) -> Account:
    names = (*Account.__struct_fields__,)
    feeds = msgspec.json.decode(row["feeds"], type=tuple[str, ...]) if row["feeds"] else ()
    return msgspec.convert({**{name: row[name] for name in names}, "feeds": feeds}, Account)
