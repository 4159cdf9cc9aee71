"""The record's own language is the default of its texts, unless their script or a sure and long text contradicts it."""

import csv
from html import escape
from pathlib import Path

import pytest

from schemas import Feed, Resource, SourceRecord
from transforms import transform
from transforms.normalize.language import language_tag

FEED = Feed(name="sample", title="Sample", partner="Sample Partner", protocol="oai_pmh", url="https://a.example/oai")
CASES = Path(__file__).parents[2] / "cases" / "titles.tsv"
RECORD = (
    '<record xmlns="http://www.openarchives.org/OAI/2.0/"><metadata><oai_dc:dc '
    'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "{}</oai_dc:dc></metadata></record>"
)
FRENCH = "Éducation ouverte pour tous les enseignants des écoles rurales"


def read(*elements: tuple[str, str], feed: Feed = FEED) -> tuple[Resource, set[str]]:
    """Return the resource of Dublin Core elements, and the codes of its issues about languages."""
    payload = RECORD.format("".join(f"<dc:{name}>{escape(text)}</dc:{name}>" for name, text in elements))
    assessment = transform(SourceRecord(feed="sample", identifier="1", format="oai_dc", payload=payload), feed)
    assert assessment.resource is not None
    codes = {issue.code for issue in assessment.issues if issue.code.startswith(("language_", "title_in"))}
    return assessment.resource, codes


def cases() -> list[dict[str, str]]:
    with CASES.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def base(tag: str) -> str:
    return (language_tag(tag) or tag).partition("-")[0]


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case['declared']}-{case['title']}")
def test_a_title_is_in_the_declared_language_unless_script_or_text_contradict(case: dict[str, str]) -> None:
    resource, codes = read(("title", case["title"]), ("language", case["declared"]))
    (tag,) = resource.title
    unwanted, expected = case["expected"].startswith("!"), case["expected"].lstrip("!")
    assert (base(tag) == base(expected)) is not unwanted
    if base(case["declared"]) == base(expected) and not unwanted:
        assert codes == set()


@pytest.mark.parametrize(
    ("declared", "title", "expected"),
    [
        ("de", "Deutsch als Fremdsprache", "de"), ("mk", "Физика", "mk"), ("pt-BR", "Geometria plana", "pt-BR"),
        ("sr", "Osnovi hemije", "sr-Latn"), ("sr", "Основи хемије", "sr-Cyrl"), ("zh", "物理学实验", "zh-Hans"),
        ("oc", "Istòria d'Occitània", "oc"), ("ru", "Introduction to school physics for teachers", "en"),
        ("ja", "พื้นฐานคณิตศาสตร์", "th"), ("he", "Moodle", "und"), ("en", "Алгебра", "und"), ("fr", "ދިވެހި", "dv"),
        ("es", FRENCH, "fr"), ("lb", "Geschicht vun der Stad Lëtzebuerg an de Schoulen", "lb"),
    ],
)  # fmt: skip
def test_other_titles_likewise(declared: str, title: str, expected: str) -> None:
    assert list(read(("title", title), ("language", declared))[0].title) == [expected]


def test_descriptions_and_keywords_are_in_the_declared_language_too() -> None:
    resource, codes = read(
        ("title", "Samfunnsfag"), ("description", "Historie."), ("subject", "Demokrati"), ("subject", "Право"),
        ("language", "nob"),
    )  # fmt: skip
    assert (list(resource.title), list(resource.description), codes) == (["nb"], ["nb"], set())
    assert [(keyword.language, keyword.text) for keyword in resource.keywords] == [
        ("nb", "Demokrati"),
        ("und", "Право"),
    ]


def test_the_feeds_default_stands_where_the_record_declares_none() -> None:
    feed = FEED.model_copy(update={"default_language": "sl"})
    assert list(read(("title", "Osnove fizike"), feed=feed)[0].title) == ["sl"]
    assert list(read(("title", "Osnove kemije"), ("language", "hr"), feed=feed)[0].title) == ["hr"]


def test_of_several_declared_languages_script_and_text_decide() -> None:
    russian_and_english = ("language", "ru"), ("language", "en")
    assert list(read(("title", "Алгебра"), *russian_and_english)[0].title) == ["ru"]
    assert list(read(("title", "Algebra"), *russian_and_english)[0].title) == ["en"]
    assert list(read(("title", FRENCH), ("language", "en"), ("language", "fr-CA"))[0].title) == ["fr-CA"]
    assert list(read(("title", "Algebra"), ("language", "en"), ("language", "fr"))[0].title) == ["und"]


def test_a_further_title_may_be_a_translation() -> None:
    resource, _ = read(
        ("title", "Le cycle de l'eau à l'école"), ("title", "Simulation of a pendulum"), ("language", "fr"),
    )  # fmt: skip
    assert resource.title == {"fr": "Le cycle de l'eau à l'école", "en": "Simulation of a pendulum"}


def test_a_text_in_another_language_than_its_record_is_reported_as_such() -> None:
    assert read(("title", FRENCH), ("language", "es"))[1] == {"title_in_another_language"}
