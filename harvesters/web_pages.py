"""Recognising the web page that comes where data should: a login, a firewall, an error in a page's clothes."""

from __future__ import annotations

import re

HTML = re.compile(
    rb"^\s*(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|script)\b", re.I | re.S
)
SIGNS: tuple[tuple[str, str, re.Pattern[bytes]], ...] = (
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
        re.compile(rb"type\s*=\s*[\"']?password|<form[^>]*(?:login|signin|sign-in)|shibboleth|please log ?in", re.I),
    ),
)


def is_html(body: bytes) -> bool:
    """Whether a body is a web page rather than data."""
    return HTML.match(body[:4096]) is not None


def html_cause(body: bytes, otherwise: str) -> tuple[str, str]:
    """The cause and the name of a web page that came instead of data; (otherwise, "") for what is no web page."""
    if not is_html(body):
        return otherwise, ""
    for cause, name, sign in SIGNS:
        if sign.search(body[:200_000]):
            return cause, name
    title = re.search(rb"<title[^>]*>\s*(.*?)\s*</title>", body[:20_000], re.I | re.S)
    said = title[1].decode("utf-8", "replace")[:80] if title else ""
    return otherwise, f"a web page ({said!r})" if said else "a web page"
