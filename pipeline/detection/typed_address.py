"""Read the address that a person typed: with or without a scheme, with blanks, quotation marks or text around it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import SplitResult, parse_qsl, urlsplit

from harvesters.client import join_address
from pipeline.detection.found import Trouble
from schemas import sentence

MAX_TYPED_CHARS = 2_000
_AROUND = "\ufeff\u200b\u200e\u200f\u2060\"'`´‘’“”„«»‹›<>()[]{}|*,;،؛"  # marks that stand around addresses in texts
_BEHIND = ".:!"
_WEB_ADDRESS = re.compile(r"https?:/*[^\s/][^\s]*", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30}):/")
_KEYS = frozenset({"token", "access_token", "api_key", "apikey", "password", "secret", "client_secret"})
_EMAIL = re.compile(r"[^\s@/]+@[^\s@/]+")
_WEB_ADVICE = sentence(
    "Give the address of your website, or of its list of records, such as https://www.example.org/oai."
)


def read_address(text: str) -> tuple[str, ...] | Trouble:
    """Return the addresses that a text may mean, the likeliest first, or why it means none.

    An address without a scheme is tried with https, then with http.
    """
    address = _with_two_slashes(_bare(text).partition("#")[0])
    trouble = _trouble(address)
    if trouble is not None:
        return trouble
    return (address,) if _SCHEME.match(address) else (f"https://{address}", f"http://{address}")


def _with_two_slashes(address: str) -> str:
    """Return an address with its scheme in small letters and two slashes behind it."""
    scheme = _SCHEME.match(address)
    return f"{scheme[1].lower()}://{address[scheme.end() :].lstrip('/')}" if scheme else address


def _bare(text: str) -> str:
    """Return the address in a text, without what stands around it."""
    words = text[: 2 * MAX_TYPED_CHARS].replace("\u00a0", " ").translate(dict.fromkeys(map(ord, "\ufeff\u200b\u2060")))
    named = _WEB_ADDRESS.search(words)
    word = named[0] if named else "".join(words.split()[:1] or [""])
    return word.strip(_AROUND).rstrip(_BEHIND).strip(_AROUND)


def _trouble(address: str) -> Trouble | None:
    """Return what keeps an address from being a web address."""
    for is_so, trouble in _TROUBLES:
        if is_so(address):
            return trouble
    return None


def _parts(address: str) -> SplitResult:
    """Return the parts of an address, with http where it has no scheme. Raises ValueError."""
    return urlsplit(address if _SCHEME.match(address) else f"http://{address}")


def _has_credentials(address: str) -> bool:
    try:
        parts = _parts(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.username is not None and parts.password is not None


def _has_key(address: str) -> bool:
    """Return whether the query of an address holds a key to sign in with."""
    try:
        query = _parts(address).query
    except ValueError:
        return False
    return any(name.casefold().replace("-", "_") in _KEYS for name, _ in parse_qsl(query))


def _is_other_scheme(address: str) -> bool:
    scheme = _SCHEME.match(address)
    return scheme is not None and scheme[1].lower() not in ("http", "https")


def _is_no_host(address: str) -> bool:
    """Return whether an address names no host that can be on the web."""
    try:
        parts = _parts(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # javascript:alert(1) has a port that is no number
        return True
    is_name = "." in host or ":" in host or host == "localhost" or port is not None
    return not is_name or join_address(f"http://{parts.netloc}/", "/") is None


def _is_empty(address: str) -> bool:
    return not address


def _is_long(address: str) -> bool:
    return len(address) > MAX_TYPED_CHARS


def _is_email(address: str) -> bool:
    return _EMAIL.fullmatch(address) is not None


_TROUBLES: tuple[tuple[Callable[[str], bool], Trouble], ...] = (
    (_is_empty, Trouble(what=sentence("No address was given."), advice=_WEB_ADVICE)),
    (_is_long, Trouble(what=sentence("The address is too long."), advice=_WEB_ADVICE)),
    (_is_email, Trouble(what=sentence("This is an e-mail address."), advice=_WEB_ADVICE)),
    (
        _has_credentials,
        Trouble(
            what=sentence("The address holds a user name and a password."),
            advice=sentence("Give it without them; the library's staff will ask how to sign in."),
        ),
    ),
    (
        _has_key,
        Trouble(
            what=sentence("The address holds a key or a password."),
            advice=sentence("Give it without them; the library's staff will ask how to sign in."),
        ),
    ),
    (
        _is_other_scheme,
        Trouble(what=sentence("The address does not begin with http:// or https://."), advice=_WEB_ADVICE),
    ),
    (_is_no_host, Trouble(what=sentence("This is not the address of a website."), advice=_WEB_ADVICE)),
)
