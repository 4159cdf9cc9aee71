"""One application from the draft to the decision. Each change names the version that its maker saw.

A change that was begun on an older version raises Changed, so that of two people at once only the first succeeds.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from loaders.store import ApplicationRow, now, read_transaction, write_transaction
from schemas import Base, Environment, sentence

ApplicationStatus = Literal["draft", "tested", "submitted", "accepted", "declined", "withdrawn"]
OPEN_STATUSES: tuple[ApplicationStatus, ...] = ("draft", "tested", "submitted")
DRAFT_DAYS = 30  # for which a draft that nobody changes is kept
_EDITABLE = ("draft", "tested")
_APPLICATIONS: Any = ApplicationRow.__table__
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # ULID's digits, https://github.com/ulid/spec
_MAX_MESSAGES = 100
_UNTESTED = frozenset({"title", "partner", "note", "metadata_license"})  # keys that no test depends on
_UNTESTED_REQUEST = frozenset({"rate", "quiet_hours"})
_TEXTS = ("partner", "contact", "contact_name", "language", "name", "feed")


class ApplicationTrouble(ValueError):
    """An application cannot be changed like this; the message says why."""


class Changed(ApplicationTrouble):
    """Somebody else has changed the application since it was read."""


class ApplicationMessage(Base, frozen=True, kw_only=True):
    """A question of a steward, or an answer of the partner."""

    at: str
    by: str
    is_question: bool
    text: str


class Application(Base, frozen=True, kw_only=True):
    """A row of `application`.

    declaration: the keys of the feed file, without its name; test and detection: JSON, null before they were made
    """

    id: str
    partner: str
    contact: str
    contact_name: str | None = None
    language: str = "en"
    name: str | None = None
    feed: str | None = None
    declaration: dict[str, Any] = {}
    detection: Any = None
    status: ApplicationStatus = "draft"
    test: Any = None
    messages: tuple[ApplicationMessage, ...] = ()
    version: int = 1
    created_at: str = ""
    changed_at: str = ""
    submitted_at: str | None = None
    decided_by: str | None = None
    decided_at: str | None = None
    reason: str | None = None
    accepting: str | None = None

    @property
    def feed_name(self) -> str | None:
        """Return the feed that it is about: the one it would change, or the new one's name."""
        return self.feed or self.name

    @property
    def has_open_question(self) -> bool:
        return bool(self.messages) and self.messages[-1].is_question


def create_draft(
    env: Environment,
    *,
    partner: str,
    contact: str,
    contact_name: str = "",
    language: str = "en",
    feed: str | None = None,
    declaration: Mapping[str, Any] | None = None,
    detection: Any = None,
) -> Application:
    """Begin an application and return it. Of a change, `feed` is the feed and `declaration` what it would be."""
    at = now()
    application = Application(
        id=_mint(),
        partner=partner,
        contact=contact,
        contact_name=contact_name or None,
        language=language,
        feed=feed,
        declaration=dict(declaration or {}),
        detection=detection,
        created_at=at,
        changed_at=at,
    )
    with write_transaction(env) as connection:
        connection.execute(insert(_APPLICATIONS).values(**_encode(application)))
    return application


def remove_old_drafts(env: Environment) -> list[str]:
    """Remove the drafts that were not changed for 30 days, and return their ids: nobody can open them any more."""
    before = (datetime.now(UTC) - timedelta(days=DRAFT_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    is_old = (_APPLICATIONS.c.status.in_(_EDITABLE), _APPLICATIONS.c.changed_at < before)
    with read_transaction(env) as connection:
        if connection.scalar(select(_APPLICATIONS.c.id).where(*is_old).limit(1)) is None:
            return []
    with write_transaction(env) as connection:
        return list(connection.scalars(delete(_APPLICATIONS).where(*is_old).returning(_APPLICATIONS.c.id)))


def _mint() -> str:
    """Return a new ULID: 48 bits of time and 80 random ones, so that nobody guesses it."""
    number = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def read_application(env: Environment, application_id: str) -> Application | None:
    """Return the application of an id; None when there is none."""
    with read_transaction(env) as connection:
        return _read(connection, application_id)


def list_applications(env: Environment, *statuses: ApplicationStatus, limit: int = 200) -> list[Application]:
    """Return the applications of these statuses (all without any), those changed last first."""
    query = select(_APPLICATIONS).where(_APPLICATIONS.c.status.in_(statuses or get_args(ApplicationStatus)))
    return _list(env, query.order_by(_APPLICATIONS.c.changed_at.desc(), _APPLICATIONS.c.id.desc()).limit(limit))


def applications_of(env: Environment, contact: str, limit: int = 200) -> list[Application]:
    """Return the applications of a mail address, the newest first."""
    query = select(_APPLICATIONS).where(_APPLICATIONS.c.contact == contact)
    return _list(env, query.order_by(_APPLICATIONS.c.id.desc()).limit(limit))


def save_draft(env: Environment, application: Application, **changes: Any) -> Application:
    """Change fields of a draft and return it; what reads its source in another way needs a new test.

    Raises Changed, and ApplicationTrouble when it is no draft any more.
    """
    return _change(env, application, _EDITABLE, **_with_new_test(application, changes))


def _with_new_test(application: Application, changes: dict[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - {*_TEXTS, "declaration", "detection"}
    if unknown:
        raise TypeError(f"{', '.join(sorted(unknown))}: not to be changed of a draft")
    is_other = bool((changes.get("detection") or {}).get("upload")) or _tested_keys(  # a file's name says nothing of it
        changes.get("declaration", application.declaration)
    ) != _tested_keys(application.declaration)
    return {**changes, "status": "draft", "test": None} if is_other else changes


def _tested_keys(declaration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that a test depends on."""
    request = {key: value for key, value in (declaration.get("request") or {}).items() if key not in _UNTESTED_REQUEST}
    return {**{key: value for key, value in declaration.items() if key not in _UNTESTED}, "request": request}


def keep_test(env: Environment, application: Application, test: Any, *, has_ended: bool = True) -> Application:
    """Keep what the self-test and the preview found, and return the application. Raises as save_draft does.

    Of a test that goes on only its id is known; the application is tested when it `has_ended`.
    """
    return _change(env, application, _EDITABLE, test=test, status="tested" if has_ended else "draft")


def submit_application(env: Environment, application: Application, **changes: Any) -> Application:
    """Submit a draft to the stewards, with its last changes. Raises as save_draft does.

    Changes that would need a new test raise ApplicationTrouble.
    """
    if "status" in _with_new_test(application, changes):
        raise ApplicationTrouble(sentence("what is submitted is not what was tested; test it again"))
    return _change(env, application, _EDITABLE, **changes, status="submitted", submitted_at=now(), reason=None)


def reopen_application(env: Environment, application: Application) -> Application:
    """Take a submitted application back to change it. Raises as save_draft does."""
    return _change(env, application, ("submitted",), status="tested", submitted_at=None)


def withdraw_application(env: Environment, application: Application) -> Application:
    """Withdraw an application that is not decided. Raises as save_draft does."""
    return _change(env, application, OPEN_STATUSES, status="withdrawn")


def ask_partner(env: Environment, application: Application, *, by: str, question: str) -> Application:
    """Ask the partner of a submitted application something. Raises as save_draft does, also for an empty question."""
    return _with_message(env, application, by, question, is_question=True)


def answer_question(env: Environment, application: Application, *, by: str, answer: str) -> Application:
    """Answer a steward's question. Raises as save_draft does, also for an empty answer."""
    return _with_message(env, application, by, answer, is_question=False)


def _with_message(env: Environment, application: Application, by: str, text: str, *, is_question: bool) -> Application:
    if not text.strip():
        raise ApplicationTrouble(sentence("a question or an answer needs a text"))
    message = ApplicationMessage(at=now(), by=by, is_question=is_question, text=text.strip())
    messages = (*application.messages, message)[-_MAX_MESSAGES:]
    allowed = ("submitted",) if is_question else ("submitted", *_EDITABLE)  # a draft is still the partner's own
    return _change(env, application, allowed, messages=messages)


def decline_application(env: Environment, application: Application, *, by: str, reason: str) -> Application:
    """Decline a submitted application. Raises as save_draft does, also without a reason."""
    if not reason.strip():
        raise ApplicationTrouble(sentence("a reason is missing"))
    decided = {"decided_by": by, "decided_at": now(), "reason": reason.strip()}
    return _change(env, application, ("submitted",), status="declined", **decided)


def _change(
    env: Environment, application: Application, allowed: Sequence[ApplicationStatus | str], **changes: Any
) -> Application:
    with write_transaction(env) as connection:
        return change_in(connection, application, allowed, **changes)


def change_in(
    connection: Connection, application: Application, allowed: Sequence[ApplicationStatus | str], **changes: Any
) -> Application:
    """Change an application in a transaction, and return it. Raises Changed and ApplicationTrouble."""
    current = require_unchanged(connection, application, allowed)
    if current.accepting is not None and "accepting" not in changes:
        raise Changed(sentence("the application is being accepted; open it again"))
    changed = msgspec.structs.replace(current, **changes, version=current.version + 1, changed_at=now())
    its_row = _APPLICATIONS.c.id == application.id
    connection.execute(update(_APPLICATIONS).where(its_row).values(**_encode(changed)))
    return changed


def require_unchanged(
    connection: Connection, application: Application, allowed: Sequence[ApplicationStatus | str]
) -> Application:
    """Return the application as it is now. Raises Changed when it is another, ApplicationTrouble when it is gone."""
    current = _read(connection, application.id)
    if current is None:
        raise ApplicationTrouble(sentence("there is no such application any more"))
    if current.status not in allowed:
        raise Changed(sentence("the application is %(status)s meanwhile; open it again", status=str(current.status)))
    if current.version != application.version:
        raise Changed(sentence("the application was changed meanwhile; open it again and look at what it says now"))
    return current


def _list(env: Environment, query: Any) -> list[Application]:
    with read_transaction(env) as connection:
        return [_decode(row) for row in connection.execute(query).mappings()]


def _read(connection: Connection, application_id: str) -> Application | None:
    query = select(_APPLICATIONS).where(_APPLICATIONS.c.id == application_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _decode(row)


def accepting_applications(connection: Connection) -> list[Application]:
    """Return the applications whose acceptance was begun and not completed."""
    query = select(_APPLICATIONS).where(_APPLICATIONS.c.accepting.is_not(None)).order_by(_APPLICATIONS.c.id)
    return [_decode(row) for row in connection.execute(query).mappings()]


_JSON = ("declaration", "detection", "test", "messages")


def _encode(application: Application) -> dict[str, Any]:
    values = {name: getattr(application, name) for name in Application.__struct_fields__}
    for name in _JSON:
        if values[name] not in (None, ()):
            values[name] = msgspec.json.encode(values[name]).decode()
        else:
            values[name] = None
    return values


def _decode(row: Any) -> Application:
    values = dict(row)
    for name in _JSON:
        if values[name] is None:
            del values[name]
        else:
            values[name] = msgspec.json.decode(values[name])
    return msgspec.convert(values, Application)
