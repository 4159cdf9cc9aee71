"""Two stewards decide the same thing at once: one wins, the other is told. A kill in the middle leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest

from loaders.accounts import add_account
from loaders.store import write_transaction
from schemas import ROOT, Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.conftest import PASSWORD, PASSWORD_HASH, Browser
from tests.web.test_quarantine import without_address
from web import create_app
from web.console import decisions
from web.settings import WebSettings

__all__ = ["library"]
SETTINGS = WebSettings(secret="s" * 40)
WAITING = 21
# Corrects all that wait, and stops for good in the middle of the transaction, once it has told that it is there.
CORRECT = """
import sys, time
from loaders.curation import correct_all
from loaders.curation import batches
from schemas import environment

written = batches.insert_curation
def slow(*arguments, **named):
    number = written(*arguments, **named)
    slow.count += 1
    if slow.count == 10:
        print("in the middle", flush=True)
        time.sleep(600)
    return number
slow.count = 0
batches.insert_curation = slow
keys = [f"books:{number}" for number in range(21)]
correct_all(environment(), lambda connection: keys, "url", "https://x.example.org/{identifier}", by="A", reason="r")
"""


def browser_of(env: Environment, name: str) -> Browser:
    """A browser in which a steward of that name is signed in, at a web of its own."""
    add_account(env, name, "steward", password=PASSWORD_HASH)
    browser = Browser(create_app(env, SETTINGS), base_url="http://127.0.0.1:8081")
    browser.submit("/sign-in", "/sign-in", name=name, password=PASSWORD)
    return browser


def test_of_two_stewards_one_decides_and_the_other_is_told(library: Environment) -> None:
    night(library, "books", without_address(WAITING))
    first, second = browser_of(library, "Amina"), browser_of(library, "Boris")
    ready = threading.Barrier(2)
    page = "/console/quarantine?feed=books"

    def refuse(browser: Browser) -> str:
        ready.wait(timeout=30)
        form = {"action": "refuse", "scope": "all", "feed": "books", "reason": "they are not"}
        return unescape(browser.submit(page, "/console/quarantine", **form).text)

    with ThreadPoolExecutor(2) as pool:
        answers = [each.result(timeout=120) for each in [pool.submit(refuse, first), pool.submit(refuse, second)]]
    told = sorted("Refused: 21." in answer for answer in answers)
    assert told == [False, True]
    loser = next(answer for answer in answers if "Refused: 21." not in answer)
    assert "nothing is meant by this decision" in loser or "no version of it is waiting" in loser
    decided = rows(library, "curation", "action, by")
    assert len(decided) == WAITING and len({by for _, by in decided}) == 1


def test_a_kill_in_the_middle_of_many_decisions_leaves_none_of_them(library: Environment) -> None:
    night(library, "books", [*without_address(WAITING), listed("books", 50)])
    variables = {
        **os.environ,
        "ELIB_HOME": str(library.home),
        "ELIB_CATALOG_URL": library.catalog_url,
        "ELIB_FEEDS": str(library.feeds),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", CORRECT]
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
    assert rows(library, "curation", "id") == []
    steward = browser_of(library, "Amina")
    form = {"action": "correct", "scope": "all", "feed": "books", "path": "url", "reason": "they have pages"}
    page = "/console/quarantine?feed=books"
    done = steward.submit(page, "/console/quarantine", value="https://x.example.org/{identifier}", **form)
    assert "Corrected: 21." in done.text and len(rows(library, "curation", "id")) == WAITING


def test_a_decision_that_waits_for_the_catalog_says_so_and_is_made_afterwards(
    library: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "WAIT_SECONDS", 0.2)
    night(library, "books", without_address(2))
    steward, other = browser_of(library, "Amina"), browser_of(library, "Boris")
    page = "/console/quarantine?feed=books"
    form = {"action": "refuse", "scope": "all", "feed": "books", "reason": "they are not"}
    with write_transaction(library):
        waiting = steward.submit(page, "/console/quarantine", **form)
        assert "/console/waiting/" in waiting.url.path and "The decision waits" in waiting.text
        assert 'http-equiv="refresh"' in waiting.text
        assert "The decision waits" in steward.get(waiting.url.path).text
        assert other.get(waiting.url.path).status_code == 404
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("Thread-") and thread.daemon]
    for thread in threads:
        thread.join(timeout=0.5)
    done = steward.get(waiting.url.path)
    while "/console/waiting/" in done.url.path:
        done = steward.get(waiting.url.path)
    assert "Refused: 2." in done.text and len(rows(library, "curation", "id")) == 2


def test_why_a_decision_is_not_taken_is_told_in_the_readers_language(library: Environment) -> None:
    night(library, "books", without_address(2))
    steward = browser_of(library, "Amina")
    form = {"action": "refuse", "scope": "all", "feed": "nobody", "reason": "x"}
    told = {
        "en": "nothing is meant by this decision",
        "fr": "cette décision ne vise rien",
        "ru": "решать нечего",
        "ar": "لا شيء يشمله هذا القرار",
    }
    for language, text in told.items():
        page = f"/console/quarantine?feed=books&lang={language}"
        assert text in unescape(steward.submit(page, "/console/quarantine", **form).text), language
