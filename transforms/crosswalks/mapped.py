"""Records that a feed file maps itself: `[map]` names each field with a JMESPath expression, a column or a constant.

https://jmespath.org/specification.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from schemas import Leaf, MapEntries, MapEntry
from transforms.crosswalks.engine import JsonFormat, Table, parse_json, parse_xml, repeated_members, xml_members
from transforms.draft import Draft, Finding, Statement, mask_emails

_EVERY_LEAF = JsonFormat(Table({}, {}))  # no rows: every leaf is unmapped
_HINTS = {"contributors": "author", "links": "content", "relations": "references"}  # where the feed file names none
_EXPRESSION_MARKS = frozenset("|([@&`")  # of which an expression over columns has at least one
_MAX_DEPTH = 20  # of lists and objects that an expression returns
_MAX_VALUES = 1_000  # of one field
_MAX_ERROR_CHARS = 300


def read_mapped(fields: Mapping[str, MapEntries], payload: str, draft: Draft, *, has_columns: bool = False) -> None:
    """Add what the feed's map finds in a record to a draft; a mapped field replaces what a crosswalk read there.

    `has_columns`: the record is a row of a table, and what an entry names is a column of it. An XML record is read as
    the object that `xml_members` makes of it. Raises Unreadable when the payload is neither a JSON object nor XML.
    """
    payload = payload.lstrip("\ufeff")
    is_xml = payload.lstrip().startswith("<")
    record = _Record(xml_members(parse_xml(payload)) if is_xml else parse_json(payload), draft, has_columns)
    mapped: dict[str, list[Statement]] = {}
    for key, entries in fields.items():
        field, _, hint = key.partition(":")
        for entry in entries if isinstance(entries, list) else [entries]:
            where = MapEntry(path=entry) if isinstance(entry, str) else entry
            mapped.setdefault(field, []).extend(record.statements(where, key, hint or _HINTS.get(field)))
    draft.fields |= {field: statements[:_MAX_VALUES] for field, statements in mapped.items() if statements}
    repeated = [] if is_xml else repeated_members(payload)
    _list_unmapped(record.members, repeated, record.taken, draft)


class _Record:
    """A record that is mapped, and what was taken of it; an entry that fails on it is a finding."""

    def __init__(self, members: Mapping[str, Any], draft: Draft, has_columns: bool) -> None:
        self.members = members
        self.taken: set[str] = set()
        self._draft = draft
        self._has_columns = has_columns

    def statements(self, entry: MapEntry, key: str, hint: str | None) -> Iterator[Statement]:
        """Yield the values of one entry of the map."""
        path = f"map.{key}" if entry.path is None else entry.path
        for text in self._texts_at(entry.path, key) if entry.path is not None else [entry.constant or ""]:
            self.taken.add(text.strip())
            pieces = [text] if entry.split is None else text.split(entry.split)
            for piece in filter(None, map(str.strip, pieces)):
                yield Statement(piece, path, entry.language, hint)

    def _texts_at(self, path: str, key: str) -> list[str]:
        """Return the texts at a path; what is wrong with it in this record becomes a finding and a leaf."""
        faults: list[str] = []
        texts: list[str] = []
        try:
            value = self._value(path)
        except Exception as error:  # of a function of JMESPath: join() of what is no list
            faults.append(f"the expression fails: {' '.join(str(error).split())}")
        else:
            texts = list(_texts(value, faults))
        for fault in [mask_emails(text)[:_MAX_ERROR_CHARS] for text in faults[:1]]:
            self._draft.unmapped.append(Leaf(path=path, value=fault))
            self._draft.findings.append(Finding(code="map_failed", path=f"map.{key}", value=f"{path}: {fault}"))
        return texts

    def _value(self, path: str) -> Any:
        if path in self.members:
            return self.members[path]
        if self._has_columns and not _EXPRESSION_MARKS & set(path):
            raise LookupError(f"the row has no column {path!r}")
        return _compiled(path).search(self.members)


@lru_cache(maxsize=1024)
def _compiled(path: str) -> Any:
    import jmespath

    return jmespath.compile(path)


def _texts(value: Any, faults: list[str], depth: int = 0) -> Iterator[str]:
    """Yield the texts and numbers in a value and in its lists; anything else than nothing is a fault."""
    if isinstance(value, list) and depth < _MAX_DEPTH:
        for entry in value:
            yield from _texts(entry, faults, depth + 1)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)
    elif value is not None:
        what = "an object" if isinstance(value, dict) else "a list in lists" if isinstance(value, list) else "no value"
        faults.append(f"the expression fails: it gives {what} where a text or number belongs")


def _list_unmapped(record: Mapping[str, Any], repeated: list[Leaf], taken: set[str], draft: Draft) -> None:
    """List the leaves that no field holds: those whose text neither the map nor a crosswalk took."""
    rest = Draft()
    _EVERY_LEAF.read(record, rest)
    stated = {statement.path for statements in draft.fields.values() for statement in statements}
    accounted = stated | {
        leaf.path for leaf in (*draft.unmapped, *draft.used, *(ignored.leaf for ignored in draft.ignored))
    }
    further = [leaf for leaf in rest.unmapped if leaf.path not in accounted]
    draft.unmapped = [leaf for leaf in (*draft.unmapped, *further, *repeated) if leaf.value not in taken]
