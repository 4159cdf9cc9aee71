"""The page Search: one box, facets with counts, three orders, and help when nothing was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from loaders.search import (
    FACETS,
    MAX_WORDS,
    ORDERS,
    LibraryHits,
    LibraryResource,
    NoLibraryIndex,
    Wanted,
    search_library,
    search_titles,
)
from schemas import Environment, Resource
from transforms.search_words import MarkedText, SearchWord, mark, query_words
from web.languages import marked, reader_language
from web.library.answers import SEARCHES_RATE, count_request, kept
from web.library.labels import LEVELS, TYPES, label_of, language_label, value_label
from web.pages import address, gettext_of, render

router = APIRouter()
PAGE_RESOURCES = 20
MAX_PAGES = 50  # of one search
MAX_TEXT_CHARS = 2_000  # of a search; what is typed after them is not looked for
FACET_SHOWN, FACET_MORE = 8, 50  # values of a facet at once, and after "more"
_MAX_VALUES = 10  # chosen of a facet
_MAX_VALUE_CHARS = 200
_SNIPPET_CHARS = 260
_BEFORE_MARK_CHARS = 80
_TITLE_CHARS = 300
_PATH = "/search"
_FACET_TITLES = {
    "language": marked("Language"),
    "level": marked("Level"),
    "type": marked("Type"),
    "subject": marked("Subject"),
    "competency": marked("Teachers' competency"),
    "license": marked("Licence"),
    "partner": marked("Partner"),
}
_ORDER_NAMES = {"relevance": marked("Best match"), "newest": marked("Newest"), "quality": marked("Best described")}


class Choice(NamedTuple):
    """A value of a facet: its label with its language, how many resources have it, its link, whether it is chosen."""

    label: str
    language: str
    resources: int
    link: str
    is_chosen: bool


class Shown(NamedTuple):
    """A resource in the list: its marked title and snippet with their languages, and what is said beside them."""

    link: str
    title: list[MarkedText]
    title_language: str
    snippet: list[MarkedText]
    snippet_language: str
    facts: list[str]
    people: list[str]
    license: str
    is_open: bool


class _Asked(NamedTuple):
    """A search as the address has it: what may stand in links to its other pages."""

    text: str
    chosen: Mapping[str, list[str]]
    order: str
    page: int

    def query(self, language: str | None) -> dict[str, Any]:
        order = self.order if self.order != "relevance" else None
        return {"q": self.text, **self.chosen, "order": order, "lang": language}


@router.get("/search")
def search(request: Request, q: Annotated[str, Query()] = "") -> Response:
    """Show a page of what was found, or how to find more."""
    count_request(request, SEARCHES_RATE)
    env: Environment = request.app.state.env
    asked = read_search(request, q)
    words = query_words(asked.text)
    wanted = Wanted(asked.text, words, asked.chosen)
    hits, resources, is_without_index = None, [], False
    try:
        start = (asked.page - 1) * PAGE_RESOURCES
        hits = search_library(env, wanted, order=asked.order, offset=start, limit=PAGE_RESOURCES)
        resources = hits.resources
    except NoLibraryIndex:
        is_without_index = True
        resources = search_titles(env, asked.text.split(), limit=PAGE_RESOURCES)
    language = reader_language(request)
    chosen_language = request.query_params.get("lang")
    query = asked.query(chosen_language if chosen_language == language else None)
    page = render(
        request,
        "library/search.html",
        text=asked.text,
        hits=hits,
        shown=[_shown(request, each, words) for each in resources],
        is_without_index=is_without_index,
        feed_link=address("/feed.atom", query, order=None),
        has_no_words=bool(asked.text.strip()) and not words,
        is_cut=len(dict.fromkeys(words)) > MAX_WORDS or len(q) > MAX_TEXT_CHARS,
        most_words=MAX_WORDS,
        facets=_facets(request, hits, asked, query) if hits else [],
        open_link=address(_PATH, query, open=None if asked.chosen.get("open") else "yes"),
        open_count=dict(hits.facets.get("open", ())).get("yes", 0) if hits else 0,
        chosen=asked.chosen,
        unfiltered=address(_PATH, {"q": asked.text, "lang": query["lang"]}),
        orders=[
            (gettext_of(request, _ORDER_NAMES[each]), address(_PATH, query, order=each), each == asked.order)
            for each in ORDERS
        ],
        order=asked.order,
        start=(asked.page - 1) * PAGE_RESOURCES + 1,
        **_neighbours(asked, query, hits),
    )
    return kept(request, page)


def read_search(request: Request, text: str) -> _Asked:
    """Read the search from the address; what it cannot be is left out."""
    parameters = request.query_params
    chosen = {}
    for facet in FACETS:
        values = [value[:_MAX_VALUE_CHARS] for value in parameters.getlist(facet)[:_MAX_VALUES] if value]
        if values:
            chosen[facet] = list(dict.fromkeys(values))
    order = parameters.get("order", "relevance")
    number = parameters.get("page", "1")
    page = int(number) if number.isascii() and number.isdigit() and len(number) <= len(str(MAX_PAGES)) else 1
    order = order if order in ORDERS else "relevance"
    return _Asked(text[:MAX_TEXT_CHARS], chosen, order, max(1, min(page, MAX_PAGES)))


def _neighbours(asked: _Asked, query: Mapping[str, Any], hits: LibraryHits | None) -> dict[str, Any]:
    has_more = hits is not None and asked.page * PAGE_RESOURCES < hits.total and asked.page < MAX_PAGES
    return {
        "previous": address(_PATH, query, page=asked.page - 1) if asked.page > 1 else "",
        "next": address(_PATH, query, page=asked.page + 1) if has_more else "",
    }


def _facets(
    request: Request, hits: LibraryHits, asked: _Asked, query: Mapping[str, Any]
) -> list[tuple[str, str, list[Choice]]]:
    """Return name, title and choices of each facet that has any; what is chosen stands first."""
    facets = []
    for facet, title in _FACET_TITLES.items():
        chosen = asked.chosen.get(facet, [])
        counts = dict(hits.facets.get(facet, ()))
        values = [*chosen, *(value for value in counts if value not in chosen)][:FACET_MORE]
        choices = _told_apart([_choice(request, facet, value, counts.get(value, 0), chosen, query) for value in values])
        if choices:
            facets.append((facet, gettext_of(request, title), choices))
    return facets


def _choice(
    request: Request, facet: str, value: str, count: int, chosen: Sequence[str], query: Mapping[str, Any]
) -> Choice:
    is_chosen = value in chosen
    others = [each for each in chosen if each != value]
    label, language = facet_label(request, facet, value)
    link = address(_PATH, query, **{facet: others if is_chosen else [*others, value]})
    return Choice(label, language, count, link, is_chosen)


def _told_apart(choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices with a number after a label that another has too: two lists have a term of one name."""
    seen: dict[str, int] = {}
    apart = []
    for choice in choices:
        times = seen[choice.label] = seen.get(choice.label, 0) + 1
        apart.append(choice if times == 1 else choice._replace(label=f"{choice.label} ({times})"))
    return apart


def facet_label(request: Request, facet: str, value: str) -> tuple[str, str]:
    """Return what a value of a facet is called for the reader, and the label's language; und where it is a name."""
    return value_label(facet, value, reader_language(request))


def _shown(request: Request, found: LibraryResource, words: Sequence[SearchWord]) -> Shown:
    reader, record = reader_language(request), found.record
    title_language, title = own_text(record.title, reader, record)
    text_language, text = own_text(record.description, reader, record)
    types = [gettext_of(request, label_of(TYPES, each.code)) for each in record.resource_types[:2]]
    languages = [language_label(each.tag, reader) for each in record.languages[:3]]
    levels = [gettext_of(request, label_of(LEVELS, each)) for each in record.levels[:2]]
    chosen = request.query_params.get("lang")
    return Shown(
        link=address(f"/resources/{found.id}", lang=chosen if chosen == reader else None),
        title=mark((title or found.title)[:_TITLE_CHARS], words),
        title_language=title_language,
        snippet=mark(_snippet(text, words), words),
        snippet_language=text_language,
        facts=[*types, *languages, *levels, *([str(record.issued_year)] if record.issued_year else [])],
        people=[each.name for each in record.contributors[:3]] or list(record.publishers[:1]),
        license=(record.license.label or "") if record.license else "",
        is_open=bool(record.license and record.license.open),
    )


def own_text(texts: Mapping[str, str], reader: str, record: Resource) -> tuple[str, str]:
    """Return language and text: the resource's own language, else the reader's, else the first."""
    own = record.languages[0].tag if record.languages else ""
    for language in (own, reader):
        if language in texts:
            return language, texts[language]
    return next(iter(texts.items()), ("und", ""))


def _snippet(text: str, words: Sequence[SearchWord]) -> str:
    """Return the part of a description around the first word that was searched, or its beginning."""
    if len(text) <= _SNIPPET_CHARS:
        return text
    place = 0
    for piece in mark(text[:MAX_TEXT_CHARS], words):
        if piece.is_marked:
            break
        place += len(piece.text)
    else:
        place = 0
    start = max(0, min(place - _BEFORE_MARK_CHARS, len(text) - _SNIPPET_CHARS))
    if start:
        blank = text.find(" ", start, place)
        start = blank + 1 if blank >= 0 else start
    end = start + _SNIPPET_CHARS
    cut = text[start:end]
    if end < len(text):
        cut = (cut.rpartition(" ")[0] or cut) + "…"
    return ("…" if start else "") + cut
