"""`elib user`: the accounts of stewards and operators."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from commands.app import add_command, new_app

if TYPE_CHECKING:
    from schemas import Environment


class Role(StrEnum):
    """What an account may do."""

    STEWARD = "steward"
    OPERATOR = "operator"


_Name = Annotated[str, typer.Argument(help="The account's name, which decisions carry.")]


def add(
    name: _Name,
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.STEWARD,
) -> int:
    """Add an account. The password is asked for, or read from standard input."""
    from loaders.accounts import AccountTrouble, add_account
    from web.signing_in import hash_password

    try:
        add_account(_environment(), name, role.value, password=hash_password(_read_password()))
    except (AccountTrouble, ValueError) as error:
        print(f"No account was added: {error}.", file=sys.stderr)
        return 1
    print(f"{role.value} {name} added")
    return 0


def password(name: _Name) -> int:
    """Set another password."""
    from loaders.accounts import AccountTrouble, change_account
    from web.signing_in import hash_password

    try:
        change_account(_environment(), name, password=hash_password(_read_password()))
    except (AccountTrouble, ValueError) as error:
        print(f"The password is not changed: {error}.", file=sys.stderr)
        return 1
    print(f"password of {name} changed")
    return 0


def role(name: _Name, role: Annotated[Role, typer.Argument(help="What it may do from now on.")]) -> int:
    """Give an account of a steward or operator the other role; it has to sign in again."""
    from loaders.accounts import AccountTrouble, account_by_name, change_account

    env = _environment()
    account = account_by_name(env, name)
    if account is not None and account.role == "partner":
        print(f"Nothing is changed: {name} is the account of a partner.", file=sys.stderr)
        return 1
    try:
        change_account(env, name, role=role.value)
    except AccountTrouble as error:
        print(f"Nothing is changed: {error}.", file=sys.stderr)
        return 1
    print(f"{name} is {role.value} now")
    return 0


def sign_out(name: _Name) -> int:
    """End every session of an account, such as after a computer was lost."""
    from loaders.accounts import AccountTrouble, end_sessions

    try:
        ended = end_sessions(_environment(), name)
    except AccountTrouble as error:
        print(f"Nothing is changed: {error}.", file=sys.stderr)
        return 1
    print(f"sessions of {name} ended: {ended}")
    return 0


def disable(name: _Name) -> int:
    """Let an account not sign in any more and end its sessions; what it decided stays."""
    return _set_disabled(name, True)


def enable(name: _Name) -> int:
    """Let a disabled account sign in again."""
    return _set_disabled(name, False)


def _set_disabled(name: str, disabled: bool) -> int:
    from loaders.accounts import AccountTrouble, change_account

    try:
        change_account(_environment(), name, disabled=disabled)
    except AccountTrouble as error:
        print(f"Nothing is changed: {error}.", file=sys.stderr)
        return 1
    print(f"{name} {'disabled' if disabled else 'enabled'}")
    return 0


def list_() -> int:
    """List the accounts."""
    from loaders.accounts import list_accounts

    accounts = list_accounts(_environment())
    for account in accounts:
        ended = f", disabled {account.disabled_at}" if account.disabled_at else ""
        print(f"{account.name}: {account.role}, since {account.created_at}{ended}")
    if not accounts:
        print("no account; `elib user add NAME` adds a steward")
    return 0


def _environment() -> Environment:
    from loaders.migrations import migrate
    from schemas import environment

    env = environment()
    migrate(env)
    return env


def _read_password() -> str:
    if sys.stdin.isatty():
        text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return text
    return sys.stdin.readline().rstrip("\r\n")


app = new_app("Add, list, disable and enable the accounts of stewards and operators.")
for _function in (add, password, role, disable, enable):
    add_command(app, _function.__name__, _function)
add_command(app, "sign-out", sign_out)
add_command(app, "list", list_)
