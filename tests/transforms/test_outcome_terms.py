"""What counts as an uncoded term or contradictory in one record, from its payload on."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from schemas import Assessment, Feed, SourceRecord
from transforms import transform

FEED = Feed(name="terms", title="Terms", partner="Terms", protocol="oai_pmh", url="https://terms.example/oai")


def assessed(format_: str, payload: str) -> Assessment:
    record = SourceRecord(feed="terms", identifier="1", format=format_, payload=payload, sha256="0")
    return transform(record, FEED)


def dublin(**elements: str) -> Assessment:
    inside = "".join(f"<dc:{name}>{escape(text)}</dc:{name}>" for name, text in elements.items())
    return assessed("qdc", f'<qualifieddc xmlns:dc="http://purl.org/dc/elements/1.1/">{inside}</qualifieddc>')


def uncoded_terms(assessment: Assessment, field: str) -> list[str]:
    assert assessment.resource is not None
    return [term.source for term in assessment.resource.terms if term.field == field and term.code is None]


@pytest.mark.parametrize("extent", ["506857 bytes", "12 p.", "240 pages", "xii, 240 p.", "1,5 MB", "64 с."])
def test_an_extent_is_not_a_media_type(extent: str) -> None:
    assessment = dublin(title="Plants and light", format=extent)
    assert assessment.resource is not None
    assert uncoded_terms(assessment, "formats") == []
    assert extent in [leaf.value for leaf in assessment.resource.unmapped]


@pytest.mark.parametrize("between", [" ", ", ", "; "])
def test_a_url_beside_a_media_type_is_a_file_of_that_type(between: str) -> None:
    assessment = dublin(
        title="Plants and light", format=f"application/pdf{between}https://a.example/retrieve/1/my text.pdf"
    )
    resource = assessment.resource
    assert resource is not None and resource.formats == ("application/pdf",)
    assert [(link.url, link.media_type, link.role) for link in resource.links] == [
        ("https://a.example/retrieve/1/my%20text.pdf", "application/pdf", "content")
    ]
    assert resource.provenance["links"][0].path == "qualifieddc/dc:format"
    assert "address_missing" not in {issue.code for issue in assessment.issues}


def test_a_media_type_given_by_its_uri_is_not_a_file() -> None:
    resource = dublin(title="Plants and light", format="http://purl.org/NET/mediatypes/text/html").resource
    assert resource is not None and (resource.formats, resource.links) == (("text/html",), ())


def test_an_invalid_url_beside_a_media_type_stays_unmapped() -> None:
    resource = dublin(title="Plants and light", format="application/pdf http://my text").resource
    assert resource is not None and (resource.formats, resource.links) == (("application/pdf",), ())
    assert [leaf.value for leaf in resource.unmapped] == ["http://my text"]


@pytest.mark.parametrize("kind", ["a box", "12 monkeys film", "Quux 7"])
def test_a_format_that_is_neither_extent_nor_media_type_stays_an_uncoded_term(kind: str) -> None:
    assert uncoded_terms(dublin(title="Plants and light", format=kind), "formats") == [kind]


@pytest.mark.parametrize(
    ("level", "context"),
    [
        ("adult-education", "continuing education"),
        ("career-technical", "vocational education"),
        ("higher education", "higher education"),
        ("school", "school"),
    ],
)
def test_a_level_that_only_names_a_context_is_not_an_uncoded_level(level: str, context: str) -> None:
    assessment = dublin(title="Plants and light", educationlevel=level)
    assert assessment.resource is not None
    assert uncoded_terms(assessment, "levels") == []
    assert context in assessment.resource.contexts


@pytest.mark.parametrize(
    ("rights", "codes"),
    [
        ("All rights reserved", set()),
        ("Ask the librarian about it", {"license_unknown"}),
        ("CC BY 4.0, except the pictures, which are CC BY-NC 4.0", {"license_contradictory"}),
    ],
)
def test_issues_about_the_licence_in_a_statement_of_rights(rights: str, codes: set[str]) -> None:
    assessment = dublin(title="Plants and light", rights=rights)
    license_codes = {"license_unknown", "license_contradictory"}
    assert {issue.code for issue in assessment.issues} & license_codes == codes


LOM = """<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string>Motion</string></title></general>
<classification><purpose><value>{purpose}</value></purpose><taxonPath><source><string>{scheme}</string></source>
<taxon><id>{number}</id><entry><string>{entry}</string></entry></taxon></taxonPath></classification></lom>"""


def test_the_numbers_of_a_named_scheme_count_where_its_words_are_unknown() -> None:
    payload = LOM.format(purpose="discipline", scheme="ISCED-F 2013", number="0533", entry="Fyysinen oppi")
    resource = assessed("lom", payload).resource
    assert resource is not None and [(subject.scheme, subject.code) for subject in resource.subjects] == [
        ("isced-f", "0533")
    ]
    payload = LOM.format(purpose="discipline", scheme="Dewey", number="0533", entry="Fyysinen oppi")
    resource = assessed("lom", payload).resource
    assert resource is not None and [(subject.scheme, subject.code) for subject in resource.subjects] == [
        ("source", "0533")
    ]


EDUCATIONAL = """<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string>Motion</string></title></general>
<educational><interactivityType>2</interactivityType><context>4</context><difficulty>3</difficulty></educational>
</lom>"""


def test_a_bare_number_in_lom_stays_an_uncoded_term() -> None:
    """As FROAC writes them: its lists start at 1, other people's at 0, and a context is no level of ISCED."""
    assessment = assessed("lom", EDUCATIONAL)
    resource = assessment.resource
    assert resource is not None
    assert (resource.difficulty, resource.contexts, resource.levels, resource.interactivity_type) == (
        None,
        (),
        (),
        None,
    )
    assert [uncoded_terms(assessment, field) for field in ("difficulty", "contexts", "interactivity_type")] == [
        ["3"],
        ["4"],
        ["2"],
    ]
    assert uncoded_terms(dublin(title="Motion", educationLevel="6"), "levels") == ["6"]


@pytest.mark.parametrize(("number", "entry"), [("", "3"), ("3", "Toinen aste")])
def test_the_number_of_a_level_counts_under_the_name_of_isced(number: str, entry: str) -> None:
    payload = LOM.format(purpose="educational level", scheme="ISCED 2011", number=number, entry=entry)
    resource = assessed("lom", payload).resource
    assert resource is not None and resource.levels == ("3",)
    payload = LOM.format(purpose="educational level", scheme="Our classes", number=number, entry=entry)
    assert uncoded_terms(assessed("lom", payload), "levels") == [entry]


@pytest.mark.parametrize(("number", "entry"), [("6.2", "Anything"), ("x", "Networking")])
def test_a_competency_is_known_by_its_name_or_number_under_its_frameworks_name(number: str, entry: str) -> None:
    payload = LOM.format(purpose="competency", scheme="UNESCO ICT-CFT", number=number, entry=entry)
    resource = assessed("lom", payload).resource
    assert resource is not None and [
        (competency.framework, competency.level) for competency in resource.competencies
    ] == [("ict-cft", "Knowledge Deepening")]
    payload = LOM.format(purpose="competency", scheme="Our own list", number=number, entry=entry)
    assert uncoded_terms(assessed("lom", payload), "competencies") == [entry]


def test_a_bound_of_a_learning_time_is_a_term_but_no_duration() -> None:
    payload = '{"title": "Motion", "ils_didactical_time": "More than 3 didactic hours"}'
    resource = assessed("golab_ils", payload).resource
    assert resource is not None and resource.typical_learning_time is None
    assert [(term.field, term.source, term.code) for term in resource.terms] == [
        ("typical_learning_time", "More than 3 didactic hours", "PT2H15M/..")
    ]


def test_an_english_college_is_not_a_french_college() -> None:
    english, french = (dublin(title="Motion", educationLevel=level).resource for level in ("College", "Collège"))
    assert english is not None and (english.levels, english.contexts) == ((), ("higher education",))
    assert french is not None and (french.levels, french.contexts) == (("2",), ("school",))


USE = "<item title='Educational Use' value='{use}'/>"
OER = """<result id="1"><title>Motion</title><oersummary>{use}<item title="Media Format" value="Video"/>
<item title="Media Format" value="Text/HTML"/><item title="Material Type" value="Activity/Lab"/></oersummary>
</result>"""


@pytest.mark.parametrize("use", ["curriculum-instruction", "assessment"])
def test_the_educational_use_of_oer_commons_is_not_a_resource_type(use: str) -> None:
    assessment = assessed(
        "oercommons_csv", f'{{"NAME": "Motion", "EDUCATIONAL_USE": "{use}", "MATERIAL_TYPES": "Game"}}'
    )
    assert assessment.resource is not None
    assert [resource_type.code for resource_type in assessment.resource.resource_types] == ["educational_game"]
    assert uncoded_terms(assessment, "contexts") == [use]
    assessment = assessed("oercommons_xml", OER.format(use=USE.format(use=use)))
    assert assessment.resource is not None
    material = assessed("oercommons_csv", '{"NAME": "Motion", "MATERIAL_TYPES": "Activity/Lab"}').resource
    assert material is not None and len(material.resource_types) == 1
    assert [resource_type.code for resource_type in assessment.resource.resource_types] == [
        material.resource_types[0].code,
        "video",
    ]
    assert uncoded_terms(assessment, "contexts") == [use]


def test_a_media_format_of_oer_commons_that_names_a_resource_type_is_one() -> None:
    payload = '{"NAME": "Motion", "MEDIA_FORMATS": "Video|Text/HTML|Hologram"}'
    assessment = assessed("oercommons_csv", payload)
    assert assessment.resource is not None
    assert [resource_type.code for resource_type in assessment.resource.resource_types] == ["video"]
    assert assessment.resource.formats == ("text/html",)
    assert uncoded_terms(assessment, "formats") == ["Hologram"]


def test_a_russian_word_in_latin_letters_is_no_subject_by_chance() -> None:
    assert dublin(title="Light", subject="LED").resource.subjects == ()  # type: ignore[union-attr]
    resource = dublin(title="Светлост", subject="Fizika").resource
    assert resource is not None and resource.subjects


@pytest.mark.parametrize("value", ["yes", "Não", "http://data.education.fr/voc/scolomfr/concept/no_2"])
def test_the_yes_or_no_of_lom_restrictions_is_not_a_licence(value: str) -> None:
    rights = f"<copyrightAndOtherRestrictions><value>{value}</value></copyrightAndOtherRestrictions>"
    payload = (
        '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string language="en">Plants and light</string>'
        f"</title></general><rights>{rights}</rights></lom>"
    )
    resource = assessed("lom", payload).resource
    assert resource is not None and resource.license is None


def test_a_language_attribute_counts_in_any_case() -> None:
    title = '<Title><String Language="th">พืชและแสง</String></Title>'
    resource = assessed("lom", f'<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><General>{title}</General></lom>').resource
    assert resource is not None and resource.title == {"th": "พืชและแสง"} and resource.unmapped == ()


MODS = """<mods xmlns="http://www.loc.gov/mods/v3"><titleInfo><title>Plants and light</title></titleInfo>
<location>{addresses}</location></mods>"""


def test_the_access_attribute_of_a_mods_url_gives_its_role() -> None:
    addresses = (
        "<url access='preview'>https://a.example/1/small?width=150</url>"
        "<url access='raw object' displayLabel='Full Image'>https://a.example/1/whole</url>"
        "<url>https://a.example/1/manifest</url>"
        "<url access='object in context'>https://a.example/1</url>"
    )
    resource = assessed("mods", MODS.format(addresses=addresses)).resource
    assert resource is not None and resource.url == "https://a.example/1"
    assert [(link.url, link.role) for link in resource.links] == [
        ("https://a.example/1/small?width=150", "thumbnail"),
        ("https://a.example/1/whole", "content"),
        ("https://a.example/1/manifest", "content"),
    ]
    assert resource.unmapped == ()


def test_the_primary_display_url_of_mods_is_the_page() -> None:
    addresses = "<url>https://a.example/1/manifest</url><url usage='primary display'>https://a.example/1</url>"
    resource = assessed("mods", MODS.format(addresses=addresses)).resource
    assert resource is not None and resource.url == "https://a.example/1"
