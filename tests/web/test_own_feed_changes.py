"""A partner changes a feed, hands it to a colleague, gives it up or leaves; until somebody agrees nothing changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

import pytest

from loaders.accounts import account_by_name, add_account
from loaders.applications import ApplicationTrouble, accept_application, list_applications, open_change, sha256_of_file
from loaders.fix_mails import chosen_mail
from schemas import Environment, read_feed
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night
from tests.pipeline.mail_server import MailServer
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser
from tests.web.partner_session import MAIL, SECRET, partner_account, sign_in
from web import create_app
from web.console.applications import compare
from web.partners.own.feeds import declared_feed
from web.settings import WebSettings

__all__ = ["library"]
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)
PAGE = "/partners/feeds/books"
CHANGE = f"{PAGE}/change"
COLLEAGUE = "omar@example.org"
FORM = {
    "url": "https://new.example.org/api",
    "contact": MAIL,
    "quiet_hours": "08:00-18:00 Europe/Belgrade",
    "remark": "",
}


def shown(page: str) -> str:
    """The page's text without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi|span)[^>]*>", "", page))))


@pytest.fixture
def partner(library: Environment, visitor: Browser) -> Browser:
    sign_in(visitor, partner_account(library, "books"))
    return visitor


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def with_mail(library: Environment, mails: MailServer) -> Iterator[Browser]:
    """A partner's browser at a web that sends mail."""
    url = f"smtp://127.0.0.1:{mails.server_address[1]}?from=elib@example.org"
    settings = WebSettings(secret=SECRET, mail_url=url, url="http://127.0.0.1:8081")
    with Browser(create_app(library, settings), base_url="http://127.0.0.1:8081") as browser:
        sign_in(browser, partner_account(library, "books"))
        yield browser


def test_a_change_is_an_application_that_a_steward_compares(partner: Browser, library: Environment) -> None:
    before = (library.feeds / "books.toml").read_text()
    done = partner.submit(CHANGE, CHANGE, **{**FORM, "remark": "We have moved"})
    assert "Until it is accepted, everything stays as it is" in shown(done.text)
    assert (library.feeds / "books.toml").read_text() == before
    change = open_change(library, "books")
    assert change is not None and change.status == "submitted" and change.contact == MAIL
    assert change.declaration["url"] == FORM["url"]
    assert change.declaration["request"]["quiet_hours"] == [FORM["quiet_hours"]]
    assert [message.text for message in change.messages] == ["We have moved"]
    assert "waits for a steward" in shown(partner.get(PAGE).text) and FORM["url"] in shown(partner.get(CHANGE).text)
    second = partner.submit(CHANGE, CHANGE, **FORM)
    assert "waits for the library already" in shown(second.text) and len(list_applications(library)) == 1
    digest = sha256_of_file(library, "books")
    accept_application(library, change, by="Amina", reason="fine", file_sha256=digest)
    feed = read_feed(library.feeds / "books.toml")
    assert (feed.url, feed.request.quiet_hours) == (FORM["url"], [FORM["quiet_hours"]])
    assert "waits for a steward" not in shown(partner.get(PAGE).text)


@on_sqlite
def test_an_address_inside_a_network_is_refused_in_whatever_spelling(partner: Browser, library: Environment) -> None:
    for host in (
        *("127.0.0.1", "127.0.0.1.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "a.localhost"),
        *("[::1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "10.0.0.1:8080", "169.254.169.254", "catalog.internal"),
    ):
        answer = partner.submit(CHANGE, CHANGE, **{**FORM, "url": f"http://{host}/api"})
        assert answer.status_code == 422 and "not on the public internet" in shown(answer.text), host
    answer = partner.submit(CHANGE, CHANGE, **{**FORM, "url": "https://example.org@127.0.0.1/api"})
    assert answer.status_code == 422 and list_applications(library) == []


@on_sqlite
def test_credentials_go_to_another_server_only_when_a_steward_has_confirmed_it(
    partner: Browser, library: Environment
) -> None:
    path = library.feeds / "books.toml"
    declared = path.read_text()
    path.write_text(f'connection = "books_api"\n{declared}')
    partner.submit(CHANGE, CHANGE, **FORM)
    change = open_change(library, "books")
    assert change is not None and change.declaration["connection"] == "books_api"
    add_account(library, "Amina", "steward", password=PASSWORD_HASH)
    steward = Browser(partner.app, base_url="http://127.0.0.1:8081")
    steward.submit("/sign-in", "/sign-in", name="Amina", password=PASSWORD)
    page = f"/console/applications/{change.id}"
    assert "Accepting sends them to another server" in shown(steward.get(page).text)
    form = {"version": str(change.version), "file_sha256": sha256_of_file(library, "books") or "", "action": "accept"}
    refused = steward.submit(page, page, **form)
    assert "nothing was accepted" in shown(refused.text) and read_feed(path).url == "https://example.org/api"
    steward.submit(page, page, **form, credentials="yes")
    assert read_feed(path).url == FORM["url"] and read_feed(path).connection == "books_api"


@on_sqlite
def test_a_change_that_says_nothing_or_nonsense_is_not_submitted(partner: Browser, library: Environment) -> None:
    same = {"url": "https://example.org/api", "contact": MAIL, "quiet_hours": "", "remark": ""}
    for fields, why in (
        (same, "Nothing is changed"),
        ({**FORM, "quiet_hours": "at noon"}, "quiet_hours"),
        ({**FORM, "url": "ftp://example.org"}, "url"),
        ({**FORM, "url": ""}, "url"),
        ({**FORM, "url": "inbox:registrations"}, "url"),
        ({**FORM, "contact": "nobody"}, "not a mail address"),
        ({**FORM, "contact": "a@b.example\r\nBcc: c@d.example"}, "not a mail address"),
    ):
        answer = partner.submit(CHANGE, CHANGE, **fields)
        assert answer.status_code == 422 and why in shown(answer.text), fields
    assert list_applications(library) == []
    withdrawn = partner.submit(CHANGE, CHANGE, **FORM)
    withdrawn = partner.submit(CHANGE, f"{CHANGE}/withdraw")
    assert "Withdrawn" in shown(withdrawn.text) and open_change(library, "books") is None


def test_leaving_says_what_happens_and_takes_nothing_out_before_a_steward_confirms(
    partner: Browser, library: Environment
) -> None:
    night(library, "books", [listed("books", n) for n in range(3)])
    page = shown(partner.get(CHANGE).text)
    assert "a steward sees it again before it happens" in page
    unsure = partner.submit(CHANGE, f"{PAGE}/leave", remark="")
    assert "Tick that you have read" in shown(unsure.text) and open_change(library, "books") is None
    partner.submit(CHANGE, f"{PAGE}/leave", sure="yes", remark="We close the site")
    change = open_change(library, "books")
    assert change is not None and change.declaration["status"] == "retired"
    assert read_feed(library.feeds / "books.toml").status == "active"
    accept_application(library, change, by="Amina", reason="", file_sha256=sha256_of_file(library, "books"))
    assert read_feed(library.feeds / "books.toml").status == "retired"
    assert "retired" in shown(partner.get(PAGE).text)
    again = partner.submit(CHANGE, f"{PAGE}/come-back", remark="The site is open again")
    assert "Your wish to come back is with the library" in shown(again.text)
    wish = open_change(library, "books")
    assert wish is not None and wish.declaration["status"] == "active"
    compared = {change.key: change for change in compare(declared_feed(library, "books"), wish.declaration)}
    assert (compared["status"].old, compared["status"].new) == ("retired", "active")
    assert [each.key for each in compared.values() if each.differs] == ["status"]
    assert read_feed(library.feeds / "books.toml").status == "retired"
    accept_application(library, wish, by="Amina", reason="", file_sha256=sha256_of_file(library, "books"))
    assert read_feed(library.feeds / "books.toml").status == "active"
    partner.submit(CHANGE, f"{PAGE}/come-back", remark="")
    assert open_change(library, "books") is None, "a feed that has not ended does not come back"


@on_sqlite
def test_a_feed_that_is_declared_elsewhere_is_not_changed_from_here(
    library: Environment, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(library, "maps")
    path = library.feeds / "maps.toml"
    other = library.home / "elsewhere.toml"
    path.rename(other)
    path.symlink_to(other)
    sign_in(visitor, partner_account(library, "maps"))
    page = "/partners/feeds/maps/change"
    assert "in a file of their own" in shown(visitor.get(page).text)
    for to in (page, "/partners/feeds/maps/leave"):
        assert "in a file of their own" in shown(visitor.submit(page, to, **FORM, sure="yes").text)
    assert list_applications(library) == []


def link_in(mails: MailServer) -> str:
    link = re.search(r"http://\S+/partners/hand-over/\S+", mails.mails[-1].message.get_content())
    assert link
    return urlsplit(link[0]).path


def test_a_feed_is_handed_to_a_colleague_when_the_colleague_takes_it(
    with_mail: Browser, library: Environment, mails: MailServer
) -> None:
    with_mail.submit(PAGE, f"{PAGE}/mail", wanted="yes")
    sent = with_mail.submit(CHANGE, f"{PAGE}/hand-over", colleague="Omar@Example.org")
    assert "You keep the feed until it is used" in shown(sent.text)
    assert mails.mails[-1].receivers == [COLLEAGUE]
    link = link_in(mails)
    assert link not in sent.text, "who has the link is signed in as the colleague"
    assert with_mail.get(PAGE).status_code == 200 and account_by_name(library, COLLEAGUE) is None
    with_mail.cookies.clear()
    assert "Take it over" in with_mail.get(link).text and with_mail.get(link).status_code == 200, (
        "as often as one likes"
    )
    taken = with_mail.submit(link, link)
    assert taken.url.path == PAGE and "You look after this feed now" in shown(taken.text)
    giver, taker = account_by_name(library, MAIL), account_by_name(library, COLLEAGUE)
    assert giver is not None and giver.feeds == () and taker is not None and taker.feeds == ("books",)
    assert chosen_mail(library, "books", MAIL) is None, "the mails to who gave it end"
    again = with_mail.get(link)
    assert "handed to somebody else" in shown(again.text)
    assert with_mail.get(link[:-3] + "xxx").status_code == 404


@on_sqlite
def test_another_file_of_the_inbox_is_no_change_of_address(visitor: Browser, library: Environment) -> None:
    (library.feeds / "boxed.toml").write_text(
        'title = "B"\npartner = "U"\nprotocol = "files"\nurl = "inbox:registrations/1/books.zip"\nformat = "lom"\n'
    )
    sign_in(visitor, partner_account(library, "boxed"))
    page = "/partners/feeds/boxed/change"
    for address in ("inbox:registrations", "inbox:.", "inbox:registrations/2/others.zip", "INBOX:x"):
        answer = visitor.submit(page, page, **{**FORM, "url": address})
        assert answer.status_code == 422, address
    assert list_applications(library) == []
    visitor.submit(page, page, **{**FORM, "url": "inbox:registrations/1/books.zip"})
    assert open_change(library, "boxed") is not None, "its own file stays while the hours change"


@on_sqlite
def test_who_hands_a_feed_over_gets_it_back_by_no_change_that_waits(
    with_mail: Browser, library: Environment, mails: MailServer
) -> None:
    with_mail.submit(CHANGE, CHANGE, **FORM)
    waiting = open_change(library, "books")
    assert waiting is not None and waiting.contact == MAIL
    with_mail.submit(CHANGE, f"{PAGE}/hand-over", colleague=COLLEAGUE)
    link = link_in(mails)
    with_mail.submit(link, link)
    assert open_change(library, "books") is None
    with pytest.raises(ApplicationTrouble, match="withdrawn meanwhile"):
        accept_application(library, waiting, by="Amina", reason="")


@on_sqlite
def test_a_feed_is_not_offered_to_who_cannot_have_it(
    with_mail: Browser, library: Environment, mails: MailServer
) -> None:
    add_account(library, "amina@example.org", "steward")
    for colleague, why in (
        ("nobody", "is not valid"),
        (MAIL, "your own mail address"),
        ("amina@example.org", "cannot look after a feed"),
        ("a@b.example\nBcc: c@d.example", "is not valid"),
    ):
        assert why in shown(with_mail.submit(CHANGE, f"{PAGE}/hand-over", colleague=colleague).text), colleague
    assert mails.mails == []
    for _ in range(5):
        with_mail.submit(CHANGE, f"{PAGE}/hand-over", colleague=COLLEAGUE)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', with_mail.get(CHANGE).text)
    assert token
    late = with_mail.post(f"{PAGE}/hand-over", data={"csrf_token": token[1], "colleague": COLLEAGUE})
    assert late.status_code == 429 and len(mails.mails) == 5
    first, last = (link for link in (mails.mails[0], mails.mails[-1]))
    link = link_in(mails)
    with_mail.cookies.clear()
    with_mail.submit(link, link)
    older = re.search(r"/partners/hand-over/\S+", first.message.get_content())
    assert older and last is not first
    assert "handed to somebody else" in shown(with_mail.get(older[0]).text), "an older link gives it to nobody"


@on_sqlite
def test_without_a_mail_server_a_colleague_is_named_to_the_stewards(partner: Browser, library: Environment) -> None:
    page = shown(partner.get(CHANGE).text)
    assert "This library sends no mail" in page
    assert "weekly" not in partner.get(PAGE).text, "no mail is offered"
    partner.submit(CHANGE, CHANGE, url="https://example.org/api", contact=COLLEAGUE, quiet_hours="", remark="")
    change = open_change(library, "books")
    assert change is not None and change.contact == COLLEAGUE
    alone = partner.submit(CHANGE, f"{PAGE}/give-up")
    assert "Nobody else looks after this feed" in shown(alone.text)
    accept_application(library, change, by="Amina", reason="", file_sha256=sha256_of_file(library, "books"))
    partner.submit(CHANGE, f"{PAGE}/give-up")
    assert partner.get(PAGE).status_code == 404
    taker = account_by_name(library, COLLEAGUE)
    assert taker is not None and taker.feeds == ("books",)


@on_sqlite
def test_the_weekly_mail_is_off_until_chosen_and_can_be_ended(with_mail: Browser, library: Environment) -> None:
    assert chosen_mail(library, "books", MAIL) is None
    assert "at most one a week" in shown(with_mail.submit(PAGE, f"{PAGE}/mail", wanted="yes").text)
    assert chosen_mail(library, "books", MAIL) is not None
    assert "no mails about what is to be fixed" in shown(with_mail.submit(PAGE, f"{PAGE}/mail", wanted="no").text)
    assert chosen_mail(library, "books", MAIL) is None
