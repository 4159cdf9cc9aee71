"""How each feed stands; a feed is paused and resumed, harvested and reprocessed."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path

import pytest

from loaders.declarations import set_status
from schemas import BadFeed, Environment, read_feed
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import FEED, declare, listed, night
from tests.web.background import ended
from tests.web.conftest import Browser

__all__ = ["library"]
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)
PAGE = "/console/feeds"
FIXTURES = Path(__file__).parents[1] / "fixtures"


def shown(page: str) -> str:
    """The page's text without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi)[^>]*>", "", page))))


def test_feeds_are_listed_by_status_with_their_last_run_and_what_is_wrong(
    library: Environment, steward: Browser
) -> None:
    declare(library, "films", 'status = "paused"\n')
    (library.feeds / "broken.toml").write_text("title = 1\nnonsense = 2\n")
    night(library, "books", [listed("books", 0), listed("books", 1, id="no-address")])
    text = shown(steward.get(PAGE).text)
    assert "active 1" in text and "paused 1" in text and "its file has a mistake" in text
    assert f'{PAGE}/books"' in steward.get(PAGE).text and "in the catalog" in text
    page = shown(steward.get(f"{PAGE}/books").text)
    assert "1 version waits" in page and "Version 1" not in page and "https://example.org/api" in page
    assert steward.get(f"{PAGE}/broken").status_code == 200
    for name in ("nobody", "..%2fbooks", "BOOKS"):
        assert steward.get(f"{PAGE}/{name}").status_code == 404


@on_sqlite
def test_a_feed_of_the_installation_is_paused_and_resumed(library: Environment, steward: Browser) -> None:
    page, path = f"{PAGE}/books", library.registered_feeds / "books.toml"
    done = steward.submit(page, page, action="pause")
    assert "Paused" in shown(done.text) and read_feed(path).status == "paused"
    done = steward.submit(page, page, action="resume")
    assert "Resumed" in shown(done.text) and read_feed(path).status == "active"


@on_sqlite
@pytest.mark.parametrize(
    "text",
    [
        FEED,
        FEED + '[request]\nrate = 1.0\nparams = { status = "new" }\n',
        FEED + '# status = "retired"\nstatus = "active" # for now\n\n[expect]\nmax_drop = 0.1\n',
        FEED + 'note = """\nlong\n"""\n',
        FEED.replace("\n", "\r\n"),
    ],
)
def test_only_the_status_of_a_file_changes(library: Environment, text: str) -> None:
    path = library.registered_feeds / "books.toml"
    path.write_bytes(text.encode())
    before = read_feed(path)
    set_status(library, "books", "paused")
    assert read_feed(path) == before.model_copy(update={"status": "paused"})
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith("status")]
    changed = path.read_bytes().decode().splitlines(keepends=True)
    assert [line for line in changed if not line.startswith("status")] == kept
    assert "for now" not in text or "# for now" in path.read_text()


@on_sqlite
def test_a_file_of_which_more_would_change_stays_as_it_is(library: Environment) -> None:
    path = library.registered_feeds / "books.toml"
    path.write_text(FEED + 'note = """\nstatus = "x"\n[section]\n"""\n')
    before = path.read_text()
    with pytest.raises(BadFeed, match="by hand"):
        set_status(library, "books", "paused")
    assert path.read_text() == before


@on_sqlite
def test_a_file_of_another_folder_is_not_written_and_the_lines_are_shown(
    library: Environment, steward: Browser, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "books.toml").write_text(FEED)
    steward.app.state.env = library.__class__(  # type: ignore[attr-defined]
        home=library.home,
        catalog_url=library.catalog_url,
        feeds=type(library.feeds)([folder]),
        allow_private=frozenset(),
    )
    page = f"{PAGE}/books"
    assert 'status = "paused"' in shown(steward.get(page).text) and str(folder) in steward.get(page).text
    refused = steward.submit(page, page, action="pause")
    assert 'class="message error"' in refused.text and (folder / "books.toml").read_text() == FEED


@on_sqlite
def test_a_harvest_that_fails_is_shown_with_its_sentence(library: Environment, steward: Browser) -> None:
    declare(library, "films", "[request]\nretries = 0\n")
    path = library.registered_feeds / "films.toml"
    path.write_text(path.read_text().replace("https://example.org/api", "http://127.0.0.1:9/api"))
    answer = steward.submit(f"{PAGE}/films", "/console/work", action="harvest", target="films", reason="they say so")
    progress = ended(library, answer.url)
    assert progress.state == "failed" and rows(library, "harvest_run", "status") == [("failed",)]
    assert progress.sentence and progress.sentence in unescape(steward.get(str(answer.url)).text)


@on_sqlite
def test_a_harvest_takes_the_feed_through_every_step_and_publishes(library: Environment, steward: Browser) -> None:
    inbox = library.home / "inbox" / "films"
    inbox.mkdir(parents=True)
    shutil.copy(sorted((FIXTURES / "lom").glob("*.xml"))[0], inbox)
    declared = 'title = "Films"\npartner = "A"\nprotocol = "files"\nurl = "inbox:films"\nformat = "lom"\n'
    (library.registered_feeds / "films.toml").write_text(declared)
    page = f"{PAGE}/films"
    answer = steward.submit(page, "/console/work", action="full harvest", target="films", reason="new", back=page)
    progress = ended(library, answer.url)
    assert progress.state == "done" and progress.sentence.startswith("Published: "), progress
    assert rows(library, "source_record", "feed") == [("films",)]
    text = shown(steward.get(page).text)
    assert "Version 1, kept since" in text and "Amina" in text and ": new" in text
