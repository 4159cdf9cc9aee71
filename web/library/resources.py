"""The page of one resource: what it is, who made it, under which licence, where it is, and where we have it from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from babel.dates import format_date
from babel.lists import format_list
from babel.units import format_unit
from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from loaders.browse import PublishedResource, RelatedResource, read_published
from loaders.declarations import feeds_in_use
from loaders.store import read_transaction
from schemas import Environment, Feed, Link, Resource, competency_code, competency_label, competency_text
from web.languages import marked, reader_language
from web.library.answers import count_request, kept
from web.library.head import described
from web.library.labels import (
    AUDIENCES,
    FIELDS,
    LEVELS,
    OTHER_FIELD,
    RELATIONS,
    ROLE_OTHER,
    ROLES,
    TYPES,
    VARIANTS,
    label_of,
    language_label,
    subject_of,
)
from web.library.sizes import size_in_words
from web.links import public_url, settings_of
from web.pages import address, gettext_of, render

router = APIRouter()
MAX_SHOWN = 50  # people, subjects, keywords, links or identifiers
MAX_DESCRIPTION_CHARS = 20_000
_ID = re.compile(r"[0-9A-Za-z]{1,64}")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f<>\"\\^`{|}]")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_DURATION = re.compile(
    r"P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,6})W)?(?:(\d{1,6})D)?"
    r"(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?"
)
_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
_COSTS = {"yes": marked("costs something"), "no": marked("free of charge")}
_FORMATS = (("application/json", ".json"), ("application/ld+json", ".jsonld"), ("application/marcxml+xml", ".marcxml"))
_VERSION_KINDS = ("isversionof", "hasversion", "isformatof", "hasformat")


class Titled(NamedTuple):
    """A text of the resource and its language."""

    text: str
    language: str


class ShownLink(NamedTuple):
    """An address of the content: where it leads, its host, media type and size, and since when it is dead, if it is."""

    url: str
    host: str
    media_type: str
    size: str
    dead_since: str


@router.get("/resources/{resource_id}")
def resource(request: Request, resource_id: str) -> Response:
    """Show a resource; an id that was replaced leads to the new one, and one that was withdrawn says so."""
    count_request(request)
    env: Environment = request.app.state.env
    found = find_published(request, resource_id)
    if isinstance(found, str):
        target = address(f"/resources/{found}", lang=request.query_params.get("lang"))
        return RedirectResponse(target, status_code=301, headers={"cache-control": "public, max-age=300"})
    if found.record is None:
        return render(request, "library/gone.html", status=410, id=found.id)
    return kept(request, render(request, "library/resource.html", **_facts(request, env, found, found.record)))


def find_published(request: Request, resource_id: str) -> PublishedResource | str:
    """Return a resource that is or was published, or the id that replaces it. Raises HTTPException 404."""
    found = None
    if _ID.fullmatch(resource_id):
        with read_transaction(request.app.state.env) as connection:
            found = read_published(connection, resource_id)
    if found is None:
        raise HTTPException(404, "There is no resource with this id.")
    return found


def _facts(request: Request, env: Environment, found: PublishedResource, record: Resource) -> dict[str, Any]:
    reader = reader_language(request)
    titles, descriptions = _in_order(record.title, record, reader), _in_order(record.description, record, reader)
    title = titles[0] if titles else Titled(found.title, "und")
    feeds = {feed.name: feed for feed in feeds_in_use(env).feeds}
    canonical = f"{public_url(settings_of(request))}/resources/{found.id}"
    others = [each for each in found.related if each.kind in _VERSION_KINDS]
    return {
        "id": found.id,
        "title": title,
        "other_titles": [*titles[1:], *(Titled(each.text, each.language) for each in record.alternative_titles)],
        "descriptions": [each._replace(text=each.text[:MAX_DESCRIPTION_CHARS]) for each in descriptions],
        "people": [(each, _role(request, each.role)) for each in record.contributors[:MAX_SHOWN]],
        "publishers": record.publishers[:MAX_SHOWN],
        "license": record.license,
        "license_url": web_address(record.license.uri) if record.license and record.license.uri else None,
        "attribution": _attribution(request, title.text, record),
        "facts": _details(request, record, reader),
        "subjects": [
            (Titled(*subject_of(each, reader)), f"{each.scheme}:{each.code}" if each.code else "")
            for each in record.subjects[:MAX_SHOWN]
        ],
        "competencies": _competencies(record, reader),
        "formats": [(offered, f"/api/v1/resources/{found.id}{suffix}") for offered, suffix in _FORMATS],
        "keywords": [Titled(each.text, each.language) for each in record.keywords[:MAX_SHOWN]],
        "page": _shown_link(request, Link(url=record.url), found) if record.url else None,
        "links": [shown for each in record.links[:MAX_SHOWN] if (shown := _shown_link(request, each, found))],
        "identifiers": [(each.scheme, each.value, _resolver(each.scheme, each.value)) for each in record.identifiers][
            :MAX_SHOWN
        ],
        "versions": [_related(request, each, reader) for each in others],
        "related": [_related(request, each, reader) for each in found.related if each not in others],
        "other_relations": [
            (gettext_of(request, label_of(RELATIONS, each.kind)), each.target, web_address(each.target))
            for each in found.other_relations
        ],
        "sources": _sources(found.feeds, feeds),
        "corrected": _corrected(request, record),
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "has_thesaurus": any(each.scheme == "unesco" for each in record.subjects),
        "canonical": canonical,
        "head": described(found, record, title.text, title.language, canonical),
    }


def _in_order(texts: Mapping[str, str], record: Resource, reader: str) -> list[Titled]:
    """Return texts by language: the resource's own first, then the reader's, then the others."""
    own = record.languages[0].tag if record.languages else ""
    first = [language for language in (own, reader) if language in texts]
    order = dict.fromkeys([*first, *texts])
    return [Titled(texts[language], language) for language in order]


def _role(request: Request, role: str) -> str:
    return gettext_of(request, ROLES.get(role, ROLE_OTHER))


def _details(request: Request, record: Resource, reader: str) -> list[tuple[str, list[str]]]:
    """Return what is said of the resource in a table: label and values."""
    rows = [
        ("language", [language_label(each.tag, reader) for each in record.languages]),
        ("type", [gettext_of(request, label_of(TYPES, each.code)) for each in record.resource_types]),
        ("level", [gettext_of(request, label_of(LEVELS, each)) for each in record.levels]),
        ("audience", [gettext_of(request, label_of(AUDIENCES, each)) for each in record.audiences]),
        ("age", _ages(record)),
        ("time", [_duration(record.typical_learning_time, reader)] if record.typical_learning_time else []),
        ("date", [_date(record.issued, reader)] if record.issued else []),
        ("cost", [gettext_of(request, _COSTS[record.cost])] if record.cost else []),
    ]
    return [(label, values[:MAX_SHOWN]) for label, values in rows if values]


def _competencies(record: Resource, reader: str) -> list[Titled]:
    """Return the competencies of UNESCO's frameworks, and those that no framework has as the partner wrote them."""
    known = [
        Titled(*competency_label(competency_code(each) or competency_text(each), reader))
        for each in record.competencies
    ]
    others = [Titled(each.source, "und") for each in record.terms if each.field == "competencies" and not each.code]
    return [*known, *others][:MAX_SHOWN]


def _ages(record: Resource) -> list[str]:
    ages = record.age_range
    if ages is None or (ages.min is None and ages.max is None):
        return []
    if ages.max is None:
        return [f"{ages.min}+"]
    return [f"{ages.min if ages.min is not None else 0}–{ages.max}"]


def _duration(text: str, reader: str) -> str:
    """Return an ISO 8601 duration in the reader's words; one that is written otherwise as it is."""
    matched = _DURATION.fullmatch(text)
    parts = (
        [(int(number), unit) for number, unit in zip(matched.groups(), _UNITS, strict=True) if number]
        if matched
        else []
    )
    words = [format_unit(number, f"duration-{unit}", locale=reader) for number, unit in parts]
    return format_list(words, style="unit", locale=reader) if words else text


def _date(issued: str, reader: str) -> str:
    """Return a whole day in the reader's form, and any other date as EDTF writes it."""
    day = _DAY.fullmatch(issued)
    if day is None:
        return issued
    try:
        return format_date(date(int(day[1]), int(day[2]), int(day[3])), format="long", locale=reader)
    except ValueError:
        return issued


def web_address(url: str) -> str | None:
    """Return an address that a reader may be led to: http or https, with a host and without blanks; else None."""
    if _CONTROL.search(url):
        return None
    try:
        parts = urlsplit(url)
        is_web = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return url if is_web else None


def _shown_link(request: Request, link: Link, found: PublishedResource) -> ShownLink | None:
    url = web_address(link.url)
    if url is None:
        return None
    host, size = urlsplit(url).hostname or "", found.sizes.get(link.url)
    shown_size = "" if size is None else size_in_words(request, size)
    return ShownLink(url, host, link.media_type or "", shown_size, found.dead.get(link.url, ""))


def _resolver(scheme: str, value: str) -> str | None:
    """Return where an identifier leads, for those that a resolver is known of."""
    if scheme == "doi":
        return web_address(f"https://doi.org/{value}")
    if scheme == "handle":
        return web_address(f"https://hdl.handle.net/{value}")
    return web_address(value) if scheme == "uri" else None


def _attribution(request: Request, title: str, record: Resource) -> str:
    """Return title, author, source and licence in one line to copy; empty where no licence allows to copy."""
    licence = record.license
    if licence is None or not (licence.uri or licence.label):
        return ""
    names = [each.name for each in record.contributors if each.role == "author"] or list(record.publishers)
    people = ", ".join(names[:MAX_SHOWN])
    values = {
        "title": title,
        "people": people,
        "license": licence.label or licence.uri or "",
        "address": licence.uri or "",
        "source": record.url or "",
    }
    by = (
        gettext_of(request, "“%(title)s” by %(people)s", **values)
        if people
        else gettext_of(request, "“%(title)s”", **values)
    )
    parts = [by, gettext_of(request, "licence: %(license)s %(address)s", **values).strip()]
    if record.url:
        parts.append(gettext_of(request, "source: %(source)s", **values))
    return ". ".join(part[:1].upper() + part[1:] for part in parts)


def _related(request: Request, each: RelatedResource, reader: str) -> dict[str, str]:
    how = VARIANTS.get(each.variant or "") or label_of(RELATIONS, each.kind)
    chosen = request.query_params.get("lang")
    return {
        "title": each.title,
        "link": address(f"/resources/{each.id}", lang=chosen if chosen == reader else None),
        "tag": each.language or "und",
        "language": language_label(each.language, reader) if each.language else "",
        "how": gettext_of(request, how),
    }


def _sources(names: Sequence[str], feeds: Mapping[str, Feed]) -> list[tuple[str, str]]:
    """Return partner and title of the feeds; a feed without a declaration by its name."""
    return [(feeds[name].partner, feeds[name].title) if name in feeds else (name, "") for name in names]


def _corrected(request: Request, record: Resource) -> list[str]:
    """Return the names of the fields that the library corrected; by whom is not told."""
    fields = [
        name
        for name, origins in record.provenance.items()
        if any(origin.key.startswith("curation:") for origin in origins)
    ]
    return list(dict.fromkeys(gettext_of(request, FIELDS.get(name, OTHER_FIELD)) for name in fields))
