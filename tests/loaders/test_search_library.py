"""The library's index has what is published: after each night, after a kill, and on SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tantivy
from filelock import FileLock

from loaders.curation import withdraw
from loaders.search import (
    LIBRARY_INDEX_FOLDER,
    IndexBusy,
    NoLibraryIndex,
    Wanted,
    library_state,
    search_library,
    search_titles,
)
from pipeline import catalog as tasks_catalog
from pipeline.catalog import PublicationUnfinished
from schemas import ROOT, Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import home, library
from tests.pipeline.feeds import declare, listed, night
from transforms.search_words import query_words

__all__ = ["home", "library"]
CASES = json.loads((ROOT / "tests" / "cases" / "search" / "queries.json").read_text(encoding="utf-8"))


def found(env: Environment, text: str, **chosen: list[str]) -> list[str]:
    """Return the titles that are found, in order."""
    wanted = Wanted(text, query_words(text), chosen)
    return [each.title for each in search_library(env, wanted, limit=100).resources]


def published(env: Environment) -> list[str]:
    return sorted(row[0] for row in rows(env, "resource", "title, withdrawn_at") if row[1] is None)


def indexed(env: Environment) -> list[str]:
    return sorted(found(env, ""))


def books(*numbers: int, **more: Any) -> list[Any]:
    return [listed("books", number, **more) for number in numbers]


def test_every_query_of_the_cases_finds_what_is_right(library: Environment) -> None:
    records = [
        listed("books", number, name=title, description=f"Number {number}.", datePublished=f"{1990 + number}-01-01")
        for number, title in enumerate(CASES["titles"])
    ]
    night(library, "books", records)
    tasks_catalog.publish_now()
    if len(published(library)) < len(records):
        pytest.fail(f"titles were merged: {published(library)}")
    for case in CASES["queries"]:
        titles = found(library, case["query"])
        missing = [CASES["titles"][number] for number in case["expected"] if CASES["titles"][number] not in titles]
        assert not missing, (case["why"], titles)


def test_the_index_follows_nights_and_withdrawals(library: Environment) -> None:
    night(library, "books", books(*range(6)))
    tasks_catalog.publish_now()
    assert indexed(library) == published(library)
    folder = library_state(library).folder  # type: ignore[union-attr]
    assert tasks_catalog.index_library(library) == 0
    night(library, "books", [listed("books", 0, name="Volcanoes of the deep sea"), *books(*range(1, 5), 7)])
    withdrawn = dict(rows(library, "source_record", "key, resource_id"))["books:3"]
    withdraw(library, withdrawn, by="Amina", reason="wrong")
    tasks_catalog.publish_now()
    assert indexed(library) == published(library)
    assert found(library, "volcanoes deep sea")[0] == "Volcanoes of the deep sea"
    assert library_state(library).folder == folder  # type: ignore[union-attr]  # written on, not made anew


def test_another_catalog_another_name_of_a_partner_or_a_lost_document_makes_it_anew(library: Environment) -> None:
    night(library, "books", books(0, 1, 2))
    tasks_catalog.publish_now()
    state = library_state(library)
    assert state is not None

    def is_made_anew() -> bool:
        nonlocal state
        before, _ = state, tasks_catalog.index_library(library)
        state = library_state(library)
        assert state is not None and before is not None
        assert indexed(library) == published(library)
        return state.folder != before.folder

    assert not is_made_anew()
    declare(library, "books")
    text = (library.home / "feeds" / "books.toml").read_text().replace("Example University", "University of Examples")
    (library.home / "feeds" / "books.toml").write_text(text)
    assert is_made_anew()
    assert found(library, "", partner=["University of Examples"]) == found(library, "")
    path = library.home / LIBRARY_INDEX_FOLDER / "state.json"
    path.write_text(path.read_text().replace(state.publication, "publish-20990101T000000000000"))
    state = library_state(library)
    assert is_made_anew()
    index = tantivy.Index.open(str(library.home / LIBRARY_INDEX_FOLDER / state.folder))
    writer = index.writer(20_000_000, 1)
    writer.delete_documents_by_term("id", rows(library, "resource", "id")[0][0])
    writer.commit()
    writer.wait_merging_threads()
    assert is_made_anew()
    assert len(list((library.home / LIBRARY_INDEX_FOLDER).glob("index-*"))) == 1


KILLED = """
import os, signal, sys
from loaders.search.library import documents, writing
from pipeline.catalog import index_library
from schemas import environment

made, place = documents.document_of, sys.argv[1]

def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)

def document_of(row, terms):
    if place == "document":
        kill()
    return made(row, terms)

def write_state(env, state):
    kill()

writing.document_of = document_of
if place == "state":
    writing.write_state = write_state
index_library(environment(), anew=sys.argv[2] == "anew")
"""


@pytest.mark.parametrize(("place", "how"), [("document", "anew"), ("state", "anew"), ("state", "further")])
def test_a_kill_leaves_an_index_that_the_next_run_completes(
    home: Environment, monkeypatch: pytest.MonkeyPatch, place: str, how: str
) -> None:
    library = home
    declare(library, "books")
    night(library, "books", books(0, 1))
    tasks_catalog.publish_now()
    before = indexed(library)
    night(library, "books", books(0, 1, 2, name="Another title for all of them"))
    with monkeypatch.context() as patch:
        patch.setattr(tasks_catalog, "index_search", lambda env: 0)
        tasks_catalog.publish_now()
    command = [sys.executable, "-c", KILLED, place, how]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(indexed(library)) in (len(before), len(published(library)))  # whole, as it was or as it is
    tasks_catalog.index_library(library)
    assert indexed(library) == published(library)
    assert len(list((library.home / LIBRARY_INDEX_FOLDER).glob("index-*"))) == 1


def test_one_process_writes_at_a_time(library: Environment) -> None:
    night(library, "books", books(0))
    tasks_catalog.publish_now()
    with FileLock(library.locks / "library-search.lock"):
        with pytest.raises(IndexBusy, match="Another process writes"):
            tasks_catalog.index_library(library, wait_seconds=0)
        assert indexed(library) == published(library)
    state = library_state(library)
    assert state is not None
    other = tantivy.Index.open(str(library.home / LIBRARY_INDEX_FOLDER / state.folder)).writer(20_000_000, 1)
    night(library, "books", books(0, 1))
    with pytest.raises(PublicationUnfinished, match=r"search index\): Another process writes"):
        tasks_catalog.publish_now()
    other.wait_merging_threads()
    tasks_catalog.index_library(library)
    assert indexed(library) == published(library)


def test_identifiers_addresses_and_ids_are_found_exactly(library: Environment) -> None:
    identified = listed("books", 1, sameAs=["https://doi.org/10.1234/AbC-9"], identifier="978-3-16-148410-0")
    night(library, "books", [listed("books", 0), identified])
    tasks_catalog.publish_now()
    by_title = {row[1]: row[0] for row in rows(library, "resource", "id, title")}
    title = next(title for title in by_title if title.startswith("Fractions"))
    for text in (
        "https://books.example.org/1",
        "HTTP://books.example.org/1/",
        by_title[title],
        by_title[title].lower(),
    ):
        assert found(library, text)[0] == title, text


def test_facets_count_and_orders_order(library: Environment) -> None:
    night(library, "books", [listed("books", 0, inLanguage=["fr"], datePublished="2001"), listed("books", 1)])
    declare(library, "maps")
    night(library, "maps", [listed("maps", 2, license=None, datePublished="2025-02-02")])
    tasks_catalog.publish_now()
    result = search_library(library, Wanted("", ()), order="newest")
    assert dict(result.facets["language"]) == {"en": 2, "fr": 1}
    assert dict(result.facets["partner"]) == {"Example University": 3}
    assert dict(result.facets["open"]) == {"yes": 2}
    assert result.total == 3
    years = [each.record.issued_year for each in result.resources]
    assert years == sorted(years, key=lambda year: -(year or 0))
    chosen = search_library(library, Wanted("workbook", query_words("workbook"), {"language": ["fr"], "open": ["yes"]}))
    assert chosen.total == 1
    assert dict(chosen.facets["language"]) == {"en": 1, "fr": 1}  # as if no language were chosen


def test_without_an_index_titles_are_found_by_sql(library: Environment, tmp_path: Path) -> None:
    night(library, "books", books(0, 1))
    tasks_catalog.publish_now()
    (library.home / LIBRARY_INDEX_FOLDER / "state.json").unlink()
    with pytest.raises(NoLibraryIndex):
        search_library(library, Wanted("x", query_words("x")))
    assert [each.title for each in search_titles(library, ["PHOTOSYN", "class"])] == [published(library)[1]]
    for text in ("%", "_", "\\", "'", "x" * 5_000):
        assert search_titles(library, [text]) == []
