"""Send a notification to the webhook (conn_type http) or mailbox (smtp) of an Airflow connection.

Mail goes by smtplib, not by Airflow's SmtpHook; decision 071 says why.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import httpx

_TIMEOUT_SECONDS = 30.0
_ACCEPTED_STATUS = range(200, 300)
_WEBHOOK_SCHEMES = frozenset({"", "http", "https"})
_BOOLEAN_WORDS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


class NotSent(Exception):
    """A notification that was not delivered: to which connection, why, and what to do. It never contains a secret."""


@dataclass(frozen=True)
class Receiver:
    """What sending needs of an Airflow connection; `kind` is its conn_type, `scheme` its schema."""

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
    """A subject, lines for people, and the same content as JSON-able facts for machines."""

    subject: str
    lines: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def text(self) -> str:
        return "\n".join([self.subject, "", *(f"- {line}" for line in self.lines)])


def send(receiver: Receiver, notification: Notification) -> None:
    """Send the notification once. Raises NotSent."""
    sender = _SENDERS.get(receiver.kind)
    if sender is None:
        kinds = ", ".join(sorted(_SENDERS))
        raise NotSent(f"connection {receiver.name}: its type is {receiver.kind!r}; make it one of {kinds}")
    sender(receiver, notification)


def _post(receiver: Receiver, notification: Notification) -> None:
    """POST {text, subject, lines, …} as JSON; Slack, Mattermost and Teams show `text`."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses, and a webhook's address is a secret
    body = {
        "text": notification.text,
        "subject": notification.subject,
        "lines": list(notification.lines),
        **notification.facts,
    }
    basic = (receiver.login, receiver.password) if receiver.login else None
    try:
        response = httpx.post(
            _webhook_url(receiver), json=body, headers=_headers(receiver), auth=basic, timeout=_TIMEOUT_SECONDS
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _not_sent(receiver, f"{type(error).__name__}: {error}", "check that it is reachable from here") from None
    if response.status_code not in _ACCEPTED_STATUS:
        why = f"it answered {response.status_code}"
        raise _not_sent(receiver, why, "correct the connection's address and secrets")


def _webhook_url(receiver: Receiver) -> str:
    """Return the host when it is a whole URL, else a URL put together as Airflow's HTTP hook does."""
    path = str(receiver.extra.get("endpoint") or "")
    if receiver.scheme not in _WEBHOOK_SCHEMES:  # not shown: Airflow reads the path of an AIRFLOW_CONN URL as schema
        raise NotSent(
            f"connection {receiver.name}: its schema is neither http nor https; a path belongs into extra endpoint"
        )
    if "://" in receiver.host:
        return receiver.host + (f"/{path.lstrip('/')}" if path else "")
    port = f":{receiver.port}" if receiver.port else ""
    return f"{receiver.scheme or 'https'}://{receiver.host}{port}/{path.lstrip('/')}"


def _headers(receiver: Receiver) -> dict[str, str]:
    """Return the headers that extra gives as header.<Name>; a password without a login is a bearer token."""
    headers = {
        name.removeprefix("header."): str(value) for name, value in receiver.extra.items() if name.startswith("header.")
    }
    if receiver.password and not receiver.login:
        return {"Authorization": f"Bearer {receiver.password}", **headers}
    return headers


def _mail(receiver: Receiver, notification: Notification) -> None:
    """Mail it as plain text, over implicit TLS or after STARTTLS, as the connection says."""
    message = EmailMessage()
    message["Subject"] = notification.subject
    message["From"], message["To"] = _mail_addresses(receiver)
    message.set_content(notification.text + "\n")
    try:
        with _connect(receiver) as server:
            if receiver.login:
                server.login(receiver.login, receiver.password)
            server.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        why = f"{type(error).__name__}: {error}"
        raise _not_sent(receiver, why, "correct its host, port, login or TLS") from None


def _mail_addresses(receiver: Receiver) -> tuple[str, str]:
    """Return the sender and the recipients that extra names."""
    sender, recipients = receiver.extra.get("from_email") or receiver.login, receiver.extra.get("to_email")
    if not sender or not recipients:
        raise NotSent(
            f"connection {receiver.name}: its extra must name from_email and to_email (commas between several)"
        )
    return str(sender), ", ".join(recipients) if isinstance(recipients, list) else str(recipients)


def _connect(receiver: Receiver) -> smtplib.SMTP:
    """Connect to the mail server: implicit TLS, or STARTTLS with disable_ssl, or plain with disable_tls as well."""
    verified = ssl.create_default_context()
    if not _is_true(receiver, "disable_ssl"):
        return smtplib.SMTP_SSL(receiver.host, receiver.port or 465, timeout=_TIMEOUT_SECONDS, context=verified)
    server = smtplib.SMTP(receiver.host, receiver.port or 587, timeout=_TIMEOUT_SECONDS)
    try:
        if not _is_true(receiver, "disable_tls"):
            server.starttls(context=verified)
    except BaseException:
        server.close()
        raise
    return server


def _is_true(receiver: Receiver, name: str) -> bool:
    """Return a boolean of extra: JSON's, or a word as an AIRFLOW_CONN URL gives it. Raises NotSent."""
    value = receiver.extra.get(name)
    word = "false" if value in (None, "") else str(value).strip().lower()
    if word not in _BOOLEAN_WORDS:
        raise NotSent(f"connection {receiver.name}: extra {name} is {value!r}; write true or false")
    return _BOOLEAN_WORDS[word]


def _not_sent(receiver: Receiver, why: str, advice: str) -> NotSent:
    return NotSent(f"connection {receiver.name}: nothing could be sent ({why}); {advice}")


_SENDERS: dict[str, Callable[[Receiver, Notification], None]] = {"http": _post, "https": _post, "smtp": _mail}
