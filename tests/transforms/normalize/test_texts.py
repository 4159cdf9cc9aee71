import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Text
from transforms.normalize.language import tag_texts


def test_a_declared_tag_stands_and_is_spelled_as_bcp_47() -> None:
    result = tag_texts([("An introduction to physics", "en_US"), ("Introduction à la physique", "fre")])
    assert result.by_language == {"en-US": "An introduction to physics", "fr": "Introduction à la physique"}
    assert result.tags == ("en-US", "fr")
    assert result.contradictions == ()


def test_a_missing_tag_or_a_placeholder_takes_the_detection() -> None:
    result = tag_texts([("Материалы для учителей начальной школы", None), ("Das Periodensystem der Elemente", "*")])
    assert result.tags == ("ru", "de")


def test_a_text_of_undetected_language_is_und() -> None:
    assert tag_texts([("PISA 2018", None), ("Moodle", "")]).tags == ("und", "und")


def test_declared_serbian_gains_the_script_of_its_text() -> None:
    cyrillic, latin = "Увод у алгебру за наставнике", "Uvod u algebru za nastavnike osnovnih škola"
    result = tag_texts([(cyrillic, "sr"), (latin, "srp"), (cyrillic, "sr-RS"), ("Povijest", "sr"), ("2018", "sr")])
    assert result.tags == ("sr-Cyrl", "sr-Latn", "sr-Cyrl-RS", "sr-Latn", "sr")
    assert result.contradictions == ()


def test_second_texts_of_a_language_follow_in_order() -> None:
    result = tag_texts([("Physics for all", "en"), ("La physique pour tous", "fr"), ("One", "en"), ("Two", "eng")])
    assert result.by_language == {"en": "Physics for all", "fr": "La physique pour tous"}
    assert result.further == (Text(language="en", text="One"), Text(language="en", text="Two"))
    assert result.tags == ("en", "fr", "en", "en")


def test_a_contradiction_is_recorded_and_not_overwritten() -> None:
    result = tag_texts([("Physics for all", "en"), ("مقدمة في الجبر للمعلمين", "en")])
    assert result.tags == ("en", "en")
    ((index, declared, detected, confidence),) = result.contradictions
    assert (index, declared, detected) == (1, "en", "ar")
    assert confidence >= 0.85


def test_serbian_text_contradicts_a_declared_english() -> None:
    result = tag_texts([("Uvod u algebru za nastavnike osnovnih škola", "en")])
    assert [contradiction[1:3] for contradiction in result.contradictions] == [("en", "sr-Latn")]


def test_text_in_another_script_than_declared_contradicts() -> None:
    result = tag_texts([("Увод у алгебру за наставнике", "sr-Latn")])
    assert result.tags == ("sr-Latn",)
    assert [contradiction[1:3] for contradiction in result.contradictions] == [("sr-Latn", "sr-Cyrl")]


def test_neighbouring_languages_and_short_texts_do_not_contradict() -> None:
    written = [
        ("Osnovni pojmovi i zadaci", "hr"),
        ("Innføring i fysikk for lærere i skolen", "nb"),
        ("Le Moulin", "en"),
        ("Photosynthesis", "fr"),
    ]
    assert tag_texts(written).contradictions == ()


@pytest.mark.parametrize("declared", ["hr", "bs", "sr", "sr-Latn", "cnr"])
@pytest.mark.parametrize(
    "text",
    [
        "Zbirka zadataka za učenike osnovnih i srednjih škola",
        "Vježbe iz matematike za učenike osnovnih škola",
        "Vežbe iz matematike za učenike osnovnih škola",
    ],
)
def test_a_few_words_do_not_contradict_one_of_serbian_croatian_and_bosnian(declared: str, text: str) -> None:
    assert tag_texts([(text, declared)]).contradictions == ()


def test_a_declared_one_of_serbian_croatian_and_bosnian_is_believed() -> None:
    serbian = (
        "Deca uče istoriju: šta se desilo posle rata, gde su živeli ljudi i kako se promenio svet u dvadesetom veku"
    )
    croatian = (
        "Sveučilišni udžbenik iz kemije: jednadžbe, točni primjeri i vježbe, tko i tijekom kojega tjedna uči povijest"
    )
    assert tag_texts([(serbian, "hr"), (serbian, "bs"), (croatian, "sr"), (croatian, "bs")]).contradictions == ()


def test_bosnian_may_be_in_cyrillic_and_croatian_may_not() -> None:
    text = "Увод у алгебру за ученике средњих школа"
    assert tag_texts([(text, "bs")]).contradictions == ()
    assert [contradiction[1:3] for contradiction in tag_texts([(text, "hr")]).contradictions] == [("hr", "sr-Cyrl")]


def test_indonesian_contradicts_malay_only_by_words_of_its_own() -> None:
    both = "Cerita rakyat dari pulau dan pantai"
    indonesian = "Penelitian mahasiswa tentang kualitas lingkungan di universitas"
    assert tag_texts([(both, "ms"), (both, "id")]).contradictions == ()
    assert [contradiction[1:3] for contradiction in tag_texts([(indonesian, "ms")]).contradictions] == [("ms", "id")]


def test_no_texts_give_no_languages() -> None:
    assert tag_texts([]).by_language == {}


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=60), st.none() | st.text(max_size=8)), max_size=5))
def test_every_text_is_kept_once_under_its_tag(written: list[tuple[str, str | None]]) -> None:
    result = tag_texts(written)
    assert len(result.tags) == len(written)
    kept = [*result.by_language.items(), *((text.language, text.text) for text in result.further)]
    assert sorted(kept) == sorted(zip(result.tags, (text for text, _ in written), strict=True))
    assert all(result.tags[index] == declared for index, declared, _, _ in result.contradictions)
