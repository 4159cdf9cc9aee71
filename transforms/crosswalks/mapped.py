"""Records that a feed file maps itself: `[map]` names each field with a JMESPath expression, a column or a constant.

https://jmespath.org/specification.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from schemas import Leaf, MapEntries, MapEntry
from transforms.crosswalks.engine import JsonFormat, Table, parse_json, repeated_members
from transforms.draft import Draft, Statement, mask_emails

_EVERY_LEAF = JsonFormat(Table({}, {}))  # no rows: every leaf is unmapped
_HINTS = {"contributors": "author", "links": "content", "relations": "references"}  # where the feed file names none
_MAX_DEPTH = 20  # of lists and objects that an expression returns
_MAX_VALUES = 1_000  # of one field
_MAX_ERROR_CHARS = 300


def read_mapped(fields: Mapping[str, MapEntries], payload: str, draft: Draft) -> None:
    """Add what the feed's map finds in a JSON record to a draft; a mapped field replaces what a crosswalk read there.

    Raises Unreadable when the payload is no JSON object.
    """
    payload = payload.lstrip("\ufeff")
    record = parse_json(payload)
    taken: set[str] = set()
    mapped: dict[str, list[Statement]] = {}
    for key, entries in fields.items():
        field, _, hint = key.partition(":")
        for entry in entries if isinstance(entries, list) else [entries]:
            where = MapEntry(path=entry) if isinstance(entry, str) else entry
            statements = _statements(where, record, key, hint or _HINTS.get(field), draft, taken)
            mapped.setdefault(field, []).extend(statements)
    draft.fields |= {field: statements[:_MAX_VALUES] for field, statements in mapped.items() if statements}
    _list_unmapped(record, payload, taken, draft)


def _statements(
    entry: MapEntry, record: Mapping[str, Any], key: str, hint: str | None, draft: Draft, taken: set[str]
) -> Iterator[Statement]:
    """Yield the values of one entry of the map; an expression that fails on this record is listed as unmapped."""
    path = f"map.{key}" if entry.path is None else entry.path
    try:
        value = entry.constant if entry.path is None else _value(entry.path, record)
    except Exception as error:  # of a function of JMESPath: join() of what is no list
        draft.unmapped.append(Leaf(path=path, value=mask_emails(f"the expression fails: {error}")[:_MAX_ERROR_CHARS]))
        return
    for text in _texts(value):
        taken.add(text.strip())
        pieces = [text] if entry.split is None else text.split(entry.split)
        for piece in filter(None, map(str.strip, pieces)):
            yield Statement(piece, path, entry.language, hint)


def _value(path: str, record: Mapping[str, Any]) -> Any:
    return record[path] if path in record else _compiled(path).search(record)


@lru_cache(maxsize=1024)
def _compiled(path: str) -> Any:
    import jmespath

    return jmespath.compile(path)


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts and numbers in a value and in its lists; an object is no value."""
    if isinstance(value, list) and depth < _MAX_DEPTH:
        for entry in value:
            yield from _texts(entry, depth + 1)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)


def _list_unmapped(record: Mapping[str, Any], payload: str, taken: set[str], draft: Draft) -> None:
    """List the leaves that no field holds: those whose text neither the map nor a crosswalk took."""
    rest = Draft()
    _EVERY_LEAF.read(record, rest)
    stated = {statement.path for statements in draft.fields.values() for statement in statements}
    accounted = stated | {
        leaf.path for leaf in (*draft.unmapped, *draft.used, *(ignored.leaf for ignored in draft.ignored))
    }
    further = [leaf for leaf in rest.unmapped if leaf.path not in accounted]
    unmapped = [*draft.unmapped, *further, *repeated_members(payload)]
    draft.unmapped = [leaf for leaf in unmapped if leaf.value not in taken]
