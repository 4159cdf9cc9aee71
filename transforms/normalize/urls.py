"""Addresses: what is one, its form for showing, its canonical form for comparing (https://www.rfc-editor.org/rfc/rfc3986)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

import idna

_LONGEST = 2048  # characters; longer addresses are no addresses that a browser opens

_SCHEME = re.compile(
    r"^(?:https?\s*+(?::\s*+)?/{1,3}\s*+)*(https?)\s*+:\s*+/{1,3}\s*+(?=[^\s/])", re.IGNORECASE
)  # once or twice
_OTHER_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:(?!\d+(/|$))", re.IGNORECASE)
_SIMPLE = re.compile(r"(https?)://([a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+)((?:/[A-Za-z0-9._~/-]*)?)")  # most addresses
_HOST = re.compile(
    r"^(?:(?:[^\W_](?:[\w-]{0,61}[^\W_])?)\.)+(?:[^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?::\d{1,5})?(?=[/?#]|$)",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(
    r"^[^/]+\.(pdf|docx?|xlsx?|pptx?|txt|zip|html?|xml|json|jpe?g|png|gif|mp[34]|csv|epub|rtf|odt|svg|py|rs|md)$",
    re.IGNORECASE,
)
_WRAPPING = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\t\r\n")
_TRACKING = re.compile(
    r"^(utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|mc_[ce]id|igshid|yclid|_ga|_gl|_hs\w+|ref_src|spm|cmpid|jsessionid|phpsessid|sid)$",
    re.I,
)
_SESSION = re.compile(r";(jsessionid|phpsessid)=[^/?#]*", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_PATH = "/%:@!$&()*+,;=~-._"  # no quotation mark: at an end it would be read as one around the address
_SAFE_QUERY = "/%:@!$()*+,;=~-._?&"
_PRIVATE_NAMES = re.compile(r"(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|invalid)$")


class _Parts(NamedTuple):
    """An address parsed once."""

    scheme: str
    netloc: str
    path: str
    query: str
    fragment: str
    host: str | None
    port: int | None


@lru_cache(maxsize=16384)
def web_address(said: str) -> str | None:
    """The absolute http(s) address that was said, as given but for stray spaces; None when it is none.

    A scheme is added to what starts with a host name ("www.golabz.eu/lab/x", "//host/path").
    """
    if len(said) < _LONGEST and (simple := _SIMPLE.fullmatch(said)):
        return said if _ascii_host(simple[2]) is not None else None
    text = said.translate(_WRAPPING).strip().strip("<>\"'“”«»").strip().replace("&amp;", "&")
    if not text or len(text) > _LONGEST:
        return None
    scheme = _SCHEME.match(text)
    if scheme:
        text = f"{scheme[1].lower()}://{text[scheme.end() :]}"
    elif text.startswith("//") and _HOST.match(text[2:]):
        text = f"https:{text}"
    elif _OTHER_SCHEME.match(text) or not _HOST.match(text) or _FILE_NAME.match(text):
        return None
    else:
        text = f"http://{text}"
    text = text.replace(" ", "%20") if text.count(" ") < 8 else ""
    parts = split(text)
    return text if parts is not None and parts.host and _ascii_host(parts.host) is not None else None


@lru_cache(maxsize=16384)
def canonical(url: str) -> str | None:
    """The form in which two addresses of one page are equal; for comparing, not for showing. None for no address.

    Always https; host in lower-case ASCII; `www.` kept (some hosts answer only with it); no default port, user,
    fragment, session or tracking parameter; other parameters in alphabetical order; no trailing slash. Idempotent.
    """
    address = web_address(url)
    parts = split(address) if address else None
    if parts is None or not parts.host:
        return None
    host = _ascii_host(parts.host)
    if host is None:
        return None
    port = parts.port
    place = host if port is None or port in _DEFAULT_PORTS.values() else f"{host}:{port}"
    path = re.sub("/{2,}", "/", _quoted(_SESSION.sub("", parts.path), _SAFE_PATH))
    query = _query(parts.query)
    return f"https://{place}{_without_dots(path).rstrip('/')}" + (f"?{query}" if query else "") + _route(parts.fragment)


def problem(url: str) -> str | None:
    """Why an address cannot be a resource's: malformed, no host, or a private host; None when it can."""
    if not url.strip():
        return "empty"
    address = web_address(url)
    if address is None:
        return _why_not(url.strip())
    host = (urlsplit(address).hostname or "").rstrip(".")
    return "private host" if _is_private(host) else None


def _why_not(url: str) -> str:
    if len(url) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    if _OTHER_SCHEME.match(url) and not _SCHEME.match(url):
        return "no host" if url.lower().startswith(("http:", "https:")) else "not http or https"
    return "malformed" if _SCHEME.match(url) else "no host"


@lru_cache(maxsize=4096)  # normalization asks twice for an address, the rules ask again
def split(address: str) -> _Parts | None:
    """The parts of an address; None when it cannot be read as one: a bad port, a bracket that is never closed."""
    if simple := _SIMPLE.fullmatch(address):
        scheme, host, path = simple.groups()
        return _Parts(scheme, host, path, "", "", host, None)
    try:
        parts = urlsplit(address)
        return _Parts(*parts, host=parts.hostname, port=parts.port)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _ascii_host(host: str) -> str | None:
    """The host in lower-case ASCII (IDNA 2008 with the UTS 46 mapping), or None when it cannot be one."""
    name = unquote(host).rstrip(".").lower()
    if ":" in name or name.replace(".", "").isdigit():
        return _address_literal(name)
    if name.isascii() and re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
        return name if len(name) <= 253 else None
    try:
        return idna.encode(name, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return None


def _address_literal(name: str) -> str | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    return f"[{address.compressed}]" if address.version == 6 else address.compressed


@lru_cache(maxsize=4096)
def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return "." not in host or bool(_PRIVATE_NAMES.search(host.lower()))


def _without_dots(path: str) -> str:
    """The path without "." and ".." (RFC 3986, 5.2.4)."""
    return urljoin("/", path) if "/." in path else path


def _quoted(part: str, safe: str) -> str:
    """Percent-encoding in one form: unreserved characters plain, all others encoded, hexadecimal in capitals."""
    if part.isascii() and "%" not in part and " " not in part:
        return quote(part, safe=safe)
    plain = re.sub(r"%([0-9A-Fa-f]{2})", _unreserved, part)
    return re.sub(r"%(?![0-9A-F]{2})", "%25", quote(plain, safe=safe, errors="replace"))


def _unreserved(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    return letter if letter.isascii() and (letter.isalnum() or letter in "-._~") else match[0].upper()


def _query(query: str) -> str:
    kept = [part for part in re.split("[&]", query) if part and not _TRACKING.match(part.partition("=")[0])]
    return "&".join(sorted(_quoted(part, _SAFE_QUERY) for part in kept))


def _route(fragment: str) -> str:
    """A fragment that is a route of a one-page site ("#/record/5", "#!view") names another page and stays."""
    return f"#{_quoted(fragment, _SAFE_QUERY)}" if fragment.startswith(("/", "!")) and len(fragment) > 1 else ""
