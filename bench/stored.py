"""Records in stored files, told by their shape: for measuring crosswalks over what partners really send."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from schemas import SourceRecord
from transforms.crosswalks.engine import Unreadable, xmlparse

_NAMES = {  # namespace ending and local name of a root → format; the first that fits
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
_SHAPES: tuple[tuple[frozenset[str], str], ...] = (  # keys that a JSON record has → format
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


def records(root: Path) -> Iterator[SourceRecord]:
    """Every record below a folder whose format is told by its shape, with the file as identifier."""
    for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
        if not path.is_file():
            continue
        if path.suffix in {".xml", ".rss"}:
            yield from _of_xml(path, root)
        elif path.suffix in {".json", ".jsonld"}:
            yield from _of_json(path, root)
        elif path.suffix == ".csv":
            yield from _of_csv(path, root)


def _record(path: Path, root: Path, number: int, format_: str, payload: str) -> SourceRecord:
    name = path.relative_to(root) if path != root else path.name
    return SourceRecord(
        feed=root.name,
        identifier=f"{name}#{number}",
        format=format_,
        payload=payload,
        harvested_at="2026-01-01T00:00:00Z",
    )


def _of_xml(path: Path, root: Path) -> Iterator[SourceRecord]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        tree = xmlparse.parse(text[text.index("<?xml") :] if "<?xml" in text else text)
    except (Unreadable, UnicodeDecodeError):
        return  # not well-formed: no record can be told
    number = 0
    for element in _roots(tree):
        format_ = _format(element)
        if format_ is not None:
            number += 1
            yield _record(path, root, number, format_, etree.tostring(element, encoding="unicode", with_tail=False))


def _roots(element: xmlparse.Element) -> Iterator[xmlparse.Element]:
    """The outermost elements that are a record of a known format, those in an OAI record with their wrapper."""
    if xmlparse.local(element) == "record":
        inside = next((child for child in element if _named(child) == "metadata" and len(child)), None)
        if inside is not None and isinstance(inside[0].tag, str):
            for header in [child for child in element if _named(child) == "header"]:
                element.remove(header)
            yield element
            return
    if _format(element) is not None:
        yield element
        return
    for child in element:
        if isinstance(child.tag, str):
            yield from _roots(child)


def _named(element: xmlparse.Element) -> str:
    return xmlparse.local(element) if isinstance(element.tag, str) else ""


def _format(element: xmlparse.Element) -> str | None:
    inside = element
    if xmlparse.local(element) == "record":
        metadata = next((child for child in element if _named(child) == "metadata" and len(child)), None)
        inside = element if metadata is None else metadata[0]
    if not isinstance(inside.tag, str):
        return None
    space = inside.tag.partition("}")[0].lstrip("{")
    local = xmlparse.local(inside)
    return next((name for (end, root), name in _NAMES.items() if root == local and space.endswith(end)), None)


def _of_json(path: Path, root: Path) -> Iterator[SourceRecord]:
    try:
        found = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError:
        return
    for number, one in enumerate(_objects(found), 1):
        format_ = _shape(one)
        if format_ is not None:
            yield _record(path, root, number, format_, msgspec.json.encode(one).decode())


def _objects(found: Any) -> Iterator[Mapping[str, Any]]:
    for key in ("results", "items", "hits"):
        if isinstance(found, dict) and isinstance(found.get(key), list):
            found = found[key]
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            yield one


def _shape(found: Mapping[str, Any]) -> str | None:
    if "@context" in found:
        return "amb" if "w3id.org/kim/amb" in str(found["@context"]) else "schema_org"
    return next((name for keys, name in _SHAPES if keys <= found.keys()), None)


def _of_csv(path: Path, root: Path) -> Iterator[SourceRecord]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter=";", restkey="")
        if not {"URL", "NAME", "LICENSE_URL"} <= set(rows.fieldnames or ()):
            return
        for number, row in enumerate(rows, 1):
            yield _record(path, root, number, "oercommons_csv", msgspec.json.encode(row).decode())
