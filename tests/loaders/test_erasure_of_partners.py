"""A partner whose mail address is erased has no account, no mails and no name in applications; the rest stays."""

from __future__ import annotations

from loaders.accounts import account_by_name, add_account, list_accounts
from loaders.applications import ask_partner, create_draft, keep_test, read_application, submit_application
from loaders.erasure import erase
from loaders.fix_mails import choose_mail
from loaders.sessions import begin_session, read_session
from loaders.store import Table
from loaders.task_notes import write_note
from schemas import Environment
from tests.loaders.nights import feed, night, rows, sent

MAIL, OTHER = "zofia.testname@example.org", "zofia@example.org"
BY = {"by": "A Steward", "reason": "wanted"}


def everything(env: Environment) -> str:
    return repr({name: rows(env, f'"{name}"') for name in Table.metadata.tables})


def test_an_erased_address_is_nowhere_and_its_session_ends(env: Environment) -> None:
    night(env, feed(), [sent("b-1734")])
    account = add_account(env, MAIL, "partner", feeds=("books", "films"))
    add_account(env, OTHER, "partner", feeds=("books",))
    add_account(env, "Zofia Testname", "steward")
    session = begin_session(env, account.id)
    for name in ("books", "films"):
        choose_mail(env, name, MAIL, "fr")
    choose_mail(env, "books", OTHER, "fr")
    draft = create_draft(
        env,
        partner="University",
        contact=MAIL,
        contact_name="Zofia",
        feed="films",
        declaration={"url": "https://a.org/"},
    )
    application = ask_partner(
        env,
        submit_application(env, keep_test(env, draft, {"state": "done"})),
        by="A Steward",
        question=f"Is it {MAIL}?",
    )
    write_note(env, "expect:books", "remarked", who="A Steward", note=f"as {MAIL} wishes")
    assert MAIL in everything(env)

    for _ in range(2):  # the second time it completes what was broken off
        erase(env, feed="books", contacts=[MAIL], **BY)
        assert MAIL not in everything(env)
        assert [each.name for each in list_accounts(env)] == ["Zofia Testname", OTHER]
    assert read_session(env, session) is None
    after = read_application(env, application.id)
    assert after is not None and after.status == "withdrawn" and after.contact_name is None
    assert [message.is_question for message in after.messages] == [True], "what was decided stays"
    assert [row[0] for row in rows(env, "fix_mail", "account")] == [OTHER]


def test_the_name_of_an_author_takes_no_account_away(env: Environment) -> None:
    night(env, feed(), [sent("b-1734", title="By Zofia Testname")])
    add_account(env, MAIL, "partner", feeds=("books",))
    erase(env, feed="books", names=["Zofia Testname"], **BY)
    assert account_by_name(env, MAIL) is not None


def test_a_partner_of_another_feed_stays(env: Environment) -> None:
    night(env, feed(), [sent("b-1734")])
    add_account(env, MAIL, "partner", feeds=("films",))
    erase(env, feed="books", contacts=[MAIL], **BY)
    account = account_by_name(env, MAIL)
    assert account is not None and account.feeds == ("films",)
