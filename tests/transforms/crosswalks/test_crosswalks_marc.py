"""MARC 21 as libraries write it: scripts, punctuation, headings, names, meetings, works inside works, addresses."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest

from schemas import Feed, Resource, SourceRecord
from transforms import transform

FEED = Feed(name="marc", title="MARC", partner="Sample Partner", protocol="files", url="inbox:marc")
ENGLISH = "100330s2010    xxu           000 0 eng d"
TITLE = "245 00 $aExample"


def resource(*fields: str, leader: str = "01234nam a2200301 a 4500", fixed: str = ENGLISH) -> Resource:
    """Read a record of fields such as `245 10 $aMaps :$bof the coast`."""
    inside = "".join(map(_field, fields))
    payload = (
        f'<record xmlns="http://www.loc.gov/MARC21/slim"><leader>{leader}</leader>'
        f'<controlfield tag="008">{fixed}</controlfield>{inside}</record>'
    )
    record = SourceRecord(
        feed="marc", identifier="1", format="marcxml", payload=payload, harvested_at="2026-01-01T00:00:00Z"
    )
    result = transform(record, FEED).resource
    assert result is not None
    return result


def _field(text: str) -> str:
    tag, indicators, subfields = text[:3], text[4:6], text[7:].split("$")[1:]
    inside = "".join(f'<subfield code="{part[0]}">{escape(part[1:])}</subfield>' for part in subfields)
    return f'<datafield tag="{tag}" ind1="{indicators[0]}" ind2="{indicators[1]}">{inside}</datafield>'


@pytest.mark.parametrize(
    ("language", "fields", "title", "alternative"),
    [
        (
            "rus",
            ("245 10 $6880-01$aOsnovy khimii :$buchebnik /", "880 10 $6245-01/(N$aОсновы химии :$bучебник /"),
            {"ru": "Основы химии : учебник"},
            "Osnovy khimii : uchebnik",
        ),
        (
            "chi",
            ("245 10 $aHua xue ji chu /$cWang Wei.", "880 10 $6245-00/$1$a化学基础 /$c王伟."),
            {"zh-Hans": "化学基础"},
            "Hua xue ji chu",
        ),
        (
            "heb",
            ("880 10 $6245-03/(2/r$aיסודות הכימיה /", "245 10 $6880-03$aYesodot ha-khimyah /"),
            {"he": "יסודות הכימיה"},
            "Yesodot ha-khimyah",
        ),
        (
            "ara",
            ("245 10 $6880-02$aAsasiyat /", "880 10 $6245-01/(3/r$aأساسيات الكيمياء /"),
            {"ar": "أساسيات الكيمياء"},
            "Asasiyat",
        ),
    ],
)
def test_the_title_is_the_one_in_the_original_script(
    language: str, fields: tuple[str, ...], title: dict[str, str], alternative: str
) -> None:
    read = resource(*fields, fixed=f"100330s1998    xx            000 0 {language} d")
    assert read.title == title
    assert [text.text for text in read.alternative_titles] == [alternative]


def test_a_title_beside_another_field_s_original_script_stays_the_title() -> None:
    read = resource("245 10 $aBasics of chemistry /", "880 10 $6240-01/(3/r$aأساسيات الكيمياء")
    assert read.title == {"en": "Basics of chemistry"}


@pytest.mark.parametrize(
    ("field", "title"),
    [
        ("245 00 $aMaths games$h[electronic resource] :$bfun for grade 5 /$cA. B.", "Maths games : fun for grade 5"),
        ("245 00 $aVolcanoes$h[videorecording] /$cA. B.", "Volcanoes"),
        ("245 00 $aThe water cycle.", "The water cycle"),
        ("245 00 $aWhat is water?", "What is water?"),
    ],
)
def test_the_medium_and_the_punctuation_are_no_part_of_a_title(field: str, title: str) -> None:
    assert resource(field).title == {"en": title}


def test_a_parallel_title_behind_the_medium_is_another_title() -> None:
    read = resource(
        "245 00 $aLa chimie$h[texte imprimé] =$bChemistry : a first course /",
        fixed=ENGLISH.replace("eng", "fre"),
    )
    assert read.title == {"fr": "La chimie"}
    assert [text.text for text in read.alternative_titles] == ["Chemistry : a first course"]


@pytest.mark.parametrize(
    ("field", "keywords"),
    [
        ("600 10 $aNewton, Isaac,$cSir,$d1642-1727.", ["Newton, Isaac, Sir"]),
        ("600 10 $aNewton, Isaac,$cSir,$tPrincipia.", ["Newton, Isaac, Sir, Principia"]),
        ("610 20 $aUNESCO.$bExecutive Board.", ["UNESCO. Executive Board"]),
        ("650  0 $aMathematics$xStudy and teaching$zKenya.", ["Mathematics", "Mathematics -- Study and teaching"]),
        ("650  0 $aHandbooks, vade-mecums, etc.", ["Handbooks, vade-mecums, etc."]),
        ("653    $arain, garden, weather", ["rain", "garden", "weather"]),
    ],
)
def test_a_heading_is_one_keyword_and_a_list_is_several(field: str, keywords: list[str]) -> None:
    assert [keyword.text for keyword in resource(TITLE, field).keywords] == keywords


@pytest.mark.parametrize(
    ("field", "people"),
    [
        ("700 1  $aSmith, John,$d1950-$eeditor.", [("John Smith", "editor", "person")]),
        ("711 2  $aConference on Maths$n(3rd :$d2001 :$cParis)", [("Conference on Maths", "unknown", "organisation")]),
        ("111 2  $aCongress of Teachers.$eProgramme Committee.", [
            ("Congress of Teachers. Programme Committee", "author", "organisation")
        ]),
        ("700 12 $aEuclid.$tElements.", []),
        ("100 0  $aAristotle.", [("Aristotle", "author", "person")]),
    ],
)  # fmt: skip
def test_names_are_who_took_part(field: str, people: list[tuple[str, str, str]]) -> None:
    contributors = resource(TITLE, field).contributors
    assert [(person.name, person.role, person.kind) for person in contributors] == people


def test_a_name_with_a_title_is_a_work_inside_or_beside_this_one() -> None:
    relations = resource(TITLE, "700 12 $aEuclid.$tElements.", "700 1  $aNewton, Isaac.$tOpticks.").relations
    assert [(relation.kind, relation.target) for relation in relations] == [
        ("haspart", "Euclid. Elements"),
        ("references", "Newton, Isaac. Opticks"),
    ]


@pytest.mark.parametrize(
    ("leader", "fixed", "field", "code"),
    [
        ("e", ENGLISH, "336    $acartographic image$bcri$2rdacontent", "map"),
        ("a", ENGLISH, "336    $anotated music", "sheet_music"),
        ("a", ENGLISH, "336    $aunbewegtes Bild$2rdacontent", "image"),
        ("g", "100330s2010    xxu020        o   vleng d", "336    $atwo-dimensional moving image", "video"),
        ("i", ENGLISH, "336    $aspoken word$bspw", "audio"),
        ("a", ENGLISH, "655  7 $aTextbooks.$2lcgft", "textbook"),
        ("a", ENGLISH, "336    $atext$btxt", "text"),
    ],
)
def test_the_kind_is_that_of_the_leader_and_of_the_content_type(leader: str, fixed: str, field: str, code: str) -> None:
    read = resource(TITLE, field, leader=f"01234n{leader}m a2200301 a 4500", fixed=fixed)
    assert {kind.code for kind in read.resource_types} == {code}


@pytest.mark.parametrize(
    ("fields", "url", "related"),
    [
        (("856 42 $3Finding aid$uhttps://x.example.org/aid",), None, ["https://x.example.org/aid"]),
        (
            ("856 40 $3Table of contents$uhttps://x.example.org/toc", "856 41 $uhttps://x.example.org/book"),
            "https://x.example.org/book",
            ["https://x.example.org/toc"],
        ),
        (
            ("856 41 $uhttps://x.example.org/version", "856 40 $uhttps://x.example.org/book"),
            "https://x.example.org/book",
            [],
        ),
        (("856 4  $zOnline access$uhttps://x.example.org/book",), "https://x.example.org/book", []),
    ],
)
def test_an_address_of_something_related_is_none_of_the_work(
    fields: tuple[str, ...], url: str | None, related: list[str]
) -> None:
    read = resource(TITLE, *fields)
    assert read.url == url
    assert [relation.target for relation in read.relations] == related


@pytest.mark.parametrize(
    ("fixed", "field", "issued"),
    [
        ("100330t20192018xxu           000 0 eng d", "264  1 $aNew York :$bSample Press,$c[2019]", "2019"),
        ("100330r20011955xxu           000 0 eng d", "260    $c2001.", "2001"),
        ("100330s1987    le            000 0 ara d", "260    $bدار العلم،$c1407 [1987]", "1987"),
        ("100330s1407    le            000 0 ara d", "260    $c1407.", "1407"),
        ("                                        ", "260    $c1407 هـ = 1987 م", "1987"),
        ("100330s19uu    xxu           000 0 eng d", "260    $c[19--?]", "19XX"),
    ],
)
def test_the_date_is_that_of_publication_in_the_gregorian_calendar(fixed: str, field: str, issued: Any) -> None:
    assert resource(TITLE, field, fixed=fixed).issued == issued
