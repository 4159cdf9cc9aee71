"""How each feed stands; a feed is paused and resumed, harvested and reprocessed."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import insert

from commands.cli import main
from loaders.declarations import set_status, update_declarations
from loaders.store import HarvestRunRow, add_measures, write_transaction
from schemas import BadFeed, Environment, read_feed
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import FEED, declare, listed, night
from tests.web.background import ended
from tests.web.conftest import STEWARD, Browser

__all__ = ["library"]
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)
PAGE = "/console/feeds"
EXPECTED = ("least", "most", "max_drop_records", "max_error_share", "language_share", "license_share")
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
    french = shown(steward.get(f"{PAGE}/broken", params={"lang": "fr"}).text)
    assert "son fichier contient une faute : " in french and "nonsense: clé inconnue ; retirez-la" in french
    steward.get("/console", params={"lang": "en"})
    for name in ("nobody", "..%2fbooks", "BOOKS"):
        assert steward.get(f"{PAGE}/{name}").status_code == 404


@on_sqlite
def test_a_feed_of_the_installation_is_paused_and_resumed(library: Environment, steward: Browser) -> None:
    page, path = f"{PAGE}/books", library.registered_feeds / "books.toml"
    done = steward.submit(page, page, action="pause")
    assert "Paused" in shown(done.text) and read_feed(path).status == "paused"
    done = steward.submit(page, page, action="resume")
    assert "Resumed" in shown(done.text) and read_feed(path).status == "active"


def test_a_feed_that_has_ended_is_reopened_noted_and_undone(library: Environment, steward: Browser) -> None:
    page, path = f"{PAGE}/books", library.registered_feeds / "books.toml"
    set_status(library, "books", "retired")
    assert "This feed has ended" in shown(steward.get(page).text)
    done = steward.submit(page, page, action="reopen", reason="They are back")
    assert "Reopened. Its next harvest reads the whole list" in shown(done.text) and read_feed(path).status == "active"
    assert f"{STEWARD}, " in shown(done.text) and "They are back" in shown(done.text), "who, when and why"
    again = steward.submit(page, page, action="reopen", reason="They are back")
    assert "has this status already: active" in shown(again.text), "the second of two stewards is told"
    steward.submit(page, "/console/undo", batch="status:books:retired", back=page)
    assert read_feed(path).status == "retired"
    for wrong in ("status:books:gone", "status:../books:active", "status:nobody:active"):
        steward.submit(page, "/console/undo", batch=wrong, back=page)
        assert read_feed(path).status == "retired"
    assert 'value="pause"' not in steward.get(page).text


@on_sqlite
def test_the_command_line_reopens_a_feed_too(
    library: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELIB_HOME", str(library.home))
    monkeypatch.setenv("ELIB_FEEDS", str(library.feeds))
    monkeypatch.setenv("ELIB_CATALOG_URL", library.catalog_url)
    set_status(library, "books", "retired")
    signed = ["--by", "A Steward", "--reason", "They are back"]
    assert main(["review", "feed-status", "books", "paused", *signed]) == 1
    assert "Reopen it first" in capsys.readouterr().err
    assert main(["review", "feed-status", "books", "active", *signed]) == 0
    assert "it was retired" in capsys.readouterr().out
    assert main(["review", "feed-status", "nobody", "active", *signed]) == 1
    assert main(["review", "feed-status", "books", "active", "--by", "", "--reason", "x"]) == 1


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
    form = dict.fromkeys(
        ("least", "most", "max_drop_records", "max_error_share", "language_share", "license_share"), ""
    )
    tried = steward.submit(page, f"{page}/expect", action="try", max_drop="7", **form)
    assert "max_drop = 0.07" in expecting(tried.text) and 'value="save"' not in tried.text
    refused = steward.submit(page, f"{page}/expect", action="save", max_drop="7", **form)
    assert "does not write this file" in shown(refused.text) and (folder / "books.toml").read_text() == FEED


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


def expecting(page: str) -> str:
    return shown(page.partition('id="expect"')[2].partition("</section>")[0])


def test_expectations_are_replayed_on_the_last_runs_before_they_are_saved(
    library: Environment, steward: Browser
) -> None:
    page, path = f"{PAGE}/books", library.registered_feeds / "books.toml"
    path.write_text(path.read_text() + "# keep me\n[expect]\nmax_drop_records = 50\n")
    night(library, "books", [listed("books", number) for number in range(20)])
    night(library, "books", [listed("books", number) for number in range(12)])
    night(library, "books", [listed("books", number) for number in range(12)])  # nothing changes
    update_declarations(library)
    form = {"least": "15", "most": "30", "max_drop": "10", "max_drop_records": "3", "license_share": "20,5"}
    form |= {"max_error_share": "", "language_share": ""}
    tried = expecting(steward.submit(page, f"{page}/expect", action="try", **form).text)
    assert "would have held 1 of the last 3 runs" in tried and "20" in tried and "8" in tried
    assert read_feed(path).expect.records is None
    done = steward.submit(page, f"{page}/expect", action="save", **form)
    assert "Saved" in shown(done.text) and "Amina" in done.text
    saved = read_feed(path).expect
    assert (saved.records, saved.max_drop, saved.max_drop_records, saved.license_share) == ((15, 30), 0.1, 3, 0.205)
    assert "# keep me" in path.read_text()
    wrongs = {"most": "", "least": "40", "license_share": "200", "max_drop": "much", "max_error_share": "1e999"}
    for wrong in ({name: value} for name, value in wrongs.items()):
        assert "no expectation" in shown(steward.submit(page, f"{page}/expect", action="save", **form | wrong).text)
    assert read_feed(path).expect == saved
    update_declarations(library)
    history = shown(steward.get(page).text.partition("History of the declaration")[2])
    assert "Version 2" in history and "expect.license_share 0.205" in history and "Version 1" in history


def test_what_is_unusual_is_told_with_its_figure(steward: Browser, library: Environment) -> None:
    for number in range(1, 12):
        at = f"2026-01-{number:02}T01:00:00.000000Z"
        row = {"id": f"books-202601{number:02}T010000000000", "feed": "books", "kind": "harvest", "status": "loaded"}
        with write_transaction(library) as connection:
            connection.execute(insert(HarvestRunRow).values(row | {"started_at": at, "ended_at": at}))
        add_measures(library, str(row["id"]), records=1_000 if number < 11 else 400)
    for page in ("/console/feeds", "/console/feeds/books"):
        assert "400 live records; 909 to 1,100 would be usual, by the 10 nights before." in shown(
            steward.get(page).text
        )
    arabic = steward.get("/console/feeds/books", headers={"Accept-Language": "ar"}).text
    assert "غير معتاد لهذا المصدر" in arabic
