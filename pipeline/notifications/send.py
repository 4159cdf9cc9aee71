"""Sends a notification to where an Airflow connection says: a webhook (conn_type http) or a mailbox (smtp)."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import httpx

_TIMEOUT = 30.0
_ACCEPTED = range(200, 300)
_SCHEMES = frozenset({"", "http", "https"})
_YES_NO = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class NotSent(Exception):
    """A notification that did not arrive: where it was to go, why, and what to do. It never names a secret."""


@dataclass(frozen=True)
class Receiver:
    """An Airflow connection, as far as sending needs it; `extra` is its own extra."""

    name: str
    kind: str
    host: str
    port: int | None
    scheme: str
    login: str
    password: str
    extra: Mapping[str, Any]


@dataclass(frozen=True)
class Notification:
    """What is sent: a subject, lines for people, and the same as JSON-able facts for machines."""

    subject: str
    lines: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def text(self) -> str:
        return "\n".join([self.subject, "", *(f"- {line}" for line in self.lines)])


def send(to: Receiver, what: Notification) -> None:
    """Send it once. Raises NotSent."""
    sender = _SENDERS.get(to.kind)
    if sender is None:
        kinds = ", ".join(sorted(_SENDERS))
        raise NotSent(f"connection {to.name}: its type is {to.kind!r}; make it one of {kinds}")
    sender(to, what)


def _post(to: Receiver, what: Notification) -> None:
    """POST {text, subject, lines, …} as JSON: `text` is what Slack, Mattermost and Teams show."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and a webhook's address is a secret
    body = {"text": what.text, "subject": what.subject, "lines": list(what.lines), **what.facts}
    basic = (to.login, to.password) if to.login else None
    try:
        reply = httpx.post(_address(to), json=body, headers=_headers(to), auth=basic, timeout=_TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSent(_unsent(to, f"{type(error).__name__}: {error}", "see that it is reachable from here")) from None
    if reply.status_code not in _ACCEPTED:
        raise NotSent(_unsent(to, f"it answered {reply.status_code}", "correct the connection's address and secrets"))


def _address(to: Receiver) -> str:
    """The webhook's address: the host when it is a whole address, else put together as Airflow's HTTP hook does."""
    path = str(to.extra.get("endpoint") or "")
    if to.scheme not in _SCHEMES:  # not named: Airflow takes the path of an AIRFLOW_CONN address for the schema
        raise NotSent(f"connection {to.name}: its schema is neither http nor https; a path belongs into extra endpoint")
    if "://" in to.host:
        return to.host + (f"/{path.lstrip('/')}" if path else "")
    port = f":{to.port}" if to.port else ""
    return f"{to.scheme or 'https'}://{to.host}{port}/{path.lstrip('/')}"


def _headers(to: Receiver) -> dict[str, str]:
    """What extra says as header.<Name>; a password without a login is a bearer token."""
    found = {name[len("header.") :]: str(said) for name, said in to.extra.items() if name.startswith("header.")}
    return {"Authorization": f"Bearer {to.password}", **found} if to.password and not to.login else found


def _mail(to: Receiver, what: Notification) -> None:
    """Mail it as plain text, over TLS from the first byte or after STARTTLS, as the connection says."""
    message = EmailMessage()
    message["Subject"] = what.subject
    message["From"], message["To"] = _addresses(to)
    message.set_content(what.text + "\n")
    try:
        with _opened(to) as server:
            if to.login:
                server.login(to.login, to.password)
            server.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        said = _unsent(to, f"{type(error).__name__}: {error}", "correct its host, port, login or TLS")
        raise NotSent(said) from None


def _addresses(to: Receiver) -> tuple[str, str]:
    """From whom and to whom, as extra names them."""
    sender, receivers = to.extra.get("from_email") or to.login, to.extra.get("to_email")
    if not sender or not receivers:
        raise NotSent(f"connection {to.name}: its extra must name from_email and to_email (commas between several)")
    return str(sender), ", ".join(receivers) if isinstance(receivers, list) else str(receivers)


def _opened(to: Receiver) -> smtplib.SMTP:
    """A connection to the mail server; Airflow's own disable_ssl and disable_tls say which kind."""
    trusted = ssl.create_default_context()
    if not _yes(to, "disable_ssl"):
        return smtplib.SMTP_SSL(to.host, to.port or 465, timeout=_TIMEOUT, context=trusted)
    server = smtplib.SMTP(to.host, to.port or 587, timeout=_TIMEOUT)
    try:
        if not _yes(to, "disable_tls"):
            server.starttls(context=trusted)
    except BaseException:
        server.close()
        raise
    return server


def _yes(to: Receiver, name: str) -> bool:
    """Whether extra says so: a value of JSON, or the word that an AIRFLOW_CONN address gives. Raises NotSent."""
    value = to.extra.get(name)
    word = "false" if value in (None, "") else str(value).strip().lower()
    if word not in _YES_NO:
        raise NotSent(f"connection {to.name}: extra {name} is {value!r}; write true or false")
    return _YES_NO[word]


def _unsent(to: Receiver, why: str, mend: str) -> str:
    return f"connection {to.name}: nothing could be sent ({why}); {mend}"


_SENDERS: dict[str, Callable[[Receiver, Notification], None]] = {"http": _post, "https": _post, "smtp": _mail}
