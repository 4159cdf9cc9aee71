"""Recognising the web page that comes where data should: a login, a firewall, an error in a page's clothes."""

from __future__ import annotations

import re

_HTML = re.compile(
    rb"^\s*+(?:\xef\xbb\xbf\s*+)?(?:<!--(?:[^-]++|-(?!->))*+-->\s*+)*+<(?:!doctype\s+html|html|head|body|title|script)\b",
    re.I,
)
_TITLE = re.compile(rb"<title[^<>]*>", re.I)
_TITLE_END = re.compile(rb"</title>", re.I)
_SIGNS: tuple[tuple[str, str, re.Pattern[bytes]], ...] = (
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
    """Whether a body is a web page rather than data."""
    return _HTML.match(body[:4096]) is not None


def html_cause(body: bytes, otherwise: str) -> tuple[str, str]:
    """The cause and the name of a web page that came instead of data; (otherwise, "") for what is no web page."""
    if not is_html(body):
        return otherwise, ""
    for cause, name, sign in _SIGNS:
        if sign.search(body[:200_000]):
            return cause, name
    title = _title(body[:20_000]).decode("utf-8", "replace")[:80]
    return otherwise, f"a web page ({title!r})" if title else "a web page"


def _title(body: bytes) -> bytes:
    """What stands between a page's title tags; empty when it has none."""
    begin = _TITLE.search(body)
    end = _TITLE_END.search(body, begin.end()) if begin else None
    return body[begin.end() : end.start()].strip() if begin and end else b""
