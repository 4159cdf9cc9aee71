"""Read stored responses record by record, each with the format that its shape tells.

Crosswalks are measured with them over what partners really send.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from schemas import SourceRecord
from transforms.crosswalks import Unreadable
from transforms.crosswalks.engine import Element, local_name, parse_xml

_XML_FORMATS = {  # (end of the root's namespace, its local name) → format; the first that fits
    ("oai_dc/", "dc"): "oai_dc",
    ("", "qualifieddc"): "qdc",
    ("", "dcterms"): "qdc",
    ("dspace/dim", "dim"): "dim",
    ("lyncode.com/xoai", "metadata"): "xoai",
    ("mods/v3", "mods"): "mods",
    ("METS/", "mets"): "mets",
    ("MARC21/slim", "record"): "marcxml",
    ("", "oai_datacite"): "oai_datacite",
    ("kernel-4", "resource"): "oai_datacite",
    ("kernel-3", "resource"): "oai_datacite",
    ("", "lom"): "lom",
    ("", "czp"): "lom",
    ("", "obaa"): "lom",
    ("", "manifest"): "imscp",
    ("", "item"): "rss",
    ("2005/Atom", "entry"): "atom",
}
_JSON_FORMATS: tuple[tuple[frozenset[str], str], ...] = (  # members that a record has → format; the first that fits
    (frozenset({"app_url", "title"}), "golab_apps"),
    (frozenset({"lab_apps"}), "golab_labs"),
    (frozenset({"student_link"}), "golab_ils"),
    (frozenset({"creator", "document_type", "url"}), "unesdoc"),
    (frozenset({"handle", "bitstreams", "metadata"}), "dspace6"),
    (frozenset({"handle", "metadata", "uuid"}), "dspace7"),
    (frozenset({"publishDate", "instructableType"}), "instructables"),
    (frozenset({"createdAt", "creator", "name"}), "graasp"),
    (frozenset({"guid", "content", "link"}), "wordpress"),
)
_OERCOMMONS_COLUMNS = frozenset({"URL", "NAME", "LICENSE_URL"})


def records(root: Path) -> Iterator[SourceRecord]:
    """Yield every record of a known format in a file or below a folder; its identifier is `file#number`."""
    readers = {".xml": _xml, ".rss": _xml, ".json": _json, ".jsonld": _json, ".csv": _csv}
    for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
        if path.is_file() and path.suffix in readers:
            name = path.relative_to(root) if path != root else path.name
            for number, (format_, payload) in enumerate(readers[path.suffix](path), 1):
                yield SourceRecord(
                    feed=root.name,
                    identifier=f"{name}#{number}",
                    format=format_,
                    payload=payload,
                    harvested_at="2026-01-01T00:00:00Z",
                )


def _xml(path: Path) -> Iterator[tuple[str, str]]:
    """Yield format and payload of each record in an XML file; none when it is not well-formed."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        tree = parse_xml(text[text.index("<?xml") :] if "<?xml" in text else text)
    except (Unreadable, UnicodeDecodeError):
        return
    for element in _record_elements(tree):
        if format_ := _xml_format(element):
            yield format_, etree.tostring(element, encoding="unicode", with_tail=False)


def _record_elements(element: Element) -> Iterator[Element]:
    """Yield the outermost elements of a known format, those in an OAI-PMH record with their wrapper."""
    metadata = _metadata(element)
    if metadata is not None and isinstance(metadata[0].tag, str):
        for child in list(element):
            if isinstance(child.tag, str) and local_name(child.tag) == "header":
                element.remove(child)
        yield element
    elif _xml_format(element) is not None:
        yield element
    else:
        for child in element:
            if isinstance(child.tag, str):
                yield from _record_elements(child)


def _metadata(element: Element) -> Element | None:
    """Return the `metadata` of an OAI-PMH record; None for any other element and for a record without any."""
    if local_name(element.tag) != "record":
        return None
    children = (child for child in element if isinstance(child.tag, str))
    return next((child for child in children if local_name(child.tag) == "metadata" and len(child)), None)


def _xml_format(element: Element) -> str | None:
    metadata = _metadata(element)
    inside = element if metadata is None else metadata[0]
    if not isinstance(inside.tag, str):
        return None
    namespace = inside.tag.partition("}")[0].lstrip("{")
    name = local_name(inside.tag)
    return next(
        (format_ for (end, root), format_ in _XML_FORMATS.items() if root == name and namespace.endswith(end)), None
    )


def _json(path: Path) -> Iterator[tuple[str, str]]:
    """Yield format and payload of each record in a JSON file; none when it is not JSON."""
    try:
        content = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError:
        return
    for record in _objects(content):
        if format_ := _json_format(record):
            yield format_, msgspec.json.encode(record).decode()


def _objects(content: Any) -> Iterator[Mapping[str, Any]]:
    for key in ("results", "items", "hits"):
        if isinstance(content, dict) and isinstance(content.get(key), list):
            content = content[key]
    for entry in content if isinstance(content, list) else [content]:
        if isinstance(entry, dict):
            yield entry


def _json_format(record: Mapping[str, Any]) -> str | None:
    if "@context" in record:
        return "amb" if "w3id.org/kim/amb" in str(record["@context"]) else "schema_org"
    return next((name for members, name in _JSON_FORMATS if members <= record.keys()), None)


def _csv(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each row of an OER Commons export as its JSON; none for any other CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter=";", restkey="")
        if set(rows.fieldnames or ()) >= _OERCOMMONS_COLUMNS:
            for row in rows:
                yield "oercommons_csv", msgspec.json.encode(row).decode()
