"""The address of a record's page is the page it was found in, or the one that its feed declares; a DOI is both."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas import Feed, Resource, SourceRecord
from transforms import transform

PAGE = "https://lessons.example.org/rain"


def resource_of(payload: str | dict[str, Any], header: str, format_: str, **keys: Any) -> Resource:
    feed = Feed(name="pages", title="Pages", partner="Sample Partner", **keys)
    record = SourceRecord(
        feed="pages",
        identifier=header,
        format=format_,
        payload=payload if isinstance(payload, str) else json.dumps(payload),
        harvested_at="2026-01-01T00:00:00Z",
    )
    resource = transform(record, feed).resource
    assert resource is not None
    return resource


def from_page(node: dict[str, Any], identifier: str = PAGE) -> Resource:
    return resource_of(node, identifier, "schema_org", protocol="sitemap", url="https://lessons.example.org/map.xml")


def test_an_object_without_an_address_has_that_of_its_page() -> None:
    lesson = from_page({"@type": "LearningResource", "name": "Rain in the garden", "uploadDate": "2024-05-06"})
    assert (lesson.url, lesson.issued) == (PAGE, "2024-05-06")
    assert lesson.provenance["url"][0].path == "record.identifier"
    second = from_page({"@type": "VideoObject", "name": "Rain"}, f"{PAGE}#1")
    assert second.url == PAGE


@pytest.mark.parametrize(
    ("stated", "url"),
    [
        ({"url": "https://other.example.org/1"}, "https://other.example.org/1"),
        ({"url": "/rain/film"}, "https://lessons.example.org/rain/film"),
        ({"@id": "#lesson"}, PAGE),
        ({"@id": "_:b0"}, PAGE),
        ({"@id": f"{PAGE}#article"}, PAGE),
        ({"@id": "https://cdn.example.org/x#lesson", "mainEntityOfPage": {"@id": PAGE}}, PAGE),
        ({"@id": "https://lessons.example.org/#/lesson/5"}, "https://lessons.example.org/#/lesson/5"),
        ({"@id": "https://lessons.example.org/5"}, "https://lessons.example.org/5"),
    ],
)
def test_an_address_of_the_object_counts_and_a_relative_one_is_resolved(stated: dict[str, str], url: str) -> None:
    lesson = from_page({"@type": "LearningResource", "name": "Rain in the garden", **stated})
    assert lesson.url == url
    assert not [identifier for identifier in lesson.identifiers if identifier.scheme == "other"]


def test_a_graph_s_other_objects_are_read_where_the_resource_names_them_and_nowhere_else() -> None:
    graph = [
        {"@type": "Person", "@id": "#ana", "name": "Ana Example"},
        {
            "@type": "LearningResource",
            "name": "Rain in the garden",
            "author": {"@id": "#ana"},
            "image": {"@id": "#picture"},
            "about": [{"@id": "#weather"}],
        },
        {"@type": "ImageObject", "@id": "#picture", "contentUrl": "https://lessons.example.org/rain.jpg"},
        {"@type": "DefinedTerm", "@id": "#weather", "name": "Weather"},
        {"@type": ["Organization"], "@id": "#school", "name": "Sample School", "url": "https://school.example.org"},
        {"@type": "Question", "name": "Is rain wet?"},
    ]
    lesson = from_page({"@context": "https://schema.org", "@graph": graph})
    assert lesson.title == {"en": "Rain in the garden"}
    assert [contributor.name for contributor in lesson.contributors] == ["Ana Example"]
    assert lesson.url == PAGE
    assert [(link.role, link.url) for link in lesson.links] == [("preview", "https://lessons.example.org/rain.jpg")]
    assert [keyword.text for keyword in lesson.keywords] == ["Weather"]


GRAASP = {"id": "a1-b2", "name": "Forces in a boat", "type": "folder", "lang": "en"}


def test_a_feed_declares_the_address_of_its_pages() -> None:
    keys: dict[str, Any] = {"protocol": "rest", "url": "https://api.example.org", "identifier": ["id"]}
    assert resource_of(GRAASP, "a1-b2", "graasp", **keys).url is None
    declared = resource_of(GRAASP, "a1-b2", "graasp", **keys, address="https://library.example.org/c/{id}")
    assert declared.url == "https://library.example.org/c/a1-b2"
    assert declared.provenance["url"][0].path == "feed.address"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://r.example.org/item/{id}", "https://r.example.org/item/12/3%20a"),
        ("https://r.example.org/?oai={identifier}", "https://r.example.org/?oai=oai:r.example.org:12/3%20a"),
        ("https://r.example.org/{slug}", None),
    ],
)
def test_a_declared_address_is_filled_in_from_an_oai_identifier(address: str, url: str | None) -> None:
    payload = "<dc><title>Rain in the garden</title></dc>"
    keys: dict[str, Any] = {"protocol": "oai_pmh", "url": "https://r.example.org/oai", "address": address}
    assert resource_of(payload, "oai:r.example.org:12/3 a", "oai_dc", **keys).url == url


def test_an_address_that_the_record_states_is_kept() -> None:
    payload = "<dc><title>Rain</title><identifier>https://r.example.org/own</identifier></dc>"
    keys: dict[str, Any] = {"protocol": "oai_pmh", "url": "https://r.example.org/oai"}
    kept = resource_of(payload, "oai:r:1", "oai_dc", **keys, address="https://r.example.org/{id}")
    assert kept.url == "https://r.example.org/own"


@pytest.mark.parametrize(
    "identifier",
    [
        "10.99999/abc.1",
        "doi:10.99999/abc.1",
        "oai:r.example.org:doi:10.99999/abc.1",
        "info:doi/10.99999/abc.1",
        "https://dx.doi.org/10.99999/abc.1",
        "oai:r.example.org:https://doi.org/10.99999/abc.1",
    ],
)
def test_a_doi_in_the_header_is_an_identifier_and_leads_to_the_page(identifier: str) -> None:
    payload = "<dc><title>Rain in the garden</title></dc>"
    resource = resource_of(payload, identifier, "oai_dc", protocol="oai_pmh", url="https://r.example.org/oai")
    assert [(entry.scheme, entry.value) for entry in resource.identifiers] == [("doi", "10.99999/abc.1")]
    assert resource.url == "https://doi.org/10.99999/abc.1"


@pytest.mark.parametrize(
    "identifier", ["oai:r.example.org:10261/77", "oai:r.example.org:10.99999/77", "abc", "oai:mydoi.org:10.99999/77"]
)
def test_a_handle_in_the_header_is_no_doi(identifier: str) -> None:
    payload = "<dc><title>Rain in the garden</title></dc>"
    resource = resource_of(payload, identifier, "oai_dc", protocol="oai_pmh", url="https://r.example.org/oai")
    assert resource.identifiers == ()
