"""Who is signed in: accounts of the catalog, passwords, and the session that says which account it is."""

from __future__ import annotations

import hashlib
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException
from pwdlib import PasswordHash
from starlette.requests import Request

from loaders.accounts import Account, AccountTrouble, account_by_name, account_of, add_account
from schemas import Environment

MIN_PASSWORD_CHARS = 12
_HASHES = PasswordHash.recommended()
# Checked when there is no such account, so that the answer takes as long.
_NOBODY = _HASHES.hash("nobody's password")


def hash_password(password: str) -> str:
    """Return the argon2 hash of a password. Raises ValueError when it is too short."""
    if len(password) < MIN_PASSWORD_CHARS:
        raise ValueError(f"a password has at least {MIN_PASSWORD_CHARS} characters")
    return _HASHES.hash(password)


def sign_in(request: Request, name: str, password: str) -> Account | None:
    """Begin a session when name and password are right, and return the account; otherwise None."""
    env: Environment = request.app.state.env
    account = account_by_name(env, name)
    hashed = account.password if account and account.password and not account.disabled_at else _NOBODY
    is_right = _HASHES.verify(password, hashed)
    if not is_right or account is None or hashed is _NOBODY:
        return None
    begin_session(request, account)
    return account


def begin_session(request: Request, account: Account) -> None:
    """Begin a session of an account; nothing of the session before stays."""
    request.session.clear()
    request.session["account"] = account.id
    if account.password:
        request.session["password"] = _trace_of(account.password)


def _trace_of(hashed: str | None) -> str:
    """Return by what a session knows a password again, of which it ends with a change; empty without a password."""
    return hashlib.sha256(hashed.encode()).hexdigest()[:16] if hashed else ""


def sign_out(request: Request) -> None:
    """End the session."""
    request.session.clear()


def signed_in(request: Request) -> Account | None:
    """Return the account of the session, read once per request.

    None when nobody is signed in, when the account is disabled, and when its password was changed since.
    """
    if not hasattr(request.state, "account"):
        number, trace = request.session.get("account"), request.session.get("password", "")
        account = account_of(request.app.state.env, number) if isinstance(number, int) else None
        is_ended = account is None or account.disabled_at or _trace_of(account.password) != trace
        request.state.account = None if is_ended else account
    known: Account | None = request.state.account
    return known


class SignInFirst(Exception):
    """The page needs an account."""


def steward(request: Request) -> Account:
    """Return the steward or operator who is signed in, as a dependency. Raises SignInFirst, or HTTPException 403."""
    account = signed_in(request)
    if account is None:
        raise SignInFirst
    if account.role not in ("steward", "operator"):
        raise HTTPException(403, "This page is for stewards of the library.")
    return account


Steward = Annotated[Account, Depends(steward)]


class PartnerSignInFirst(Exception):
    """The page needs a partner's account."""


def partner(request: Request) -> Account:
    """Return the partner who is signed in, as a dependency. Raises PartnerSignInFirst, or HTTPException 403."""
    account = signed_in(request)
    if account is None:
        raise PartnerSignInFirst
    if account.role != "partner":
        raise HTTPException(403, "This page is for partners of the library.")
    return account


Partner = Annotated[Account, Depends(partner)]


def own_feed(account: Account, name: str) -> str:
    """Return the name of a feed that the partner may see. Raises HTTPException 404 for any other, known or not."""
    if name not in account.feeds:
        raise HTTPException(404, "There is no such feed among yours.")
    return name


def sign_in_by_mail(request: Request, mail: str) -> Account | None:
    """Begin a partner's session for the proven owner of a mail address, and return the account.

    The account is made when there is none. None when the address is another role's account, or a disabled one.
    """
    env: Environment = request.app.state.env
    account = account_by_name(env, mail)
    if account is None:
        try:
            account = add_account(env, mail, "partner")
        except AccountTrouble:  # another process was quicker, or the address is no name
            account = account_by_name(env, mail)
    if account is None or account.role != "partner" or account.disabled_at:
        return None
    begin_session(request, account)
    return account


def own_path(path: str, otherwise: str) -> str:
    """Return a path of ours that a form sends back to; `otherwise` for anything that leads to another site."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    has_controls = any(ord(character) < 0x20 or character == "\\" for character in path)
    return path if is_ours and not has_controls else otherwise
