"""What stewards mapped terms to lies over the lists; the transform stays pure."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import transforms
from schemas import Feed, Resource, SourceRecord, TermMapping
from transforms import transform, transform_all
from transforms.normalize.vocabulary import (
    FIELD_SCHEMES,
    entries_of,
    find_code,
    nearest_entries,
    scheme_of_code,
    term_key,
)

FEED = Feed(
    name="books", title="Books", partner="Example University", protocol="rest", url="https://e.org", format="amb"
)


def record(**fields: Any) -> SourceRecord:
    payload = {"id": "https://e.org/1", "name": "Photosynthesis, a workbook", **fields}
    return SourceRecord(
        feed="books",
        identifier="1",
        format="amb",
        payload=json.dumps(payload, ensure_ascii=False),
        harvested_at="2026-01-01T00:00:00Z",
    )


def assessed(mappings: list[TermMapping], **fields: Any) -> Resource:
    resource = transform(record(**fields), FEED, mappings).resource
    assert resource is not None
    return resource


def kind(number: int, value: str, code: str | None, feed: str | None = None) -> TermMapping:
    scheme = "resource_type" if code else None
    return TermMapping(id=number, field="resource_types", value=value, code=code, scheme=scheme, feed=feed)


def kinds(mappings: list[TermMapping], *terms: str) -> list[str]:
    return [concept.code for concept in assessed(mappings, learningResourceType=list(terms)).resource_types]


@pytest.mark.parametrize(
    ("mapped", "written"),
    [
        ("Лабиринт", "ЛАБИРИНТ"),
        ("ورقة اللعب", "ورقةُ اللَعِب"),
        ("أوراق", "اوراق"),
        ("Spiel-Zettel", "spielzettel"),
        ("Zétèle", "ZETELE"),
        ("x" * 500, "X" * 401),
        ("★★", "★ ★"),
    ],
)
def test_terms_match_folded_in_every_script(mapped: str, written: str) -> None:
    assert kinds([], written) == []
    assert kinds([kind(1, mapped, "worksheet")], written) == ["worksheet"]


def test_a_feeds_own_mapping_counts_before_the_general_one_and_then_the_newest() -> None:
    general, own = kind(9, "Zettel", "video"), kind(1, "zettel", "worksheet", "books")
    assert kinds([general, own], "Zettel") == kinds([own, general], "Zettel") == ["worksheet"]
    newer = kind(10, "ZETTEL", "audio")
    assert kinds([newer, general], "Zettel") == kinds([general, newer], "Zettel") == ["audio"]
    assert kinds([kind(11, "Zettel", "video", "films")], "Zettel") == []


def test_an_ignored_term_is_neither_a_concept_nor_a_term_without_a_code() -> None:
    ignored = [kind(1, "Zettel", None), TermMapping(field="subjects", value="Krimskrams")]
    resource = assessed(ignored, learningResourceType=["Zettel"], about=["Krimskrams"])
    assert resource.resource_types == () and resource.subjects == () and resource.terms == ()
    assert {leaf.value for leaf in resource.unmapped} == {"Zettel", "Krimskrams"}
    assert kinds([kind(1, "Zettel", None), kind(2, "Zettel", "video")], "Zettel") == ["video"]
    assert kinds([kind(1, "Zettel", "video"), kind(2, "Zettel", None, "books")], "Zettel") == []


def test_a_mapping_replaces_the_code_that_a_list_gives() -> None:
    assert kinds([], "Worksheet") == ["worksheet"]
    assert kinds([kind(1, "worksheet", "video")], "Worksheet") == ["video"]
    assert kinds([kind(1, "worksheet", None)], "Worksheet", "Video") == ["video"]


@pytest.mark.parametrize(
    ("field", "scheme", "code", "source", "expected"),
    [
        ("levels", "level", "3", {"educationalLevel": ["Zork"]}, {"levels": ("3",)}),
        ("audiences", "audience", "teacher", {"audience": ["Zork"]}, {"audiences": ("teacher",)}),
        ("language", "language", "fr", {"inLanguage": ["Zork"]}, {"languages": "fr"}),
        ("subjects", "isced_f", "0533", {"about": ["Zork"]}, {"subjects": "0533"}),
        ("subjects", "unesco", "concept132", {"about": ["Zork"]}, {"subjects": "concept132"}),
    ],
)
def test_terms_of_every_kind_of_field_can_be_mapped(
    field: str, scheme: str, code: str, source: dict[str, Any], expected: dict[str, Any]
) -> None:
    mapping = TermMapping(id=1, field=field, value="zork", scheme=scheme, code=code)
    resource = assessed([mapping], **source)
    terms = {(term.field, term.code) for term in resource.terms}
    assert terms == {(field, code)}
    assert code in str(getattr(resource, next(iter(expected))))


def test_a_mapping_whose_code_is_in_no_list_is_not_used() -> None:
    (term,) = assessed([kind(1, "Zettel", "no_such_kind")], learningResourceType=["Zettel"]).terms
    assert term.code is None


def test_without_a_mapping_that_applies_records_stay_byte_for_byte() -> None:
    records = [record(learningResourceType=["Zettel"], about=["Quanten", "Physics"], educationalLevel=["Grade 5"])]
    before = msgspec.json.encode(list(transform_all(records, FEED)))
    others = [kind(1, "Zettel", "video", "films"), kind(2, "Zettelkasten", "video")]
    assert msgspec.json.encode(list(transform_all(records, FEED, others))) == before
    assert msgspec.json.encode(list(transform_all(records, FEED, iter(())))) == before


def test_every_list_has_fields_and_finds_its_entries_by_code_and_label() -> None:
    for field in FIELD_SCHEMES:
        for scheme, code, label in entries_of(field):
            assert find_code(field, scheme, code) == (scheme, code)
            assert find_code(field, None, code) is not None and label
    assert find_code("levels", None, "Doctoral or equivalent level") is not None
    assert find_code("language", None, "French") == ("language", "fr")
    assert find_code("typical_learning_time", None, "2 hours") == ("learning_time", "PT2H")
    assert find_code("formats", None, "video/mp4") == ("media_type", "video/mp4")
    assert find_code("levels", None, "nothing of the kind") is None and find_code("no_field", None, "x") is None


@pytest.mark.parametrize(
    ("field", "term", "code"),
    [
        ("resource_types", "Arbeitzblatt", "worksheet"),
        ("audiences", "учителя школы", "teacher"),
        ("subjects", "Fotosíntesi", "concept"),
        ("levels", "upper secundary education", "3"),
    ],
)
def test_the_nearest_labels_of_any_language_are_offered(field: str, term: str, code: str) -> None:
    nearest = nearest_entries(field, term)
    assert len(nearest) <= 3 and any(each.code.startswith(code) for each in nearest), nearest
    assert all(scheme_of_code(field, each.scheme, each.code) == each.scheme for each in nearest)


def test_one_key_is_made_of_what_the_catalog_keeps_of_a_long_term() -> None:
    assert term_key("y" * 400 + "…") == term_key("Y" * 900)


def test_the_transform_imports_nothing_that_could_read_mappings_by_itself() -> None:
    room = Path(transforms.__file__).parent
    for path in room.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & {"loaders", "pipeline", "sqlalchemy", "sqlite3"}, (
                path
            )
