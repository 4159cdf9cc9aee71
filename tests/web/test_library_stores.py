"""The library's pages read SQLite and PostgreSQL alike."""

from __future__ import annotations

import re

from sqlalchemy import insert

from loaders.curation import withdraw
from loaders.search import LIBRARY_INDEX_FOLDER
from loaders.store import RedirectRow, write_transaction
from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.conftest import Browser

__all__ = ["library"]


def test_pages_of_either_catalog(library: Environment, visitor: Browser) -> None:
    for path in ("/", "/search", "/search?q=photosynthesis"):  # before anything was published
        assert visitor.get(path).status_code == 200, path
    night(library, "books", [listed("books", number) for number in range(4)])
    tasks_catalog.publish_now()
    known = {title.partition(" ")[0]: resource_id for resource_id, title in rows(library, "resource", "id, title")}
    page = visitor.get("/search", params={"q": "photosynthesis"})
    assert re.findall(r'<h3><a href="/resources/(\w+)', page.text) == [known["Photosynthesis"]]
    assert "CC BY 4.0" in visitor.get(f"/resources/{known['Photosynthesis']}").text
    assert "4" in visitor.get("/").text
    with write_transaction(library) as connection:
        redirect = {"old_id": "01OLD", "id": known["Fractions"], "at": "2026-01-01T00:00:00Z"}
        connection.execute(insert(RedirectRow).values(**redirect))
    moved = visitor.get("/resources/01OLD", params={"lang": "fr"}, follow_redirects=False)
    assert moved.status_code == 301
    assert moved.headers["location"] == f"/resources/{known['Fractions']}?lang=fr"
    withdraw(library, known["Volcanoes"], by="Amina", reason="wrong")
    tasks_catalog.publish_now()
    assert visitor.get(f"/resources/{known['Volcanoes']}").status_code == 410
    (library.home / LIBRARY_INDEX_FOLDER / "state.json").unlink()
    plain = visitor.get("/search", params={"q": "GRAMMAR"})
    assert re.findall(r'<h3><a href="/resources/(\w+)', plain.text) == [known["Grammar"]]
