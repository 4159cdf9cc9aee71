"""Propose feeds for XML documents: RSS and Atom feeds, and lists of records, by a crosswalk or by a guessed map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from lxml import etree

from pipeline.detection.crosswalk_fit import fits, fitting_xml
from pipeline.detection.documents import Document
from pipeline.detection.fields import guess_identifier, read_fields
from pipeline.detection.found import Proposal, shortened
from pipeline.detection.probing import Prober
from pipeline.detection.reading import Reading, read_by
from pipeline.detection.sites import with_query, without_query
from schemas import sentence
from transforms.crosswalks import xml_members

_FEED_ROOTS = ("rss", "RDF", "feed")
_ITEMS = ("item", "entry")
_MAX_NAME_CHARS = 200
_MAX_LEVELS = 4  # of elements around the records
_MAX_RECORDS = 200
_OF_ATTRIBUTE = "@"  # in the name of a member that is an attribute of a child
_TOTALS = ("total-items", "total", "totalItems", "total_items", "numFound", "totalResults", "count", "records")
_OFFSETS = ("batch_start", "offset", "start", "from", "page")
_IDENTIFIERS = (
    *("id", "identifier", "guid", "uuid", "recordid", "record_id", "code", "url", "link", "handle"),
    "header.identifier",
)


def propose_xml(prober: Prober, document: Document) -> Iterator[Proposal]:
    """Yield the proposal for an RSS or Atom feed, or for another list of records."""
    if document.xml is None:
        return
    if document.root_name in _FEED_ROOTS and _items(document.xml):
        yield _of_feed(document)
    else:
        yield from _of_list(prober, document)


def is_feed(document: Document) -> bool:
    """Return whether a document is an RSS or Atom feed with entries."""
    return document.xml is not None and document.root_name in _FEED_ROOTS and bool(_items(document.xml))


def _items(root: etree._Element) -> list[etree._Element]:
    return [each for each in root.iter(etree.Element) if _local(each) in _ITEMS]


def _of_feed(document: Document) -> Proposal:
    root = document.xml
    assert root is not None
    title = next((each.text or "" for each in root.iter(etree.Element) if _local(each) == "title"), "")
    name = shortened(title, _MAX_NAME_CHARS)
    return Proposal(
        declaration={"protocol": "rss", "url": document.url, "format": "rss"},
        protocol="rss",
        recognised=sentence("RSS or Atom feed “%(name)s”", name=name or urlsplit(document.url).netloc),
        name=name,
        records=len(_items(root)),
        warnings=(sentence("Such a feed lists the newest entries only: older ones are not harvested."),),
    )


def _of_list(prober: Prober, document: Document) -> Iterator[Proposal]:
    """Yield the proposal for a list of elements that an inner value identifies, where something is known of them."""
    path, records = _find_records(document.xml)
    reading = None
    keys = _keys_of_crosswalk(records)
    if keys is None:
        reading = _mapped(records)
        if reading is None:
            return
        keys = reading.keys
    url, request, total = _requested(prober, document, path, len(records))
    yield Proposal(
        declaration={
            "protocol": "rest",
            "url": url,
            **keys,
            "request": request | (reading.datestamp if reading else {}),
        },
        protocol="rest",
        recognised=sentence("XML list of records: %(name)s", name=_local(records[0])),
        name=urlsplit(document.url).netloc,
        fields=reading.seen if reading else (),
        records=len(records),
        total=total,
        warnings=reading.warnings if reading else (),
    )


def _requested(prober: Prober, document: Document, path: str, count: int) -> tuple[str, dict[str, Any], int | None]:
    """Return the address of the whole list, the keys of [request] for it, and its number of records if it says so."""
    total_name, total = _total(document.xml, count)
    request = {"records_path": path} | ({"total_path": total_name} if total_name is not None else {})
    if total is None or (total <= count and not urlsplit(document.url).query):
        return document.url, request, total
    url, paging = _paging(prober, document, path)
    return url, request | paging, total


def _keys_of_crosswalk(records: Sequence[etree._Element]) -> dict[str, Any] | None:
    """Return the keys of a feed file by which a crosswalk reads the records; None if none does."""
    payloads = [etree.tostring(each, encoding="unicode", with_tail=False) for each in records[:5]]
    format_, identifier = fitting_xml(payloads) if payloads else None, _identifier(records)
    if format_ is None or identifier is None or not fits(format_, payloads):
        return None
    return {"format": format_, "identifier": identifier}


def _mapped(records: Sequence[etree._Element]) -> Reading | None:
    """Return how records of an unknown format can be read by a map; None if nothing tells them apart, or no title.

    The paths by which a list is harvested lead to attributes and children, but to no attribute of a child.
    """
    fields = read_fields([xml_members(each) for each in records])
    reachable = [each for each in fields if not any(_OF_ATTRIBUTE in name for name in each.names)]
    identifier = _identifier(records)
    named = next((each for each in reachable if each.dotted == identifier), None)
    reading = read_by(fields, named or guess_identifier(reachable, len(records)), None)
    return reading if reading is not None and "title" in reading.targets else None


def _datestamp(reading: Reading | None) -> dict[str, str]:
    """Return the key of [request] that says when a record was changed, where a path of XML leads there."""
    return {name: path for name, path in (reading.datestamp if reading else {}).items() if _OF_ATTRIBUTE not in path}


def list_elements(document: Document) -> tuple[str, int]:
    """Return the name of the element that an XML list repeats, and how often; an empty name if it repeats none."""
    _, records = _find_records(document.xml)
    return (_local(records[0]), len(records)) if records else ("", 0)


def _find_records(root: etree._Element | None) -> tuple[str, list[etree._Element]]:
    """Return the path of the elements that are repeated nearest to the root, and these elements; none for no list."""
    path: list[str] = []
    while root is not None and len(path) < _MAX_LEVELS:
        children = list(root.iterchildren(etree.Element))
        name, count = (Counter(map(_local, children)).most_common(1) or [("", 0)])[0]
        if count > 1:
            repeated = [child for child in children if _local(child) == name]
            return ".".join([*path, name]), repeated[:_MAX_RECORDS]
        root = next((child for child in children if len(child)), None)
        path.append(_local(root) if root is not None else "")
    return "", []


def _identifier(records: Sequence[etree._Element]) -> str | None:
    """Return the attribute or child that identifies the records; None if there is none."""
    for name in _IDENTIFIERS:
        values = [_value(each, name) for each in records]
        if records and all(values) and len(set(values)) == len(values):
            return name
    return None


def _value(element: etree._Element, name: str) -> str:
    *outer, last = name.split(".")
    for inner in outer:
        element = next((each for each in element.iterchildren(etree.Element) if _local(each) == inner), element)
    child = next((each.text for each in element.iterchildren(etree.Element) if _local(each) == last), None)
    return (element.get(last) or child or "").strip()


def _total(root: etree._Element | None, count: int) -> tuple[str | None, int | None]:
    """Return the name of the number of records, and that number: an attribute or child of the root."""
    for name in _TOTALS:
        value = _value(root, name) if root is not None else ""
        if value.isascii() and value.isdigit() and len(value) <= 12 and int(value) >= count:
            return name, int(value)
    return None, None


def _paging(prober: Prober, document: Document, path: str) -> tuple[str, dict[str, Any]]:
    """Return the address of the whole list, and how it is paged: by the parameter that brings other records."""
    query = dict(parse_qsl(urlsplit(document.url).query))
    for param in dict.fromkeys((*(name for name in query if name in _OFFSETS), *_OFFSETS)):
        url = _with_params(document.url, {name: value for name, value in query.items() if name != param})
        first = _texts_at(prober, url, path)
        second = _texts_at(prober, _with_params(url, {param: "2"}), path)
        if first and second and second[0] != first[0]:
            if second[0] in first:
                return url, {"paging": "offset", "page_param": param, "size": len(first)}
            return url, {"paging": "page", "page_param": param, "first": 1, "size": len(first)}
    return document.url, {}


def _with_params(url: str, params: dict[str, str]) -> str:
    return with_query(without_query(url), urlencode(params)) if params else without_query(url)


def _texts_at(prober: Prober, url: str, path: str) -> list[bytes]:
    """Return the texts of the records that another page of a list has; none if it is no such list."""
    document = prober.get(url)
    found, records = _find_records(document.xml) if document is not None else ("", [])
    return [etree.tostring(each, with_tail=False) for each in records] if found == path else []


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
