"""A feed file maps JSON records and tables that no crosswalk reads; the fields are normalized as from any format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from schemas import ROOT, Assessment, BadFeed, Feed, SourceRecord, read_feed
from transforms import transform

pytest.importorskip("jmespath")
HEAD = 'title = "Mapped"\npartner = "Sample Partner"\nurl = "https://api.example.org/records"\n'
EXAMPLES = re.findall(r"```toml\n(protocol = .*?)```", (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8"), re.S)


def feed_of(text: str, folder: Path) -> Feed:
    path = folder / "mapped.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return read_feed(path)


def assessed(feed: Feed, record: dict[str, Any]) -> Assessment:
    payload = json.dumps(record, ensure_ascii=False)
    return transform(
        SourceRecord(
            feed=feed.name,
            identifier="1",
            format=feed.format,
            payload=payload,
            harvested_at="2026-01-01T00:00:00Z",
        ),
        feed,
    )


INVENIO: dict[str, Any] = {
    "id": "1",
    "links": {"self_html": "https://invenio.example.org/records/1"},
    "pids": {"doi": {"identifier": "10.99999/map.1"}},
    "metadata": {
        "title": "Rain in the garden",
        "description": "<p>Lessons on the weather.</p>",
        "creators": [{"person_or_org": {"name": "Example, Ana"}}],
        "publication_date": "2024-05",
        "languages": [{"id": "eng"}],
        "rights": [{"id": "cc-by-4.0"}],
        "resource_type": {"id": "lesson"},
        "subjects": [{"subject": "weather"}],
        "version": "v2",
    },
}
ZENODO: dict[str, Any] = {
    "id": 2,
    "doi": "10.99999/map.2",
    "links": {"html": "https://zenodo.example.org/record/2"},
    "metadata": {
        "title": "Rain in the garden",
        "creators": [{"name": "Example, Ana"}],
        "publication_date": "2024-05-06",
        "language": "eng",
        "license": {"id": "CC-BY-SA-4.0"},
        "resource_type": {"type": "presentation", "title": "Presentation"},
        "keywords": ["weather", "garden"],
    },
}
EDU_SHARING: dict[str, Any] = {
    "ref": {"id": "1"},
    "name": "regen.html",
    "properties": {
        "cclom:title": ["Regen im Garten"],
        "cclom:general_language": ["de"],
        "cclom:general_keyword": ["Wetter", "Garten"],
        "ccm:commonlicense_key": ["CC_0"],
    },
    "content": {"url": "https://edu.example.org/render/1"},
    "preview": {"url": "https://edu.example.org/preview/1"},
}
MINISTRY: dict[str, Any] = {
    "No.": "7",
    "Titre": "La pluie au jardin",
    "العنوان": "المطر في الحديقة",
    "Niveau": "CM2",
    "Mots clés": "pluie, jardin",
}


def test_the_three_shapes_of_the_documentation_are_read(tmp_path: Path) -> None:
    invenio, edu_sharing, ministry = (
        assessed(feed_of(example, tmp_path), record).resource
        for example, record in zip(EXAMPLES, (INVENIO, EDU_SHARING, MINISTRY), strict=True)
    )
    assert invenio is not None and edu_sharing is not None and ministry is not None
    assert (invenio.title, invenio.issued) == ({"en": "Rain in the garden"}, "2024-05")
    assert invenio.description == {"en": "Lessons on the weather."}
    assert invenio.license is not None and invenio.license.spdx == "CC-BY-4.0"
    assert [(person.name, person.role) for person in invenio.contributors] == [("Ana Example", "author")]
    assert invenio.url == "https://invenio.example.org/records/1"
    assert {leaf.path for leaf in invenio.unmapped} == {"$.id", "$.metadata.version"}
    zenodo = assessed(feed_of(EXAMPLES[0], tmp_path), ZENODO).resource
    assert zenodo is not None
    assert zenodo.license is not None and zenodo.license.spdx == "CC-BY-SA-4.0"
    assert [person.name for person in zenodo.contributors] == ["Ana Example"]
    assert [kind.code for kind in zenodo.resource_types] == ["slide"]
    assert [keyword.text for keyword in zenodo.keywords] == ["weather", "garden"]
    assert zenodo.url == "https://zenodo.example.org/record/2"
    assert edu_sharing.title == {"de": "Regen im Garten"}
    assert [keyword.text for keyword in edu_sharing.keywords] == ["Wetter", "Garten"]
    assert [link.role for link in edu_sharing.links] == ["thumbnail"]
    assert ministry.title == {"fr": "La pluie au jardin", "ar": "المطر في الحديقة"}
    assert [keyword.text for keyword in ministry.keywords] == ["pluie", "jardin"]
    assert ministry.publishers == ("Ministère de l'Éducation",)
    assert ministry.url == "https://ressources.example.org/fiche/1"


def test_a_map_lies_over_a_format(tmp_path: Path) -> None:
    text = 'protocol = "rest"\nidentifier = "id"\nformat = "graasp"\n[map]\ntitle = "content"\n'
    resource = assessed(feed_of(text, tmp_path), {"id": "1", "name": "A name", "content": "Another title"}).resource
    assert resource is not None
    assert list(resource.title.values()) == ["Another title"]


@pytest.mark.parametrize(
    ("expression", "tags", "fault"),
    [
        ("join(', ', tags)", 5, "In function join()"),
        ("max_by(tags, &size).name", [{"size": 1}, {"size": "x"}], "'>' not supported"),
        ("tags", {"de": "Regen"}, "it gives an object where a text or number belongs"),
        ("tags[]", ["rain", {"id": 1}], "it gives an object where a text or number belongs"),
        ("&tags", 5, "it gives no value where a text or number belongs"),
    ],
)
def test_an_expression_that_fails_on_a_record_is_a_finding_and_loses_nothing_else(
    tmp_path: Path, expression: str, tags: Any, fault: str
) -> None:
    text = f'protocol = "rest"\nidentifier = "id"\n[map]\ntitle = "name"\nkeywords = "{expression}"\n'
    result = assessed(feed_of(text, tmp_path), {"id": "1", "name": "Rain in the garden", "tags": tags})
    assert result.resource is not None
    assert list(result.resource.title.values()) == ["Rain in the garden"]
    assert any("the expression fails" in leaf.value for leaf in result.resource.unmapped)
    ((path, value),) = [(issue.path, issue.value) for issue in result.issues if issue.code == "map_failed"]
    assert path == "map.keywords"
    assert value.startswith(f"{expression}: the expression fails: {fault}")


@pytest.mark.parametrize("tags", [None, [], ["rain"], [None, 5]])
def test_an_expression_that_gives_nothing_on_a_record_is_no_fault(tmp_path: Path, tags: Any) -> None:
    text = 'protocol = "rest"\nidentifier = "id"\n[map]\ntitle = "name"\nkeywords = "tags[]"\n'
    result = assessed(feed_of(text, tmp_path), {"id": "1", "name": "Rain in the garden", "tags": tags})
    assert "map_failed" not in {issue.code for issue in result.issues}


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        ({"No.": "1", "Titre": "La pluie"}, []),
        ({"No.": "1", "Titre": ""}, []),
        ({"No.": "1", "Titres": "La pluie"}, ["Titre: the expression fails: the row has no column 'Titre'"]),
    ],
)
def test_a_column_that_a_row_lacks_is_a_finding(tmp_path: Path, row: dict[str, str], faults: list[str]) -> None:
    feed = feed_of('protocol = "csv"\nidentifier = "No."\n[map]\ntitle = "Titre"\n', tmp_path)
    assert [issue.value for issue in assessed(feed, row).issues if issue.code == "map_failed"] == faults


@pytest.mark.parametrize("payload", [[], {}, "text"])
def test_what_is_no_object_is_rejected(tmp_path: Path, payload: Any) -> None:
    text = 'protocol = "rest"\nidentifier = "id"\n[map]\ntitle = "name"\n'
    assert assessed(feed_of(text, tmp_path), payload).rejection is not None


@pytest.mark.parametrize(
    ("protocol", "entry", "mistake"),
    [
        ("rest", 'titel = "name"', "map.titel: is not a field of a record; use one of age_range"),
        ("rest", 'title = "a["', "map.title: 'a[' is not a JMESPath expression"),
        (
            "rest",
            'title = "foo(name)"',
            "map.title: 'foo(name)' is not a JMESPath expression (Unknown function: foo())",
        ),
        ("rest", 'title = "join(name)"', "map.title: 'join(name)' is not a JMESPath expression (Expected 2 arguments"),
        ("rest", f'title = "{"!" * 499}a"', f"map.title: '{'!' * 499}a' is nested too deep"),
        ("rest", "title = {}", "map.title: needs either a path or a constant"),
        ("rest", 'title = { path = "a", constant = "b" }', "map.title: needs either a path or a constant"),
        ("rest", 'title = { path = "a", language = "no such" }', "map.title: 'no such' is not a language tag"),
        ("rest", 'keywords = { path = "a", split = "" }', "map.keywords: split is empty"),
        ("oai_pmh", 'title = "name"', "map: only reads JSON records and tables; oai_pmh needs a format"),
    ],
)
def test_a_mistake_in_a_map_is_named(tmp_path: Path, protocol: str, entry: str, mistake: str) -> None:
    identifier = "" if protocol == "oai_pmh" else 'identifier = "id"\n'
    with pytest.raises(BadFeed) as error:
        feed_of(f'protocol = "{protocol}"\n{identifier}[map]\n{entry}\n', tmp_path)
    assert any(reason.startswith(mistake) for reason in error.value.reasons), error.value.reasons


def test_an_xml_record_is_mapped_by_its_elements_and_attributes(tmp_path: Path) -> None:
    feed = feed_of(
        'protocol = "rest"\nidentifier = "nr"\n[request]\nrecords_path = "lesson"\n[map]\ntitle = "title"\n'
        """license = '"rights@url"'\nkeywords = "tags[].tag"\n"contributors:author" = "authors[].author[].name"\n""",
        tmp_path,
    )
    payload = (
        '\ufeff<x:lesson xmlns:x="https://school.example/ns" nr="7">'
        '<x:title xml:lang="en">Waves<!-- of water --></x:title>'
        '<rights url="https://creativecommons.org/licenses/by/4.0/">free</rights><tags><tag>sea</tag><tag>wind</tag></tags>'
        "<authors><author><name>Ana Diop</name></author></authors><note>for us</note></x:lesson>"
    )
    facts = {"feed": feed.name, "identifier": "7", "format": feed.format, "harvested_at": "2026-01-01T00:00:00Z"}
    resource = transform(SourceRecord(payload=payload, **facts), feed).resource
    assert resource is not None and list(resource.title.values()) == ["Waves"]
    assert resource.license is not None and resource.license.spdx == "CC-BY-4.0"
    assert [each.text for each in resource.keywords] == ["sea", "wind"]
    assert [person.name for person in resource.contributors] == ["Ana Diop"]
    assert [leaf.value for leaf in resource.unmapped] == ["7", "en", "free", "for us"]


@pytest.mark.parametrize("payload", ["<lesson", "<lesson>&nothing", "<a/><b/>", "plain"])
def test_a_record_that_is_neither_json_nor_xml_is_rejected(payload: str, tmp_path: Path) -> None:
    feed = feed_of('protocol = "rest"\nidentifier = "nr"\n[map]\ntitle = "title"\n', tmp_path)
    facts = {"feed": feed.name, "identifier": "7", "format": feed.format, "harvested_at": "2026-01-01T00:00:00Z"}
    assert transform(SourceRecord(payload=payload, **facts), feed).rejection is not None
