"""The JSON Schema and the data dictionary in docs/ are current, and describe every field and every column."""

from __future__ import annotations

import json

import msgspec
import pytest

from docs.generate.schema import DICTIONARY_FILE, SCHEMA_FILE, dictionary, field_meanings, json_schema
from loaders.store import Table
from schemas import Resource, resource

STRUCTS = [getattr(resource, name) for name in msgspec.json.schema(Resource)["$defs"]]


def test_the_json_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == json_schema(), "write it again: python -m docs.generate.schema"


def test_the_data_dictionary_is_current() -> None:
    assert DICTIONARY_FILE.read_text(encoding="utf-8") == dictionary(), "write it again: python -m docs.generate.schema"


@pytest.mark.parametrize("struct", STRUCTS)
def test_every_field_of_the_shared_record_is_described_in_its_order(struct: type[msgspec.Struct]) -> None:
    assert list(field_meanings(struct)) == list(struct.__struct_fields__)


@pytest.mark.parametrize("name", Table.metadata.tables)
def test_every_column_is_described(name: str) -> None:
    table = Table.metadata.tables[name]
    assert [column.name for column in table.columns if not column.doc] == []
    assert f"\n### {name}\n" in dictionary()


def test_the_json_schema_describes_what_a_record_is_encoded_as() -> None:
    schema = json.loads(json_schema())
    record = json.loads(msgspec.json.encode(Resource(key="a:1")))
    assert schema["$ref"] == "#/$defs/Resource"
    assert list(record) == list(schema["$defs"]["Resource"]["properties"])
