"""A partner sees how the own feed stands and what is to be fixed, in pages and as CSV; and nobody else's."""

from __future__ import annotations

import codecs
import csv
import io
import re
from html import unescape
from urllib.parse import urlencode

import msgspec
import pytest

from loaders.store import write_transaction
from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import Browser
from tests.web.partner_session import partner_account, sign_in

__all__ = ["library"]
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)
PAGE = "/partners/feeds/books"
FIXES = f"{PAGE}/fixes"
HOSTILE = "<script>alert(1)</script> \u202eoverride\u202c 'quotes\" {{ 7*7 }} %(count)s"


def shown(page: str) -> str:
    """The page's text without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi|span)[^>]*>", "", page))))


@pytest.fixture
def partner(library: Environment, visitor: Browser) -> Browser:
    """A partner of the feed `books`, which has a night with one record that has no address, and no other feed."""
    declare(library, "films")
    night(library, "books", [listed("books", 0), listed("books", 1), listed("books", 3, id="no-address-3")])
    night(library, "films", [listed("films", 7, id="no-address")])
    tasks_catalog.publish_now()
    sign_in(visitor, partner_account(library, "books"))
    return visitor


def csv_rows(browser: Browser, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(f"{FIXES}.csv{query}")
    assert answer.status_code == 200 and answer.content.startswith(codecs.BOM_UTF8)
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_feed_is_shown_from_received_to_published_with_what_waits(partner: Browser, library: Environment) -> None:
    text = shown(partner.get(PAGE).text)
    for step, count in (("received", 3), ("readable", 3), ("valid", 2), ("published", 2)):
        assert re.search(rf"{step} [a-z, A-Z]* {count} ", text), step
    assert "1 version has errors and waits" in text and "Nothing." not in text
    night(library, "books", [listed("books", n) for n in range(60)])
    _, counts = night(library, "books", [listed("books", 0)])
    assert counts == {}, "held"
    text = shown(partner.get(PAGE).text)
    assert "1 night waits for a steward's decision" in text and "needs a decision" in text
    assert "elib review" not in text and "/console" not in text


def test_a_partner_sees_no_other_feed_and_a_visitor_none(partner: Browser, library: Environment) -> None:
    pages = ("", "/fixes", "/fixes.csv", "/records?identifier=7", "/change")
    for feed in ("films", "nobody", "books%2f..%2ffilms", "BOOKS"):
        assert [partner.get(f"/partners/feeds/{feed}{page}").status_code for page in pages] == [404] * 5, feed
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', partner.get(f"{PAGE}/change").text)
    assert token
    for action in ("records", "change", "leave", "mail", "hand-over", "give-up", "change/withdraw"):
        posted = partner.post(f"/partners/feeds/films/{action}", data={"csrf_token": token[1], "identifier": "7"})
        assert posted.status_code == 404, action
        assert partner.post(f"{PAGE}/{action}").status_code == 403, "without the token"
    partner.cookies.clear()
    for page in pages:
        assert "/partners/sign-in" in str(partner.get(f"{PAGE}{page}", follow_redirects=False).headers["location"])


def test_a_fix_list_says_what_is_wrong_what_to_do_and_where(partner: Browser, library: Environment) -> None:
    text = shown(partner.get(FIXES).text)
    assert "The record has no web address" in text and "What to do: Give the address" in text
    assert "Grammar for class 1, a workbook of books 3" in text
    night(library, "books", [*(listed("books", n) for n in (0, 1, 3)), listed("books", 2, id="x")])
    assert "new 1" in shown(partner.get(f"{FIXES}?state=new").text)
    group = partner.get(f"{FIXES}?rule=address_missing&severity=error")
    assert "Volcanoes for class 1" in shown(group.text) and "Grammar" not in shown(group.text), "that one is fixed"
    assert "Grammar" in shown(partner.get(f"{FIXES}?rule=address_missing&severity=error&state=fixed").text)
    for query in ("?rule=nonsense", "?state=nonsense", "?rule=address_missing&severity=x&after=y&after_run=z"):
        assert partner.get(f"{FIXES}{query}").status_code == 200, query
    night(library, "books", [listed("books", 0), listed("books", 1), listed("books", 3, id="no-address-3")])
    page = partner.get(f"{FIXES}?rule=address_missing&severity=error&state=back")
    assert "Grammar" in shown(page.text) and "come back" in shown(page.text)


@on_sqlite
def test_a_long_group_is_paged_and_each_record_comes_once(library: Environment, visitor: Browser) -> None:
    night(library, "books", [listed("books", n, description=None) for n in range(120)])
    sign_in(visitor, partner_account(library, "books"))
    page, seen = f"{FIXES}?rule=description_missing", list[str]()
    for _ in range(3):
        text = visitor.get(page).text
        seen += re.findall(r"records\?identifier=(\d+)", text)
        more = re.search(r'rel="next" href="([^"]+)"', text)
        page = unescape(more[1]) if more else ""
    assert not page and sorted(map(int, seen)) == list(range(120))


def test_the_csv_is_in_the_readers_language_and_harmless(library: Environment, visitor: Browser) -> None:
    texts = ["=HYPERLINK(1)", "+1", "-5", "@cmd", "\t=1", "\r=1", "'=1", 'plain, "quoted"\nline', HOSTILE, "ⅹ العربية"]
    records = [listed("books", n, name=f"{text} x", id=f"-no {n}") for n, text in enumerate(texts)]
    night(library, "books", records)
    with write_transaction(library) as connection:
        connection.exec_driver_sql("UPDATE issue SET value = '=1+1' WHERE code = 'address_missing'")
    sign_in(visitor, partner_account(library, "books"))
    rows = csv_rows(visitor, "?rule=address_missing")
    assert len(rows) == len(texts) and {row["Value"] for row in rows} == {"'=1+1"}
    for row in rows:
        for cell in row.values():
            assert not re.match(r"[\t\r\n]|\s*[=+\-@]", cell), cell
    assert {row["Title"].lstrip("'") for row in rows} >= {"=HYPERLINK(1) x", "-5 x", "+1 x"}
    for language, heading in (("fr", "Titre"), ("ru", "Название"), ("ar", "العنوان")):
        answer = visitor.get(f"{FIXES}.csv?lang={language}&rule=address_missing")
        (first, *rest) = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert heading in first and answer.headers["content-language"] == language
        assert not any("The record has no web address" in cell for row in rest for cell in row)


@on_sqlite
def test_a_csv_of_everything_is_sent_as_it_is_read(library: Environment, visitor: Browser) -> None:
    night(library, "books", [listed("books", n, description=None, license=None) for n in range(1_100)])
    sign_in(visitor, partner_account(library, "books"))
    rows = csv_rows(visitor)
    assert len({row["Your identifier"] for row in rows if row["Rule"] == "description_missing"}) == 1_100
    with visitor.stream("GET", f"{FIXES}.csv") as answer:
        assert "content-length" not in answer.headers
    for _ in range(18):
        visitor.get(f"{FIXES}.csv?state=new")
    assert visitor.get(f"{FIXES}.csv").status_code == 429


@on_sqlite
def test_what_partners_send_is_shown_as_text(library: Environment, visitor: Browser) -> None:
    record = listed("books", 0, name="A {{ 7*7 }} title", id="javascript:alert(1)")
    night(library, "books", [msgspec.structs.replace(record, identifier=HOSTILE)])
    sign_in(visitor, partner_account(library, "books"))
    for page in (PAGE, FIXES, f"{FIXES}?rule=address_missing", f"{PAGE}/records?{urlencode({'identifier': HOSTILE})}"):
        text = visitor.get(page).text
        assert "<script>alert" not in text and 'href="javascript:' not in text and "A 49 title" not in text, page
        assert page == PAGE or "&lt;script&gt;alert" in text, page
