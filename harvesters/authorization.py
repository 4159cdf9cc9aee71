"""Credentials: they go to the feed's own host and nowhere else, and stand in no address that is written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import httpx

from harvesters.causes import failed
from schemas import Feed

SECRET_HEADERS = ("authorization", "cookie", "x-api-key")


def filled(value: Any, credentials: Mapping[str, str]) -> Any:
    """{token} and the like in a declared parameter stand for a credential. Raises HarvestFailed when it is not had."""
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        name = value[1:-1]
        if name not in credentials:
            raise failed("blocked", f"the feed needs the credential {name!r}, and its connection has none")
        return credentials[name]
    return value


def authorize(request: httpx.Request, feed: Feed, credentials: Mapping[str, str]) -> None:
    """Give the credentials to a request that goes to the feed's own host."""
    if not credentials or request.url.host != httpx.URL(feed.url).host:
        return
    for name, value in credentials.items():
        if name.startswith("header."):
            request.headers[name.removeprefix("header.")] = value
    if "login" in credentials:
        basic = httpx.BasicAuth(credentials["login"], credentials.get("password", ""))
        next(basic.auth_flow(request))
    elif "token" in credentials and "{token}" not in feed.request.params.values():
        request.headers["Authorization"] = f"Bearer {credentials['token']}"


def guarded(address: httpx.URL, feed: Feed, credentials: Mapping[str, str]) -> httpx.URL:
    """The address as it is on the feed's own host; without the credentials in its query on any other."""
    sent = address.params.multi_items()
    kept = [(name, value) for name, value in sent if value not in _secrets(credentials)]
    own = address.host == httpx.URL(feed.url).host
    return address if own or len(kept) == len(sent) else address.copy_with(params=kept)


def holds_secrets(body: bytes, credentials: Mapping[str, str]) -> bool:
    """Whether a credential stands in a request's body, in any way of writing it."""
    return any(form.encode() in body for value in _secrets(credentials) for form in _written(value))


def without_secret_headers(headers: httpx.Headers, credentials: Mapping[str, str]) -> httpx.Headers:
    """The headers that another host may see."""
    kept = httpx.Headers(headers)
    for name in (*SECRET_HEADERS, *credentials):
        kept.pop(name.removeprefix("header."), None)
    return kept


def without_secrets(address: str, credentials: Mapping[str, str]) -> str:
    """An address that may be written down: with {token} and the like in the place of credentials."""
    for name, value in credentials.items():
        for form in _written(value) if value in _secrets(credentials) else ():
            address = address.replace(form, f"{{{name}}}")
    return address


def with_secrets(address: str, credentials: Mapping[str, str]) -> str:
    """The address that `without_secrets` was given."""
    for name, value in credentials.items():
        address = address.replace(f"{{{name}}}", quote(value, safe=""))
    return address


def _secrets(credentials: Mapping[str, str]) -> list[str]:
    """The credentials themselves; a login's name is none."""
    return [value for name, value in credentials.items() if name != "login" and value]


def _written(value: str) -> set[str]:
    """The ways in which a value stands in an address or a form."""
    return {value, quote(value, safe=""), quote_plus(value)}
