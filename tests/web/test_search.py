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
