"""Sessions of the web, one small file each below ELIB_HOME/sessions, so that a copied cookie can be ended.

They are not in the catalog: a page reads its session on every request, and signing in or out must not wait while a run
writes. Of a session's name only a digest is kept, so that who reads the files, or a copy of them, cannot enter.
https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html
"""

from __future__ import annotations

import hashlib
import secrets
import time
from pathlib import Path

import msgspec

from loaders.store import make_folder, whole_file
from schemas import Base, Environment

SESSION_SECONDS = 12 * 3600  # from its beginning, however much it is used


class WebSession(Base, frozen=True, kw_only=True):
    """A session that goes on: of an account, as it was when it signed in, or of a visitor.

    account_id: the account's number; None of a visitor, who may open what was begun in the session
    trace: by what the account's password and role are known again
    expires_at: seconds since 1970
    """

    account_id: int | None = None
    trace: str = ""
    expires_at: float


def begin_session(env: Environment, account_id: int | None = None, *, trace: str = "") -> str:
    """Begin a session and return its name, which is for the browser only. Sessions that expired are removed."""
    _remove_expired(env)
    name = secrets.token_urlsafe(32)
    session = WebSession(account_id=account_id, trace=trace, expires_at=time.time() + SESSION_SECONDS)
    make_folder(_folder(env))
    _folder(env).chmod(0o700)
    with whole_file(_file(env, name)) as temporary:
        temporary.write_bytes(msgspec.json.encode(session))
    return name


def read_session(env: Environment, name: str) -> WebSession | None:
    """Return the session of a name; None when it was not begun here, was ended, or has expired."""
    try:
        session = msgspec.json.decode(_file(env, name).read_bytes(), type=WebSession)
    except FileNotFoundError:
        return None
    return session if session.expires_at > time.time() else None


def end_session(env: Environment, name: str) -> None:
    """End a session, in every browser that has its cookie; one that has ended stays so."""
    _file(env, name).unlink(missing_ok=True)


def end_sessions_of(env: Environment, account_id: int) -> int:
    """End every session of an account, and return how many there were."""
    own = [path for path, session in _sessions(env) if session.account_id == account_id]
    for path in own:
        path.unlink(missing_ok=True)
    return len(own)


def _remove_expired(env: Environment) -> None:
    for path, session in _sessions(env):
        if session.expires_at <= time.time():
            path.unlink(missing_ok=True)


def _sessions(env: Environment) -> list[tuple[Path, WebSession]]:
    found = []
    for path in _folder(env).glob("*.json"):
        try:
            found.append((path, msgspec.json.decode(path.read_bytes(), type=WebSession)))
        except FileNotFoundError:  # ended meanwhile
            continue
    return found


def _file(env: Environment, name: str) -> Path:
    return _folder(env) / f"{hashlib.sha256(name.encode()).hexdigest()}.json"


def _folder(env: Environment) -> Path:
    return env.home / "sessions"
