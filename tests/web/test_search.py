"""A record, resource or run is found by exactly what it is called."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.conftest import Browser

__all__ = ["library"]
PAGE = "/console/search"
HOSTILE = [
    "<script>alert(1)</script>",
    "'; DROP TABLE resource; --",
    "%",
    "a\x00b",
    "\u202eabc",
    "x" * 4_000,
    "{{ 7*7 }}",
]


def test_names_of_any_kind_are_found(library: Environment, steward: Browser) -> None:
    record = listed("books", 0)
    address = msgspec.structs.replace(listed("books", 1), identifier="https://books.example.org/a?b=1&c")
    run, _ = night(library, "books", [record, address])
    tasks_catalog.publish_now()
    resource_id = rows(library, "resource", "id")[0][0]
    for name in ("books:0", "0", " books:0 "):
        assert "/console/records?key=books%3A0" in steward.get(PAGE, params={"text": name}).text, name
    assert "books:https://books" in steward.get(PAGE, params={"text": address.identifier}).text
    for name in (resource_id, f"https://library.example.org/resources/{resource_id}"):
        assert f"/console/resources/{resource_id}" in steward.get(PAGE, params={"text": name}).text
    assert f"/console/runs/{run}" in steward.get(PAGE, params={"text": run}).text


PAGES = (
    (PAGE, "text"),
    ("/console/records", "key"),
    ("/console/runs", "feed"),
    ("/console/runs", "after"),
    ("/console/decisions", "by"),
    ("/console/decisions", "after"),
    ("/console/quarantine", "text"),
    ("/console/pairs", "left"),
)


def test_hostile_texts_find_nothing_and_stay_text(library: Environment, steward: Browser) -> None:
    for text in HOSTILE:
        for path, name in PAGES:
            page = steward.get(path, params={name: text, "right": "x"})
            assert page.status_code in (200, 400, 404, 422), (path, text[:20], page.status_code)
            assert "<script>alert" not in page.text and ">49<" not in page.text
        for path in ("/console/runs/", "/console/resources/", "/console/feeds/", "/console/work/"):
            assert steward.get(path + quote(text, safe="")).status_code in (400, 404)
    form = steward.submit("/console", "/console/undo", batch="a\x00b", back=PAGE)
    assert form.status_code == 422


def found(browser: Browser, text: str, **more: str) -> str:
    """Return the list of what is found."""
    page = browser.get(PAGE, params={"text": text, **more})
    assert page.status_code == 200
    return page.text.partition('<ul class="todo">')[2].partition("</ul>")[0]


def test_records_and_resources_are_found_by_words_of_titles_and_people(library: Environment, steward: Browser) -> None:
    russian = listed(
        "books", 7, name="Фотосинтез и дыхание растений", creator=[{"type": "Person", "name": "Ольга Ёлкина"}]
    )
    arabic = listed("books", 8, name="مقدّمة في الرياضيات")
    thai = listed("books", 9, name="คณิตศาสตร์ชั้นประถม")
    assert "next publication" in steward.get(PAGE, params={"text": "photosynthesis"}).text
    night(library, "books", [listed("books", 0), russian, arabic, thai, listed("books", 3, name=None)])
    tasks_catalog.publish_now()
    of_one = {  # what is typed → the record that has it
        "PHOTOSYNTHESIS class": "books:0",
        "photosyn": "books:0",
        "fotosintez": "books:7",
        "елкина": "books:7",
        "مقدمة الرياضيات": "books:8",
        "ประถม": "books:9",
        "books.example.org/0": "books:0",
        "HTTP://www.books.example.org/0/": "books:0",
        "photosinthesis": "books:0",  # one letter is wrong
        "workbook class 1": "books:0",
    }
    for text, key in of_one.items():
        lines = found(steward, text)
        assert f"key={key.replace(':', '%3A')}" in lines, text
        assert "/console/resources/" in lines, text
    assert "/console/resources/" not in found(steward, "photosynthesis", kind="record")
    assert "/console/records" not in found(steward, "photosynthesis", kind="resource")
    assert found(steward, "photosynthesis zebra") == ""
    assert "books%3A3" in steward.get(PAGE, params={"text": "books:3"}).text  # its version waits


def test_the_index_follows_the_catalog_and_is_made_again_when_it_is_damaged(
    library: Environment, steward: Browser
) -> None:
    night(library, "books", [listed("books", 0), listed("books", 1)])
    tasks_catalog.publish_now()
    assert tasks_catalog.index_search(library) == 0  # nothing changed
    night(library, "books", [listed("books", 0, name="Volcanoes of the deep sea"), listed("books", 1)])
    tasks_catalog.publish_now()
    assert "books%3A0" in found(steward, "volcanoes deep")
    assert "books%3A0" not in found(steward, "photosynthesis")
    for damaged in (library.home / "search").glob("*.json"):
        damaged.write_bytes(b"{")
    assert "missing or damaged" in steward.get(PAGE, params={"text": "volcanoes"}).text
    assert tasks_catalog.index_search(library) == 4
    assert "books%3A0" in found(steward, "volcanoes deep")
