"""The page of crosswalks says what the tables say, and every row of a table names a field that is assembled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate.crosswalks import document
from schemas import Resource
from transforms.crosswalks import ALIASES, CROSSWALKS
from transforms.crosswalks.dialects import DIALECTS
from transforms.crosswalks.reading import crosswalk_of

DOCS = Path(__file__).resolve().parents[3] / "docs"
FIELDS = {"license", "url", "links"} | set(Resource.__struct_fields__)


def test_the_page_is_current() -> None:
    assert (DOCS / "crosswalks.md").read_text(encoding="utf-8") == document()


@pytest.mark.parametrize("name", sorted(CROSSWALKS))
def test_every_row_names_a_field_of_the_shared_record(name: str) -> None:
    for key, row in CROSSWALKS[name].table.rows.items():
        for word in row.split():
            assert word == "." or re.split("[:?]", word)[0] in FIELDS, (key, row)


@pytest.mark.parametrize("name", sorted(CROSSWALKS))
def test_every_ignored_path_gives_a_reason_and_no_path_is_both_mapped_and_ignored(name: str) -> None:
    table = CROSSWALKS[name].table
    assert all(len(reason) > 5 for reason in table.ignored.values())
    assert not table.rows.keys() & table.ignored.keys()


@pytest.mark.parametrize("name", sorted(CROSSWALKS))
def test_keys_are_lower_cased_as_the_walk_makes_them(name: str) -> None:
    table = CROSSWALKS[name].table
    for key in (*table.rows, *table.ignored, *table.readers, *table.inner):
        assert key == key.lower()


def test_every_alias_and_dialect_leads_to_a_crosswalk() -> None:
    assert all(target in CROSSWALKS and alias not in CROSSWALKS for alias, target in ALIASES.items())
    for name, dialect in DIALECTS.items():
        table = crosswalk_of(dialect.format, name).table
        assert all(table.rows[key] == row for key, row in dialect.rows.items())
