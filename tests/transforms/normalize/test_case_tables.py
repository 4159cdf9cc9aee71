"""Tables of inputs met in public repositories with the value that is right: kinds, levels and names.

How a cell of `expected` is read is written beside each check.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

import msgspec
import pytest

from bench.cases import read_cases
from schemas import Assessment, Contributor, Feed, Resource, SourceRecord
from transforms import transform
from transforms.normalize.vocabulary import read_grades

_DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
    "<dc:title>Example</dc:title>{}</oai_dc:dc>"
)
_DATACITE = (
    '<resource xmlns="http://datacite.org/schema/kernel-4"><titles><title>Example</title></titles>'
    '<resourceType resourceTypeGeneral="{}"/></resource>'
)
_LOM = '<lom xmlns="http://ltsc.ieee.org/xsd/LOM">{}</lom>'
_LOM_TITLE = "<general><title><string>Example</string></title></general>"


def _assess(format_: str, payload: str) -> Assessment:
    feed = Feed(
        name="cases",
        title="Cases",
        partner="Example",
        protocol="oai_pmh",
        url="https://example.org/oai",
        format=format_,
    )
    record = SourceRecord(feed="cases", identifier="case", format=format_, payload=payload)
    return transform(record, feed)


def _resource(format_: str, payload: str) -> Resource:
    resource = _assess(format_, payload).resource
    assert resource is not None
    return resource


def _lom_of_type(value: str) -> str:
    kind, _, media_type = value.partition("+")
    technical = f"<technical><format>{media_type}</format></technical>" if media_type else ""
    kind_element = f"<source>LOMv1.0</source><value>{kind}</value>"
    return _LOM.format(
        f"{_LOM_TITLE}{technical}<educational><learningResourceType>{kind_element}</learningResourceType></educational>"
    )


def _payload_of_type(source: str, value: str) -> str:
    if source == "schema_org":
        page = {"@context": "https://schema.org/", "@type": value, "name": "Example", "url": "https://example.org/1"}
        return msgspec.json.encode(page).decode()
    if source == "lom":
        return _lom_of_type(value)
    return _DATACITE.format(value) if source == "oai_datacite" else _DC.format(f"<dc:type>{escape(value)}</dc:type>")


@pytest.mark.parametrize("row", read_cases("types.tsv"), ids=lambda row: f"{row['source']}-{row['value']}")
def test_a_kind_is_read_by_its_authority(row: dict[str, str]) -> None:
    """`a|b`: every code is one of them; `-`: none is right too; `+x`: x is among them."""
    resource = _resource(row["source"], _payload_of_type(row["source"], row["value"]))
    codes = {concept.code for concept in resource.resource_types}
    expected = row["expected"].split("|")
    required = {code[1:] for code in expected if code.startswith("+")}
    allowed = {code.lstrip("+") for code in expected} - {"-"}
    assert required <= codes or codes & allowed
    assert required or codes <= allowed
    assert codes or "-" in expected


@pytest.mark.parametrize("row", read_cases("levels.tsv"), ids=lambda row: row["value"])
def test_a_level_is_read_by_its_pattern(row: dict[str, str]) -> None:
    """`1|2`: every level that comes is one of them; `ctx:x`: the context x without a level is right too."""
    level = f"<dcterms:educationLevel>{escape(row['value'])}</dcterms:educationLevel>"
    resource = _resource("oai_dc", _DC.format(level))
    expected = row["expected"].split("|")
    contexts = {name[4:] for name in expected if name.startswith("ctx:")}
    if not resource.levels:
        assert contexts & set(resource.contexts)
    assert set(resource.levels) <= set(expected)


@pytest.mark.parametrize(
    ("term", "language", "levels"),
    [
        ("5. razred", "sr-Latn", ("2",)),
        ("5. razred", "sl", ("1",)),
        ("5. razred", None, ()),
        ("9 клас", "bg", ("3",)),
        ("9 клас", "uk", ("2",)),
        ("7. Klasse", "de", ("2",)),
        ("7. klasse", "nb", ("1",)),
        ("5. Klasse", "de", ()),
        ("3º de secundaria", "es-MX", ("2",)),
        ("3º de secundaria", "es", ()),
        ("1-4 классы", "ru", ("1",)),
        ("高一", "zh", ("3",)),
        ("مرحلة 5", "ar", None),
        ("2nd year", "en", None),
        ("Class of 2020", "en", None),
        ("Key Stage 3 Level 5", "en", None),
        ("2º ano", "pt", None),
        ("8º ano", "pt-BR", ("2",)),
        ("7º año", "es", ()),
        ("8 años", "es", None),
        ("10 anos", "pt", None),
        ("Β' Γυμνασίου", "el", ("2",)),
        ("כיתה ה", "he", ("1",)),
        ("পঞ্চম শ্রেণি", "bn", ("1",)),
        ("5ኛ ክፍል", "am", ("1",)),
        ("SS2", "en", ("3",)),
        ("P1-P3", "en", ("1",)),
        ("P5-S2", "en", None),
        ("Primary 5 - primary 6", "en", ("1",)),
        ("Senior 4", "en", ()),
        ("S3", "en", ("2",)),
        ("Grade A", "en", None),
        ("Grade 5 readers of the school", "en", None),
    ],
)
def test_a_school_year_is_of_the_level_that_the_country_s_system_says(
    term: str, language: str | None, levels: tuple[str, ...] | None
) -> None:
    assert read_grades(term, language) == levels


@pytest.mark.parametrize("value", ["Level 5", "Level 2", "level-4", "LEVEL3"])
def test_a_bare_level_is_of_no_known_scheme(value: str) -> None:
    resource = _resource("oai_dc", _DC.format(f"<dcterms:educationLevel>{value}</dcterms:educationLevel>"))
    assert (resource.levels, resource.contexts) == ((), ())


def test_a_term_by_its_uri_is_read_by_its_label_where_the_list_lacks_the_uri() -> None:
    """ScoLOMFR writes the concept's URI as value and a label beside it."""
    value = "<value>http://example.org/voc/number-77</value><label>vidéo</label>"
    kinds = f"<learningResourceType><source>SCOLOMFRv3.0</source>{value}</learningResourceType>"
    resource = _resource("lom", _LOM.format(f"{_LOM_TITLE}<educational>{kinds}</educational>"))
    assert [concept.code for concept in resource.resource_types] == ["video"]


def _payload_of_names(row: dict[str, str]) -> str:
    value = row["value"].replace("\\n", "\n")
    if row["field"] == "creator":
        return _DC.format(f"<dc:creator>{escape(value)}</dc:creator>")
    card = escape(f"BEGIN:VCARD\nVERSION:3.0\n{value}\nEND:VCARD")
    role = "<role><source>LOMv1.0</source><value>author</value></role>"
    contribute = f"<contribute>{role}<entity>{card}</entity></contribute>"
    return _LOM.format(f"{_LOM_TITLE}<lifeCycle>{contribute}</lifeCycle>")


@pytest.mark.parametrize("row", read_cases("names.tsv"), ids=lambda row: row["value"])
def test_names_are_one_each(row: dict[str, str]) -> None:
    """Alternatives by ` || `; `NAME@role`, `NAME@!role` (any other), `NAME@@kind`; `!code`: that finding."""
    assessment = _assess("oai_dc" if row["field"] == "creator" else "lom", _payload_of_names(row))
    assert any(_names_as(alternative, assessment) for alternative in row["expected"].split(" || "))


def _names_as(expected: str, assessment: Assessment) -> bool:
    if expected.startswith("!"):
        return any(issue.code == expected[1:] for issue in assessment.issues)
    contributors = assessment.resource.contributors if assessment.resource else ()
    names = expected.split(" ; ")
    if len(names) != len(contributors):
        return False
    return all(map(_is_as, names, contributors))


def _is_as(expected: str, contributor: Contributor) -> bool:
    name, _, condition = expected.partition("@")
    if contributor.name != name:
        return False
    if condition.startswith("@"):
        return contributor.kind == condition[1:]
    if condition.startswith("!"):
        return contributor.role != condition[1:]
    return not condition or contributor.role == condition
