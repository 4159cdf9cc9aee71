"""A mail server on the loopback, plain or with TLS, and certificates made for the test."""

from __future__ import annotations

import base64
import email
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Mail(NamedTuple):
    """One message as it arrived: from whom, to whom, whether by TLS, and who had logged in."""

    sender: str
    receivers: list[str]
    message: EmailMessage
    by_tls: bool
    login: tuple[str, str] | None


class MailServer(socketserver.ThreadingTCPServer):
    """As much of RFC 5321 as a message needs. `implicit` speaks TLS from the first byte, else STARTTLS is offered."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None, *, implicit: bool = False) -> None:
        self.mails: list[Mail] = []
        self.logins: list[tuple[str, str, bool]] = []
        self.context, self.implicit = context, implicit
        super().__init__(("127.0.0.1", 0), MailHandler)

    def get_request(self) -> tuple[Any, Any]:
        plain, address = super().get_request()
        if self.context and self.implicit:
            return self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address
        return plain, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is what some tests want."""


class MailHandler(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.login: tuple[str, str] | None = None
        self.sender, self.receivers = "", []
        self.say("220 ready")
        while line := self.rfile.readline().decode().strip():
            if line[:4].upper() == "QUIT":
                self.say("221 bye")
                return
            self.answer(line)

    def answer(self, line: str) -> None:
        verb = line.split(" ", maxsplit=1)[0].split(":", maxsplit=1)[0].upper()
        if verb == "EHLO":
            more = ["STARTTLS"] if self.server.context and not self.by_tls else []
            self.say("\r\n".join(f"250-{one}" for one in ["loopback", *more, "AUTH PLAIN"]) + "\r\n250 8BITMIME")
            return
        if verb == "STARTTLS" and self.server.context:
            self.say("220 go on")
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
            self.setup()
            return
        if verb == "AUTH":
            _, name, secret = base64.b64decode(line.split(" ")[2]).decode().split("\x00")
            self.login = (name, secret)
            self.server.logins.append((name, secret, self.by_tls))
            self.say("235 welcome")
            return
        if verb == "MAIL":
            self.sender = line
        elif verb == "RCPT":
            self.receivers.append(line.split("<")[1].split(">", maxsplit=1)[0])
        elif verb == "DATA":
            self.keep()
        self.say("250 ok")

    def keep(self) -> None:
        self.say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        said = b"".join(one[1:] if one.startswith(b"..") else one for one in lines)
        parsed = email.message_from_bytes(said, policy=policy.default)
        self.server.mails.append(Mail(self.sender, self.receivers, parsed, self.by_tls, self.login))

    @property
    def by_tls(self) -> bool:
        return isinstance(self.request, ssl.SSLSocket)

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[Any]:
    """Run a server in a thread while the block lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certified(folder: Path, host: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate for a host, and the file of the authority that signed it."""
    authority, authority_key = _signed("An authority for a test", None)
    certificate, key = _signed(host, (authority, authority_key))
    paths = {name: folder / f"{name}.pem" for name in ("authority", "server")}
    paths["authority"].write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    paths["server"].write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths["server"])
    return context, paths["authority"]


def _signed(
    name: str, by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by is None:
        usage = dict.fromkeys(("key_encipherment", "data_encipherment", "key_agreement", "content_commitment"), False)
        usage |= dict.fromkeys(("encipher_only", "decipher_only"), False)
        signs = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage)
        return made.add_extension(signs, critical=True).sign(key, hashes.SHA256()), key
    hosts = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by[1].public_key())
    made = made.add_extension(x509.SubjectAlternativeName(hosts), critical=False).add_extension(issuer, critical=False)
    return made.sign(by[1], hashes.SHA256()), key
