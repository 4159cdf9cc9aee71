"""Resolve the relative addresses of an XML tree that declares xml:base (https://www.w3.org/TR/xmlbase/)."""

from __future__ import annotations

from urllib.parse import urljoin

from transforms.crosswalks.engine.paths import Element, local_name

XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_ADDRESS_ATTRIBUTES = ("href", "src", "url")


def resolve_addresses(root: Element) -> None:
    """Make the addresses in attributes, and those that are the text of a link, absolute; malformed ones stay."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        base = element.base or ""
        for name in _ADDRESS_ATTRIBUTES:
            if address := element.get(name):
                element.set(name, _joined(base, address))
        if local_name(element.tag) == "link" and not len(element) and element.text and element.text.strip():
            element.text = _joined(base, element.text.strip())


def _joined(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:
        return address
