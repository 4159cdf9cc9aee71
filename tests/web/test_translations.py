"""The texts of the web: each has its translations, with the same placeholders, and the catalogs are current."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from docs.generate.translations import CATALOGS, WEB, current, texts
from schemas import BadFeed, read_declaration
from tests.web.conftest import Browser
from web.languages import translations

LANGUAGES = sorted(CATALOGS)
FORMS = {"fr": 2, "ru": 3, "ar": 6}
PLACEHOLDER = re.compile(r"%\(\w+\)\w|%\w|\{\w+\}")
JINJA = re.compile(r"\{#.*?#\}|\{% trans.*?endtrans %\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
VERBATIM = re.compile(r"<(pre|kbd|code)\b.*?</\1>", re.DOTALL)
WORDS = re.compile(r"""(?:>|\b(?:aria-label|title|placeholder|alt)=")([^<>"]*[^\W\d_]{2,}[^<>"]*)[<"]""")
TRANSLATING = ("gettext_of", "marked", "gettext", "HTTPException")


def catalog(language: str) -> Catalog:
    with CATALOGS[language].open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def entries(language: str) -> Iterator[tuple[Message, list[str]]]:
    """Yield each text of a catalog with its translation, or one per plural form."""
    for message in catalog(language):
        if message.id:
            yield message, [message.string] if isinstance(message.string, str) else list(message.string)


def placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalog_has_the_texts_of_the_templates_and_the_code_and_no_others(language: str) -> None:
    path = CATALOGS[language]
    is_current = path.read_text(encoding="utf-8") == current(path, language)
    assert is_current, "write it again: python -m docs.generate.translations, and translate what is new"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    missing = [
        message.id
        for message, strings in entries(language)
        if message.fuzzy or not all(strings) or (message.pluralizable and len(strings) != FORMS[language])
    ]
    assert not missing, f"translate them in {CATALOGS[language].name}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    wrong = [
        (message.id, string)
        for message, strings in entries(language)
        for string in strings
        if placeholders(string) != placeholders(message.id[0] if message.pluralizable else message.id)
    ]
    assert not wrong


def test_no_text_has_spaces_around_it_or_is_the_name_of_a_value() -> None:
    """`gettext_of(request, titles["feed"])` would put `feed` into the catalogs instead of its title."""
    singular = [message.id if isinstance(message.id, str) else message.id[0] for message in texts() if message.id]
    assert not [text for text in singular if text != text.strip() or re.fullmatch(r"\w*_\w*", text)]


@pytest.mark.parametrize("page", sorted((WEB / "templates").rglob("*.html")), ids=lambda page: page.name)
def test_the_words_of_a_template_are_in_the_catalogs(page: Path) -> None:
    """What is no code, address or key of the keyboard goes through `_()`, `ngettext` or `trans`."""
    markup = VERBATIM.sub("", JINJA.sub("", page.read_text(encoding="utf-8")))
    assert not [words for words in WORDS.findall(markup) if not words.startswith("https://")]


def test_a_choice_between_two_texts_marks_each_of_them() -> None:
    """Babel joins the strings of one argument, and neither of `"a" if x else "b"` would be translated."""
    joined = [
        place
        for place, call in calls(*TRANSLATING)
        if any(isinstance(argument, ast.IfExp | ast.JoinedStr) for argument in call.args)
    ]
    assert not joined, "write marked(…) around each text, and no f-string"


def test_what_a_page_tells_after_a_form_is_in_the_catalogs() -> None:
    plain = [
        place for place, call in calls("tell", "decide") if any(isinstance(each, ast.Constant) for each in call.args)
    ]
    assert not plain, "write gettext_of(request, …) around what is told, marked(…) around what is passed to decide"


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of functions in the web's code, each with its file and line."""
    for path in sorted(WEB.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in names:
                yield f"{path.relative_to(WEB)}:{node.lineno}", node


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 версия ждёт"), (3, "3 версии ждут"), (5, "5 версий ждут"), (21, "21 версия ждёт")]
)
def test_the_plural_form_follows_the_number(count: int, text: str) -> None:
    form = translations("ru").ngettext(
        "%(num)s version waits for a decision.", "%(num)s versions wait for a decision.", count
    )
    assert (form % {"num": count}).startswith(text)


@pytest.mark.parametrize("env", ["sqlite"], indirect=True)
def test_a_page_in_arabic_runs_from_right_to_left_with_arabic_navigation(steward: Browser) -> None:
    page = steward.get("/console?lang=ar").text
    assert '<html lang="ar" dir="rtl">' in page
    navigation = re.search(r'<nav class="rooms".*?</nav>', page, re.DOTALL)
    assert navigation and not re.search("[A-Za-z]", re.sub(r"<[^>]+>", "", navigation[0]))
    for label in ("اليوم", "المصادر", "القرارات"):
        assert label in navigation[0]


@pytest.mark.parametrize("env", ["sqlite"], indirect=True)
def test_what_is_refused_is_said_in_the_language_of_the_reader(steward: Browser) -> None:
    assert "Страница не найдена" in steward.get("/console/nowhere?lang=ru").text
    assert "Ce flux n’existe pas." in steward.get("/console/feeds/nowhere?lang=fr").text


# Errors that pages show: what they say is a sentence, which the catalogs translate and the command line prints.
SHOWN_ERRORS = {
    *("ApplicationTrouble", "Changed", "AccountTrouble", "CannotDecide", "WrongRunState", "FeedBusy", "Unsigned"),
    *("CannotBegin", "MailNotSent", "RowsUnreadable", "NoIndex", "StatusUnchanged", "TrialRefused", "Mistake"),
}
ROOMS = ("schemas", "loaders", "pipeline", "web")


def texts_without_translation(path: Path) -> Iterator[str]:
    """Yield the places at which an error that pages show is made of a plain text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SHOWN_ERRORS):
            continue
        what = node.args[-1] if node.args else None
        if isinstance(what, ast.JoinedStr) or (isinstance(what, ast.Constant) and isinstance(what.value, str)):
            yield f"{path.relative_to(WEB.parent)}:{node.lineno}"


def test_every_refusal_and_mistake_that_pages_show_is_translated() -> None:
    files = [path for room in ROOMS for path in (WEB.parent / room).rglob("*.py")]
    assert len(files) > 300
    assert [place for path in files for place in texts_without_translation(path)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mistakes_of_a_declaration_are_shown_in_the_readers_language(language: str) -> None:
    hostile = {
        "title": "",
        "partner": "\x01",
        "protocol": "csv",
        "url": "ftp://example.org/<script>%(x)s",
        "trsut": 1,
        "trust": "much",
        "schedule": "0 0 31 2 *",
        "sets": ["a"],
        "map": {"nonsense": "a b("},
        "request": {"rate": -1, "delimiter": "%(gt)s", "quiet_hours": ["noon"], "headers": {"Cookie": "x"}},
        "expect": {"max_drop": 2, "records": [3]},
    }
    with pytest.raises(BadFeed) as raised:
        read_declaration("feed", hostile)
    told = translations(language)
    mistakes = raised.value.reasons
    assert len(mistakes) > 8 and {"title", "trsut", "request.rate", "expect.max_drop"} <= {
        each.key for each in mistakes
    }
    for each in mistakes:
        assert str(each) == f"{each.key}: {each.sentence}", "the command line shows it in English"
        text = told.gettext(each.sentence.text)
        assert text != each.sentence.text, each
        assert all(str(value) in text % each.sentence.values for value in each.sentence.values.values())
