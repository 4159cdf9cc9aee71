"""The matcher over records such as partners send: what is one work, what is not, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from schemas import MATCH_FIELDS, Concept, Contributor, Identifier, Judgement, Language, Resource, ResourceView, Text
from transforms.match import MODEL_VERSION, Live, ModelUnusable, Resources, explain, features, fold, match, read_model
from transforms.match.feature_rows import identifiers
from transforms.match.numbering import edition_and_numbers, without_edition
from transforms.spelling import roman

pytestmark = pytest.mark.early


def record(key: str, title: str | dict[str, str] = "Teaching fractions with everyday objects", **fields: Any) -> Live:
    """A record with an author, a year, a publisher and a language, unless `fields` gives others."""
    people = fields.pop("people", ["Amina Diallo"])
    language = fields.pop("language", "en")
    values: dict[str, Any] = {
        "title": title if isinstance(title, dict) else {language or "und": title},
        "contributors": tuple(Contributor(name=name, role="author", kind="person") for name in people),
        "issued_year": fields.pop("year", 2019),
        "publishers": ("Open Press",),
        "languages": (Language(tag=language, origin="declared", confidence=1.0),) if language else (),
        "resource_types": (Concept(code="text", label="Text", source="text"),),
        "levels": ("2",),
    }
    values["identifiers"] = tuple(Identifier(scheme=scheme, value=value) for scheme, value in fields.pop("ids", ()))
    return Live(key.partition(":")[0], "", Resource(key=key, **{**values, **fields}))


def verdict(left: Live, right: Live, *others: Live) -> str:
    """The matcher's verdict on the first two records; "apart" when it keeps nothing of the pair."""
    pairs = match(features([left, right, *others])).pairs.to_pylist()
    wanted = {left.record.key, right.record.key}
    verdicts = [row["verdict"] for row in pairs if {row["left_key"], row["right_key"]} == wanted]
    return verdicts[0] if verdicts else "apart"


def related(left: Live, right: Live) -> str | None:
    pairs = match(features([left, right])).pairs.to_pylist()
    return pairs[0]["related"] if pairs else None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Teaching fractions with everyday objects", "TEACHING FRACTIONS WITH EVERYDAY OBJECTS."),
        ("Nastava matematike u osnovnoj školi", "Настава математике у основној школи"),
        ("Преподавание математики в начальной школе", "ПРЕПОДАВАНИЕ МАТЕМАТИКИ В НАЧАЛЬНОЙ ШКОЛЕ!"),
        ("مُقَدِّمَة في تدريس الرياضيات للصف الخامس ٥", "مقدمة فى تدريس الرياضيات للصف الخامس 5"),
        ("การสอนคณิตศาสตร์ในโรงเรียนประถมศึกษา", "การสอนคณิตศาสตร์ในโรงเรียนประถมศึกษา."),
        ("初等学校数学教学方法研究", "初等学校数学教学方法研究。"),
    ],
)
def test_a_title_in_two_spellings_is_the_same_work(left: str, right: str) -> None:
    language = None
    assert verdict(record("a:1", left, language=language), record("b:1", right, language=language)) == "same"


def weight(left: Live, right: Live, field: str) -> float:
    """The weight of a field's evidence that the two records are one work."""
    (pair,) = explain(features([left, right])).to_pylist()
    return next(entry["weight"] for entry in json.loads(pair["evidence"]) if entry["field"] == field)


def test_names_that_differ_by_a_number_are_two_people() -> None:
    mine, others = (record(f"{feed}:1", "Algebra workbook", people=[f"Author {n}"]) for feed, n in (("a", 4), ("b", 5)))
    same = record("b:2", "Algebra workbook", people=["Author 4"])
    assert weight(mine, others, "contributors") < weight(mine, same, "contributors")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Computers in the classroom. Module 1", "Computers in the classroom. Module 2"),
        ("Computers in the classroom, Part I", "Computers in the classroom, Part II"),
        ("Компьютеры в школьном классе. Модуль 1", "Компьютеры в школьном классе. Модуль 2"),
        ("الحاسوب في غرفة الصف الجزء الأول", "الحاسوب في غرفة الصف الجزء الثاني"),
        ("คอมพิวเตอร์ในห้องเรียน ตอนที่ ๑", "คอมพิวเตอร์ในห้องเรียน ตอนที่ ๒"),
        ("课堂中的计算机应用 第1册", "课堂中的计算机应用 第2册"),
        ("Computers in the classroom", "Computers in the classroom 2"),
        ("Computers in the classroom, 1st edition", "Computers in the classroom, 3rd edition"),
    ],
)
def test_parts_and_editions_are_never_one_work(left: str, right: str) -> None:
    assert verdict(record("a:1", left, language=None), record("b:1", right, language=None)) in ("apart", "different")


def test_years_of_one_title_are_linked_not_merged() -> None:
    left, right = record("a:1", year=2015), record("b:1", year=2019)
    assert verdict(left, right) == "different"
    assert related(left, right) == "version"


def test_one_address_and_one_title_outweigh_a_language_declared_wrongly() -> None:
    title, url = {"ar": "مقدمة في تدريس الرياضيات"}, "https://oer.test/lesson/501"
    left, right = record("a:1", title, language="en", url=url), record("b:1", title, language="ar", url=url)
    assert verdict(left, right) == "same"
    elsewhere = record("b:1", title, language="ar", url="https://oer.test/lesson/502")
    assert verdict(left, elsewhere) == "review"


def test_a_translation_at_one_address_is_linked_though_its_other_title_is_the_same() -> None:
    url = "https://oer.test/guide"
    left = record("a:1", {"en": "Guide for schools", "fr": "Guide pour les écoles"}, language="en", url=url)
    right = record("b:1", {"fr": "Guide pour les écoles", "en": "Guide for schools"}, language="fr", url=url)
    assert related(left, right) == "translation"


def test_a_translation_is_linked_not_merged() -> None:
    doi = (("doi", "10.54675/abcd1234"),)
    left = record("a:1", {"en": "Guide for schools", "fr": "Guide pour les écoles"}, ids=doi, language="en")
    right = record("b:1", {"fr": "Guide pour les écoles"}, ids=doi, language="fr")
    assert verdict(left, right) == "different"
    assert related(left, right) == "translation"


def field_evidence(left: Live, right: Live, field: str) -> str | None:
    """The evidence of a field of two records, without its values; None when there is none."""
    (pair,) = explain(features([left, right])).to_pylist()
    return next(
        (entry["seen"].split(":")[0] for entry in json.loads(pair["evidence"]) if entry["field"] == field), None
    )


LONG = "Pupils cut apples and loaves into equal parts, name the parts as fractions, add them and compare what is left. "


@pytest.mark.parametrize(
    "text",
    [
        "absent",
        "N/A",
        "None",
        "Нет описания",
        "International audience",
        "National audience  absent",
        "Fractions for the fifth grade.",
        "No abstract is available for this item at the moment.",
        "There is no description available in English or in French.",
    ],
)
def test_a_description_that_says_nothing_is_no_evidence(text: str) -> None:
    left, right = (record(f"{feed}:1", description={"en": text}) for feed in "ab")
    assert field_evidence(left, right, "description") is None


def test_a_phrase_before_every_description_of_a_repository_is_no_evidence() -> None:
    descriptions = [
        "The wear of wheel bearings is told from their noise in tunnels.",
        "Oysters of three bays grow at unlike rates.",
    ]
    left, right = (
        record(f"{feed}:1", description={"en": f"International audience  {text}"})
        for feed, text in zip("ab", descriptions, strict=True)
    )
    assert field_evidence(left, right, "description") == "different"


def test_descriptions_that_differ_at_their_end_weigh_less_than_equal_ones() -> None:
    for_girls, for_boys = (
        record(f"{audience}:1", description={"en": f"{LONG}For {audience}."}) for audience in ("girls", "boys")
    )
    equal = record("boys:1", description={"en": f"{LONG}For girls."})
    assert field_evidence(for_girls, equal, "description") == "the same"
    assert field_evidence(for_girls, for_boys, "description") == "begins alike"
    assert 0 < weight(for_girls, for_boys, "description") < weight(for_girls, equal, "description")


def test_shared_laboratories_do_not_make_papers_of_other_authors_the_same() -> None:
    titles_by_people = {
        ("Kim Anh Le", "Phu Do Minh", "Alain Gras"): "A joint maintenance and spare parts policy for large systems",
        ("Phu Do Minh",): "A joint inspection and maintenance policy for large systems",
    }
    laboratories = ("Centre for Automation (CA)", "University of the East (UE)", "National Centre for Research (NCR)")
    left, right = (
        record(
            f"hal:{number}",
            title,
            contributors=(
                *(Contributor(name=name, role="author", kind="person") for name in people),
                *(Contributor(name=name, role="unknown", kind="organisation") for name in laboratories),
            ),
        )
        for number, (people, title) in enumerate(titles_by_people.items())
    )
    assert (
        field_evidence(left, right, "contributors") == "mostly the same"
    )  # the only person of one record is among those of the other
    alone = record("hal:2", contributors=right.record.contributors[1:])
    assert field_evidence(left, alone, "contributors") == "different"
    assert verdict(left, right) != "same"


@pytest.mark.parametrize("other", ["cesta", "aggregator"])
def test_works_of_a_series_are_not_the_same_though_their_descriptions_begin_alike(other: str) -> None:
    text = "A game in which nurses put the tray in order that is wanted for a catheter, made for the course of "
    school = (Contributor(name="School of Nursing", role="author", kind="organisation"),)
    common: dict[str, Any] = {"year": None, "publishers": (), "levels": (), "contributors": school}
    adults, newborns = (
        record(f"{feed}:{who}", f"A tray for the catheter of {who}", description={"en": f"{text}{who}."}, **common)
        for feed, who in (("cesta", "adults"), (other, "newborns"))
    )
    assert verdict(adults, newborns) != "same"


@pytest.mark.parametrize(
    "others", [("boys", "girls"), ("men", "women"), ("the school", "the family at home"), ("p-cresol", "m-cresol")]
)
def test_two_titles_of_one_feed_are_two_works_unless_the_descriptions_are_the_same(others: tuple[str, str]) -> None:
    left, right = (record(f"a:{who}", f"Teaching the structure of matter with {who}") for who in others)
    assert verdict(left, right) in ("apart", "review")


def test_a_title_with_and_without_a_subtitle_needs_review_unless_a_doi_is_shared() -> None:
    titles = ("Fish farming of tomorrow", "Fish farming of tomorrow: a new start for research on ponds")
    march, may = (record(f"hal:{number}", title) for number, title in enumerate(titles))
    assert verdict(march, may) == "review"
    assert verdict(march, record("other:1", titles[1])) == "review"
    doi = (("doi", "10.54675/abcd1234"),)
    assert verdict(record("hal:1", titles[0], ids=doi), record("other:1", titles[1], ids=doi)) == "same"


def test_one_feed_may_list_a_work_twice_under_one_title() -> None:
    assert verdict(record("a:1"), record("a:2")) == "same"
    slip, description = "Teaching fractions with everday objects", {"en": LONG}
    assert verdict(record("a:1"), record("a:2", slip)) == "review"
    assert verdict(record("a:1", description=description), record("a:2", slip, description=description)) == "review"


def test_translations_and_editions_within_a_feed_are_linked() -> None:
    titles = {"en": "Guide for schools", "fr": "Guide pour les écoles"}
    assert related(record("a:1", titles), record("a:2", titles, language="fr")) == "translation"
    again = {"fr": titles["fr"], "en": titles["en"]}
    assert related(record("a:1", titles), record("a:2", again, language="fr")) == "translation"
    common = {"description": {"en": LONG}}
    first, third = (
        record(f"a:{n}", f"Computers in the classroom{edition}", **common)
        for n, edition in ((1, ""), (3, ", 3rd edition"))
    )
    assert related(first, third) == "edition"


@pytest.mark.parametrize("title", ["Editorial", "Introduction", "Математика", "مقدمة", "Lesson plan"])
def test_a_generic_title_alone_never_makes_records_the_same(title: str) -> None:
    same_in_all_else = verdict(record("a:1", title, language=None), record("b:1", title, language=None))
    assert same_in_all_else in ("apart", "review")


def test_a_shared_doi_makes_sparse_records_the_same() -> None:
    doi = (("doi", "10.54675/abcd1234"),)
    left = record("a:1", "Fractions", ids=doi, people=[], year=None, language=None)
    right = record("b:1", "Fractions: a unit", ids=doi, people=[], year=None, language=None)
    assert verdict(left, right) == "same"


def test_an_identifier_of_records_that_disagree_identifies_nothing() -> None:
    doi = (("doi", "10.54675/abcd1234"),)
    titles = ["Fractions at school", "Photosynthesis", "History of writing", "Sorting algorithms"]
    lives = [record(f"a:{number}", title, ids=doi, people=[]) for number, title in enumerate(titles)]
    assert match(features(lives)).pairs.num_rows == 0


def test_pages_at_one_address_that_differ_stay_apart() -> None:
    where = {"url": "https://www.golabz.eu/labs/archive"}
    left = record("a:1", "Seesaw lab", people=[], **where)
    assert verdict(left, record("b:1", "Bee experiment on flowers", people=[], **where)) in ("apart", "different")


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("doi", "10.0000/xyz"),
        ("doi", "not a doi"),
        ("isbn", "0000000000000"),
        ("isbn", "9780000000000"),
        ("handle", "123456789/12"),
    ],
)
def test_placeholder_identifiers_are_ignored(scheme: str, value: str) -> None:
    assert identifiers(record("a:1", ids=((scheme, value),)).record) == []


def test_the_evidence_adds_up_to_the_probability() -> None:
    rows = features([record("a:1"), record("b:1", "Teaching fractions with everyday object")])
    pair = match(rows).pairs.to_pylist()[0]
    settings = read_model().settings
    prior = settings["probability_two_random_records_match"]
    evidence = json.loads(pair["evidence"])
    odds = prior / (1 - prior) * 2 ** sum(entry["weight"] for entry in evidence)
    assert pair["probability"] == pytest.approx(odds / (1 + odds), abs=0.001)
    assert evidence[0]["field"] == "title"
    assert "everyday objects / Teaching fractions with everyday object" in evidence[0]["seen"]


def test_any_pair_can_be_explained() -> None:
    explained = explain(features([record("a:1"), record("b:1", "Photosynthesis in aquatic plants", people=["Li Wei"])]))
    assert explained["verdict"].to_pylist() == ["different"]
    assert {entry["field"] for entry in json.loads(explained["evidence"][0].as_py())} >= {"title", "contributors"}


def test_a_judged_pair_keeps_its_evidence_however_unlike() -> None:
    rows = features([record("a:1"), record("b:1", "Photosynthesis in aquatic plants", people=["Li Wei"])])
    judged = Judgement(left_key="a:1", right_key="b:1", verdict="same", by="Steward", at="2026-01-01", reason="seen")
    assert match(rows).pairs.num_rows == 0
    assert match(rows, judgements=[judged]).pairs["left_key"].to_pylist() == ["a:1"]


def test_pairs_below_the_threshold_are_counted_by_rule() -> None:
    matching = match(features([record("a:1", "Editorial"), record("b:1", "Editorial", people=["Li Wei"])]))
    assert matching.pairs.num_rows == 0
    assert matching.below == {"title": 1}


def test_a_large_block_is_split_and_never_cut_by_order() -> None:
    lives = [record(f"a:{n}", people=[f"Person{n // 2} Family{n // 2}"], year=2000 + n // 2 % 20) for n in range(60)]
    lives = [live._replace(feed=f"f{place % 2}") for place, live in enumerate(lives)]
    small = match(features(lives), resources=Resources(block=10)).pairs
    same = {(row["left_key"], row["right_key"]) for row in small.to_pylist() if row["verdict"] == "same"}
    assert same == {tuple(sorted((f"a:{n}", f"a:{n + 1}"))) for n in range(0, 60, 2)}
    assert match(features(reversed(lives)), resources=Resources(block=10)).pairs == small


def test_a_block_that_nothing_splits_is_left_out_and_counted() -> None:
    lives = [record(f"f{n}:{n}") for n in range(12)]
    matching = match(features(lives), resources=Resources(block=10))
    assert matching.pairs.num_rows == 0
    assert ("title", 12) in [tuple(block) for block in matching.oversized]


def test_an_empty_catalog_has_no_pairs() -> None:
    assert match(features([])).pairs.num_rows == 0


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("{", "not readable"),
        ('{"version": 99}', "version 99"),
        (f'{{"version": {MODEL_VERSION}}}', "missing required field"),
    ],
)
def test_a_model_of_another_version_is_refused(tmp_path: Path, text: str, because: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelUnusable, match=because):
        read_model(path)


def test_folding_gives_every_spelling_of_a_text_the_same_form() -> None:
    assert fold("  Élan—Vital! ") == "elan vital"
    assert fold("Њушкање Ћирилице") == fold("Njuškanje Ćirilice") == "njuskanje cirilice"
    assert fold("!!!") == ""


def test_editions_and_numbers_are_read_in_roman_and_arabic_numerals() -> None:
    assert [roman(word) for word in ("iv", "xlii", "mix", "", "ivx")] == [4, 42, None, None, None]
    assert edition_and_numbers("algebra 2nd edition part iii", None) == ("2", "3")
    assert edition_and_numbers("annual report 2015", 2015) == ("", "")


def test_the_matcher_reads_the_same_of_a_record_as_of_its_text_in_the_catalog() -> None:
    more = {"alternative_titles": (Text(language="fr", text="Enseigner les fractions"),), "url": "https://a.org/x/1"}
    whole = record("a:1", ids=[("doi", "10.1/x")], description={"en": "Cutting apples in parts."}, **more)
    text = msgspec.json.encode(whole.record)
    assert features([whole._replace(record=msgspec.json.decode(text, type=ResourceView))]) == features([whole])


def test_the_view_has_fields_of_the_resource_with_their_types_and_defaults() -> None:
    shared, whole, view = get_type_hints(Resource), Resource(key="a:1"), ResourceView(key="a:1")
    assert all(getattr(whole, name) == getattr(view, name) for name in get_type_hints(ResourceView))
    assert {name: shared.get(name) for name in get_type_hints(ResourceView)} == get_type_hints(ResourceView)
    assert set(MATCH_FIELDS) <= set(get_type_hints(ResourceView))


@pytest.mark.parametrize(
    ("title", "edition", "rest"),
    [
        ("Álgebra básica, 2.ª edición", "2", "algebra basica"),
        ("Physique, 3e éd.", "3", "physique"),
        ("Физика. Изд. 3-е", "3", "fizika"),
        ("Matematika, 2. izdaja", "2", "matematika"),
        ("Fizica, ediția a II-a", "2", "fizica"),
        ("Hisabati, toleo la 2", "2", "hisabati"),
        ("Physics, edition 2", "2", "physics"),
        ("数学第二版", "2", "数学"),
        ("数学 改訂版", "revised", "数学"),
        ("การเขียนโปรแกรม พิมพ์ครั้งที่ ๒", "2", "การเขียนโปรแกรม"),
        ("수학 제3판", "3", fold("수학")),
    ],
)
def test_an_edition_is_read_in_every_language_of_the_library(title: str, edition: str, rest: str) -> None:
    assert edition_and_numbers(fold(title), None) == (edition, "")
    assert without_edition(fold(title)) == rest


@pytest.mark.parametrize("title", ["数学 第二册", "Física, tomo 2", "ฟิสิกส์ เล่ม 2", "Физика. Часть 2", "수학 2권"])
def test_a_part_is_no_edition(title: str) -> None:
    assert edition_and_numbers(fold(title), None) == ("", "2")
