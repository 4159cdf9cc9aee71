"""A mail server on the loopback, plain or with TLS, and a certificate made for the test."""

from __future__ import annotations

import asyncio
import email
import ssl
import threading
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult


class Mail(NamedTuple):
    """One message as it arrived: from whom, to whom, whether by TLS, and who had logged in."""

    sender: str
    receivers: list[str]
    message: EmailMessage
    by_tls: bool
    login: tuple[str, str] | None


class MailServer:
    """Takes whatever is sent while it is entered. `implicit` speaks TLS from the first byte, else STARTTLS is offered.

    A login is taken in the clear too, so that a test sees one that should not have been sent.
    """

    def __init__(self, context: ssl.SSLContext | None = None, *, implicit: bool = False) -> None:
        self.mails: list[Mail] = []
        self.logins: list[tuple[str, str, bool]] = []
        self._starttls, self._implicit = (None, context) if implicit else (context, None)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        serving = self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=self._implicit)
        self._server = self._loop.run_until_complete(serving)
        self.server_address: tuple[str, int] = self._server.sockets[0].getsockname()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        open_still = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_still:
            task.cancel()
        await asyncio.gather(*open_still, return_exceptions=True)

    def _protocol(self) -> SMTP:
        return SMTP(self, tls_context=self._starttls, authenticator=self.login, auth_require_tls=False, loop=self._loop)

    def login(self, server: SMTP, session: Any, envelope: Any, mechanism: str, credentials: Any) -> AuthResult:
        name, secret = credentials.login.decode(), credentials.password.decode()
        self.logins.append((name, secret, by_tls(server)))
        return AuthResult(success=True, auth_data=(name, secret))

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        mail = Mail(envelope.mail_from, envelope.rcpt_tos, message, by_tls(server), session.auth_data)
        self.mails.append(mail)
        return "250 OK"


def by_tls(server: SMTP) -> bool:
    return server.transport is not None and server.transport.get_extra_info("sslcontext") is not None


def certified(folder: Path, host: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate for a host, and the file of the authority that signed it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return context, folder / "authority.pem"
