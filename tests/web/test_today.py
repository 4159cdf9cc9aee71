"""The page Today tells what needs a person, and who has taken what."""

from __future__ import annotations

import pytest

from loaders.accounts import add_account
from schemas import Environment
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser
from tests.web.test_quarantine import shown, without_address

__all__ = ["library"]


@pytest.fixture
def waiting(library: Environment, steward: Browser) -> Browser:
    night(library, "books", [*without_address(3), *(listed("books", number) for number in range(30, 40))])
    return steward


def test_what_waits_is_told_by_cause_with_its_count_and_leads_to_its_page(waiting: Browser) -> None:
    page = waiting.get("/console")
    assert "Records with errors 3" in shown(page.text)
    assert 'href="/console/quarantine?feed=books"' in page.text


def test_something_is_taken_put_off_and_shown_again(waiting: Browser, library: Environment) -> None:
    name = "quarantined:books"
    assert "taken by Amina" in shown(waiting.submit("/console", "/console/notes", name=name, action="take").text)
    put_off = waiting.submit("/console", "/console/notes", name=name, action="snooze", days="7", note="asked them")
    assert "Records with errors" not in put_off.text and "1 is put off" in shown(put_off.text)
    everything = shown(waiting.get("/console?all=1").text)
    assert "put off until" in everything and "asked them" in everything
    woken = waiting.submit("/console?all=1", "/console/notes", name=name, action="wake")
    assert "Records with errors 3" in shown(woken.text)


def test_a_second_steward_sees_who_has_taken_it(waiting: Browser, library: Environment) -> None:
    waiting.submit("/console", "/console/notes", name="quarantined:books", action="take")
    add_account(library, "Boris", "operator", password=PASSWORD_HASH)
    waiting.submit("/console", "/sign-out")
    waiting.submit("/sign-in", "/sign-in", name="Boris", password=PASSWORD)
    assert "taken by Amina" in shown(waiting.get("/console").text)


def test_nothing_to_do_is_told_as_such(steward: Browser) -> None:
    assert "Nothing needs attention." in steward.get("/console").text
