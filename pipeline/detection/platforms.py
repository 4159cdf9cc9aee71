"""Recognize platforms by their programming interfaces, below the address of a site.

WordPress, DSpace 6 and 7, Opendatasoft, InvenioRDM, edu-sharing and CKAN; what answers is judged by its body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from harvesters.client import join_address
from pipeline.detection.documents import Document
from pipeline.detection.fields import FieldValues, guess_identifier, named_fields, read_fields, seen_fields
from pipeline.detection.found import OfferedSet, Proposal, shortened
from pipeline.detection.json_lists import as_count, propose_json
from pipeline.detection.lists import value_at
from pipeline.detection.oai import identify, propose_repository
from pipeline.detection.probing import BoundsReached, Prober
from pipeline.detection.reading import Reading, read_by, reading_of
from pipeline.detection.sites import join_path, typed_links, with_query, without_query
from schemas import Sentence, replace, sentence

_MAX_TEXT_CHARS = 200
Platform = Callable[[Prober, str, Document | None], Iterator[Proposal]]

# WordPress: https://developer.wordpress.org/rest-api/

_ROUTE = "rest_route"  # the parameter that names a path where permalinks are off
_WORDPRESS_LINK = "https://api.w.org/"
# types of a WordPress site that are no texts for readers
_INTERNAL_TYPES = frozenset(
    {
        *("attachment", "nav_menu_item", "wp_block", "wp_template", "wp_template_part", "wp_navigation"),
        *("wp_font_family", "wp_font_face", "wp_global_styles", "page", "post", "elementor_library", "custom_css"),
    }
)
# in a type's name: it is likelier to hold learning resources than the posts are
_TEACHING = (
    *("resource", "lesson", "course", "material", "publication", "oer", "activit", "library", "document", "book"),
    *("ressource", "cours", "lecon", "leçon", "recurso", "curso", "leccion", "материал", "ресурс", "урок", "курс"),
    *("مورد", "درس", "مادة", "unterricht", "lektion", "lekcij", "nastav"),
)
_MAX_TYPES = 3


def propose_wordpress(prober: Prober, base: str, page: Document | None) -> Iterator[Proposal]:
    """Yield a proposal per type of post of a WordPress site: those named as learning resources first, then posts."""
    linked = [address for address, _ in typed_links(page, _WORDPRESS_LINK)]
    index = prober.get(linked[0] if linked else join_path(base, "wp-json/"))
    if index is None or not is_wordpress_index(index):
        return
    yield from propose_wordpress_index(prober, index)


def is_wordpress_index(document: Document) -> bool:
    """Return whether a document is the index of a WordPress site's REST interface."""
    value = document.json
    return (
        isinstance(value, dict) and "wp/v2" in (value.get("namespaces") or ()) and isinstance(value.get("routes"), dict)
    )


def propose_wordpress_index(prober: Prober, index: Document) -> Iterator[Proposal]:
    """Yield a proposal per type of post that a WordPress site's index names; none where they are closed."""
    name = _one_line(index.json.get("name"))
    for base_name, label in _wordpress_types(prober, index)[:_MAX_TYPES]:
        url, params = _wordpress_address(index, f"wp/v2/{quote(base_name)}")
        first = prober.get(with_query(url, urlencode({**params, "per_page": 10})))
        rows = first.json if first is not None and first.status < 400 and isinstance(first.json, list) else None
        if first is None or not rows:
            continue
        yield Proposal(
            declaration=_wordpress_declaration(url, params, index.json["routes"].get(f"/wp/v2/{base_name}")),
            protocol="rest",
            recognised=sentence("WordPress site “%(name)s”: %(type)s", name=name, type=label),
            name=name,
            fields=seen_fields(read_fields([row for row in rows if isinstance(row, dict)]), {}),
            records=len(rows),
            total=as_count(first.reply.headers.get("X-WP-Total")),
        )


def _wordpress_types(prober: Prober, index: Document) -> list[tuple[str, str]]:
    """Return the address part and the label of the types of posts, the likeliest to hold learning resources first."""
    url, params = _wordpress_address(index, "wp/v2/types")
    listed = prober.get(with_query(url, urlencode(params)) if params else url)
    types = listed.json if listed is not None and isinstance(listed.json, dict) else {}
    named = [_part_and_label(name, each) for name, each in types.items() if name not in _INTERNAL_TYPES]
    routes = index.json["routes"]
    return [
        *filter(lambda row: f"/wp/v2/{row[0]}" in routes and _is_teaching(" ".join(row)), named),
        ("posts", _one_line(value_at(types, "post.name")) or "posts"),
    ]


def _part_and_label(name: str, described: Any) -> tuple[str, str]:
    part, label = value_at(described, "rest_base"), value_at(described, "name")
    return str(part or name), _one_line(label) or name


def _is_teaching(name: str) -> bool:
    return any(word in name.lower() for word in _TEACHING)


def _wordpress_address(index: Document, path: str) -> tuple[str, dict[str, str]]:
    """Return the address of a path of the interface, and its query where the site has no permalinks."""
    url = without_query(index.url)
    return (url, {_ROUTE: f"/{path}"}) if f"{_ROUTE}=" in index.url else (join_path(url, path), {})


def _wordpress_declaration(url: str, params: dict[str, str], route: Any) -> dict[str, Any]:
    request: dict[str, Any] = {
        "paging": "page",
        "page_param": "page",
        "size_param": "per_page",
        "first": 1,
        "size": 100,
        "total_header": "X-WP-Total",
        "datestamp_path": "modified_gmt",
    }
    if "modified_after" in str(route):  # since WordPress 5.7
        request["since_param"] = "modified_after"
    if params:
        request["params"] = params
    return {"protocol": "rest", "url": url, "format": "wordpress", "identifier": "id", "request": request}


# DSpace: https://github.com/DSpace/RestContract , https://wiki.lyrasis.org/display/DSDOC6x/REST+API


def propose_dspace(prober: Prober, base: str, page: Document | None) -> Iterator[Proposal]:
    """Yield the proposal for a DSpace: its OAI-PMH address, else the search of its REST interface."""
    for server in _dspace_servers(base, page):
        root = prober.get(join_path(server, "api"))
        if root is not None and is_dspace7(root):
            yield from propose_dspace7(prober, root)
            return
    status = prober.get(join_path(base, "rest/status"))
    if status is not None and _is_dspace6(status):
        identity = identify(prober, join_path(base, "oai/request"))
        if identity is not None:
            yield from propose_repository(prober, join_path(base, "oai/request"), identity)
            return
        items = prober.get(join_path(base, "rest/items?expand=metadata&limit=10"))
        yield from propose_json(prober, items) if items is not None and items.json is not None else ()


def _dspace_servers(base: str, page: Document | None) -> list[str]:
    """Return where the server of a DSpace 7 may be: the address that its page names, then below the site."""
    body = b"" if page is None else page.body
    end = body.find(b"/server/api")
    begin = max(body.rfind(b"https://", 0, end), body.rfind(b"http://", 0, end)) if end > 0 else -1
    named = body[begin:end].decode("utf-8", "replace") if begin >= 0 and end - begin < 200 else ""
    linked = join_address(base, f"{named}/server") if named and not any(sign in named for sign in "\"'<> \\") else None
    return list(dict.fromkeys([*([linked] if linked else []), join_path(base, "server")]))


def is_dspace7(document: Document) -> bool:
    """Return whether a document is the root of the REST interface of DSpace 7 or later."""
    return isinstance(document.json, dict) and {"dspaceVersion", "_links"} <= set(document.json)


def _is_dspace6(document: Document) -> bool:
    value = document.json
    if isinstance(value, dict):
        return "sourceVersion" in value and "okay" in value
    return document.root_name == "status" and b"<sourceVersion>" in document.body


def propose_dspace7(prober: Prober, root: Document) -> Iterator[Proposal]:
    """Yield the proposal for the repository of a DSpace 7, whose REST interface has answered."""
    server = without_query(root.url).rstrip("/").removesuffix("/api")
    identity = identify(prober, join_path(server, "oai/request"))
    if identity is not None:
        yield from propose_repository(prober, join_path(server, "oai/request"), identity)
        return
    items = prober.get(join_path(server, "api/discover/search/objects?dsoType=item&size=10"))
    yield from propose_json(prober, items) if items is not None and items.json is not None else ()


# Opendatasoft: https://help.opendatasoft.com/apis/ods-explore-v2/

_CATALOG = "api/explore/v2.1/catalog/datasets"
_MAX_DATASETS = 50
_MAX_DATASETS_READ = 3  # whose records are looked at; of the others the fields are known by name only
_WINDOW_RECORDS = 10_000
_MAX_SLICES = 3


def propose_opendatasoft(prober: Prober, base: str, page: Document | None) -> Iterator[Proposal]:
    """Yield a proposal per dataset of an Opendatasoft portal: the one of the typed page first."""
    catalog = prober.get(join_path(base, f"{_CATALOG}?limit={_MAX_DATASETS}"))
    if catalog is not None and is_opendatasoft(catalog):
        yield from _propose_datasets(prober, join_path(base, _CATALOG), catalog, _dataset_in(prober.typed_url))


def is_opendatasoft(document: Document) -> bool:
    """Return whether a document is a list of Opendatasoft's Explore v2: datasets, or the records of one."""
    value = document.json
    return (
        isinstance(value, dict) and isinstance(value.get("total_count"), int) and isinstance(value.get("results"), list)
    )


def propose_opendatasoft_list(prober: Prober, document: Document) -> Iterator[Proposal]:
    """Yield the proposals for a list of Explore v2 at the very address that was typed."""
    url = without_query(document.url).rstrip("/")
    catalog, _, rest = url.partition("/catalog/datasets")
    if not rest.strip("/"):
        yield from _propose_datasets(prober, url, document, "")
        return
    name = rest.strip("/").partition("/")[0]
    described = prober.get(f"{catalog}/catalog/datasets/{name}")
    dataset = described.json if described is not None and isinstance(described.json, dict) else {}
    yield from _propose_dataset(f"{catalog}/catalog/datasets", {"dataset_id": unquote(name), **dataset}, document)


def _dataset_in(url: str) -> str:
    """Return the dataset that the address of a portal's page names; empty if it names none."""
    _, _, rest = urlsplit(url).path.partition("/explore/dataset/")
    return unquote(rest.partition("/")[0])


def _propose_datasets(prober: Prober, catalog_url: str, catalog: Document, typed: str) -> Iterator[Proposal]:
    datasets = [each for each in catalog.json["results"] if isinstance(each, dict) and _dataset_id(each)]
    if not datasets and catalog.json["results"]:
        return
    datasets.sort(key=lambda each: (_dataset_id(each) != typed, -_teaching_words(each)))
    for number, dataset in enumerate(datasets):
        records = None
        if number < _MAX_DATASETS_READ:
            try:
                records = prober.get(f"{_records_url(catalog_url, dataset)}?limit=20")
            except BoundsReached:
                records = None
        yield from _propose_dataset(catalog_url, dataset, records)


def _teaching_words(dataset: dict[str, Any]) -> int:
    text = f"{_dataset_id(dataset)} {value_at(dataset, 'metas.default.title')}".lower()
    return sum(word in text for word in _TEACHING)


def _dataset_id(dataset: dict[str, Any]) -> str:
    return _one_line(dataset.get("dataset_id"))


def _records_url(catalog_url: str, dataset: dict[str, Any]) -> str:
    return f"{catalog_url}/{quote(_dataset_id(dataset))}/records"


class _Dataset:
    """A dataset of an Opendatasoft portal: as the catalog describes it, with records if they were looked at."""

    def __init__(self, described: dict[str, Any], answer: Document | None) -> None:
        listed = answer.json if answer is not None and is_opendatasoft(answer) else {}
        self.described = described
        self.records = _objects(listed.get("results"))
        self.columns = [each for each in _objects(described.get("fields")) if each.get("name")]
        total = listed.get("total_count", value_at(described, "metas.default.records_count"))
        self.total = total if isinstance(total, int) else None

    @property
    def name(self) -> str:
        return _one_line(value_at(self.described, "metas.default.title")) or _dataset_id(self.described)

    def reading(self) -> Reading | None:
        """Return how the records can be read; by the names of fields alone where none was looked at."""
        if self.records:
            return reading_of(self.records)
        fields = named_fields([str(each["name"]) for each in self.columns])
        by_name = [FieldValues(each.path, each.names, ["-"], 1) for each in fields]
        return read_by(fields, guess_identifier(by_name, 1), None)

    def slices(self) -> tuple[dict[str, Any], tuple[Sentence, ...]]:
        """Return the key that parts a dataset too long for one list, or the warning that none was found."""
        if self.total is None or self.total <= _WINDOW_RECORDS:
            return {}, ()
        facets = [str(each["name"]) for each in self.columns if _is_facet(each)]
        return ({"request": {"slice_by": ",".join(facets[:_MAX_SLICES])}}, ()) if facets else ({}, (_NOT_SLICED,))


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; none for what is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_facet(column: dict[str, Any]) -> bool:
    """Return whether a portal shows a field as a filter: {"facet": true}, or [{"name": "facet"}]."""
    marks = column.get("annotations") or ()
    return "facet" in marks or any(isinstance(mark, dict) and mark.get("name") == "facet" for mark in marks)


def _propose_dataset(catalog_url: str, described: dict[str, Any], answer: Document | None) -> Iterator[Proposal]:
    """Yield the proposal for one dataset, from its records or else from the fields that the catalog names."""
    dataset = _Dataset(described, answer)
    reading = dataset.reading()
    if reading is None:
        return
    slices, warnings = dataset.slices()
    yield Proposal(
        declaration={
            "protocol": "opendatasoft",
            "url": _records_url(catalog_url, described),
            **reading.keys,
            **slices,
        },
        protocol="opendatasoft",
        recognised=sentence("Opendatasoft dataset “%(name)s”", name=dataset.name),
        name=dataset.name,
        sets=(OfferedSet(code=_dataset_id(described), name=dataset.name),),
        fields=reading.seen,
        records=len(dataset.records),
        total=dataset.total,
        warnings=(*reading.warnings, *warnings, *([] if dataset.records else [_NOT_LOOKED_AT])),
    )


_NOT_LOOKED_AT = sentence("The records were not looked at: the fields are guessed by their names alone.")
_NOT_SLICED = sentence(
    "The dataset has more records than can be asked for in one list, and no field that parts it was found."
)


# InvenioRDM, edu-sharing, CKAN


def propose_invenio(prober: Prober, base: str, page: Document | None) -> Iterator[Proposal]:
    """Yield the proposal for the search of an InvenioRDM."""
    document = prober.get(join_path(base, "api/records?size=10"))
    if document is not None and isinstance(value_at(document.json, "hits.hits"), list):
        yield from propose_json(prober, document)


def propose_ckan(prober: Prober, base: str, page: Document | None) -> Iterator[Proposal]:
    """Yield the proposal for the datasets of a CKAN, whose pages are below the site."""
    document = prober.get(join_path(base, "api/3/action/package_search?rows=10"))
    if document is None or not isinstance(value_at(document.json, "result.results"), list):
        return
    for proposal in propose_json(prober, document):
        address = join_path(base, "dataset/{name}")
        yield replace(proposal, declaration={**proposal.declaration, "address": address})


def propose_edu_sharing(prober: Prober, base: str, page: Document | None) -> Iterator[Proposal]:
    """Yield the proposal for the search of an edu-sharing repository, which is asked by POST."""
    about = prober.get(join_path(base, "edu-sharing/rest/_about"))
    if about is None or not isinstance(about.json, dict) or "version" not in about.json:
        return
    url = join_path(base, "edu-sharing/rest/search/v1/queries/-home-/-default-/ngsearch")
    body = {"criteria": [{"property": "ngsearchword", "values": ["*"]}]}
    params = {"contentType": "FILES", "propertyFilter": "-all-"}
    found = prober.post(with_query(url, "contentType=FILES&propertyFilter=-all-&maxItems=10&skipCount=0"), body=body)
    for proposal in propose_json(prober, found) if found is not None and found.json is not None else ():
        request = {**proposal.declaration["request"], "method": "POST", "body": body, "params": params}
        declaration = {**proposal.declaration, "url": url, "request": request}
        yield replace(proposal, declaration=declaration)


def _one_line(value: Any) -> str:
    """Return a partner's text on one line and shortened; empty for what is no text or number."""
    return shortened(str(value), _MAX_TEXT_CHARS) if isinstance(value, str | int) else ""


PLATFORMS: dict[str, Platform] = {
    "wordpress": propose_wordpress,
    "dspace": propose_dspace,
    "opendatasoft": propose_opendatasoft,
    "invenio": propose_invenio,
    "edu_sharing": propose_edu_sharing,
    "ckan": propose_ckan,
}
