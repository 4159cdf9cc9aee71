"""How often somebody may try to sign in with a name, so that guessing stops and no stranger keeps its owner out.

A browser that has signed in with a name is known by a cookie, and counted by itself: whatever strangers try elsewhere,
its owner gets in. All others are counted by name and address, and all addresses together by name.
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

import hashlib
import secrets

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from web.guards import client_of
from web.links import settings_of

PER_CLIENT = "30/minute"  # whatever the name is
KNOWN_BROWSER_DAYS = 180
_OF_KNOWN_BROWSER = "10/10 minutes"
_OF_NAME_AND_CLIENT, _OF_NAME = "10/10 minutes", "60/hour"
_COOKIE = "elib_browser"


def count_try(request: Request, name: str) -> None:
    """Count a try to sign in with a name. Raises HTTPException 429 when there were too many."""
    rates = request.app.state.rates
    browser = _known_browser(request, name)
    if browser and rates.use(_OF_KNOWN_BROWSER, "sign-in of browser", browser).is_allowed:
        return
    rates.check(request, _OF_NAME_AND_CLIENT, "sign-in-as", name, client_of(request))
    rates.check(request, _OF_NAME, "sign-in-as", name)


def remember_browser(request: Request, response: Response, name: str) -> None:
    """Let the browser be known as one in which the owner of a name has signed in; with an answer that it is sent."""
    response.set_cookie(
        _cookie_of(name),
        _serializer(request).dumps([_digest(name), secrets.token_urlsafe(16)]),
        max_age=KNOWN_BROWSER_DAYS * 24 * 3600,
        path="/sign-in",
        secure=settings_of(request).is_https,
        httponly=True,
        samesite="strict",
    )


def _known_browser(request: Request, name: str) -> str:
    """Return the mark of a browser in which the owner of a name has signed in; empty for any other."""
    try:
        value = request.cookies.get(_cookie_of(name), "")
        owner, mark = _serializer(request).loads(value, max_age=KNOWN_BROWSER_DAYS * 24 * 3600)
    except (BadData, TypeError, ValueError):  # a TypeError of one that is signed and of another shape
        return ""
    return str(mark) if owner == _digest(name) else ""


def _cookie_of(name: str) -> str:
    return f"{_COOKIE}_{_digest(name)[:8]}"  # several people may use one browser


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _serializer(request: Request) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings_of(request).secret, salt="elib known browser")
