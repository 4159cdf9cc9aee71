"""Who is signed in: accounts of the catalog, passwords, and the session that says which account it is."""

from __future__ import annotations

import hashlib
import threading
from typing import Annotated

from fastapi import Depends, HTTPException
from pwdlib import PasswordHash
from starlette.requests import Request

from loaders import sessions
from loaders.accounts import Account, AccountTrouble, account_by_name, account_of, add_account
from loaders.sessions import WebSession, read_session
from schemas import Environment

MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS = 12, 200
MAX_CHECKS = 4  # passwords that are checked at a time: each takes 64 MB of memory
_CHECK_WAIT_SECONDS = 5.0
_HASHES = PasswordHash.recommended()
# Checked when there is no such account, so that the answer takes as long.
_NOBODY = _HASHES.hash("nobody's password")
_checks = threading.BoundedSemaphore(MAX_CHECKS)


def hash_password(password: str) -> str:
    """Return the argon2 hash of a password. Raises ValueError when it is too short or too long."""
    if len(password) < MIN_PASSWORD_CHARS:
        raise ValueError(f"a password has at least {MIN_PASSWORD_CHARS} characters")
    if len(password) > MAX_PASSWORD_CHARS:
        raise ValueError(f"a password has at most {MAX_PASSWORD_CHARS} characters")
    return _HASHES.hash(password)


def sign_in(request: Request, name: str, password: str) -> Account | None:
    """Begin a session when name and password are right, and return the account; otherwise None.

    A name that nobody has, a disabled account and one without a password cost as much time as any other. Raises
    HTTPException 503 when too many passwords are being checked.
    """
    env: Environment = request.app.state.env
    account = account_by_name(env, name)
    hashed = account.password if account and account.password and not account.disabled_at else _NOBODY
    if not _checks.acquire(timeout=_CHECK_WAIT_SECONDS):
        raise HTTPException(503, "Many people sign in just now. Try again in a minute.", {"retry-after": "60"})
    try:
        is_right = _HASHES.verify(password, hashed)
    finally:
        _checks.release()
    if not is_right or account is None or hashed is _NOBODY:
        return None
    begin_session(request, account)
    return account


def begin_session(request: Request, account: Account) -> None:
    """Begin a session of an account; nothing of the session before stays, neither here nor in copies of its cookie."""
    env: Environment = request.app.state.env
    sign_out(request)
    request.session["id"] = sessions.begin_session(env, account.id, trace=trace_of(account))


def begin_visit(request: Request) -> None:
    """Begin a session without an account, unless one goes on: what a visitor begins is opened by it."""
    if session_of(request) is None:
        request.session["id"] = sessions.begin_session(request.app.state.env)
        del request.state.web_session


def trace_of(account: Account) -> str:
    """Return by what a session knows password and role of its account again, with a change of which it ends."""
    return hashlib.sha256(f"{account.role} {account.password or ''}".encode()).hexdigest()[:16]


def sign_out(request: Request) -> None:
    """End the session, in every browser that has its cookie."""
    name = request.session.get("id")
    request.session.clear()
    request.state.web_session = request.state.account = None
    if isinstance(name, str):
        sessions.end_session(request.app.state.env, name)


def session_of(request: Request) -> WebSession | None:
    """Return the browser's session, read once per request; None when it has none that goes on."""
    if not hasattr(request.state, "web_session"):
        name = request.session.get("id")
        request.state.web_session = read_session(request.app.state.env, name) if isinstance(name, str) else None
    known: WebSession | None = request.state.web_session
    return known


def signed_in(request: Request) -> Account | None:
    """Return the account of the session, read once per request.

    None when nobody is signed in, when the session was ended, when the account is disabled, and when its password or
    role was changed since.
    """
    if not hasattr(request.state, "account"):
        session = session_of(request)
        number = session.account_id if session is not None else None
        account = account_of(request.app.state.env, number) if number is not None else None
        is_ended = account is None or account.disabled_at or session is None or trace_of(account) != session.trace
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
    is_ours = path.startswith("/") and not path.startswith("//")
    has_controls = any(ord(character) < 0x20 or character == "\\" for character in path)  # browsers read / for it
    return path if is_ours and not has_controls else otherwise
