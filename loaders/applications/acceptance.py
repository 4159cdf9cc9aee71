"""Accept an application: its feed file is written, and its partner may see the feed; all of it or nothing.

The intention is committed first, with the digest of the file; then the file is written; then the application counts as
accepted, and the account gets the feed. What a kill interrupts in between is completed by `complete_acceptances`, which
the web calls when it starts and whenever applications are listed; when that is impossible, because another file of the
name has come meanwhile, the application is as it was submitted.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tomlkit.exceptions import TOMLKitError

from loaders.accounts import AccountTrouble, check_partner, grant_feed
from loaders.applications.application import (
    Application,
    ApplicationTrouble,
    Changed,
    accepting_applications,
    change_in,
    read_application,
    require_unchanged,
)
from loaders.applications.names import name_trouble
from loaders.declarations import is_own_file
from loaders.feed_text import changed_feed_text, feed_text
from loaders.store import now, read_transaction, whole_file, write_transaction
from schemas import BadFeed, Environment, one_line, read_declaration, sentence

log = logging.getLogger("elib.feed")
_NOTHING_DECIDED: dict[str, Any] = {"accepting": None, "decided_by": None, "decided_at": None, "reason": None}


def accept_application(
    env: Environment,
    application: Application,
    *,
    by: str,
    reason: str,
    name: str | None = None,
    file_sha256: str | None = None,
) -> Application:
    """Accept a submitted application and return it. `name` is that of a new feed, unless it stays as applied for.

    `file_sha256` is the digest of the file that the steward compared the change of a feed with. Raises Changed when
    application or file were changed since, and ApplicationTrouble when they cannot be accepted like this.
    """
    feed = application.feed or name or application.name or ""
    decided = {"name": None if application.feed else feed, "decided_by": by, "decided_at": now()}
    with write_transaction(env) as connection:  # in it, so that what another process accepts meanwhile is seen
        require_unchanged(connection, application, ("submitted",))
        _check(env, application, feed)
        _check_account(connection, application.contact)
        _check_alone(connection, feed)
        text = _file_text(env, _with(application, **decided), file_sha256)
        intended = change_in(
            connection,
            application,
            ("submitted",),
            accepting=_sha256(text),
            reason=one_line(reason) or None,
            **decided,
        )
    try:
        _write_file(env, intended, text)
    except OSError as error:
        _take_back(env, intended)
        why = str(error.strerror or error)
        refusal = sentence("the feed file could not be written: %(why)s; nothing was accepted", why=why)
        raise ApplicationTrouble(refusal) from error
    except BaseException:
        _take_back(env, intended)
        raise
    return _complete(env, intended)


def complete_acceptances(env: Environment) -> list[Application]:
    """Complete what an interrupted process left, and return the applications that are accepted now."""
    with read_transaction(env) as connection:
        begun = accepting_applications(connection)
    completed: list[Application] = []
    for application in begun:
        try:
            text = _file_text(env, application, None)
            if _sha256(text) != application.accepting:
                raise Changed(sentence("the feed file was changed meanwhile"))
            _write_file(env, application, text)
            completed.append(_complete(env, application))
        except (ApplicationTrouble, AccountTrouble, OSError) as error:
            log.warning("application %s: its acceptance is taken back: %s", application.id, error)
            _take_back(env, application)
    return completed


def sha256_of_file(env: Environment, feed: str) -> str | None:
    """Return the digest of a feed's file; None when it has none."""
    path = env.feeds / f"{feed}.toml"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _check(env: Environment, application: Application, feed: str) -> None:
    """Raise ApplicationTrouble when the feed cannot be declared like this, or nothing would read its file."""
    try:
        read_declaration(feed, _keys(application.declaration))
    except BadFeed as error:
        raise ApplicationTrouble(sentence("it cannot be accepted: %(why)s", why="; ".join(error.reasons))) from error
    if application.feed is not None:
        if not is_own_file(env, feed):
            raise ApplicationTrouble(sentence("this installation does not write the feed's file; change it by hand"))
        return
    trouble = name_trouble(env, feed, application=application.id)
    if trouble == "used":
        raise ApplicationTrouble(
            sentence(
                "the name %(feed)s was used before, perhaps in another spelling; choose another one", feed=repr(feed)
            )
        )
    if trouble is not None:
        raise ApplicationTrouble(
            sentence("%(feed)s is not a feed name; use a-z, 0-9 and _, at most 64 characters", feed=repr(feed))
        )
    if os.path.realpath(env.registered_feeds) not in map(os.path.realpath, env.feeds):
        raise ApplicationTrouble(
            sentence(
                "ELIB_FEEDS does not name %(registered_feeds)s, so that nothing would harvest the feed; add it there",
                registered_feeds=str(env.registered_feeds),
            )
        )


def _check_account(connection: Any, contact: str) -> None:
    try:
        check_partner(connection, contact)
    except AccountTrouble as error:
        raise ApplicationTrouble(*error.args) from error


def _check_alone(connection: Any, feed: str) -> None:
    """Raise Changed when another application for the feed is being accepted, whose file may not be there yet."""
    if any(other.feed_name == feed for other in accepting_applications(connection)):
        raise Changed(sentence("another application for %(feed)s is being accepted; open this one again", feed=feed))


def _file_text(env: Environment, application: Application, file_sha256: str | None) -> str:
    """Return the text of the file to write. Raises Changed, and ApplicationTrouble when it would not say the same."""
    keys = _keys(application.declaration)
    if application.feed is None:
        day = (application.decided_at or "")[:10]
        text = feed_text(
            keys, comment=f"Registered by its partner; accepted by {application.decided_by}, {day} ({application.id})"
        )
    else:
        path = env.feeds / f"{application.feed}.toml"
        before = path.read_bytes() if path.is_file() else b""
        if file_sha256 is not None and hashlib.sha256(before).hexdigest() != file_sha256:
            raise Changed(sentence("the feed file was changed meanwhile; open the application again and compare"))
        try:
            text = changed_feed_text(before.decode(), keys)
        except (TOMLKitError, UnicodeDecodeError) as error:
            raise ApplicationTrouble(
                sentence("%(name)s has a mistake; correct it first: %(why)s", name=path.name, why=str(error))
            ) from error
    if tomllib.loads(text) != keys:
        raise ApplicationTrouble(sentence("the declaration cannot be written as TOML; ask the partner to change it"))
    return text


def _keys(declaration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that a feed file can hold: those with a value."""
    return dict(tomllib.loads(feed_text(declaration)))


def _write_file(env: Environment, application: Application, text: str) -> None:
    """Write the feed file, unless it is there as it should be. Raises Changed when another file has the name."""
    path = _path(env, application)
    if path.is_file() and _sha256_of(path) == _sha256(text):
        return
    if application.feed is None and os.path.lexists(path):
        raise Changed(sentence("there is a file %(name)s already", name=path.name))
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _path(env: Environment, application: Application) -> Path:
    return env.registered_feeds / f"{application.feed_name}.toml"


def _complete(env: Environment, application: Application) -> Application:
    """Let the application count as accepted; one that another process has completed meanwhile is left as it is."""
    with write_transaction(env) as connection:
        current = read_application(env, application.id)
        if current is not None and current.status == "accepted":
            return current
        grant_feed(connection, application.contact, application.feed_name)
        return change_in(connection, application, ("submitted",), status="accepted", accepting=None)


def _take_back(env: Environment, application: Application) -> None:
    """Let the application be as it was submitted; the file of a new feed that was written for it goes."""
    path = _path(env, application)
    with write_transaction(env) as connection:
        if application.feed is None and path.is_file() and _sha256_of(path) == application.accepting:
            path.unlink()
        change_in(connection, application, ("submitted",), **_NOTHING_DECIDED)


def _with(application: Application, **changes: Any) -> Application:
    from msgspec.structs import replace

    return replace(application, **changes)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
