"""What the web is told by the environment's variables: its public address, its secret, and how it sends mail."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from schemas import Base, Environment

MIN_SECRET_CHARS = 32
_MAIL = re.compile(r"[^@\s<>&]+@[^@\s<>&.]+(?:\.[^@\s<>&.]+)+")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class UnsafeSettings(ValueError):
    """The web must not start with these settings."""


class WebSettings(Base, frozen=True, kw_only=True):
    """The variables of the web with their defaults: ELIB_WEB_URL, ELIB_WEB_SECRET, ELIB_MAIL_URL and so on.

    url: public address, without a slash at its end; empty when the web is used on this machine only
    listens_at: address on this machine, which stands in links when there is no public one
    secret: signs sessions and links
    mail_url: smtp://… or smtps://…; empty: no mail is sent, and the console shows the links to send
    redis_url: where rates are counted when several processes serve; empty: each counts its own
    metrics_token: what /metrics must be sent; empty: it answers this machine only, and nobody under a public address
    contact: mail address or page of who runs the library, named in the statements and by OAI-PMH; empty: none
    """

    secret: str
    url: str = ""
    listens_at: str = "http://127.0.0.1:8081"
    mail_url: str = ""
    redis_url: str = ""
    metrics_token: str = ""
    contact: str = ""

    @property
    def admin_mail(self) -> str:
        """Return the mail address that OAI-PMH must name; one that cannot exist where none is set."""
        contact = self.contact.removeprefix("mailto:")
        return contact if _MAIL.fullmatch(contact) else "unknown@library.invalid"

    @property
    def hosts(self) -> frozenset[str]:
        """The names that it is reached by, beside addresses and localhost; empty when there is none."""
        names = (urlsplit(url).hostname for url in (self.url, self.listens_at))
        return frozenset(name.rstrip(".") for name in names if name)

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")


def web_settings(env: Environment, variables: Mapping[str, str] | None = None) -> WebSettings:
    """Return the settings of the variables (the process's own unless given).

    Without ELIB_WEB_SECRET, a secret of this installation is made once and kept in ELIB_HOME. Raises UnsafeSettings for
    a secret that is too short, and for an address that is none.
    """
    values = os.environ if variables is None else variables
    secret = values.get("ELIB_WEB_SECRET", "")
    if secret and len(secret) < MIN_SECRET_CHARS:
        raise UnsafeSettings(f"ELIB_WEB_SECRET has {len(secret)} characters; it needs at least {MIN_SECRET_CHARS}")
    url = values.get("ELIB_WEB_URL", "").rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise UnsafeSettings(f"ELIB_WEB_URL: {url!r} is no address such as https://library.example.org")
    return WebSettings(
        secret=secret or _kept_secret(env.home / "web.secret"),
        url=url,
        mail_url=values.get("ELIB_MAIL_URL", ""),
        contact=values.get("ELIB_CONTACT", ""),
        redis_url=values.get("ELIB_REDIS_URL", ""),
        metrics_token=values.get("ELIB_METRICS_TOKEN", ""),
    )


def check_public(
    host: str, settings: WebSettings, proxies: Sequence[str], variables: Mapping[str, str] | None = None
) -> None:
    """Raise UnsafeSettings when the web would listen beyond this machine without a secret and a proxy with TLS."""
    values = os.environ if variables is None else variables
    if host in _LOOPBACK:
        return
    missing = []
    if not values.get("ELIB_WEB_SECRET"):
        missing.append(f"ELIB_WEB_SECRET, of {MIN_SECRET_CHARS} characters or more")
    if not settings.is_https:
        missing.append("ELIB_WEB_URL, the https:// address of the proxy before it")
    if not proxies:
        missing.append("ELIB_WEB_BEHIND, the address that the proxy connects from")
    if missing:
        raise UnsafeSettings(f"The web does not listen on {host} without {' and '.join(missing)}.")


def _kept_secret(path: Path) -> str:
    """Return the secret of a file that only its owner may read; make it when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_text("ascii").strip()
        if len(secret) < MIN_SECRET_CHARS:
            raise UnsafeSettings(f"{path} is no secret; delete it, and a new one is made") from None
        return secret
    secret = secrets.token_urlsafe(MIN_SECRET_CHARS)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return secret
