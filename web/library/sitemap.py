"""What search engines are told: which pages there are, when each last changed, and what is not for them."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from loaders.browse import sitemap_entries, sitemap_parts
from loaders.store import read_kept, read_transaction
from schemas import Environment
from transforms.exports import escape
from web.languages import LANGUAGES
from web.library.answers import count_request, kept
from web.links import public_url, settings_of

router = APIRouter()
_PAGES = ("/", "/downloads/")  # not the search, which asks not to be indexed
_NAMESPACES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_WITH_LANGUAGES = f'{_NAMESPACES} xmlns:xhtml="http://www.w3.org/1999/xhtml"'
# Searches with words, facets or page numbers have no end; the sitemap names what they lead to
_ROBOTS = """User-agent: *
Disallow: /console
Disallow: /partners
Disallow: /sign-in
Disallow: /sign-out
Disallow: /api/
Disallow: /oai
Disallow: /search?
Allow: /

Sitemap: {site}/sitemap.xml
"""


@router.get("/robots.txt")
def robots(request: Request) -> Response:
    """Tell crawlers what is not for them, and where the sitemap is (RFC 9309)."""
    count_request(request)
    return PlainTextResponse(_ROBOTS.format(site=public_url(settings_of(request))))


@router.get("/sitemap.xml")
def index(request: Request) -> Response:
    """List the sitemaps (https://www.sitemaps.org/protocol.html)."""
    count_request(request)
    site = escape(public_url(settings_of(request)))
    parts = read_kept(request.app.state.env, sitemap_parts)
    entries = [f"<sitemap><loc>{site}/sitemap-pages.xml</loc></sitemap>"]
    entries += [
        f"<sitemap><loc>{site}/sitemap-{part.first}.xml</loc><lastmod>{_time(part.changed_at)}</lastmod></sitemap>"
        for part in parts
    ]
    return kept(request, _xml(f"<sitemapindex {_NAMESPACES}>", entries, "</sitemapindex>"))


@router.get("/sitemap-pages.xml")
def pages(request: Request) -> Response:
    """List the library's own pages."""
    count_request(request)
    site = escape(public_url(settings_of(request)))
    entries = [_entry(f"{site}{path}", "") for path in _PAGES]
    return kept(request, _xml(f"<urlset {_WITH_LANGUAGES}>", entries, "</urlset>"))


@router.get("/sitemap-{first}.xml")
def part(request: Request, first: str) -> Response:
    """List the resources of one part."""
    count_request(request)
    env: Environment = request.app.state.env
    starts = [each.first for each in read_kept(env, sitemap_parts)]
    if first not in starts:
        raise HTTPException(404, "Not Found")
    end = next(iter(starts[starts.index(first) + 1 :]), None)
    with read_transaction(env) as connection:
        found = sitemap_entries(connection, first, end)
    site = escape(public_url(settings_of(request)))
    entries = [_entry(f"{site}/resources/{resource_id}", _time(changed_at)) for resource_id, changed_at in found]
    return kept(request, _xml(f"<urlset {_WITH_LANGUAGES}>", entries, "</urlset>"))


def _entry(url: str, changed_at: str) -> str:
    """Return a page's entry with the same page in each language."""
    lines = [f'<xhtml:link rel="alternate" hreflang="{each}" href="{url}?lang={each}"/>' for each in LANGUAGES]
    lines.append(f'<xhtml:link rel="alternate" hreflang="x-default" href="{url}"/>')
    last = f"<lastmod>{changed_at}</lastmod>" if changed_at else ""
    return f"<url><loc>{url}</loc>{last}{''.join(lines)}</url>"


def _time(changed_at: str) -> str:
    return f"{changed_at[:19]}Z"


def _xml(head: str, entries: list[str], tail: str) -> Response:
    text = "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *entries, tail, ""])
    return Response(text, media_type="application/xml")
