"""Links between works, from what partners send to what is published, on both databases."""

from __future__ import annotations

import json
from typing import Any

from loaders.curation import curation
from pipeline import catalog as tasks
from schemas import Environment
from tests.loaders.nights import TABLES, rows
from tests.pipeline.feeds import listed, night

BY = {"by": "A Steward", "reason": "looked at it"}
PAGE = "https://books.example.org/guide"
TITLES = {"en": "Fractions with everyday objects", "fr": "Les fractions avec les objets du quotidien"}


def editions(**of_second: Any) -> list[Any]:
    """An English and a French guide whose addresses differ in the language, and what else the feed lists."""
    english = listed("books", 0, id=f"{PAGE}/en", name=TITLES["en"], creator=None)
    french = {"id": f"{PAGE}/fr", "name": TITLES["fr"], "inLanguage": ["fr"], "creator": None, "description": None}
    return [english, listed("books", 1, **(french | of_second)), *(listed("books", number) for number in range(2, 5))]


def relations(env: Environment) -> dict[str, list[tuple[str, str | None]]]:
    """For each published record its relations to other records: the key and the variant."""
    records = {
        id_: json.loads(record) for id_, record, gone in rows(env, "resource", "id, record, withdrawn_at") if not gone
    }
    keys = {id_: record["key"] for id_, record in records.items()}
    return {
        record["key"]: [(keys[relation["target"]], relation.get("variant")) for relation in record["relations"]]
        for record in records.values()
        if record["relations"]
    }


def test_translations_are_published_on_both_sides_in_every_night_alike(library: Environment) -> None:
    night(library, "books", editions(id=f"{PAGE}/other"))
    tasks.publish_now()
    assert relations(library) == {}
    night(library, "books", editions())
    tasks.publish_now()
    linked = {"books:0": [("books:1", "translation")], "books:1": [("books:0", "translation")]}
    assert relations(library) == linked
    (evidence,) = [row[0] for row in rows(library, "match", "evidence, verdict") if row[1] == "different"]
    assert "the same identifier but for the language: books.example.org/guide" in evidence
    before = {table: rows(library, table) for table in TABLES}
    tasks.publish(tasks.match(full=True))
    assert {table: rows(library, table) for table in TABLES} == before, "a full run finds what the increment found"
    curation.withdraw(library, "books:1", **BY)
    tasks.publish_now()
    assert relations(library) == {}
