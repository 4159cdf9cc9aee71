"""Write docs/resource.schema.json and docs/data-dictionary.md from the code: python -m docs.generate.schema."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from loaders.store import Table
from schemas import Resource, resource

DOCS = Path(__file__).parents[1]
SCHEMA_FILE, DICTIONARY_FILE = DOCS / "resource.schema.json", DOCS / "data-dictionary.md"
_FIELD_LINE = re.compile(r"^(\w+): (.+)$", re.MULTILINE)
_INTRODUCTION = """# Data dictionary

Generated from the code by `python -m docs.generate.schema`; do not edit. A test checks that it is current.

- [The shared record](#the-shared-record): what a crosswalk makes of a partner's record, and what the library publishes.
  The same as JSON Schema: [resource.schema.json](resource.schema.json).
- [The tables](#the-tables) of the catalog.
"""
_TABLES = """## The tables

Times are UTC, ISO 8601 with `Z`, as text. JSON is kept as text, exactly as it was written.
"""


def json_schema() -> str:
    """Return the JSON Schema of the shared record as formatted JSON, every field with its description."""
    schema = msgspec.json.schema(Resource)
    for name, definition in schema["$defs"].items():
        struct = getattr(resource, name)
        definition["description"] = _summary(struct)
        for field, meaning in field_meanings(struct).items():
            definition["properties"][field]["description"] = meaning
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Shared record", **schema}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def dictionary() -> str:
    """Return the data dictionary as Markdown: the shared record, its parts, and every table of the catalog."""
    parts = [_INTRODUCTION, "## The shared record\n", _summary(Resource), "", *_struct_table(Resource)]
    for name in sorted(set(msgspec.json.schema(Resource)["$defs"]) - {"Resource"}):
        struct = getattr(resource, name)
        parts += [f"### {name}\n", _summary(struct), "", *_struct_table(struct)]
    parts.append(_TABLES)
    for table_name, model in sorted(Table.classes.items()):
        parts += [f"### {table_name}\n", inspect.cleandoc(model.__doc__ or ""), "", *_column_table(model.__table__)]
    return "\n".join(parts)


def field_meanings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return what the struct's docstring says of each field, by field name."""
    return dict(_FIELD_LINE.findall(inspect.cleandoc(struct.__doc__ or "")))


def _summary(struct: type[msgspec.Struct]) -> str:
    return inspect.cleandoc(struct.__doc__ or "").split("\n\n")[0].replace("\n", " ")


def _struct_table(struct: type[msgspec.Struct]) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    meanings = field_meanings(struct)
    for name, annotation in get_type_hints(struct).items():
        yield f"| `{name}` | {_type_name(annotation)} | {meanings[name]} |"
    yield ""


_SCALARS = {str: "text", int: "whole number", float: "number", bool: "true or false", types.NoneType: "null"}


def _type_name(annotation: Any) -> str:
    """Name a field's type in words."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None:
            return _SCALARS.get(annotation) or f"[{annotation.__name__}](#{annotation.__name__.lower()})"
        case origin if origin is Literal:
            return ", ".join(f"`{value}`" for value in arguments)
        case origin if origin is tuple:
            return f"list of {_type_name(arguments[0])}"
        case origin if origin is dict:
            return f"object of {_type_name(arguments[1])}"
    return " or ".join(map(_type_name, arguments))  # a union


def _column_table(table: Any) -> Iterator[str]:
    yield "| column | type | null | meaning |"
    yield "|---|---|---|---|"
    for column in table.columns:
        key = " (key)" if column.primary_key else ""
        yield f"| `{column.name}`{key} | {column.type} | {'yes' if column.nullable else 'no'} | {column.doc} |"
    yield ""


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json_schema(), encoding="utf-8")
    DICTIONARY_FILE.write_text(dictionary(), encoding="utf-8")
