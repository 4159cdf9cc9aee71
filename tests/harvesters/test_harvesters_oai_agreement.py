"""Servers and clients that are not ours: oai-repo and pyoai serve, and we, sickle and oaipmh-scythe read the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree
from oaipmh_scythe import Scythe
from sickle import Sickle

from loaders.landing import ask, land
from schemas import Ask
from tests.harvesters.foreign_repositories import FOREIGN, Collection, foreign_repository, name
from tests.harvesters.loopback import Loopback, feed, open_environment, pages

OAI = "{http://www.openarchives.org/OAI/2.0/}"
Seen = tuple[str, str, tuple[str, ...], bool, str]
Served = tuple[Loopback, Collection]


@pytest.fixture(params=FOREIGN)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    collection = Collection()
    with foreign_repository(request.param, collection) as loopback:
        yield loopback, collection


def canonical(record: etree._Element) -> str:
    metadata = record.find(f"{OAI}metadata")
    return (
        "" if metadata is None else etree.tostring(metadata[0], method="c14n2", strip_text=True).decode()
    )  # sickle drops the white space between elements


def ours(url: str, home: Path, ask: Ask | None = None, **more: object) -> list[Seen]:
    harvested = []
    for page in pages(feed(url, **more), open_environment(home), ask or Ask()):
        for record in page.records:
            text = canonical(etree.fromstring(record.payload)) if record.payload else ""
            harvested.append((record.identifier, record.datestamp or "", record.sets, record.deleted, text))
    return harvested


def theirs(url: str, **arguments: str) -> list[Seen]:
    harvested = []
    for record in Sickle(url).ListRecords(metadataPrefix="oai_dc", **arguments):
        header = record.header
        text = "" if header.deleted else canonical(record.xml)
        harvested.append((header.identifier, header.datestamp, tuple(header.setSpecs), header.deleted, text))
    return harvested


def scythes(url: str, set_: str | None = None) -> list[Seen]:
    harvested = []
    with Scythe(url) as scythe:
        for record in scythe.list_records(set_=set_):
            header = record.xml.find(f"{OAI}header")
            sets = tuple(spec.text for spec in header.iterchildren(f"{OAI}setSpec"))
            deleted = header.get("status") == "deleted"
            stamp = header.findtext(f"{OAI}datestamp")
            harvested.append(
                (header.findtext(f"{OAI}identifier"), stamp, sets, deleted, "" if deleted else canonical(record.xml))
            )
    return harvested


def test_our_harvest_sickles_and_scythes_agree_record_for_record(served: Served, tmp_path: Path) -> None:
    loopback, collection = served
    harvested = ours(loopback.url, tmp_path)
    assert len(harvested) == len(collection.stamps)
    assert sum(deleted for *_, deleted, _ in harvested) == len(collection.deleted)
    assert harvested == theirs(loopback.url)
    assert harvested == scythes(loopback.url)


def test_they_agree_on_one_set(served: Served, tmp_path: Path) -> None:
    loopback, collection = served
    harvested = ours(loopback.url, tmp_path, sets=["s1"])
    assert len(harvested) == len(collection.chosen(None, None, "s1"))
    assert harvested == theirs(loopback.url, set="s1")
    assert harvested == scythes(loopback.url, "s1")


@pytest.mark.parametrize("since", ["2026-01-03T00:00:00Z", "2026-01-07T02:00:00Z", "2026-01-13T11:00:00Z"])
def test_they_agree_on_what_is_new_since_a_moment(served: Served, tmp_path: Path, since: str) -> None:
    loopback, _ = served
    harvested = ours(loopback.url, tmp_path, Ask(since=since, full=False))
    assert harvested == theirs(loopback.url, **{"from": since})
    assert min(stamp for _, stamp, *_ in harvested) == since


def test_the_second_night_brings_what_changed_and_what_was_deleted(served: Served, tmp_path: Path) -> None:
    loopback, collection = served
    env, books = open_environment(tmp_path), feed(loopback.url)
    held: dict[str, Seen] = {}
    for night in (1, 2):
        begun = loopback.requests.copy()
        next_ask = ask(env.landing, books)
        harvested = ours(loopback.url, tmp_path / "seen", next_ask)
        land(env.landing, books, f"books-2026030{night}T000000Z-{night:08x}", pages(books, env, next_ask), ask=next_ask)
        held.update({row[0]: row for row in harvested})
        assert sorted(held.values()) == sorted(theirs(loopback.url))
        if night == 2:
            with_from = [request.params for request in loopback.requests[len(begun) :] if "from" in request.params]
            assert with_from, "the second night asks for what is new"
            assert {row[0] for row in harvested} == {name(n) for n in range(100, 180)}
        collection.now += timedelta(days=10_000)  # later than the mark of any clock
        collection.change(range(100, 160))
        collection.change(range(160, 180), delete=True)
