"""Web addresses: in a form to show, and in a canonical form to compare (https://www.rfc-editor.org/rfc/rfc3986)."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

import idna

from transforms.remembering import remember

_MAX_ADDRESS_CHARS = 2048  # browsers open no longer ones
_MAX_SPACES = 7  # a text with more is a sentence

_SCHEME = re.compile(  # once, or repeated: "https://https://"
    r"^(?:https?\s*+(?::\s*+)?/{1,3}\s*+)*(https?)\s*+:\s*+/{1,3}\s*+(?=[^\s/])", re.IGNORECASE
)
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
_INVISIBLE = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\t\r\n")
_TRACKING = re.compile(
    r"^(utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|mc_[ce]id|igshid|yclid|_ga|_gl|_hs\w+|ref_src|spm|cmpid|jsessionid|phpsessid|sid)$",
    re.I,
)
_SESSION = re.compile(r";(jsessionid|phpsessid)=[^/?#]*", re.IGNORECASE)
_DEFAULT_PORTS = (80, 443)
_SAFE_PATH = (
    "/%:@!$&()*+,;=~-._"  # without quotation marks: at the end they would be taken for marks around the address
)
_SAFE_QUERY = "/%:@!$()*+,;=~-._?&"


class _Parts(NamedTuple):
    """The parts of an address."""

    scheme: str
    netloc: str
    path: str
    query: str
    fragment: str
    host: str | None
    port: int | None


@remember(16384)
def web_address(text: str) -> str | None:
    """Return the absolute http(s) address that a text is, without stray spaces; None when it is not one.

    A scheme is added to a text that starts with a host name ("www.golabz.eu/lab/x", "//host/path").
    """
    if len(text) < _MAX_ADDRESS_CHARS and (simple := _SIMPLE.fullmatch(text)):
        return text if _ascii_host(simple[2]) is not None else None
    text = text.translate(_INVISIBLE).strip().strip("<>\"'“”«»").strip().replace("&amp;", "&")
    if not text or len(text) > _MAX_ADDRESS_CHARS:
        return None
    address = _with_scheme(text)
    if address is None or address.count(" ") > _MAX_SPACES:
        return None
    address = address.replace(" ", "%20")
    return address if _has_valid_host(address) else None


def _has_valid_host(address: str) -> bool:
    parts = split_url(address)
    if parts is None or not parts.host:
        return False
    return _ascii_host(parts.host) is not None


def _with_scheme(text: str) -> str | None:
    """Write the scheme in one form, or add it before a host name; None for a text that begins with neither."""
    if scheme := _SCHEME.match(text):
        return f"{scheme[1].lower()}://{text[scheme.end() :]}"
    if text.startswith("//") and _HOST.match(text[2:]):
        return f"https:{text}"
    if _OTHER_SCHEME.match(text) or not _HOST.match(text) or _FILE_NAME.match(text):
        return None
    return f"http://{text}"


@remember(16384)
def canonical_url(url: str) -> str | None:
    """Return the form in which two addresses of one page are equal, to compare and not to show; None if not an address.

    Always https; host in lower-case ASCII; `www.` kept (some hosts answer only with it); no default port, user,
    fragment, session or tracking parameter; other parameters in alphabetical order; no trailing slash. Idempotent.
    """
    address = web_address(url)
    parts = split_url(address) if address else None
    if parts is None or not parts.host:
        return None
    host = _ascii_host(parts.host)
    if host is None:
        return None
    port = parts.port
    netloc = host if port is None or port in _DEFAULT_PORTS else f"{host}:{port}"
    path = re.sub("/{2,}", "/", _quoted(_SESSION.sub("", parts.path), _SAFE_PATH))
    query = _query(parts.query)
    return (
        f"https://{netloc}{_without_dots(path).rstrip('/')}" + (f"?{query}" if query else "") + _route(parts.fragment)
    )


@remember(4096)  # normalization needs them twice for an address, the rules again
def split_url(address: str) -> _Parts | None:
    """Return the parts of an address; None for one with a bad port or an unclosed bracket."""
    if simple := _SIMPLE.fullmatch(address):
        scheme, host, path = simple.groups()
        return _Parts(scheme, host, path, "", "", host, None)
    try:
        parts = urlsplit(address)
        return _Parts(*parts, host=parts.hostname, port=parts.port)
    except ValueError:
        return None


@remember(4096)
def _ascii_host(host: str) -> str | None:
    """Return the host in lower-case ASCII (IDNA 2008 with the UTS 46 mapping), or None when it is not valid."""
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


def _without_dots(path: str) -> str:
    """Remove "." and ".." from a path (RFC 3986, 5.2.4)."""
    return urljoin("/", path) if "/." in path else path


def _quoted(part: str, safe: str) -> str:
    """Percent-encode in one form: unreserved characters plain, all others encoded, hexadecimal in capitals."""
    if part.isascii() and "%" not in part and " " not in part:
        return quote(part, safe=safe)
    plain = re.sub(r"%([0-9A-Fa-f]{2})", _decode_unreserved, part)
    return re.sub(r"%(?![0-9A-F]{2})", "%25", quote(plain, safe=safe, errors="replace"))


def _decode_unreserved(match: re.Match[str]) -> str:
    letter = chr(int(match[1], 16))
    return letter if letter.isascii() and (letter.isalnum() or letter in "-._~") else match[0].upper()


def _query(query: str) -> str:
    kept = [part for part in re.split("[&]", query) if part and not _TRACKING.match(part.partition("=")[0])]
    return "&".join(sorted(_quoted(part, _SAFE_QUERY) for part in kept))


def _route(fragment: str) -> str:
    """Keep a fragment that is a route of a one-page site ("#/record/5", "#!view"): it names another page."""
    return f"#{_quoted(fragment, _SAFE_QUERY)}" if fragment.startswith(("/", "!")) and len(fragment) > 1 else ""
