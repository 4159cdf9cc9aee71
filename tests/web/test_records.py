"""A steward sees a record beside its source and its resource, and corrects, accepts, refuses or withdraws it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import msgspec
import pytest

from loaders.accounts import add_account
from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night
from tests.pipeline.mail_server import MailServer
from tests.web.conftest import Browser
from web.settings import WebSettings

__all__ = ["library"]
pytestmark = pytest.mark.early
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)
PAGE = "/console/records"
HOSTILE = "<script>alert(1)</script> \u202eoverride\u202c 'quotes\" {{ 7*7 }}"


def shown(page: str) -> str:
    """The page's text without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi|del|ins)[^>]*>", "", page))))


def of(key: str) -> str:
    from urllib.parse import quote

    return f"{PAGE}?key={quote(key, safe='')}"


@pytest.fixture
def published(library: Environment, steward: Browser) -> Iterator[Browser]:
    """Three records that are published, and one that waits because it has no address."""
    records = [listed("books", number) for number in range(3)]
    night(library, "books", [*records, listed("books", 3, id="no-address-3")])
    tasks_catalog.publish_now()
    yield steward


def test_a_record_is_shown_with_its_source_its_result_and_its_resource(published: Browser, env: Environment) -> None:
    page = shown(published.get(of("books:0")).text)
    assert '"inLanguage": [ "en" ]' in page, "the source, indented"
    assert "What is published" in page and "first published" in page
    assert "Where it comes from" in page and page.count("Photosynthesis for class 1") >= 3
    ((resource_id,),) = [row for row in rows(env, "source_record", "resource_id") if row[0]][:1]
    assert resource_id in published.get(f"/console/resources/{resource_id}").text
    assert published.get(of("books:99")).status_code == 404
    assert published.get("/console/resources/none").status_code == 404


def test_a_correction_is_made_with_the_fields_control_published_and_undone(
    published: Browser, library: Environment
) -> None:
    control = published.get(f"{of('books:0')}&path=levels").text
    assert 'type="checkbox" name="value" value="1"' in control
    done = published.submit(
        of("books:0"), PAGE, key="books:0", action="correct", path="levels", value=["1", "2"], reason="it says so"
    )
    assert "Corrected" in shown(done.text)
    assert rows(library, "curation", "path, value, by") == [("levels", '["1","2"]', "Amina")]
    tasks_catalog.publish_now()
    page = shown(published.get(of("books:0")).text)
    assert "levels" in page and "corrected levels" in page
    undone = published.submit(of("books:0"), "/console/undo", batch="curation:1", back=of("books:0"))
    assert "Undone: 1." in shown(undone.text) and "undone by Amina" in shown(undone.text)


FITTING = [
    ("title.en", "1984", '"1984"'),
    ("title.ar", "عنوان", '"عنوان"'),
    ("languages", "fr, sr-Latn", "sr-Latn"),
    ("license.uri", "https://creativecommons.org/licenses/by-sa/4.0/", "by-sa"),
    ("issued", "2015-05", '"2015-05"'),
    ("difficulty", "easy", '"easy"'),
    ("url", "https://example.org/a%20b", "%20"),
    ("keywords", '[{"language": "en", "text": "light"}]', "light"),
    ("description.en", "", "null"),
]
UNFIT = [("levels", "99"), ("issued", "soon"), ("languages", "no tag"), ("url", "x"), ("key", "x"), ("", "x")]


@on_sqlite
def test_each_kind_of_field_is_corrected_and_what_does_not_fit_is_told(
    published: Browser, library: Environment
) -> None:
    about = {"key": "books:0", "action": "correct", "reason": "x"}
    for path, value in UNFIT:
        done = published.submit(of("books:0"), PAGE, **about, path=path, value=value)
        assert 'class="message error"' in done.text, path
    assert rows(library, "curation", "id") == []
    for path, value, stored in FITTING:
        assert published.get(f"{of('books:0')}&path={path}").status_code == 200
        published.submit(of("books:0"), PAGE, **about, path=path, value=value)
        ((corrected,),) = [row[1:] for row in rows(library, "curation", "path, value") if row[0] == path]
        assert stored in (corrected or "null")


@on_sqlite
def test_a_waiting_version_is_accepted_or_refused_and_a_resource_withdrawn(
    published: Browser, library: Environment
) -> None:
    page = published.get(of("books:3")).text
    version = re.search(r'name="version" value="(\w+)"', page)[1]  # type: ignore[index]
    decided = {"key": "books:3", "version": version, "reason": "it is in print"}
    stale = published.submit(of("books:3"), PAGE, **decided | {"version": "ffff"}, action="accept")
    assert "is waiting now" in shown(stale.text)
    done = published.submit(of("books:3"), PAGE, **decided, action="refuse")
    assert "Refused until the partner's data changes" in shown(done.text)
    published.submit(of("books:3"), "/console/undo", batch="curation:1", back=PAGE)
    done = published.submit(of("books:3"), PAGE, **decided, action="accept", force="yes")
    assert "Accepted" in shown(done.text)
    ((resource_id,), *_) = sorted(set(rows(library, "resource", "id")))
    page = f"/console/resources/{resource_id}"
    published.submit(page, page, action="withdraw", reason="asked by its author")
    tasks_catalog.publish_now()
    assert "withdrawn" in shown(published.get(page).text)


IDENTIFIERS = ["a/b?c=d&e#f", 'it\'s "quoted"', "with space", "..", "%2e%2e/x", "<b>"]


@on_sqlite
def test_keys_of_any_kind_are_found_and_shown_as_text(steward: Browser, library: Environment) -> None:
    record = listed("books", 0, name=HOSTILE, description=HOSTILE)
    records = [msgspec.structs.replace(record, identifier=identifier) for identifier in IDENTIFIERS]
    run, _ = night(library, "books", records)
    tasks_catalog.publish_now()
    pages = [f"/console/runs/{run}", *(f"/console/resources/{row[0]}" for row in rows(library, "resource", "id"))]
    for path in (*pages, "/console/search?text=..", "/console/feeds", "/console/feeds/books", "/console/quarantine"):
        page = steward.get(path)
        assert page.status_code == 200 and "<script>alert" not in page.text and "<b>" not in page.text, path
    for identifier in IDENTIFIERS:
        page = steward.get(of(f"books:{identifier}"))
        assert page.status_code == 200 and f"books:{identifier}" in unescape(page.text), identifier
        assert "<script>alert" not in page.text and "<b>" not in page.text


@on_sqlite
def test_a_very_long_value_is_cut(steward: Browser, library: Environment) -> None:
    night(library, "books", [listed("books", 0, name="Long " * 200_000, keywords=["k" * 500_000])])
    tasks_catalog.publish_now()
    ((run,),) = [row for row in rows(library, "harvest_run", "id") if row[0].startswith("books-")]
    ((resource_id,),) = rows(library, "resource", "id")
    for page in (of("books:0"), f"/console/runs/{run}", f"/console/resources/{resource_id}", "/console/search?text=0"):
        assert len(steward.get(page).content) < 600_000, page


def test_a_value_leads_to_its_place_in_the_source(published: Browser) -> None:
    page = published.get(of("books:0")).text
    links = dict(re.findall(r'<a class="value" href="#(line-\d+)">(.*?)</a>', page, re.S))
    line = next(name for name, value in links.items() if "Photosynthesis" in value)
    place = re.search(rf'<span id="{line}">(.*?)</span>', page, re.S)
    assert place and "&#34;name&#34;: &#34;Photosynthesis" in place[1]
    assert len({re.sub(r"\D", "", each) for each in links}) >= 4


def test_a_record_is_split_off_its_resource_and_the_split_undone(library: Environment, steward: Browser) -> None:
    declare(library, "films")
    book = listed("books", 0)
    same = {"id": "https://films.example.org/0", "name": "Photosynthesis for class 1, a workbook of books"}
    same |= {"description": msgspec.json.decode(book.payload or "")["description"]}
    night(library, "books", [book])
    night(library, "films", [listed("films", 0, **same)])
    tasks_catalog.publish_now()
    ((resource, members),) = rows(library, "resource", "id, members")
    assert members == 2
    page = f"/console/resources/{resource}"
    preview = shown(steward.get(page, params={"split": "films:0"}).text)
    assert "this record is a resource of its own" in preview and "than the 1 other record" in preview
    assert rows(library, "judgement", "id") == []
    done = steward.submit(page, page, action="split", key="films:0", reason="another edition")
    assert "Split off" in shown(done.text) and "Undo" in shown(done.text)
    for key in ("films:99", "films:0"):
        again = steward.submit(page, page, action="split", key=key, reason="x")
        assert 'class="message error"' in again.text, "the second steward is told that it is decided"
    assert len(rows(library, "judgement", "id")) == 1
    tasks_catalog.publish_now()
    assert sorted(rows(library, "resource", "members")) == [(1,), (1,)]
    batch = rows(library, "judgement", "batch_id")[0][0]
    steward.submit(page, "/console/undo", batch=batch, back=page)
    tasks_catalog.publish_now()
    assert (2, None) in rows(library, "resource", "members, withdrawn_at")


def test_the_only_title_is_not_taken_away(published: Browser, library: Environment) -> None:
    fields = {"key": "books:3", "action": "correct", "path": "title.en", "reason": "x"}
    for value in ("", " ", "\u202e", "\u200b\u2066"):
        answer = published.submit(of("books:3"), "/console/records", **fields, value=value)
        assert "no title that can be read" in answer.text, value
        assert rows(library, "curation", "id") == [], value


def test_a_partner_is_asked_by_mail_or_the_text_to_send_is_shown(published: Browser, library: Environment) -> None:
    page = published.get(of("books:3")).text
    name = re.search(r'name="name" value="(asked:[^"]+)"', page)[1]  # type: ignore[index]
    about = {"name": name, "back": of("books:3")}
    shown_text = published.submit(of("books:3"), "/console/questions", text="Where is its page?", **about)
    assert "Where is its page?" in shown_text.text and "Send this text" in shown(shown_text.text)
    today = shown(published.get("/console").text)
    assert "Questions to partners" in today and "Amina" in today and "Where is its page?" in today
    assert "Where is its page?" in shown(published.get(of("books:3")).text)
    published.submit(of("books:3"), "/console/questions/answered", **about)
    assert "Questions to partners" not in shown(published.get("/console").text)
    assert "Where is its page?" not in shown(published.get(of("books:3")).text)
    add_account(library, "lena@books.example.org", "partner", feeds=("books",))
    text = "A line\r\nBcc: someone@example.org"
    with MailServer() as server:
        mail_url = "smtp://{}:{}?from=library@example.org".format(*server.server_address)
        published.app.state.settings = WebSettings(secret="s" * 40, mail_url=mail_url)  # type: ignore[attr-defined]
        sent = published.submit(of("books:3"), "/console/questions", text=text, **about)
    assert "Sent to lena@books.example.org" in shown(sent.text)
    (mail,) = server.mails
    assert mail.receivers == ["lena@books.example.org"] and "A line" in mail.message.get_content()
    refused = published.submit(of("books:3"), "/console/questions", text="x", name="status:books", back="/console")
    assert refused.status_code == 422


@on_sqlite
def test_the_life_of_a_record_and_the_last_reasons_are_shown(published: Browser, library: Environment) -> None:
    night(library, "books", [listed("books", 0, name="Another title of the same record"), listed("books", 1)])
    life = shown(published.get(of("books:0") + "&life=1").text.partition('id="life"')[2])
    assert "the first that is known" in life and "Another title of the same record" in life and "Before After" in life
    about = {"key": "books:1", "action": "correct", "path": "title.en", "value": "T"}
    published.submit(of("books:1"), PAGE, **about, reason="their <catalogue> says so")
    page = published.get(of("books:0")).text
    assert '<option value="their &lt;catalogue&gt; says so">' in page and 'list="reasons"' in page
