"""Finds the format's own root element inside an OAI-PMH record."""

from __future__ import annotations

from transforms.crosswalks.engine.table import Table, Unreadable
from transforms.crosswalks.engine.xmlparse import Element, local, parse
from transforms.crosswalks.engine.xmltree import XmlFormat
from transforms.draft import Draft

OAI = "{http://www.openarchives.org/OAI/2.0/}"

_NO_ROOT: frozenset[str] = frozenset()
_ABOUT = XmlFormat(
    _NO_ROOT, Table({}, {"*": "the repository's statement about its metadata record, not about the resource"})
)
_STRANGE = XmlFormat(_NO_ROOT, Table({}, {}))  # what no table knows: every leaf is unmapped


def unwrap(payload: str, draft: Draft) -> Element:
    """The format's own root inside an OAI record; its `about` goes to the draft as ignored.

    Raises Unreadable when there is no metadata.
    """
    root = parse(payload)
    if not _is_wrapper(root):
        return root
    found: Element | None = None
    for child in root:
        name = local(child) if isinstance(child.tag, str) else ""
        if name == "metadata" and found is None and len(child):
            found = child
        elif name in {"about", "header"}:
            _ABOUT.read(child, draft, name)
        elif isinstance(child.tag, str):
            _STRANGE.read(child, draft, name)
    inside = [] if found is None else [child for child in found if isinstance(child.tag, str)]
    if not inside:
        raise Unreadable("no metadata in the record")
    for further in inside[1:]:
        _STRANGE.read(further, draft, f"metadata/{local(further)}")
    return inside[0]


def _is_wrapper(root: Element) -> bool:
    if root.tag == f"{OAI}record":
        return True
    names = {local(child) for child in root if isinstance(child.tag, str)}
    return root.tag == "record" and (not names or bool(names & {"metadata", "header", "about"}))
