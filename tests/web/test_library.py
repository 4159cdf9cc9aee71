"""The library's own pages: search, resources, home. They need no account, set no cookie and trust no partner."""

from __future__ import annotations

import html
import json
import re
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from httpx import Response
from sqlalchemy import select, update

from loaders.curation import record_correction, withdraw
from loaders.search import LIBRARY_INDEX_FOLDER
from loaders.store import ResourceRow, engine, write_transaction
from pipeline import catalog as tasks_catalog
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import Browser
from web import create_app
from web.languages import LANGUAGES
from web.settings import WebSettings

FR = "https://w3id.org/kim/isced-2013/n0511"
RECORDS: list[dict[str, Any]] = [
    {
        "name": "La photosynthèse expliquée aux élèves",
        "description": "Un cours complet sur la lumière, les feuilles et la respiration des plantes vertes.",
        "inLanguage": ["fr"],
        "about": [{"id": FR, "prefLabel": {"en": "Biology"}}],
        "creator": [{"type": "Person", "name": "Moreau, Hélène"}],
    },
    {"name": "مدخل إلى الرياضيات", "description": "كتاب مدرسي في الجبر والهندسة.", "inLanguage": ["ar"]},
    {
        "name": "Геометрия для начинающих",
        "description": "Задачи на построение с подробными решениями и чертежами.",
        "inLanguage": ["ru"],
        "license": {"id": "https://rightsstatements.org/vocab/InC/1.0/"},
    },
    {"name": "Robots in the classroom", "description": "How pupils build and program small robots together."},
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A library with the records above, published."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELIB_HOME", str(home))
        patch.setenv("ELIB_FEEDS", str(home / "feeds"))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        declare(env, "books")
        night(env, "books", [listed("books", number, **more) for number, more in enumerate(RECORDS)])
        tasks_catalog.publish_now()
        yield env
        engine(env).dispose()


@pytest.fixture
def reader(library: Environment) -> Iterator[Browser]:
    settings = WebSettings(secret="s" * 40, url="https://library.example.org")
    with Browser(create_app(library, settings), base_url="http://127.0.0.1:8081") as browser:
        yield browser


def ids(env: Environment) -> dict[str, str]:
    """Return the ids of resources by the beginning of their titles."""
    return {title[:5]: resource_id for title, resource_id in rows(env, "resource", "title, id")}


def main_of(answer: Response) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", answer.text.partition("<main")[2].partition("</main>")[0]))


def hits_of(answer: Response) -> list[str]:
    assert answer.status_code == 200
    return re.findall(r'<h3><a href="/resources/(\w+)', answer.text)


def test_a_search_finds_marks_and_counts(library: Environment, reader: Browser) -> None:
    known = ids(library)
    for text, title in (
        ("photosynthese eleves", "La ph"),
        ("respiration feuilles", "La ph"),
        ("respirat", "La ph"),  # the beginning of a word that only the description has
        ("رياضيات", "مدخل "),
        ("الجبر", "مدخل "),
        ("geometrija", "Геоме"),
        ("геометри", "Геоме"),
        ("helene moreau", "La ph"),
        ("biologie", "La ph"),  # the French label of a subject that the partner wrote in English
        ("الأحياء", "La ph"),
        ("https://books.example.org/2", "Геоме"),
        ("photosynthezse", "La ph"),
    ):
        assert hits_of(reader.get("/search", params={"q": text})) == [known[title]], text
    page = reader.get("/search", params={"q": "lumiere"})
    assert "<mark>lumière</mark>" in page.text
    assert "1 resource" in main_of(page)
    everything = reader.get("/search")
    assert len(hits_of(everything)) == 4
    assert re.search(r"language=ar[^>]*>.{0,60}Arabic</bdi></a> <span class=\"soft\">1<", everything.text)


def test_facets_narrow_the_search_and_are_taken_away_again(library: Environment, reader: Browser) -> None:
    known = ids(library)
    assert hits_of(reader.get("/search", params={"language": "ru"})) == [known["Геоме"]]
    assert len(hits_of(reader.get("/search", params={"open": "yes"}))) == 3
    both = reader.get("/search", params={"language": ["ru", "ar"]})
    assert set(hits_of(both)) == {known["Геоме"], known["مدخل "]}
    nothing = reader.get("/search", params={"q": "геометрия", "language": "fr"})
    assert hits_of(nothing) == []
    target = re.search(r'<a href="([^"]+)">Search everything, without', nothing.text)
    assert target and hits_of(reader.get(html.unescape(target[1]))) == [known["Геоме"]]
    subject = hits_of(reader.get("/search", params={"subject": "isced-f:0511", "order": "newest"}))
    assert subject == [known["La ph"]]


HOSTILE = [
    "x" * 10_000,
    " ".join(f"слово{number}" for number in range(300)),
    "?!…—«»()[]{}",
    '"unclosed AND (title:x OR -y) ~2 ^3 *',
    "title:robots~ +must -not",
    ".*",
    "a*b?c\\",
    "\x01\x02\x7f\u202e",
    "\ud800",
    "' OR 1=1 --",
    "{{7*7}}",
    "<script>alert(1)</script>zzz",
    "㎏ ﷽ 𝔘𝔫𝔦 ①",
    "ฺ",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_search_gets_a_right_answer(reader: Browser, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    for order in ("", "&order=newest", "&page=50", "&page=-1", "&page=x", "&open=%2A&language=" + "y" * 500):
        answer = reader.get(f"/search?q={quote_from_bytes(raw)}{order}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text and ">49<" not in answer.text
    if not any(unicodedata.category(letter)[0] in "LMN" for letter in text):
        assert "type at least one letter or digit" in reader.get(f"/search?q={quote_from_bytes(raw)}").text


def test_a_resource_is_shown_with_its_licence_and_what_machines_read(library: Environment, reader: Browser) -> None:
    address = f"/resources/{ids(library)['La ph']}"
    page = reader.get(address)
    text = main_of(page)
    for shown in ("La photosynthèse expliquée aux élèves", "Hélène Moreau", "Biology", "Example University", "French"):
        assert shown in text, shown
    assert "“La photosynthèse expliquée aux élèves” by Hélène Moreau" in text
    assert "https://creativecommons.org/licenses/by/4.0/" in text
    linked = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page.text)[1])  # type: ignore[index]
    assert linked["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert '<meta property="og:title" content="La photosynthèse' in page.text
    assert '<meta name="DCTERMS.creator" content="Hélène Moreau">' in page.text
    assert f'<link rel="canonical" href="https://library.example.org{address}">' in page.text
    subjects = {"fr": "Biologie", "ru": "Биология", "ar": "علم الأحياء"}
    for language, label in subjects.items():
        assert label in main_of(reader.get(address, params={"lang": language}))


def test_a_partners_text_stays_text_and_leads_nowhere_else(library: Environment, reader: Browser) -> None:
    resource_id = ids(library)["Robot"]
    evil = {
        "title": {"en": "</script><script>alert(1)</script> & “robots” \u202e"},
        "description": {"en": "</textarea><img src=x onerror=alert(2)> \x01 robots"},
        "contributors": [{"name": "<b>Ada</b>", "role": "author", "kind": "person"}],
        "keywords": [{"language": '"><i>', "text": "<i>robots</i>"}],
        "url": "javascript:alert(3)",
        "links": [
            {"url": "JavaScript:alert(4)"},
            {"url": "data:text/html,x"},
            {"url": "https://files.example.org/r.pdf"},
        ],
        "relations": [{"kind": "requires", "target": "javascript:alert(5)"}],
        "identifiers": [{"scheme": "uri", "value": "javascript:alert(6)"}],
    }
    with write_transaction(library) as connection:  # as a version before today's checks may have published it
        row = connection.execute(select(ResourceRow.record).where(ResourceRow.id == resource_id)).one()
        record = json.dumps(json.loads(row.record) | evil)
        connection.execute(update(ResourceRow).where(ResourceRow.id == resource_id).values(record=record))
    page, found = reader.get(f"/resources/{resource_id}"), reader.get("/search", params={"q": "robots"})
    for answer in (page, found):
        assert answer.status_code == 200
        for markup in ("<script>alert", "<img", "<b>Ada", "<i>robots", "</textarea><"):
            assert markup not in answer.text, markup
    linked = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.text)
    assert linked and "alert(1)" in json.loads(linked[1])["name"]
    targets = re.findall(r'href="([^"]*)"', page.text)
    assert "https://files.example.org/r.pdf" in targets
    for target in targets:
        assert target.startswith(("/", "#", "https://", "http://")), target


def test_ids_that_are_gone_moved_or_never_were(library: Environment, reader: Browser) -> None:
    night(library, "books", [listed("books", number, **more) for number, more in enumerate(RECORDS)])
    withdrawn = ids(library)["Геоме"]
    withdraw(library, withdrawn, by="Amina", reason="a secret reason")
    record_correction(library, ids(library)["مدخل "], "title.ar", json.dumps("مدخل إلى الجبر"), by="Amina", reason="x")
    tasks_catalog.publish_now()
    gone = reader.get(f"/resources/{withdrawn}")
    assert gone.status_code == 410
    assert "no longer in the library" in gone.text
    assert "secret" not in gone.text and "Геометрия" not in gone.text
    assert hits_of(reader.get("/search", params={"q": "геометрия"})) == []
    corrected = reader.get(f"/resources/{ids(library)['مدخل ']}")
    assert "Corrected by the library: title." in main_of(corrected)
    assert "Amina" not in corrected.text
    for unknown in ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "..%2f..%2fetc", "<b>", "a" * 300):
        assert reader.get(f"/resources/{unknown}").status_code == 404


def test_pages_set_no_cookie_and_keep_the_chosen_language_in_their_links(library: Environment, reader: Browser) -> None:
    for path in ("/", "/search?q=robots", f"/resources/{ids(library)['La ph']}", "/resources/x"):
        for language in LANGUAGES:
            answer = reader.get(path, params={"lang": language} if "?" not in path else None)
            assert "set-cookie" not in answer.headers
    page = reader.get("/search", params={"q": "robots", "lang": "ar"})
    assert 'dir="rtl"' in page.text
    links = re.findall(r'href="(/[^"]*)"', page.text.partition("<main")[2])
    assert links and all("lang=ar" in link for link in links)
    assert '<input type="hidden" name="lang" value="ar">' in page.text


def test_a_page_may_be_kept_and_is_not_sent_twice(reader: Browser) -> None:
    first = reader.get("/search", params={"q": "robots"})
    assert first.headers["cache-control"] == "public, max-age=300"
    assert "Accept-Language" in first.headers["vary"]
    again = reader.get("/search", params={"q": "robots"}, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    assert reader.head("/search", params={"q": "robots"}).headers["etag"] == first.headers["etag"]
    with_cookie = reader.get("/search", params={"q": "robots"}, headers={"cookie": "language=fr"})
    assert "public" not in with_cookie.headers["cache-control"]


def test_somebody_who_searches_too_often_is_told_to_wait(reader: Browser) -> None:
    answers = [reader.get("/search", params={"q": "robots"}) for _ in range(130)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0


def test_the_home_page_explains_the_library_in_its_languages(reader: Browser) -> None:
    texts = {language: main_of(reader.get("/", params={"lang": language})) for language in LANGUAGES}
    assert "Learning resources for teachers" in texts["en"]
    assert "ressources pédagogiques" in texts["fr"]
    assert "Учебные материалы" in texts["ru"]
    assert "موارد تعليمية" in texts["ar"]
    assert "photosynthèse" in texts["en"]


def test_without_an_index_titles_are_found_and_the_page_says_so(
    library: Environment, reader: Browser, tmp_path: Path
) -> None:
    folder, aside = library.home / LIBRARY_INDEX_FOLDER, tmp_path / "aside"
    for damaged in ("", "state", "meta"):
        if damaged:
            tasks_catalog.index_library(library, anew=True)
            for path in folder.rglob(f"{damaged}.json"):
                path.write_bytes(b'{"version": 999')
        else:
            shutil.move(folder, aside)
        page = reader.get("/search", params={"q": "photosynthèse"})
        assert hits_of(page) == [ids(library)["La ph"]]
        assert "only titles are looked for" in page.text
        assert hits_of(reader.get("/search", params={"q": "100%_photo"})) == []
        assert reader.get("/").status_code == 200
        tasks_catalog.index_library(library)
        page = reader.get("/search", params={"q": "photosynthese"})
        assert hits_of(page) == [ids(library)["La ph"]]
        assert "only titles" not in page.text
