"""The weekly mail to partners: only when something is new, at most one a week, whatever is killed in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from loaders.accounts import add_account, change_account
from loaders.backup import back_up, restore
from loaders.fix_mails import begin_mail, choose_mail, chosen_mail, chosen_mails, end_mail
from pipeline.fix_mails import MailsFailed, send_fix_mails
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.pipeline.mail_server import MailServer

__all__ = ["library"]
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)
LINA = "lina@example.org"
NOW = datetime(2026, 6, 1, 5, tzinfo=UTC)
WEB = "https://library.example.org"


def url(server: MailServer) -> str:
    return f"smtp://127.0.0.1:{server.server_address[1]}?from=elib@example.org"


def fails(env: Environment, *numbers: int) -> None:
    """A night in which these records of three have no address."""
    night(env, "books", [listed("books", n, **({"id": f"no {n}"} if n in numbers else {})) for n in range(3)])


@pytest.fixture
def wanted(library: Environment) -> Environment:
    """A partner who wants the mail; the feed has one finding that is known already."""
    add_account(library, LINA, "partner", feeds=("books",))
    fails(library, 0)
    choose_mail(library, "books", LINA, "fr")
    return library


def test_a_mail_tells_what_is_new_in_the_partners_language_and_at_most_once_a_week(wanted: Environment) -> None:
    with MailServer() as server:
        assert "0 sent, 1 wanted" in send_fix_mails(wanted, url(server), WEB, NOW), "nothing is new yet"
        fails(wanted, 0, 1)
        assert "1 sent" in send_fix_mails(wanted, url(server), WEB, NOW)
        fails(wanted, 0, 1, 2)
        for day in (0, 1, 6):
            assert "0 sent" in send_fix_mails(wanted, url(server), WEB, NOW + timedelta(days=day))
        fails(wanted, 1, 2)
        fails(wanted, 0, 1, 2)
        assert "1 sent" in send_fix_mails(wanted, url(server), WEB, NOW + timedelta(days=7))
        assert "0 sent" in send_fix_mails(wanted, url(server), WEB, NOW + timedelta(days=14)), "nothing is new since"
    first, second = (mail.message for mail in server.mails)
    assert first["To"] == LINA and "Open Textbooks" in first["Subject"]
    text = first.get_content()
    assert "n’a aucune adresse web" in text and "Nouveaux : 1. Revenus : 0." in text
    assert f"{WEB}/partners/feeds/books/fixes?lang=fr" in text
    assert "Nouveaux : 1. Revenus : 1." in second.get_content(), "one is new, one has come back"


@on_sqlite
def test_nobody_is_told_who_has_not_asked_or_may_not_see_the_feed(library: Environment) -> None:
    add_account(library, LINA, "partner", feeds=("books",))
    fails(library, 0)
    with MailServer() as server:
        assert "0 wanted" in send_fix_mails(library, url(server), WEB, NOW), "off unless chosen"
        choose_mail(library, "books", LINA, "en")
        end_mail(library, "books", LINA)
        fails(library, 0, 1)
        assert "0 wanted" in send_fix_mails(library, url(server), WEB, NOW)
        choose_mail(library, "books", LINA, "en")
        fails(library, 0, 1, 2)
        change_account(library, LINA, feeds=())
        send_fix_mails(library, url(server), WEB, NOW)
        assert chosen_mails(library) == []
    assert server.mails == []
    assert "ELIB_MAIL_URL names no mail server" in send_fix_mails(library, "", WEB, NOW)


@on_sqlite
def test_a_mail_that_was_begun_before_a_kill_is_not_sent_twice_and_its_findings_are_told_later(
    wanted: Environment,
) -> None:
    fails(wanted, 0, 1)
    wish = chosen_mail(wanted, "books", LINA)
    assert wish is not None and begin_mail(wanted, wish, NOW), "killed after this"
    assert not begin_mail(wanted, wish, NOW), "nor does another process begin it"
    with MailServer() as server:
        for day in range(7):
            assert "0 sent" in send_fix_mails(wanted, url(server), WEB, NOW + timedelta(days=day))
        assert "1 sent" in send_fix_mails(wanted, url(server), WEB, NOW + timedelta(days=7))
    assert "New: 1" not in server.mails[0].message.get_content()
    assert "Nouveaux : 1." in server.mails[0].message.get_content()


@on_sqlite
def test_a_mail_server_that_fails_is_told_and_the_mail_goes_the_next_night(wanted: Environment) -> None:
    fails(wanted, 0, 1)
    with MailServer() as server:
        gone = url(server)
    with pytest.raises(MailsFailed, match="1 of the weekly mails to partners were not sent: books: the mail server"):
        send_fix_mails(wanted, gone, WEB, NOW)
    with MailServer() as server:
        assert "1 sent" in send_fix_mails(wanted, url(server), WEB, NOW + timedelta(days=1))


@on_sqlite
def test_an_address_that_is_refused_fails_no_night_and_is_tried_again_after_a_week(wanted: Environment) -> None:
    class Refusing(MailServer):
        async def handle_RCPT(self, server: object, session: object, envelope: object, *rest: object) -> str:
            return "550 no such mailbox"

    fails(wanted, 0, 1)
    with Refusing() as server:
        assert "1 refused" in send_fix_mails(wanted, url(server), WEB, NOW)
        assert "0 sent, 1 wanted" in send_fix_mails(wanted, url(server), WEB, NOW + timedelta(days=1))
    with MailServer() as server:
        assert "1 sent" in send_fix_mails(wanted, url(server), WEB, NOW + timedelta(days=7))


@on_sqlite
def test_the_choice_is_in_the_backup(wanted: Environment) -> None:
    path = wanted.home / "backup.tar"
    back_up(wanted, path)
    other = environment({"ELIB_HOME": str(wanted.home / "other"), "ELIB_FEEDS": str(wanted.home / "feeds")})
    new_catalog(other)
    restore(other, path)
    assert chosen_mails(other) == chosen_mails(wanted) and len(chosen_mails(other)) == 1
