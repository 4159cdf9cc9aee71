"""A dead address is told on its resource's page, in the search, and to stewards; nothing is dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from loaders.links import follow_publications, write_checks
from loaders.store import upkeep_run
from pipeline import catalog
from schemas import Environment, LinkCheck
from tests.loaders.nights import on_sqlite, rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.conftest import Browser
from tests.web.test_quarantine import shown

__all__ = ["library"]
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@on_sqlite
def test_the_size_of_a_file_is_told_as_its_server_stated_it(library: Environment, steward: Browser) -> None:
    night(library, "books", [listed("books", number) for number in (0, 1)])
    catalog.publish_now()
    resource, url = rows(library, "resource", "id, url")[0]
    with upkeep_run(library, "links") as run:
        follow_publications(library, run, NOW)
        write_checks(library, run, [LinkCheck(url=url, status="alive", size_bytes=12_345_678)], NOW)
    assert "books.example.org · 12 MB" in shown(steward.get(f"/resources/{resource}").text)
    assert "12 Mo" in shown(steward.get(f"/resources/{resource}?lang=fr").text)
    other = next(row[0] for row in rows(library, "resource", "id") if row[0] != resource)
    assert " MB" not in shown(steward.get(f"/resources/{other}?lang=en").text), "nothing is told of what nobody stated"


@on_sqlite
def test_a_dead_address_is_told_to_readers_and_stewards(library: Environment, steward: Browser) -> None:
    night(library, "books", [listed("books", number) for number in (0, 1)])
    catalog.publish_now()
    resource, url = next(row for row in rows(library, "resource", "id, url") if row[1].endswith("/1"))
    page = steward.get(f"/resources/{resource}").text
    assert "has not answered" not in shown(page)
    with upkeep_run(library, "links") as run:
        follow_publications(library, run, NOW)
        for day in (0, 3, 7):
            at = NOW + timedelta(days=day)
            write_checks(library, run, [LinkCheck(url=url, status="gone", detail="answers 404")], at)
    catalog.index_library(library)
    page = steward.get(f"/resources/{resource}").text
    assert "This link has not answered since" in shown(page)
    assert f'href="{url}"' in page, "it is marked, and not taken away"
    assert f"/resources/{resource}" in steward.get("/search?q=workbook").text
    today = steward.get("/console")
    assert "Addresses that no longer open the resource 1" in shown(today.text)
    links = steward.get("/console/links")
    assert url in links.text and f"/console/resources/{resource}" in links.text
    assert "answers 404" in shown(links.text)
    since = f"{NOW:%Y-%m-%d}"
    for query in ({"feed": "books", "host": "books.example.org", "since": since}, {"since": "yesterday"}):
        assert url in steward.get("/console/links", params=query).text, query
    for query in ({"feed": "films"}, {"host": "example.org"}, {"since": f"{NOW + timedelta(days=9):%Y-%m-%d}"}):
        assert "answers 404" not in shown(steward.get("/console/links", params=query).text), query
    assert "books.example.org 2 0 (0 %) 1 1" in shown(links.text), "addresses, checked of late, never checked, dead"
    assert "check of the links" in shown(steward.get("/console/runs").text)
    assert "Links" in shown(steward.get(f"/console/runs/{run.id}").text)
