"""Propose a feed for a JSON document: those of known platforms, and any other list of records through a guessed map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pipeline.detection.crosswalk_fit import fitting_json
from pipeline.detection.documents import Document
from pipeline.detection.fields import guess_targets, read_fields, seen_fields
from pipeline.detection.found import Proposal, Trouble
from pipeline.detection.lists import FoundList, find_list, guess_paging, value_at
from pipeline.detection.probing import Prober
from pipeline.detection.reading import reading_of
from pipeline.detection.sites import without_query
from schemas import Sentence, sentence

_MAX_DIGITS = 12  # of a number of records
_MIN_SHARE = 0.5  # of the records that lack nothing a platform's records have
# https://inveniordm.docs.cern.ch/reference/rest_api_drafts_records/ , also Zenodo
_INVENIO_MAP = {
    "title": "metadata.title",
    "description": "metadata.description",
    "contributors:author": "metadata.creators[].[person_or_org.name, name][]",
    "issued": "metadata.publication_date",
    "languages": "metadata.languages[].id || metadata.language",
    "license": ["metadata.rights[].[id, link, title.en][]", "metadata.license.id"],
    "resource_types": "metadata.resource_type.[title.en, type, id][] | [0]",
    "keywords": ["metadata.subjects[].subject", "metadata.keywords"],
    "identifiers:doi": "pids.doi.identifier || doi",
    "url": "links.self_html || links.html",
}
# https://edu-sharing.com/
_EDU_SHARING_MAP = {
    "title": 'properties."cclom:title"[0] || name',
    "description": 'properties."cclom:general_description"',
    "keywords": 'properties."cclom:general_keyword"',
    "languages": 'properties."cclom:general_language"',
    "license": 'license.url || properties."ccm:commonlicense_key"',
    "subjects": 'properties."ccm:taxonid"',
    "contexts": 'properties."ccm:educationalcontext"',
    "resource_types": 'properties."ccm:educationallearningresourcetype"',
    "url": "content.url",
    "links:thumbnail": "preview.url",
}
# https://docs.ckan.org/en/latest/api/
_CKAN_MAP = {
    "title": "title || name",
    "description": "notes",
    "keywords": "tags[].display_name",
    "contributors:author": "author",
    "publishers": "organization.title",
    "issued": "metadata_created",
    "modified": "metadata_modified",
    "license": "license_url || license_id",
    "languages": "language",
}


class _Platform(NamedTuple):
    """A platform whose lists of records are known: by the path of the list, and members of each record."""

    records_path: str
    members: tuple[str, ...]  # paths that records have
    identifier: str
    name: Sentence
    map: Mapping[str, Any] = {}
    format: str = ""
    request: Mapping[str, Any] = {}  # besides what is found out about paging
    paged: Mapping[str, Any] = {}  # how the platform pages where the document does not say it


_PLATFORMS = (
    _Platform("hits.hits", ("metadata.title", "links"), "id", sentence("InvenioRDM list of records"), _INVENIO_MAP),
    _Platform(
        "nodes",
        ("ref.id", "properties"),
        "ref.id",
        sentence("edu-sharing list of materials"),
        _EDU_SHARING_MAP,
        request={"total_path": "pagination.total"},
        paged={"paging": "offset", "page_param": "skipCount", "size_param": "maxItems", "size": 50},
    ),
    _Platform(
        "result.results",
        ("name", "resources"),
        "id",
        sentence("CKAN list of datasets"),
        _CKAN_MAP,
        request={"total_path": "result.count", "datestamp_path": "metadata_modified"},
        paged={"paging": "offset", "page_param": "start", "size_param": "rows", "size": 100},
    ),
    _Platform(
        "",
        ("id", "title.rendered", "link", "modified_gmt"),
        "id",
        sentence("WordPress list of posts"),
        format="wordpress",
        request={"total_header": "X-WP-Total", "datestamp_path": "modified_gmt", "since_param": "modified_after"},
        paged={"paging": "page", "page_param": "page", "size_param": "per_page", "first": 1, "size": 100},
    ),
    _Platform(
        "_embedded.searchResult._embedded.objects",
        ("_embedded.indexableObject.metadata",),
        "uuid",
        sentence("DSpace list of items"),
        format="dspace7",
        request={
            "record_path": "_embedded.indexableObject",
            "total_path": "_embedded.searchResult.page.totalElements",
        },
        paged={"paging": "page", "page_param": "page", "size_param": "size", "first": 0, "size": 50},
    ),
    _Platform(
        "",
        ("uuid", "metadata", "handle", "lastModified"),
        "uuid",
        sentence("DSpace list of items"),
        format="dspace6",
        request={"datestamp_path": "lastModified"},
        paged={"paging": "offset", "page_param": "offset", "size_param": "limit", "size": 50},
    ),
)


def propose_json(prober: Prober, document: Document) -> Iterator[Proposal]:
    """Yield the proposal for a JSON document that holds a list of records; none if it does not."""
    for platform in _PLATFORMS:
        record_list = _list_of(platform, document.json)
        if record_list is not None:
            yield _of_platform(document, platform, record_list)
            return
    found = find_list(document.json)
    if found is None:
        return
    if is_one_record(document.json, found):
        prober.obstacle = _ONE_RECORD
        return
    yield from _of_list(prober, document, found)


def is_one_record(value: Any, found: FoundList) -> bool:
    """Return whether a document is a record itself, and the list in it one of its fields: its authors, for instance.

    A crosswalk reads it, or it has a title and the elements of the list have none.
    """
    if not found.path or not isinstance(value, dict):
        return False
    if fitting_json([value]) is not None:
        return True
    if "title" in guess_targets(read_fields(found.records)) or fitting_json(found.records) is not None:
        return False
    return "title" in guess_targets(read_fields([value]))


_ONE_RECORD = Trouble(
    what=sentence("The document is one record, and not a list of records."),
    advice=sentence("Give the address of the list that leads to such records."),
)


def _list_of(platform: _Platform, value: Any) -> FoundList | None:
    """Return the list of a platform's records in a document; None if it is not the platform's."""
    listed = value_at(value, platform.records_path) if platform.records_path else value
    records = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    fitting = sum(all(value_at(record, path) is not None for path in platform.members) for record in records)
    return FoundList(platform.records_path, records) if records and fitting >= _MIN_SHARE * len(records) else None


def _of_platform(document: Document, platform: _Platform, found: FoundList) -> Proposal:
    request: dict[str, Any] = {**platform.request, **_own_paging(document, platform)}
    if found.path:
        request["records_path"] = found.path
    what = {"map": dict(platform.map)} if platform.map else {"format": platform.format}
    url, params = _without_pages(document.url, platform)
    declaration = {"protocol": "rest", "url": url, "identifier": platform.identifier, **what}
    if params:
        request["params"] = params
    inner = str(request.get("record_path", ""))
    records = [value_at(record, inner) if inner else record for record in found.records]
    fields = read_fields([record for record in records if isinstance(record, dict)])
    return Proposal(
        declaration={**declaration, "request": request},
        protocol="rest",
        recognised=platform.name,
        name=urlsplit(document.url).netloc,
        fields=seen_fields(fields, {}),
        records=len(found.records),
        total=_total(document, request),
    )


def _own_paging(document: Document, platform: _Platform) -> dict[str, Any]:
    """Return how a platform's list goes on: by the address of the next page where the document names it."""
    if platform.paged:
        return dict(platform.paged)
    names_next = isinstance(value_at(document.json, "links.next"), str)
    paging = {"paging": "cursor", "cursor_path": "links.next"} if names_next else {}
    return {**paging, "total_path": "hits.total"}


def _without_pages(url: str, platform: _Platform) -> tuple[str, dict[str, str]]:
    """Return an address without its query, and the parameters that choose records and not pages."""
    paging = {str(platform.paged.get(key)) for key in ("page_param", "size_param")} | {"page", "size"}
    pairs = [(name, value) for name, value in parse_qsl(urlsplit(url).query) if name not in paging]
    params = {name: value for name, value in pairs if f"{name}{value}".isprintable()}
    return without_query(url), params


def _total(document: Document, request: Mapping[str, Any]) -> int | None:
    """Return the number of records in the whole list, where the document or a header says it."""
    value = value_at(document.json, str(request.get("total_path", ""))) if request.get("total_path") else None
    header = document.reply.headers.get(str(request.get("total_header", "-")))
    if isinstance(value, dict):  # Elasticsearch's {"value": 12, "relation": "eq"}
        value = value.get("value")
    if isinstance(value, int):
        return value
    return as_count(header)


def as_count(text: str | None) -> int | None:
    """Return the number that a header says; None for another text."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


# any other list


def _of_list(prober: Prober, document: Document, found: FoundList) -> Iterator[Proposal]:
    """Yield the proposal for a list of an unknown format; none if nothing identifies its records."""
    reading = reading_of(found.records)
    if reading is None:
        return
    paging = guess_paging(prober, document, found)
    request = {**paging.request, **({"records_path": found.path} if found.path else {}), **reading.datestamp}
    declaration: dict[str, Any] = {"protocol": "rest", "url": paging.url, **reading.keys}
    yield Proposal(
        declaration={**declaration, "request": request} if request else declaration,
        protocol="rest",
        recognised=sentence("JSON list of records"),
        name=urlsplit(document.url).netloc,
        fields=reading.seen,
        records=len(found.records),
        total=paging.total if paging.total is not None else (None if paging.request else len(found.records)),
        warnings=(*paging.warnings, *reading.warnings),
    )
