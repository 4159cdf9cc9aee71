import langcodes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import read_vocabulary
from transforms.normalize.language import language_tag, language_tags

SAID = {
    "pt_BR": "pt-BR",
    "Português(BR)": "pt-BR",
    "Português (Brasil)": "pt-BR",
    "Brazilian Portuguese": "pt-BR",
    "eng": "en",
    "English": "en",
    "english language": "en",
    "EN": "en",
    "en_US": "en-US",
    "ru-RU": "ru-RU",
    "chi": "zh",
    "zho": "zh",
    "cmn": "zh",
    "zh-CN": "zh-Hans-CN",
    "zh_TW": "zh-Hant-TW",
    "Chinese (Traditional)": "zh-Hant",
    "fre": "fr",
    "fra": "fr",
    "French": "fr",
    "francés": "fr",
    "французский": "fr",
    "الفرنسية": "fr",
    "ฝรั่งเศส": "fr",
    "француски": "fr",
    "francuski": "fr",
    "Französisch": "fr",
    "francês": "fr",
    "Srpski": "sr",
    "српски": "sr",
    "sr": "sr",
    "srp": "sr",
    "scc": "sr",
    "sr_RS@latin": "sr-Latn-RS",
    "Serbian (Latin)": "sr-Latn",
    "srpski (ćirilica)": "sr-Cyrl",
    "العربية": "ar",
    "arb": "ar",
    "ไทย": "th",
    "tha": "th",
    "arm": "hy",
    "uzb": "uz",
    "Қазақ тілі": "kk",
    "http://id.loc.gov/vocabulary/iso639-2/fre": "fr",
    "http://publications.europa.eu/resource/authority/language/ENG": "en",
    "iw": "he",
    "de_DE.UTF-8": "de-DE",
}
NOTHING = [
    "*",
    "mul",
    "und",
    "zxx",
    "mis",
    "x-none",
    "x-t-cc-url",
    "qaa",
    "other",
    "",
    "  ",
    "-",
    "n/a",
    "Foo bar",
    "x",
]


@pytest.mark.parametrize(("written", "expected"), SAID.items())
def test_a_language_is_read_in_any_spelling(written: str, expected: str) -> None:
    assert language_tag(written) == expected
    assert language_tag(f"  {written.upper()} ") == expected


@pytest.mark.parametrize("written", NOTHING)
def test_a_text_that_names_no_language_has_no_tag(written: str) -> None:
    assert language_tag(written) is None


@pytest.mark.parametrize("written", ["Englsh", "Frenchh", "Serbain", "Spanglish"])
def test_no_language_is_guessed_from_a_misspelling(written: str) -> None:
    assert language_tag(written) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("en;fr", ("en", "fr")),
        ("en|uk", ("en", "uk")),
        ("English, French", ("en", "fr")),
        ("English and French", ("en", "fr")),
        ("eng fre", ("en", "fr")),
        ("english;eng", ("en",)),
        ("English;", ("en",)),
        ("Greek, Modern (1453-)", ("el",)),
        ("Spanish; Castilian", ("es",)),
        ("en, *, mul", ("en",)),
        ("*", ()),
    ],
)
def test_several_languages_in_one_string(written: str, expected: tuple[str, ...]) -> None:
    assert language_tags(written) == expected


def test_every_spelling_of_the_table_names_a_valid_language() -> None:
    spellings = read_vocabulary("languages")["spellings"]
    assert [name for name in spellings if not langcodes.tag_is_valid(language_tag(name) or "")] == []


@given(st.text(max_size=40))
def test_any_string_gives_a_stable_valid_tag_or_none(written: str) -> None:
    result = language_tag(written)
    assert result is None or (langcodes.tag_is_valid(result) and language_tag(result) == result)
    assert all(language_tag(tag) == tag for tag in language_tags(written))


@given(st.from_regex(r"[a-z]{2,3}([-_][A-Za-z]{2,8}){0,2}", fullmatch=True))
def test_any_code_gives_a_stable_tag_or_none(written: str) -> None:
    result = language_tag(written)
    assert result is None or language_tag(result) == result
