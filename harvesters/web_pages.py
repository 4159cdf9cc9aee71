"""Recognize a web page that comes instead of data: a login, a firewall, an error."""

from __future__ import annotations

import re

# how much of a page is read
_MAX_START_BYTES = 4_096
_MAX_SIGN_BYTES = 200_000
_MAX_TITLE_BYTES = 20_000
_MAX_TITLE_CHARS = 80

_HTML = re.compile(
    rb"^\s*+(?:\xef\xbb\xbf\s*+)?(?:<\?xml[^<>]*+>\s*+)?(?:<!--(?:[^-]++|-(?!->))*-->\s*+)*<(?:!doctype\s+html|html|head|body|title|script)\b",
    re.I,
)
_TITLE = re.compile(rb"<title[^<>]*>", re.I)
_TITLE_END = re.compile(rb"</title>", re.I)
# the cause, what the page is, and what only such pages hold
_KINDS: tuple[tuple[str, str, re.Pattern[bytes]], ...] = (
    (
        "blocked",
        "a firewall's page",
        re.compile(
            rb"captcha|cloudflare|cf-chl|incapsula|imperva|akamai|sucuri|datadome|ddos.guard|web application firewall"
            rb"|request (?:rejected|blocked)|access (?:is )?denied|you have been blocked|checking your browser"
            rb"|support id|unusual traffic|verify you are human",
            re.I,
        ),
    ),
    (
        "blocked",
        "a login page",
        re.compile(rb"type\s*=\s*[\"']?password|<form[^<>]*(?:login|signin|sign-in)|shibboleth|please log ?in", re.I),
    ),
)


def is_html(body: bytes) -> bool:
    """Return whether a body is a web page rather than data."""
    return _HTML.match(body[:_MAX_START_BYTES]) is not None


def html_cause(body: bytes, otherwise: str) -> tuple[str, str]:
    """Return the cause and a description of a web page that came instead of data; (otherwise, "") for another body."""
    if not is_html(body):
        return otherwise, ""
    for cause, kind, sign in _KINDS:
        if sign.search(body[:_MAX_SIGN_BYTES]):
            return cause, kind
    title = _title(body[:_MAX_TITLE_BYTES]).decode("utf-8", "replace")[:_MAX_TITLE_CHARS]
    return otherwise, f"a web page ({title!r})" if title else "a web page"


def _title(body: bytes) -> bytes:
    """Return what is between a page's title tags; empty if it has none."""
    begin = _TITLE.search(body)
    end = _TITLE_END.search(body, begin.end()) if begin else None
    return body[begin.end() : end.start()].strip() if begin and end else b""
