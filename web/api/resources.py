"""/api/v1/resources: search with the filters of the page Search, and one resource in any of the formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from loaders.browse import PublishedReader, published_or_gone
from loaders.search import LibraryHits, NoLibraryIndex, Wanted, search_library
from loaders.store import now, read_transaction
from pipeline.exporting import passed_on
from schemas import Environment, Published, Withdrawn
from transforms.exports import EXPORTS
from transforms.search_words import query_words
from web.api import parameters
from web.api.answers import READING_RATE, SEARCHES_RATE, answer, at_most, site_of
from web.api.negotiation import OFFERS, SUFFIXES, Offer, choose
from web.library import value_label
from web.pages import address
from web.problems import Problem

router = APIRouter()
PATH = "/api/v1/resources"
_NAME = re.compile(r"([0-9A-Za-z]{1,64})(\.[a-z_.]{1,20})?")
_NO_INDEX_SECONDS = 60


@router.get("/resources", dependencies=[at_most(SEARCHES_RATE), Depends(parameters.check_names)])
def search(
    request: Request,
    *,
    q: parameters.SearchText = "",
    language: parameters.Languages = [],  # noqa: B006  # FastAPI copies it
    level: parameters.Levels = [],  # noqa: B006
    type: parameters.Types = [],  # noqa: A002, B006
    subject: parameters.Subjects = [],  # noqa: B006
    competency: parameters.Competencies = [],  # noqa: B006
    license: parameters.Licenses = [],  # noqa: A002, B006
    partner: parameters.Partners = [],  # noqa: B006
    open: parameters.Openness = None,  # noqa: A002
    order: parameters.Order = "relevance",
    page: parameters.Page = 1,
    page_size: parameters.PageSize = 20,
    facets: parameters.WithFacets = True,
    lang: parameters.LabelLanguage = "en",
) -> Response:
    """Search the library: words in any of its languages, filters, three orders, and counts of values.

    The first 10,000 resources of a search can be reached; /changes gives all of the library.
    """
    chosen: dict[str, Sequence[str]] = {
        "language": language,
        "level": level,
        "type": type,
        "subject": subject,
        "competency": competency,
        "license": license,
        "partner": partner,
        "open": [open] if open else [],
    }
    _check_depth(page, page_size)
    env: Environment = request.app.state.env
    wanted = Wanted(q, query_words(q), {facet: values for facet, values in chosen.items() if values})
    try:
        hits = search_library(env, wanted, order=order, offset=(page - 1) * page_size, limit=page_size, facets=facets)
    except NoLibraryIndex as error:
        detail = "The search index is being made again; try later. /changes and each resource can be read meanwhile."
        raise Problem("no-index", detail, headers={"retry-after": str(_NO_INDEX_SECONDS)}) from error
    body = msgspec.json.encode(
        {
            "total": hits.total,
            "page": page,
            "page_size": page_size,
            "order": order,
            "found": hits.way,
            "indexed_at": hits.at,
            "links": _page_links(request, page, page_size, hits.total),
            "facets": _facets(hits, lang),
            "resources": _documents(request, env, hits),
        }
    )
    return answer(request, body, changed_at=hits.at)


def _check_depth(page: int, page_size: int) -> None:
    if page * page_size > parameters.MAX_SEARCH_DEPTH:
        detail = (
            f"Only the first {parameters.MAX_SEARCH_DEPTH:,} resources of a search can be reached. Narrow the search, "
            "or read /api/v1/changes, which gives every resource."
        )
        raise Problem("too-deep", detail, most=parameters.MAX_SEARCH_DEPTH)


def _page_links(request: Request, page: int, page_size: int, total: int) -> dict[str, str]:
    last = min(-(-total // page_size), parameters.MAX_SEARCH_DEPTH // page_size)
    pages = {"self": page, "previous": page - 1, "next": page + 1}
    query = request.query_params
    return {
        name: site_of(request) + address(PATH, query, page=number)
        for name, number in pages.items()
        if name == "self" or 1 <= number <= last
    }


def _facets(hits: LibraryHits, language: str) -> dict[str, list[dict[str, Any]]]:
    counted: dict[str, list[dict[str, Any]]] = {}
    for facet, values in hits.facets.items():
        labels = [(value, *value_label(facet, value, language), count) for value, count in values]
        counted[facet] = [
            {"value": value, "count": count, "label": label, "language": tag} for value, label, tag, count in labels
        ]
    return counted


def _documents(request: Request, env: Environment, hits: LibraryHits) -> list[msgspec.Raw]:
    """Return what was found, in order; of a resource whose metadata may not be passed on, its id and page only."""
    site, ids = site_of(request), [each.id for each in hits.resources]
    reader = PublishedReader(**passed_on(env, site=site))
    with read_transaction(env) as connection:
        published = {each.id: each for each, gone in reader.read(connection, ids, now()) if gone is None}
    return [
        msgspec.Raw(EXPORTS["json"].render(published[each]).encode())
        if each in published
        else msgspec.Raw(msgspec.json.encode({"id": each, "address": f"{site}/resources/{each}", "withheld": True}))
        for each in ids
    ]


@router.get("/resources/{name}", dependencies=[at_most(READING_RATE), Depends(parameters.check_names)])
def resource(
    request: Request,
    name: Annotated[
        str,
        Path(
            description="The resource's id, and perhaps a suffix that chooses the format, before Accept: "
            f"{', '.join(f'`{offer.suffix}`' for offer in OFFERS)}."
        ),
    ],
) -> Response:
    """Return one resource: as the library's own record, or in the format that Accept or the suffix names."""
    matched = _NAME.fullmatch(name)
    if matched is None or (matched[2] and matched[2] not in SUFFIXES):
        known = ", ".join(offer.suffix for offer in OFFERS)
        raise Problem("not-found", f"There is no resource with this id, or no format with this suffix; use {known}.")
    resource_id, suffix = matched[1], matched[2] or ""
    offer = SUFFIXES[suffix] if suffix else choose(request.headers.get("accept"))
    if offer is None:
        raise Problem("not-acceptable", f"Offered are {_offered()}.", offered=[each.content_type for each in OFFERS])
    env: Environment = request.app.state.env
    reader = PublishedReader(**passed_on(env, site=site_of(request)), whole=offer.export.whole)
    with read_transaction(env) as connection:
        found = published_or_gone(connection, resource_id, reader)
    vary = () if suffix else ("Accept",)
    if isinstance(found, Withdrawn):
        return _gone(request, found, suffix, vary)
    if not isinstance(found, Published):
        raise _missing(found)
    return _shown(request, found, offer, suffix, vary)


def _offered() -> str:
    return ", ".join(f"{offer.content_type} ({offer.suffix})" for offer in OFFERS)


def _missing(found: str | None) -> Problem:
    if found is None:
        return Problem("not-found", "There is no resource with this id.")
    detail = (
        "A partner of this resource has not agreed that its metadata is passed on. Its page in the library shows it."
    )
    return Problem("not-passed-on", detail, page=found)


def _gone(request: Request, found: Withdrawn, suffix: str, vary: Sequence[str]) -> Response:
    """Send on to the id that replaces another, in the same format, or say that a resource is withdrawn."""
    if found.redirect is None:
        detail = "The resource was withdrawn from the library. Its id is never given to another one."
        raise Problem("withdrawn", detail, id=found.id, withdrawn_at=found.visible_at)
    target = address(f"{PATH}/{found.redirect}{suffix}", request.query_params)
    headers = {"cache-control": "public, max-age=60", "vary": ", ".join(vary)} if vary else {}
    return RedirectResponse(target, status_code=HTTPStatus.MOVED_PERMANENTLY, headers=headers)


def _shown(request: Request, found: Published, offer: Offer, suffix: str, vary: tuple[str, ...]) -> Response:
    headers = {
        "link": ", ".join(_links(found, offer)),
        "content-location": f"{PATH}/{found.id}{suffix or offer.suffix}",
    }
    body = offer.export.render(found).encode()
    return answer(request, body, media_type=offer.content_type, changed_at=found.visible_at, vary=vary, headers=headers)


def _links(found: Published, shown: Offer) -> list[str]:
    """Return what Link says: the page, the other formats, and the licence of the metadata (RFC 8288)."""
    alternates = [
        f'<{found.site}{PATH}/{found.id}{offer.suffix}>; rel="alternate"; type="{_quoted(offer)}"'
        for offer in OFFERS
        if offer is not shown
    ]
    page = f'<{found.address}>; rel="canonical"; type="text/html"'
    return [page, *alternates, f'<{found.metadata_license}>; rel="license"']


def _quoted(offer: Offer) -> str:
    return offer.content_type.replace('"', '\\"')
