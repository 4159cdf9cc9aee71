"""Send mail to partners through the server that ELIB_MAIL_URL names."""

from __future__ import annotations

import logging
import smtplib
import ssl
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from email_validator import EmailNotValidError, validate_email

from schemas import one_line, sentence

log = logging.getLogger("elib.mail")
_TIMEOUT_SECONDS = 15.0
_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
MAX_MAIL_CHARS = 254  # https://www.rfc-editor.org/errata/eid1690


class MailNotSent(Exception):
    """A mail that did not go out: why, and what to do. It never contains a secret."""


class AddressRefused(MailNotSent):
    """The mail server does not take mail for the address; another try comes to the same."""


class MailServer(NamedTuple):
    """What ELIB_MAIL_URL says: smtp[s]://user:password@host:port?from=address."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    sender: str


def send_mail(mail_url: str, to: str, subject: str, body: str) -> bool:
    """Send a plain text and return True; return False when ELIB_MAIL_URL is empty. Raises MailNotSent.

    Line ends in address and subject cannot add headers. A password is only sent over TLS, or to this machine.
    """
    if not mail_url:
        return False
    server = mail_server(mail_url)
    message = EmailMessage()
    try:
        message["Subject"] = one_line(subject)
        message["From"], message["To"] = server.sender, mail_address(to)
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=server.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        with _connect(server) as connection:
            if server.user:
                connection.login(server.user, server.password)
            connection.send_message(message)
    except (smtplib.SMTPException, OSError, ValueError, HeaderParseError) as error:
        why = one_line(f"{type(error).__name__}: {error}")
        log.warning("mail through %s:%d was not sent: %s", server.host, server.port, why)
        refused = AddressRefused if isinstance(error, smtplib.SMTPRecipientsRefused) else MailNotSent
        raise refused(f"the mail server {server.host}:{server.port} did not take it ({why})") from error
    return True


def mail_address(text: str) -> str:
    """Return a mail address as it is written everywhere here: normalised, in lower case. Raises ValueError."""
    address = text.strip()
    if len(address) > MAX_MAIL_CHARS:
        raise ValueError(sentence("a mail address has at most 254 characters"))
    try:
        return validate_email(address, check_deliverability=False).normalized.casefold()
    except EmailNotValidError as error:
        raise ValueError(sentence("this is not a mail address: %(why)s", why=str(error))) from error


def mail_server(url: str) -> MailServer:
    """Return what the value of ELIB_MAIL_URL says. Raises MailNotSent, without showing what may be a secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise MailNotSent(
            sentence("ELIB_MAIL_URL is not an address such as smtp://user:password@mail.example.org")
        ) from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise MailNotSent(sentence("ELIB_MAIL_URL is not an address such as smtp://user:password@mail.example.org"))
    user = unquote(parts.username or "")
    named = parse_qs(parts.query).get("from", [user if "@" in user else f"elib@{parts.hostname}"])[0]
    try:
        sender = validate_email(named, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise MailNotSent(
            sentence("ELIB_MAIL_URL names no sender; add ?from=elib@library.example.org (%(why)s)", why=str(error))
        ) from error
    host = parts.hostname
    return MailServer(parts.scheme, host, port or _PORTS[parts.scheme], user, unquote(parts.password or ""), sender)


def _connect(server: MailServer) -> smtplib.SMTP:
    """Connect: TLS from the beginning for smtps, else STARTTLS where the server has it, or must have it."""
    verified = ssl.create_default_context()
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_SECONDS, context=verified)
    connection = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=verified)
        elif server.user and server.host not in _LOOPBACK:
            raise smtplib.SMTPNotSupportedError("it has no STARTTLS, and no password is sent without it")
    except BaseException:
        connection.close()
        raise
    return connection
