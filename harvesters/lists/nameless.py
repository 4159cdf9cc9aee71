"""Records without the fields that the feed file names as their identifier, and the fields that they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from lxml import etree

from harvesters.lists import json_records
from harvesters.strict_xml import InvalidXml, parse_xml
from schemas import Feed, RawResponse


def is_nameless(raw: RawResponse, feed: Feed) -> bool:
    """Return whether what was skipped is a complete record that only lacks its identifier."""
    return raw.reason == json_records.nameless_reason(feed)


def field_names(raw: RawResponse, feed: Feed) -> set[str]:
    """Return the fields of such a record, nested ones with a dot; none if it is no object."""
    try:
        inner = json_records.raw_at(msgspec.Raw(raw.body), feed.request.record_path or "")
        return set(_names(msgspec.json.decode(inner or raw.body)))
    except (json_records.NotJson, msgspec.DecodeError, RecursionError):
        pass
    try:
        return {etree.QName(child).localname for child in parse_xml(raw.body) if isinstance(child.tag, str)}
    except InvalidXml:
        return set()


def _names(record: Any) -> Iterator[str]:
    for name, value in record.items() if isinstance(record, dict) else ():
        yield from [f"{name}.{inner}" for inner in value] if isinstance(value, dict) else [name]
