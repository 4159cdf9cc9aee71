"""The newest resources as an Atom feed (RFC 4287), by the same filters as the search."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from loaders.search import LibraryResource, NoLibraryIndex, Wanted, search_library, search_titles
from schemas import Environment
from transforms.exports import escape, language_attribute
from transforms.search_words import query_words
from web.languages import reader_language
from web.library.answers import SEARCHES_RATE, count_request, kept
from web.library.searching import own_text, read_search
from web.links import public_url, settings_of
from web.pages import address, gettext_of

router = APIRouter()
FEED_ENTRIES = 50
_YEAR = 2026  # of the tags: since when the library's host name is ours (RFC 4151)
_SUMMARY_CHARS = 1_000
_MAX_VALUES = 20  # people and categories of an entry


@router.get("/feed.atom")
def feed(request: Request, q: Annotated[str, Query()] = "") -> Response:
    """Return the resources published last that fit the words and filters."""
    count_request(request, SEARCHES_RATE)
    env: Environment = request.app.state.env
    search = read_search(request, q)
    wanted = Wanted(search.text, query_words(search.text), search.chosen)
    try:
        hits = search_library(env, wanted, order="newest", limit=FEED_ENTRIES, facets=False)
        resources, written_at = hits.resources, hits.at
    except NoLibraryIndex:
        resources, written_at = search_titles(env, search.text.split(), limit=FEED_ENTRIES), ""
    query = {**search.query(request.query_params.get("lang")), "order": None}
    text = "\n".join(_lines(request, resources, address("/feed.atom", query), address("/search", query), written_at))
    return kept(request, Response(text, media_type="application/atom+xml"))


def _lines(
    request: Request, resources: list[LibraryResource], own_path: str, search_path: str, written_at: str
) -> Iterator[str]:
    site, language = public_url(settings_of(request)), reader_language(request)
    title = gettext_of(request, "E-library for Teachers") + ": " + gettext_of(request, "Newest resources")
    newest = max(
        (each.created_at for each in resources), default=written_at or f"{datetime.now(UTC):%Y-%m-%dT00:00:00}"
    )
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}">'
    yield f"<id>{escape(_tag(site, own_path))}</id>"
    yield f"<title>{escape(title)}</title>"
    yield f"<updated>{_time(newest)}</updated>"
    yield f"<author><name>{escape(gettext_of(request, 'E-library for Teachers'))}</name></author>"
    yield f'<link rel="self" type="application/atom+xml" href="{escape(site + own_path)}"/>'
    yield f'<link rel="alternate" type="text/html" href="{escape(site + search_path)}"/>'
    for each in resources:
        yield from _entry(each, site, language)
    yield "</feed>\n"


def _entry(found: LibraryResource, site: str, reader: str) -> Iterator[str]:
    record = found.record
    title_language, title = own_text(record.title, reader, record)
    text_language, text = own_text(record.description, reader, record)
    yield "<entry>"
    yield f"<id>{escape(_tag(site, f'/resources/{found.id}'))}</id>"
    yield f"<title{language_attribute(title_language)}>{escape(title or found.title or found.id)}</title>"
    yield f"<published>{_time(found.created_at)}</published>"
    yield f"<updated>{_time(found.created_at)}</updated>"
    yield f'<link rel="alternate" type="text/html" href="{escape(site)}/resources/{found.id}"/>'
    if record.license and record.license.uri and record.license.uri.startswith(("https://", "http://")):
        yield f'<link rel="license" href="{escape(record.license.uri)}"/>'  # RFC 4946
    for person in record.contributors[:_MAX_VALUES]:
        if person.role == "author":
            yield f"<author><name>{escape(person.name)}</name></author>"
    for subject in record.subjects[:_MAX_VALUES]:
        yield f'<category term="{escape(subject.code or subject.label)}" label="{escape(subject.label)}"/>'
    if text:
        yield f"<summary{language_attribute(text_language)}>{escape(text[:_SUMMARY_CHARS])}</summary>"
    yield "</entry>"


def _tag(site: str, path: str) -> str:
    """Return an id that stays when the library moves to https or another port (RFC 4151)."""
    return f"tag:{urlsplit(site).hostname or 'localhost'},{_YEAR}:{path}"


def _time(at: str) -> str:
    return f"{at[:19]}Z"
