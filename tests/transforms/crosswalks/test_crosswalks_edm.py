"""EDM: what the work names is read where it is named, in either of Europeana's shapes; a record is about one work."""

from __future__ import annotations

import pytest

from schemas import Assessment, Feed, Resource, SourceRecord
from transforms import transform

FEED = Feed(name="edm", title="EDM", partner="Sample Partner", protocol="files", url="inbox:edm")
NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "edm": "http://www.europeana.eu/schemas/edm/",
    "ore": "http://www.openarchives.org/ore/terms/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
}
ROOT = f"<rdf:RDF {' '.join(f'xmlns:{prefix}={uri!r}' for prefix, uri in NAMESPACES.items())}>{{}}</rdf:RDF>"
WORK = '<edm:ProvidedCHO rdf:about="#1"><dc:title>Rain in the garden</dc:title>{}</edm:ProvidedCHO>'


def assessed(parts: str) -> Assessment:
    return transform(
        SourceRecord(
            feed="edm",
            identifier="1",
            format="edm",
            payload=ROOT.format(parts),
            harvested_at="2026-01-01T00:00:00Z",
        ),
        FEED,
    )


def resource(work: str, beside: str = "") -> Resource:
    result = assessed(f"{WORK.format(work)}{beside}").resource
    assert result is not None
    return result


AGENT = '<edm:Agent rdf:about="#ana"><skos:prefLabel>Ana Example</skos:prefLabel></edm:Agent>'


@pytest.mark.parametrize(
    ("creator", "beside", "names"),
    [
        ('<dc:creator rdf:resource="#ana"/>', AGENT, ["Ana Example"]),
        (f"<dc:creator>{AGENT}</dc:creator>", "", ["Ana Example"]),
        ("<dc:creator>Ana Example</dc:creator>", "", ["Ana Example"]),
        ('<dc:creator rdf:resource="https://d-nb.info/gnd/1"/>', "", []),
        ('<dc:creator rdf:resource="#ben"/>', AGENT, []),
        ("", AGENT, []),
    ],
)
def test_a_creator_is_the_agent_that_it_names_and_an_address_names_nobody(
    creator: str, beside: str, names: list[str]
) -> None:
    assert [person.name for person in resource(creator, beside).contributors] == names


@pytest.mark.parametrize(
    ("span", "issued"),
    [
        ("<edm:begin>2004-01-01</edm:begin><edm:end>2004-12-31</edm:end>", "2004"),
        ("<edm:begin>1801</edm:begin><edm:end>1900</edm:end>", "1801/1900"),
        ("<skos:prefLabel>May 2004</skos:prefLabel>", "2004-05"),
        ("<edm:begin>2004-05-06</edm:begin>", "2004-05-06"),
    ],
)
def test_a_date_is_the_time_span_that_it_names(span: str, issued: str) -> None:
    beside = f'<edm:TimeSpan rdf:about="#then">{span}</edm:TimeSpan>'
    assert resource('<dcterms:issued rdf:resource="#then"/>', beside).issued == issued


def test_the_addresses_and_the_licence_are_the_aggregation_s() -> None:
    aggregation = (
        '<ore:Aggregation rdf:about="#a"><edm:aggregatedCHO rdf:resource="#1"/>'
        '<edm:object rdf:resource="https://r.example.org/1.jpg"/><edm:isShownBy rdf:resource="https://r.example.org/1.pdf"/>'
        '<edm:isShownAt rdf:resource="https://r.example.org/1"/>'
        '<edm:rights rdf:resource="http://creativecommons.org/licenses/by/4.0/"/></ore:Aggregation>'
    )
    file = (
        '<edm:WebResource rdf:about="https://r.example.org/1.pdf"><dc:format>application/pdf</dc:format>'
        '<edm:rights rdf:resource="http://creativecommons.org/licenses/by-nc/4.0/"/></edm:WebResource>'
    )
    plain = resource("", aggregation)
    assert plain.url == "https://r.example.org/1"
    assert [(link.role, link.url) for link in plain.links] == [
        ("thumbnail", "https://r.example.org/1.jpg"),
        ("content", "https://r.example.org/1.pdf"),
    ]
    assert plain.license is not None and plain.license.spdx == "CC-BY-4.0"
    with_file = resource("", aggregation + file)
    assert with_file.formats == ("application/pdf",)
    assert with_file.license is not None and with_file.license.spdx == "CC-BY-NC-4.0"


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ("<edm:type>TEXT</edm:type>", "text"),
        ("<edm:type>SOUND</edm:type>", "audio"),
        ("<edm:type>3D</edm:type>", "simulation"),
        ("<edm:type>TEXT</edm:type><dc:type>Worksheet</dc:type>", "worksheet"),
    ],
)
def test_edm_s_own_type_is_the_kind_where_nothing_says_it_more_exactly(kinds: str, code: str) -> None:
    assert [kind.code for kind in resource(kinds).resource_types] == [code]


def test_what_europeana_added_to_a_partner_s_record_is_not_read() -> None:
    proxy = (
        '<ore:Proxy rdf:about="#{0}"><edm:europeanaProxy>{0}</edm:europeanaProxy><ore:proxyFor rdf:resource="#1"/>{1}'
        "</ore:Proxy>"
    )
    work = '<edm:ProvidedCHO rdf:about="#1"/>'
    partner = proxy.format("false", "<dc:title>Rain in the garden</dc:title><dc:date>2004</dc:date>")
    machine = proxy.format("true", "<dc:title>Regen</dc:title><dc:date>1904</dc:date><dc:subject>Frogs</dc:subject>")
    for parts in (partner + machine, machine + partner, work + machine + partner):
        result = assessed(parts).resource
        assert result is not None
        assert (list(result.title.values()), result.issued, result.keywords) == (["Rain in the garden"], "2004", ())


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (WORK.format("") + WORK.format("").replace("#1", "#2"), "the RDF holds 2 works (edm:ProvidedCHO)"),
        ("<edm:ProvidedCHO/><edm:ProvidedCHO/>", "the RDF holds 2 works (edm:ProvidedCHO)"),
        (AGENT, "the RDF holds no edm:ProvidedCHO"),
        ('<rdf:Description rdf:about="#1"><dc:title>Rain</dc:title></rdf:Description>', "the RDF holds no edm:"),
    ],
)
def test_two_works_are_no_record_and_other_rdf_is_refused(parts: str, reason: str) -> None:
    rejection = assessed(parts).rejection
    assert rejection is not None
    assert rejection.reason.startswith(reason)


def test_parts_that_name_one_another_in_a_circle_are_read_once() -> None:
    beside = (
        '<edm:Agent rdf:about="#a"><skos:prefLabel>Ana Example</skos:prefLabel><dc:creator rdf:resource="#b"/>'
        "</edm:Agent>"
        '<edm:Agent rdf:about="#b"><dc:creator rdf:resource="#a"/></edm:Agent>'
    )
    result = resource('<dc:creator rdf:resource="#a"/>', beside)
    assert [person.name for person in result.contributors] == ["Ana Example"]
