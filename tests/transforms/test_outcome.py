"""Every source record ends as exactly one outcome; bad input is a rejection that names what and where."""

from __future__ import annotations

import io
import json
import sys
from typing import Any
from xml.sax.saxutils import escape

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.cli import main
from schemas import Assessment, Feed, SourceRecord
from transforms import transform, transform_all
from transforms.crosswalks import ALIASES, CROSSWALKS
from transforms.crosswalks.reading import read
from transforms.draft import PERSONAL

FEED = Feed(name="sample", title="Sample", partner="Sample Partner", protocol="oai_pmh", url="https://a.example/oai")
DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/">{}</oai_dc:dc>'
)
WRAPPED = '<record xmlns="http://www.openarchives.org/OAI/2.0/"><metadata>{}</metadata></record>'


def record(payload: str | None, format_: str = "oai_dc", **more: Any) -> SourceRecord:
    defaults = {"feed": "sample", "identifier": "oai:a.example:1", "format": format_, "payload": payload}
    return SourceRecord(**{**defaults, **more})


def dc(inside: str, **more: Any) -> SourceRecord:
    return record(WRAPPED.format(DC.format(inside)), **more)


def outcomes(assessment: Assessment) -> int:
    return sum(result is not None for result in (assessment.resource, assessment.tombstone, assessment.rejection))


def test_a_readable_record_is_a_resource_with_findings_and_score() -> None:
    assessment = transform(dc("<dc:title xml:lang='en'>Rain in the garden</dc:title>"), FEED)
    assert assessment.resource is not None and outcomes(assessment) == 1
    assert assessment.resource.title == {"en": "Rain in the garden"}
    assert assessment.key == "sample:oai:a.example:1"
    assert assessment.score is not None and 0 <= assessment.score < 60
    assert {issue.code for issue in assessment.issues} >= {"license_missing", "description_missing"}


def test_a_deleted_record_is_a_tombstone_even_with_a_payload() -> None:
    for payload in (None, WRAPPED.format(DC.format(""))):
        assessment = transform(record(payload, deleted=True), FEED)
        assert assessment.tombstone is not None and outcomes(assessment) == 1 and assessment.issues == ()


@pytest.mark.parametrize(
    ("source_record", "reason"),
    [
        (record(None), "no metadata in the record"),
        (record("  "), "no metadata in the record"),
        (record("<record xmlns='http://www.openarchives.org/OAI/2.0/'/>"), "no metadata in the record"),
        (record("<record xmlns='http://www.openarchives.org/OAI/2.0/'><metadata/></record>"), "no metadata"),
        (record("<dc><title>A</dc>"), "not well-formed XML: Opening and ending tag mismatch"),
        (record("<dc><title>A\x01</title></dc>"), "not well-formed XML"),
        (record("<dc><title>\ud800</title></dc>"), "not encodable as UTF-8"),
        (
            record(WRAPPED.format("<mods/>")),
            "the payload is <mods> of http://www.openarchives.org/OAI/2.0/, not",
        ),
        (record("{}", "unesdoc"), "no metadata in the record"),
        (record("[1]", "unesdoc"), "the record is a JSON list, not an object"),
        (record('{"title": ', "unesdoc"), "not readable as JSON"),
        (record("<a/>", "nonesuch"), "no crosswalk for format 'nonesuch'; known are"),
        (record("<a/>", identifier=" "), "no identifier in the record"),
    ],
)
def test_an_unreadable_record_is_a_rejection_with_a_reason(source_record: SourceRecord, reason: str) -> None:
    assessment = transform(source_record, FEED)
    assert assessment.rejection is not None and outcomes(assessment) == 1
    assert reason in assessment.rejection.reason


def test_the_root_element_decides_between_related_formats() -> None:
    qualified = (
        '<q:qualifieddc xmlns:q="http://dspace.org/qualifieddc/" xmlns:d="http://purl.org/dc/terms/">'
        '<d:alternative xml:lang="en">Another name of it</d:alternative></q:qualifieddc>'
    )
    resource = transform(record(WRAPPED.format(qualified)), FEED).resource
    assert resource is not None and resource.alternative_titles[0].text == "Another name of it"


def test_html_entities_are_read_and_external_entities_are_not() -> None:
    payload = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<dc><title>L&eacute;on à l\'&eacute;cole</title></dc>'
    resource = transform(record(payload), FEED).resource
    assert resource is not None and list(resource.title.values()) == ["Léon à l'école"]
    outside = '<!DOCTYPE dc [<!ENTITY x SYSTEM "file:///etc/passwd">]><dc><title>A title &x; here</title></dc>'
    resource = transform(record(outside), FEED).resource
    assert resource is not None and "root:" not in str(resource)


def test_personal_data_is_left_out_with_its_reason() -> None:
    payload = """<dim xmlns="http://www.dspace.org/xmlns/dspace/dim">
      <field mdschema="dc" element="description" qualifier="provenance">by curator@example.org</field>
      <field mdschema="dc" element="contributor" qualifier="author">Example, Ana (ana@example.org)</field></dim>"""
    resource = transform(record(payload, "dim"), FEED).resource
    assert resource is not None and "@example.org" not in msgspec.json.encode(resource).decode()
    assert resource.contributors[0].name == "Ana Example"
    assert PERSONAL in {ignored.reason for ignored in read("dim", payload).ignored}


SUBMITTED = (
    "Submitted by John Smith (john@a.example) on 2012-05-01T10:00:00Z\nNo. of bitstreams: 1\nthesis.pdf: 12 bytes"
)
APPROVED = (
    "Approved for entry into archive by Ann Roe(ann@a.example) on 2012-05-02T10:00:00Z (GMT) No. of bitstreams: 1"
)
AVAILABLE = "Made available in DSpace on 2012-05-02T10:00:01Z (GMT). No. of bitstreams: 1"


@pytest.mark.parametrize("note", [SUBMITTED, APPROVED, AVAILABLE])
def test_workflow_notes_of_dspace_are_not_descriptions(note: str) -> None:
    texts = f"<dc:description>How rain falls.</dc:description><dc:description>{note}</dc:description>"
    inside = f"<dc:title>Rain</dc:title>{texts}"
    resource = transform(dc(inside), FEED).resource
    assert resource is not None and list(resource.description.values()) == ["How rain falls."]
    assert resource.unmapped == ()
    ignored = read("oai_dc", DC.format(inside)).ignored
    assert [(leaf.leaf.value, leaf.reason) for leaf in ignored] == [(note, PERSONAL)]


@pytest.mark.parametrize(
    "description",
    ["Submitted by the school of art in 2012.", "Made available by the ministry", "Rejected by his village, Ali"],
)
def test_a_description_that_begins_like_a_workflow_note_stays(description: str) -> None:
    resource = transform(dc(f"<dc:title>Rain</dc:title><dc:description>{description}</dc:description>"), FEED).resource
    assert resource is not None and list(resource.description.values()) == [description]


def test_no_email_address_is_published_in_any_text() -> None:
    names = (
        *("title", "description", "subject", "coverage", "rights", "relation", "source", "type", "format"),
        *("language", "creator", "contributor", "publisher", "date", "identifier"),
    )
    every = "".join(f"<dc:{name}>Ask Ana (ana.roe@a.example) or mailto:ben@b.example</dc:{name}>" for name in names)
    assessment = transform(dc(f"<dc:title>Rain</dc:title>{every}"), FEED)
    published = msgspec.json.encode(assessment).decode()
    assert "a.example" in published, "the record's own key"
    assert "ana.roe" not in published and "ben@" not in published
    assert assessment.resource is not None and list(assessment.resource.description.values()) == ["Ask Ana […] or […]"]


def test_a_url_with_an_at_sign_stays_in_a_text() -> None:
    description = "See https://a.example/@ana and https://a.example/lib@1.2.js, or @ana."
    resource = transform(dc(f"<dc:title>Rain</dc:title><dc:description>{description}</dc:description>"), FEED).resource
    assert resource is not None and list(resource.description.values()) == [description]


def test_a_thousand_keywords_and_a_megabyte_of_description_are_bounded_and_reported() -> None:
    words = "".join(f"<dc:subject>word {number}</dc:subject>" for number in range(1500))
    source_record = dc(f"<dc:title>Long</dc:title>{words}<dc:description>{'long text ' * 120_000}</dc:description>")
    assessment = transform(source_record, FEED)
    assert assessment.resource is not None
    assert len(assessment.resource.keywords) == 1000
    left = {leaf.path: leaf.value for leaf in assessment.resource.unmapped}
    assert left["oai_dc:dc/dc:subject[1500]"] == "word 1499"
    assert "shortened from 1199999 characters" in left["oai_dc:dc/dc:description"]
    assert max(len(text) for text in assessment.resource.description.values()) <= 100_000
    assert "text_shortened" in {issue.code for issue in assessment.issues}


def test_a_thousand_descriptions_and_a_list_of_keywords_are_bounded_and_reported() -> None:
    texts = "".join(f"<dc:description>{number} {'long text ' * 200}</dc:description>" for number in range(1000))
    words = ";".join(f"word {number}" for number in range(5000))
    assessment = transform(dc(f"<dc:title>Long</dc:title>{texts}<dc:subject>{words}</dc:subject>"), FEED)
    assert assessment.resource is not None
    assert max(len(text) for text in assessment.resource.description.values()) <= 100_000
    assert "text_shortened" in {issue.code for issue in assessment.issues}
    left = {leaf.path: leaf.value for leaf in assessment.resource.unmapped}
    assert left["oai_dc:dc/dc:description[1000]"].startswith("… left out, ")
    assert assessment.resource.keywords == () and left["oai_dc:dc/dc:subject"].startswith("word 0;")


def test_the_first_value_of_a_repeated_json_member_is_unmapped_not_lost() -> None:
    assessment = transform(
        record('{"title": "First", "rights": {"a": 1}, "title": "Last", "rights": "x"}', "unesdoc"), FEED
    )
    assert assessment.resource is not None and list(assessment.resource.title.values()) == ["Last"]
    assert [(leaf.path, leaf.value) for leaf in assessment.resource.unmapped] == [
        ("$..title", "First"),
        ("$..rights", "{'a': 1}"),
    ]


def test_deep_nesting_is_a_rejection() -> None:
    deep = record('{"a":' * 5000 + "1" + "}" * 5000, "unesdoc")
    assert transform(deep, FEED).rejection is not None
    deep = record('{"a":' * 300 + "1" + "}" * 300, "unesdoc")
    assert "nested deeper than" in str(transform(deep, FEED).rejection)
    deep = record("<dc>" + "<a>" * 5000 + "</a>" * 5000 + "</dc>")
    assert transform(deep, FEED).rejection is not None
    for number in range(300):  # as deep as libxml2 reads, and so often that what comes again is looked for in parts
        levels = "".join(f"<a><b>{number}</b>" for _ in range(250))
        assessment = transform(record(f"<lom>{levels}{'</a>' * 250}</lom>", "lom"), FEED)
        assert assessment.resource is not None and len(assessment.resource.unmapped) == 250


def test_transforming_many_records_gives_the_same_as_each_by_itself() -> None:
    """Whatever stands between them, and where one alone is longer than what goes through the steps together."""
    kinds = [
        {"payload": WRAPPED.format(DC.format("<dc:title xml:lang='en'>Rain in the garden</dc:title>"))},
        {"payload": None, "deleted": True},
        {"payload": "<oai_dc:dc>"},
        {"payload": WRAPPED.format(DC.format(f"<dc:title>Short</dc:title><dc:x>{'long ' * 450_000}</dc:x>"))},
        {"payload": WRAPPED.format(DC.format("<dc:title>Учебник физики для школы</dc:title>"))},
        {"payload": " "},
    ]
    order = [0, 4, 1, 0, 2, 3, 4, 5, 0, 1] + [0, 4, 2] * 40
    records = [record(**kinds[kind], identifier=f"oai:a.example:{at}") for at, kind in enumerate(order)]
    assert list(transform_all(iter(records), FEED)) == [transform(source_record, FEED) for source_record in records]


def test_a_feeds_defaults_are_used_and_named_in_the_provenance() -> None:
    feed = FEED.model_copy(
        update={"default_language": "sr", "default_license": "https://creativecommons.org/licenses/by-sa/4.0/"}
    )
    resource = transform(dc("<dc:title>12 x 34</dc:title>"), feed).resource
    assert resource is not None and resource.license is not None
    assert resource.license.origin == "feed_default"
    assert resource.provenance["license"][0].path == "feed.default_license"
    assert [language.tag for language in resource.languages] == ["sr"]
    assert resource.provenance["languages"][0].rule == "oai_dc: the feed's default"
    with_own_values = dc("<dc:title>12 x 34</dc:title><dc:language>fr</dc:language><dc:rights>CC BY 4.0</dc:rights>")
    resource = transform(with_own_values, feed).resource
    assert resource is not None and resource.license is not None
    assert (resource.languages[0].tag, resource.license.origin) == ("fr", "record")


def test_a_dialect_overrides_rows_of_its_format_only() -> None:
    thesis = dc(
        "<dc:title>A thesis</dc:title><dc:relation>https://a.example/id/eprint/5/</dc:relation><dc:identifier>https://a.example/5.pdf</dc:identifier>"
    )
    plain = transform(thesis, FEED).resource
    in_dialect = transform(thesis, FEED.model_copy(update={"dialect": "eprints"})).resource
    assert plain is not None and in_dialect is not None
    assert (plain.url, in_dialect.url) == ("https://a.example/5.pdf", "https://a.example/id/eprint/5/")
    assert [(link.url, link.role) for link in in_dialect.links] == [("https://a.example/5.pdf", "content")]
    rejection = transform(thesis, FEED.model_copy(update={"dialect": "nobody"})).rejection
    assert rejection is not None and "no dialect 'nobody'; known are" in rejection.reason
    rejection = transform(thesis, FEED.model_copy(update={"dialect": "rcub"})).rejection
    assert rejection is not None and "belongs to format dim" in rejection.reason


def test_an_eprints_relation_that_is_not_a_url_stays_a_relation() -> None:
    thesis = dc(
        "<dc:title>A thesis</dc:title><dc:relation>Cahiers du centre, 12</dc:relation><dc:relation>https://a.example/5/</dc:relation>"
    )
    resource = transform(thesis, FEED.model_copy(update={"dialect": "eprints"})).resource
    assert resource is not None
    assert resource.url == "https://a.example/5/"
    assert [relation.target for relation in resource.relations] == ["Cahiers du centre, 12"]


def test_every_filled_field_has_its_origin() -> None:
    source_record = dc(
        "<dc:title>A title</dc:title><dc:date>2012</dc:date><dc:identifier>https://doi.org/10.1000/182</dc:identifier>"
    )
    resource = transform(source_record, FEED).resource
    assert resource is not None
    assert [(origin.key, origin.path) for origin in resource.provenance["issued"]] == [
        (resource.key, "oai_dc:dc/dc:date")
    ]
    assert resource.provenance["url"][0].path == "oai_dc:dc/dc:identifier"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    format_=st.sampled_from(sorted({*CROSSWALKS, *ALIASES, "nonsense"})),
    payload=st.one_of(
        st.text(max_size=80),
        st.dictionaries(
            st.sampled_from(
                ["title", "name", "url", "language", "id", "license", "rights", "year", "author", "metadata"]
            ),
            st.one_of(st.text(max_size=20), st.integers(), st.lists(st.text(max_size=9)), st.none(), st.booleans()),
        ).map(json.dumps),
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30).map(
            lambda text: DC.format(f"<dc:title>{text}</dc:title>")
        ),
    ),
    deleted=st.booleans(),
)
def test_any_record_is_a_resource_a_tombstone_or_a_rejection(format_: str, payload: str, deleted: bool) -> None:
    assert outcomes(transform(record(payload, format_, deleted=deleted), FEED)) == 1


def test_the_pipe_reads_records_and_writes_assessments(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Any
) -> None:
    (tmp_path / "sample.toml").write_text(
        'title = "S"\npartner = "P"\nprotocol = "oai_pmh"\nurl = "https://a.example/oai"\n'
        'format = "oai_dc"\ndefault_language = "sr"\n'
    )
    lines = [
        msgspec.json.encode(dc("<dc:title>12</dc:title>")),
        b"not a record",
        b"",
        msgspec.json.encode(record(None)),
    ]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n".join(lines))))
    assert main(["transform", "--feeds", str(tmp_path)]) == 2
    out, err = capfdbinary.readouterr()
    read_back = [msgspec.json.decode(line, type=Assessment) for line in out.splitlines()]
    assert len(read_back) == 2
    assert read_back[0].resource is not None and read_back[0].resource.languages[0].tag == "sr"
    assert read_back[1].rejection is not None
    assert b"line 2: not a source record" in err


def test_the_pipe_reads_no_record_of_a_feed_whose_file_has_a_mistake(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "sample.toml").write_text('title = "S"\ndefault_licence = "CC-BY-4.0"\n')
    line = msgspec.json.encode(dc("<dc:title>12</dc:title>"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line)))
    assert main(["transform", "--feeds", str(tmp_path)]) == 2
    out, err = capfdbinary.readouterr()
    assert out == b"" and b"line 1: not read: sample: its file has a mistake: " in err


def test_an_excerpt_is_not_repeated_after_its_full_text() -> None:
    post = {
        "title": {"rendered": "Rain"},
        "content": {"rendered": "<p>Rain falls on the garden.</p><p>Then it stops.</p>"},
        "excerpt": {"rendered": "<p>Rain falls on the garden. Then [&hellip;]</p>"},
    }
    resource = transform(record(json.dumps(post), "wordpress"), FEED).resource
    assert resource is not None
    assert list(resource.description.values()) == ["Rain falls on the garden.\n\nThen it stops."]


@pytest.mark.parametrize(
    "ending",
    [
        "<a href='/1'>Continue Reading &raquo;</a>",
        "<p>Lire la suite →</p>",
        " Read more...",
        " Читать далее",
        "[Read more]",
    ],
)
def test_a_read_more_link_is_not_part_of_the_description(ending: str) -> None:
    description = f"<p>Fold a microscope from paper!</p>{ending}"
    assessment = transform(
        record(f"<item><title>A</title><description>{escape(description)}</description></item>", "rss"), FEED
    )
    assert assessment.resource is not None
    assert list(assessment.resource.description.values()) == ["Fold a microscope from paper!"]


@pytest.mark.parametrize(
    "description", ["Why pupils should read more", "Helps them continue reading", "A book. Read more books"]
)
def test_a_sentence_that_mentions_reading_more_stays(description: str) -> None:
    resource = transform(dc(f"<dc:title>A</dc:title><dc:description>{description}</dc:description>"), FEED).resource
    assert resource is not None and list(resource.description.values()) == [description]


def test_the_language_of_a_json_ld_context_counts_for_texts_without_one() -> None:
    document = {
        "@context": ["https://w3id.org/kim/amb/context.jsonld", {"@language": "de"}],
        "id": "https://a.example/1",
    }
    resource = transform(record(json.dumps(document | {"name": "Physik", "keywords": ["Kraft"]}), "amb"), FEED).resource
    assert resource is not None
    assert (resource.title, resource.keywords[0].language) == ({"de": "Physik"}, "de")


def test_relative_urls_of_instructables_become_absolute() -> None:
    payload = "<item><title>Lamp</title><link>/id/Lamp</link><imageThumb>/files/lamp.jpg</imageThumb></item>"
    resource = transform(record(payload, "instructables_rss"), FEED).resource
    assert resource is not None
    assert resource.url == "https://www.instructables.com/id/Lamp"
    assert [link.url for link in resource.links] == ["https://www.instructables.com/files/lamp.jpg"]


def test_keywords_are_split_at_commas_where_the_format_does_so() -> None:
    for payload, format_ in (
        ("<item><title>A</title><keywords>led, cube</keywords></item>", "rss"),
        ('{"name": "A", "keywords": "led, cube"}', "schema_org"),
        ('{"name": "A", "keywords": ["led", "cube"]}', "schema_org"),
    ):
        resource = transform(record(payload, format_), FEED).resource
        assert resource is not None and [keyword.text for keyword in resource.keywords] == ["led", "cube"]
    resource = transform(record('{"name": "A", "keywords": ["Berlin, Mitte"]}', "amb"), FEED).resource
    assert resource is not None and [keyword.text for keyword in resource.keywords] == ["Berlin, Mitte"]


def test_an_authority_belongs_to_the_value_before_it() -> None:
    payload = (
        '<metadata><element name="dc"><element name="contributor"><element name="author"><element name="none">'
        '<field name="value">Example, Ana</field><field name="authority">orcid::0000-0002-1825-0097</field>'
        '<field name="value">Example, Mia</field></element></element></element></element></metadata>'
    )
    resource = transform(record(payload, "xoai"), FEED).resource
    assert resource is not None
    assert [(contributor.name, contributor.id) for contributor in resource.contributors] == [
        ("Ana Example", "https://orcid.org/0000-0002-1825-0097"),
        ("Mia Example", None),
    ]


def test_mods_gives_a_licence_by_url_and_a_publisher_by_role_code() -> None:
    payload = (
        '<mods xmlns:xlink="http://www.w3.org/1999/xlink"><titleInfo><title>Rain</title></titleInfo><name>'
        '<namePart>Garden Press</namePart><role><roleTerm type="code">pbl</roleTerm></role></name><accessCondition '
        'xlink:href="https://creativecommons.org/licenses/by/4.0/">Use and reproduction</accessCondition></mods>'
    )
    resource = transform(record(payload, "mods"), FEED).resource
    assert resource is not None and resource.license is not None
    assert (resource.license.spdx, resource.publishers, resource.contributors) == ("CC-BY-4.0", ("Garden Press",), ())


def test_a_url_taken_from_the_content_names_its_path_in_the_provenance() -> None:
    resource = transform(record('{"title": "Rain", "app_url": "https://a.example/rain"}', "golab_apps"), FEED).resource
    assert resource is not None and resource.url == "https://a.example/rain"
    assert [origin.path for origin in resource.provenance["url"]] == ["$.app_url"]


def test_classification_purposes_of_scolomfr_are_known_by_word_and_by_uri() -> None:
    taxon = "<taxonPath><taxon><entry><string>Physique</string></entry></taxon></taxonPath>"
    level = "<taxonPath><taxon><entry><string>lycée</string></entry></taxon></taxonPath>"
    concept = "http://data.education.fr/voc/scolomfr/concept"
    payload = (
        "<lom><general><title><string>Rain</string></title></general>"
        f"<classification><purpose><value>domaine d'enseignement</value></purpose>{taxon}</classification>"
        f"<classification><purpose><value>{concept}/educational_level</value></purpose>{level}</classification></lom>"
    )
    resource = transform(record(payload, "lom"), FEED).resource
    assert resource is not None
    assert ([subject.code for subject in resource.subjects][:1], resource.levels) == (["0533"], ("3",))
