"""The record's own language is the default of its texts, unless their script or a sure and long text contradicts it."""

from html import escape

import pytest

from bench.cases import read_cases
from schemas import Feed, Resource, SourceRecord
from transforms import transform
from transforms.normalize.language import language_tag

FEED = Feed(name="sample", title="Sample", partner="Sample Partner", protocol="oai_pmh", url="https://a.example/oai")
RECORD = (
    '<record xmlns="http://www.openarchives.org/OAI/2.0/"><metadata><oai_dc:dc '
    'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "{}</oai_dc:dc></metadata></record>"
)
# Short and longer titles of languages that are taken for one another, and of others.
TITLES = {
    "da": ["Brøker og decimaltal", "Danmarks historie", "Undervisningsmateriale om energi og klima til grundskolen"],
    "nb": ["Brøk og desimaltall", "Norges historie for videregående skole"],
    "nn": ["Brøk og desimaltal", "Undervisningsopplegg om energi og klima i grunnskulen"],
    "sv": ["Bråk och decimaltal", "Lärarhandledning om energi och klimat i grundskolan"],
    "fo": ["Støddfrøði fyri fólkaskúlan"], "is": ["Almenn brot og tugabrot"],
    "ms": ["Pecahan dan perpuluhan", "Sejarah Malaysia", "Sains Tahun 4"],
    "id": ["Pecahan dan desimal", "Sistem tata surya untuk siswa sekolah dasar"],
    "gl": ["O ciclo da auga", "Historia de Galicia para o ensino secundario"],
    "pt": ["O ciclo da água", "Sistema solar"], "es": ["El ciclo del agua", "Sistema solar"],
    "ca": ["El cicle de l'aigua", "El sistema solar i els planetes"],
    "it": ["Il ciclo dell'acqua", "La cellula"], "fr": ["Le cycle de l'eau", "La cellule"], "ro": ["Circuitul apei"],
    "sl": ["Kroženje vode", "Osnove fizike za srednje šole"], "hr": ["Kruženje vode", "Osnove kemije"],
    "sr": ["Kruženje vode u prirodi", "Општа хемија", "Osnovi hemije"], "bs": ["Osnovi hemije i fizike"],
    "mk": ["Општа хемија", "Физика за осмо одделение", "Кружење на водата во природата"],
    "bg": ["Обща химия", "Кръговрат на водата в природата"], "ru": ["Круговорот воды", "Общая химия"],
    "uk": ["Кругообіг води", "Загальна хімія"], "be": ["Кругаварот вады", "Агульная хімія для школы"],
    "kk": ["Судың айналымы", "Жалпы химия"], "ky": ["Суунун айлануусу", "Жалпы химия"], "tt": ["Гомуми химия"],
    "tg": ["Химияи умумӣ"], "cs": ["Koloběh vody"], "sk": ["Kolobeh vody"], "pl": ["Obieg wody"],
    "de": ["Der Wasserkreislauf"], "lb": ["De Waasserkreeslaf an der Natur"], "nl": ["De waterkringloop"],
    "af": ["Die watersiklus", "Breuke en desimale getalle vir graad ses"], "tr": ["Su döngüsü"],
    "az": ["Suyun dövranı"],
    "tk": ["Suwuň aýlanyşygy"], "uz": ["Suv aylanishi"], "sw": ["Mzunguko wa maji"], "zu": ["Umjikelezo wamanzi"],
    "xh": ["Umjikelo wamanzi"], "fa": ["چرخه آب"], "ps": ["د اوبو دوران"], "ne": ["पानीको चक्र"], "hi": ["जल चक्र"],
    "mr": ["जलचक्र आणि निसर्ग"], "am": ["የውሃ ዑደት"], "ti": ["ዑደት ማይ"], "et": ["Veeringe looduses"],
    "fi": ["Veden kiertokulku"],
    "en": ["Big Bang", "Simulating a pendulum", "Module 3: Cells"],
}  # fmt: skip
FRENCH = "Éducation ouverte pour tous les enseignants des écoles rurales"


def read(*elements: tuple[str, ...], feed: Feed = FEED) -> tuple[Resource, set[str]]:
    """Return the resource of Dublin Core elements (name, text, xml:lang), and the codes of its issues of languages."""
    payload = RECORD.format("".join(map(element, elements)))
    assessment = transform(SourceRecord(feed="sample", identifier="1", format="oai_dc", payload=payload), feed)
    assert assessment.resource is not None
    codes = {issue.code for issue in assessment.issues if issue.code.startswith(("language_", "title_in"))}
    return assessment.resource, codes


def element(parts: tuple[str, ...]) -> str:
    name, text, *language = parts
    attribute = f' xml:lang="{language[0]}"' if language else ""
    return f"<dc:{name}{attribute}>{escape(text)}</dc:{name}>"


def base(tag: str) -> str:
    return (language_tag(tag) or tag).partition("-")[0]


@pytest.mark.parametrize("case", read_cases("titles.tsv"), ids=lambda case: f"{case['declared']}-{case['title']}")
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


@pytest.mark.parametrize("language", TITLES)
def test_titles_do_not_contradict_the_feeds_default_nor_their_own_declaration(language: str) -> None:
    of_default = FEED.model_copy(update={"default_language": language})
    for title in TITLES[language]:
        for elements, feed in (
            ((("title", title),), of_default),
            ((("title", title), ("language", language)), FEED),
            ((("title", title, language), ("language", language)), FEED),
        ):
            resource, codes = read(*elements, feed=feed)
            assert [base(tag) for tag in resource.title] == [base(language)]
            assert not codes & {"language_contradicted", "title_in_another_language"}


# Members of a larger language, and languages that the models take for a relative's.
RELATIVES = {
    "nb": "Et undervisningsopplegg om energi og klima for elever i den videregående skolen",
    "nn": "Eit undervisningsopplegg om energi og klima for elevar i den vidaregåande skulen",
    "fo": "Søga Føroya og føroyskt mál í skúlanum fyri næmingar", "lb": "De Waasserkreeslaf an der Natur fir d'Schoul",
    "arz": "دورة الميه في الطبيعة للتلاميذ بتوع المدرسة", "prs": "چرخه آب در طبیعت برای شاگردان مکتب",
    "cmn": "数学课本与教师用书", "yue": "數學課本同教師用書嘅內容",
    "zsm": "Kitaran air dan alam sekitar untuk murid sekolah",
    "azj": "Suyun təbiətdə dövranı və iqlim", "npi": "प्रकृतिमा पानीको चक्र र जलवायु", "cnr": "Kruženje vode u prirodi",
    "ast": "El ciclu de l'agua na naturaleza y les sos fases", "oc": "Lo cicle de l'aiga dins la natura e las sasons",
    "tl": "Ang siklo ng tubig sa kalikasan para sa mga mag-aaral", "khk": "Байгаль дахь усны эргэлт ба уур амьсгал",
}  # fmt: skip


@pytest.mark.parametrize("language", [*TITLES, *RELATIVES])
def test_a_title_that_declares_its_own_language_is_not_said_to_be_in_another(language: str) -> None:
    for title in TITLES.get(language, [RELATIVES.get(language, "")]):
        for elements in ([("title", title, language)], [("title", title, language), ("description", title, language)]):
            resource, codes = read(*elements)
            assert not codes & {"language_contradicted", "title_in_another_language"}
            assert {base(tag.tag) for tag in resource.languages} <= {base(language), *map(base, resource.title)}


def test_a_title_in_another_language_than_it_declares_is_reported_and_its_record_is_in_the_texts_language() -> None:
    resource, codes = read(("title", FRENCH, "nb"))
    assert [language.tag for language in resource.languages] == ["fr"]
    assert "language_contradicted" in codes


def test_a_long_title_in_another_language_contradicts_the_feeds_default() -> None:
    feed = FEED.model_copy(update={"default_language": "es"})
    assert "language_contradicted" in read(("title", FRENCH), feed=feed)[1]


def test_a_further_title_may_be_a_translation() -> None:
    resource, _ = read(
        ("title", "Le cycle de l'eau à l'école"), ("title", "Simulating a pendulum in the classroom"),
        ("language", "fr"),
    )  # fmt: skip
    assert resource.title == {"fr": "Le cycle de l'eau à l'école", "en": "Simulating a pendulum in the classroom"}


def test_a_text_in_another_language_than_its_record_is_reported_as_such() -> None:
    assert read(("title", FRENCH), ("language", "es"))[1] == {"title_in_another_language"}
