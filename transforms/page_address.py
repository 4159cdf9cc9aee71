"""What a record does not hold itself: the address of its page, and the DOI that is its identifier.

The page is the one that a record was found in (schema.org in web pages), or the feed declares it:
`address = "https://platform.example.org/item/{id}"`.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urljoin

import msgspec

from schemas import Feed, Leaf, SourceRecord, replace
from transforms.draft import Draft, Statement
from transforms.normalize import web_address

DECLARED, OF_RECORD = "feed.address", "record.identifier"  # the paths of such statements
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_BEFORE_DOI = re.compile(r"(?:^|[:/])(?:doi[:/]|(?:dx\.)?doi\.org/)(?=10\.)", re.IGNORECASE)
_RELATIVE = re.compile(r"\.{0,2}/|\?")
_INSIDE_PAGE = re.compile(r"#|_:")  # a fragment, or a blank node of JSON-LD: no address of its own
_SAFE = "/:@~!$&'()*+,;=-._"  # characters of a path that stay as they are
_MAX_VALUE_CHARS = 500


def add_what_the_record_lacks(draft: Draft, record: SourceRecord, feed: Feed) -> None:
    """Add the page's address and the DOI in the record's identifier, where the record itself states none."""
    if feed.traits.requests_each_record and (page := web_address(record.identifier.partition("#")[0])):
        _resolve(draft, page)
        if not _states_address(draft, "url"):
            draft.add("url", Statement(page, OF_RECORD))
    declared = None if feed.address is None else filled_in(feed.address, record)
    if declared is not None and not _states_address(draft, "url", "identifiers"):
        draft.add("url", Statement(declared, DECLARED))
    if doi := _doi(record.identifier.strip()):
        draft.add("identifiers", Statement(doi, OF_RECORD, hint="doi"))


def _doi(identifier: str) -> str | None:
    """Return the DOI that an identifier is, or that it names as one: `oai:r.example.org:doi:…`, `info:doi/…`."""
    mark = _BEFORE_DOI.search(identifier)
    text = identifier if mark is None else identifier[mark.end() :]
    return text if _DOI.fullmatch(text) else None


def _states_address(draft: Draft, *fields: str) -> bool:
    return any(web_address(statement.value) for field in fields for statement in draft.get(field))


def _resolve(draft: Draft, page: str) -> None:
    """Resolve the addresses that are relative to the page; those of a part of the page are none of a resource."""
    for field in ("url", "links", "identifiers"):
        inside = [statement for statement in draft.get(field) if _is_inside_page(field, statement)]
        if inside or draft.get(field):
            draft.used += [Leaf(path=statement.path, value=statement.value) for statement in inside]
            rest = [statement for statement in draft.get(field) if statement not in inside]
            draft.fields[field] = [_absolute(statement, page) for statement in rest]


def _is_inside_page(field: str, statement: Statement) -> bool:
    """Tell whether an address is that of a part of a page: of an object's @id no page is made.

    A fragment such as `#/lesson/5` is the route of an application, which is a page.
    """
    _, mark, fragment = statement.value.partition("#")
    is_node = field == "url" and statement.path.endswith("['@id']") and mark and not fragment.startswith(("/", "!"))
    return bool(is_node or _INSIDE_PAGE.match(statement.value))


def _absolute(statement: Statement, page: str) -> Statement:
    if not _RELATIVE.match(statement.value):
        return statement
    try:
        return replace(statement, value=urljoin(page, statement.value))
    except ValueError:
        return statement


def filled_in(address: str, record: SourceRecord) -> str | None:
    """Return a feed's address with the record's values in its braces; None when the record lacks one.

    `{identifier}` is the record's identifier; another name is a field of a JSON record or a column, with dots between
    names; `{id}` of a record without such a field is the part of its identifier that the repository chose, which is the
    third of an OAI identifier (http://www.openarchives.org/OAI/2.0/guidelines-oai-identifier.htm).
    """
    values = {name: _value(name, record) for name in _PLACEHOLDER.findall(address)}
    if not all(values.values()):
        return None
    return _PLACEHOLDER.sub(lambda match: quote(values[match[1]], safe=_SAFE), address)


def _value(name: str, record: SourceRecord) -> str:
    if name == "identifier":
        return record.identifier
    value = _field(record.payload or "", name)
    if not value and name == "id":
        parts = record.identifier.split(":", 2)
        value = parts[2] if parts[0].lower() == "oai" and len(parts) == 3 else record.identifier
    return value if len(value) <= _MAX_VALUE_CHARS else ""


def _field(payload: str, path: str) -> str:
    """Return a text or number at a path of a JSON record; empty where there is none."""
    if not payload.lstrip("\ufeff \t\r\n").startswith("{"):
        return ""
    try:
        value: Any = msgspec.json.decode(payload.lstrip("\ufeff"))
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return ""
    if isinstance(value, dict) and path in value:
        value = value[path]
    else:
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
