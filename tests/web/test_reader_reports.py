"""Readers report problems without an account; stewards decide them, all or none, and take decisions back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from httpx import Response
from sqlalchemy import delete, insert
from starlette.requests import Request

from loaders.accounts import add_account
from loaders.backup import back_up, restore
from loaders.browse import ReaderMessage, ReaderReportFilter, reader_report_facets, reader_reports_page
from loaders.curation import decide_reader_reports, undo_batch
from loaders.reader_reports import MAX_MESSAGES, forget_old_messages, keep_reader_report
from loaders.store import (
    CurationRow,
    ReaderReportDecisionRow,
    ReaderReportRow,
    RedirectRow,
    engine,
    read_transaction,
    write_transaction,
)
from pipeline import catalog as tasks_catalog
from schemas import ROOT, Environment, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.pipeline.feeds import FEED, declare, listed, night
from tests.pipeline.mail_server import MailServer
from tests.web.conftest import PASSWORD, PASSWORD_HASH, STEWARD, Browser
from web import create_app
from web.guards import client_of
from web.library import reporting
from web.settings import WebSettings

SETTINGS = WebSettings(secret="s" * 40)
PAGE = "/console/reports"
# Withdraws what all reports are about, and stops for good in the middle of the transaction, once it has told so.
WITHDRAW = """
import time
from loaders.browse import ReaderReportFilter, reader_report_numbers
from loaders.curation import decide_reader_reports, reader_reports
from schemas import environment

written = reader_reports.insert_curation
def slow(*arguments, **named):
    written(*arguments, **named)
    print("in the middle", flush=True)
    time.sleep(600)
reader_reports.insert_curation = slow
numbers = lambda connection: reader_report_numbers(connection, ReaderReportFilter())
decide_reader_reports(environment(), "withdraw", numbers, by="A", reason="r")
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Two feeds of two partners, three and one resources, and a steward's account."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELIB_HOME", str(home))
        patch.setenv("ELIB_FEEDS", str(home / "feeds"))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        declare(env, "books")
        (env.feeds / "films.toml").write_text(FEED.replace("Example University", "Film Archive"), encoding="utf-8")
        night(env, "books", [listed("books", number) for number in range(3)])
        night(env, "films", [listed("films", 7)])
        tasks_catalog.publish_now()
        add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
        yield env
        engine(env).dispose()


@pytest.fixture
def library(published: Environment) -> Environment:
    """The library without what the tests before reported and decided."""
    with write_transaction(published) as connection:
        for table in (ReaderReportRow, ReaderReportDecisionRow, CurationRow, RedirectRow):
            connection.execute(delete(table))
    return published


@pytest.fixture
def reader(library: Environment) -> Iterator[Browser]:
    with Browser(create_app(library, SETTINGS), base_url="http://127.0.0.1:8081") as browser:
        yield browser


def steward_of(env: Environment, settings: WebSettings = SETTINGS) -> Browser:
    browser = Browser(create_app(env, settings), base_url="http://127.0.0.1:8081")
    assert browser.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD).url.path == "/console"
    return browser


def shown(answer: Response) -> str:
    text = re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi)[^>]*>", "", answer.text))
    return re.sub(r"\s+", " ", unescape(text))


def ids(env: Environment) -> dict[str, str]:
    """Return the ids of resources by the first word of their titles."""
    return {title.partition(" ")[0]: resource_id for title, resource_id in rows(env, "resource", "title, id")}


def tell(env: Environment, title: str, kind: str, **values: str) -> None:
    """Keep a report as the form does."""
    at = values.pop("at", "2026-01-01T00:00:00.000000Z")
    message = ReaderMessage(id=f"m{at}{kind}", at=at, language="en", **values)
    keep_reader_report(env, ids(env)[title], kind, message)  # type: ignore[arg-type]


def reports(env: Environment) -> list[tuple[str, int]]:
    return [tuple(row) for row in rows(env, "reader_report", "kind, count")]


def decide(browser: Browser, action: str, **fields: str | list[str]) -> Response:
    newest = re.search(r'name="newest" value="(\d+)"', browser.get(PAGE).text)
    assert newest
    form = {"reason": "looked at it", "scope": "all", "newest": newest[1], **fields}
    return browser.submit("/console", PAGE, action=action, **form)


def test_a_report_is_kept_without_an_account_or_a_cookie_and_thanked_for(library: Environment, reader: Browser) -> None:
    page = f"/resources/{ids(library)['Volcanoes']}"
    assert f'href="{page}/report"' in reader.get(page).text
    for text in ("It is gone.\r\nReally.", "Yes, gone."):
        sent = {"kind": "dead", "text": text, "contact": "Ana@Example.org"}
        done = reader.submit(f"{page}/report", f"{page}/report", **sent)
        assert done.url.path == f"{page}/reported" and "Your report is kept." in shown(done)
        assert "tries the link" in shown(done)
        assert done.headers["cache-control"] == "no-store"
    assert not reader.cookies
    ((kind, count, due, messages),) = rows(library, "reader_report", "kind, count, due_at, messages")
    assert (kind, count, due) == ("dead", 2, None)
    assert [(each["text"], each["contact"]) for each in json.loads(messages)] == [
        ("It is gone.\nReally.", "ana@example.org"),
        ("Yes, gone.", "ana@example.org"),
    ]
    reader.submit(f"{page}/report?lang=ar", f"{page}/report?lang=ar", kind="takedown")
    ((first_at, due),) = [row[1:] for row in rows(library, "reader_report", "kind, first_at, due_at") if row[0] != kind]
    assert datetime.fromisoformat(due) - datetime.fromisoformat(first_at) > timedelta(hours=71)
    assert any('"language":"ar"' in row[0] for row in rows(library, "reader_report", "messages"))


def test_what_cannot_be_taken_is_said_with_what_was_written_and_nothing_is_kept(
    library: Environment, reader: Browser
) -> None:
    page = f"/resources/{ids(library)['Volcanoes']}/report"
    other = reader.get(f"/resources/{ids(library)['Fractions']}/report").text
    other_token = re.search(r'name="csrf_token" value="([^"]+)"', other)
    assert other_token
    good = {"kind": "wrong", "text": "<b>the</b> title"}
    for wrong, status in (
        ({"website": "https://spam.example"}, 422),
        ({"kind": "rude"}, 422),
        ({"kind": ""}, 422),
        ({"text": "<b>the</b> title" + "x" * 2_000}, 422),
        ({"contact": "nobody"}, 422),
        ({"contact": "a@b.example\nBcc: all@b.example"}, 422),
        ({"csrf_token": ""}, 403),
        ({"csrf_token": "made-up"}, 403),
        ({"csrf_token": other_token[1]}, 403),
    ):
        answer = reader.submit(page, page, **good | wrong)
        assert answer.status_code == status, wrong
        assert 'role="alert"' in answer.text and "&lt;b&gt;the&lt;/b&gt; title" in answer.text
    origins = [{"origin": origin} for origin in ("https://evil.example", "null", "http://[::1", "127.0.0.1:8081")]
    for headers in ({"sec-fetch-site": "cross-site"}, *origins):
        token = re.search(r'name="csrf_token" value="([^"]+)"', reader.get(page).text)
        assert token
        assert reader.post(page, data={**good, "csrf_token": token[1]}, headers=headers).status_code == 403
    assert reports(library) == []


def test_who_reports_too_often_is_told_to_wait_and_keeps_the_text(library: Environment, reader: Browser) -> None:
    pages = [f"/resources/{each}/report" for each in sorted(ids(library).values())]
    for number in range(10):
        sent = reader.submit(pages[number % 4], pages[number % 4], kind="dead")
        assert sent.status_code == 200 and "Thank you" in sent.text
    refused = reader.submit(pages[0], pages[0], kind="wrong", text="my long text")
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert "my long text" in refused.text and "Too many tries" in shown(refused)
    assert sum(count for _, count in reports(library)) == 10


def test_all_addresses_of_a_customer_are_counted_together() -> None:
    def client(host: str) -> str:
        return client_of(Request({"type": "http", "client": (host, 1)}))

    assert client("2001:db8::1") == client("2001:db8::ffff:2") != client("2001:db8:0:1::1")
    assert client("::ffff:192.0.2.7") == client("192.0.2.7") != client("::ffff:192.0.2.8")
    assert client("fe80::1%eth0") == "fe80::/64" and client("testclient") == "testclient"


def test_many_reports_of_one_kind_keep_the_first_and_the_last_texts(library: Environment) -> None:
    for number in range(MAX_MESSAGES + 5):
        tell(library, "Fractions", "wrong", text=f"text {number}", at=f"2026-01-01T00:00:{number:02}.000000Z")
    ((count, messages),) = rows(library, "reader_report", "count, messages")
    texts = [each["text"] for each in json.loads(messages)]
    assert count == MAX_MESSAGES + 5 and len(texts) == MAX_MESSAGES
    assert (texts[0], texts[9], texts[-1]) == ("text 0", "text 9", f"text {MAX_MESSAGES + 4}")


def test_a_report_on_an_id_that_is_gone_moved_or_never_was(library: Environment, reader: Browser) -> None:
    newer = ids(library)["Volcanoes"]
    with write_transaction(library) as connection:
        connection.execute(insert(RedirectRow).values(old_id="01OLD", id=newer, at="2026-01-01T00:00:00Z"))
    moved = reader.get("/resources/01OLD/report?lang=fr", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (301, f"/resources/{newer}/report?lang=fr")
    assert reader.get("/resources/nothing/report").status_code == 404
    assert reader.post("/resources/nothing/report", data={}).status_code == 404
    message = ReaderMessage(id="m", at="2026-01-01T00:00:00.000000Z", language="en")
    keep_reader_report(library, "01OLD", "dead", message)
    assert rows(library, "reader_report", "resource_id") == [(newer,)]
    assert "Thank you" in reader.get("/resources/01OLD/reported?kind=dead&message=m").text


def test_while_a_run_writes_the_page_waits_and_goes_on_by_itself(
    library: Environment, reader: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "WAIT_SECONDS", 0.1)
    page = f"/resources/{ids(library)['Volcanoes']}/report"
    with write_transaction(library):
        waiting = reader.submit(page, page, kind="dead")
        assert "Your report is not kept yet" in shown(waiting) and 'http-equiv="refresh"' in waiting.text
        assert reports(library) == []
        writers = [each for each in threading.enumerate() if each.name == reporting.WRITER_THREAD]
    for writer in writers:
        writer.join(timeout=30)
    assert "Thank you" in reader.get(str(waiting.url)).text
    assert reports(library) == [("dead", 1)]


def test_today_tells_takedowns_first_with_their_due_time_and_leads_to_them(library: Environment) -> None:
    tell(library, "Volcanoes", "dead")
    tell(library, "Fractions", "dead")
    tell(library, "Volcanoes", "takedown", at="2026-01-02T00:00:00.000000Z")
    steward = steward_of(library)
    page = steward.get("/console")
    text = shown(page)
    assert "Readers say that a work is theirs: take it down 1" in text and "Problems that readers report 2" in text
    assert text.index("take it down 1") < text.index("Problems that readers report")
    assert re.search("to be decided by Jan 5, 2026, [^·]* overdue", text) and f'href="{PAGE}?kind=dead"' in page.text


def test_reports_are_narrowed_by_kind_and_partner_takedowns_first(library: Environment) -> None:
    tell(library, "Volcanoes", "dead")
    tell(library, "Rhythm", "wrong", text="the <i>date</i> is wrong")
    tell(library, "Fractions", "takedown", at="2026-01-03T00:00:00.000000Z")
    steward = steward_of(library)
    order = re.findall(
        r'<li class="[^"]*">\s*<div class="row">.*?value="\d+".*?<bdi[^>]*>(\w+)', steward.get(PAGE).text, re.S
    )
    assert order == ["Fractions", "Volcanoes", "Rhythm"]
    films = steward.get(PAGE, params={"partner": "Film Archive"})
    assert "Rhythm" in films.text and "Volcanoes" not in films.text
    assert "the &lt;i&gt;date&lt;/i&gt; is wrong" in films.text
    assert "Film Archive 1" in shown(films) and "Example University 2" in shown(films)
    assert "No report waits here." in shown(steward.get(PAGE, params={"partner": "nobody"}))
    assert "Volcanoes" not in steward.get(PAGE, params={"kind": "wrong"}).text
    only = steward.get(PAGE, params={"resource": ids(library)["Volcanoes"]})
    assert "Volcanoes" in only.text and "Rhythm" not in only.text
    for after in ("x|y|z", "0||", "9" * 30, "1|\u0661|\u0662"):
        assert steward.get(PAGE, params={"after": after}).status_code == 200


def test_pages_of_reports_follow_one_another_without_gap_or_repetition(library: Environment) -> None:
    with write_transaction(library) as connection:
        for number in range(60):
            values = {"resource_id": f"R{number}", "kind": "takedown" if number % 3 == 0 else "dead", "count": 1}
            times = {"first_at": f"2026-01-01T00:00:{number % 7:02}Z", "last_at": "2026-01-01T00:00:00Z"}
            connection.execute(insert(ReaderReportRow).values(**values, **times, messages="[]"))
    steward, url, seen = steward_of(library), PAGE, list[str]()
    while url:
        page = steward.get(url).text
        seen += re.findall(r'href="/resources/(R\d+)"', page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        url = unescape(more[1]) if more else ""
    assert len(seen) == 60 and set(seen) == {f"R{number}" for number in range(60)}
    assert all(int(each[1:]) % 3 == 0 for each in seen[:20])


def test_a_decision_is_remembered_with_who_and_why_and_undone(library: Environment) -> None:
    tell(library, "Volcanoes", "dead")
    tell(library, "Fractions", "wrong")
    steward = steward_of(library)
    (number,) = [row[1] for row in rows(library, "reader_report", "kind, id") if row[0] == "dead"]
    done = decide(steward, "mend", scope="ticked", report=[str(number)])
    assert "Noted as mended: 1." in shown(done) and "Volcanoes" not in done.text.partition("<main")[2]
    decided = steward.get(PAGE, params={"state": "decided"})
    assert f"mended {STEWARD}" in shown(decided) and "looked at it" in shown(decided)
    log = shown(steward.get("/console/decisions"))
    assert "report: mended" in log and ids(library)["Volcanoes"] in log
    assert "report: mended" in shown(steward.get("/console/decisions", params={"kind": "report mend"}))
    (batch,) = rows(library, "reader_report_decision", "batch_id")
    undone = steward.submit("/console/decisions", "/console/undo", batch=batch[0], back=PAGE)
    assert "Undone: 1." in shown(undone) and "Volcanoes" in undone.text
    tell(library, "Volcanoes", "dead", at="2026-01-05T00:00:00.000000Z")
    assert ("dead", 2) in reports(library)
    decide(steward, "dismiss", reason="")
    assert {row[0] for row in rows(library, "reader_report", "decision_id")} == {None}, "a reason is needed"
    assert decide(steward, "release").status_code == 422


def test_resources_are_withdrawn_with_everything_that_is_reported_about_them(library: Environment) -> None:
    tell(library, "Volcanoes", "takedown")
    tell(library, "Volcanoes", "dead")
    tell(library, "Fractions", "dead")
    steward, volcanoes = steward_of(library), ids(library)["Volcanoes"]
    done = decide(steward, "withdraw", kind="takedown")
    assert "Decided: 2." in shown(done)
    assert rows(library, "curation", "action, resource_id") == [("withdraw", volcanoes)]
    tasks_catalog.publish_now()
    assert steward.get(f"/resources/{volcanoes}").status_code == 410
    assert steward.get(f"/resources/{volcanoes}/report").status_code == 410
    (batch,) = {row[0] for row in rows(library, "curation", "batch_id")}
    assert "Undone: 2." in shown(steward.submit("/console/decisions", "/console/undo", batch=batch, back=PAGE))
    tasks_catalog.publish_now()
    assert steward.get(f"/resources/{volcanoes}").status_code == 200
    assert {row[0] for row in rows(library, "reader_report", "decision_id")} == {None}


def test_what_came_after_the_page_was_opened_is_not_decided(library: Environment) -> None:
    tell(library, "Volcanoes", "dead")
    steward = steward_of(library)
    newest = re.search(r'name="newest" value="(\d+)"', steward.get(PAGE).text)
    assert newest
    tell(library, "Fractions", "dead")
    form = {"action": "withdraw", "scope": "all", "reason": "gone", "newest": newest[1]}
    assert "Decided: 1." in shown(steward.submit(PAGE, PAGE, **form))
    assert [row[0] for row in rows(library, "curation", "resource_id")] == [ids(library)["Volcanoes"]]


def test_of_two_stewards_one_decides_and_the_other_is_told(library: Environment) -> None:
    for title in ("Volcanoes", "Fractions", "Rhythm"):
        tell(library, title, "dead")
    browsers, ready = [steward_of(library), steward_of(library)], threading.Barrier(2)

    def dismiss(browser: Browser) -> str:
        ready.wait(timeout=30)
        return shown(decide(browser, "dismiss"))

    with ThreadPoolExecutor(2) as pool:
        answers = [each.result(timeout=60) for each in [pool.submit(dismiss, browser) for browser in browsers]]
    assert sorted("Dismissed: 3." in answer for answer in answers) == [False, True]
    assert "these reports are decided already" in next(each for each in answers if "Dismissed: 3." not in each)
    assert len(rows(library, "reader_report_decision", "id")) == 3


def test_a_kill_in_the_middle_of_a_decision_leaves_nothing_of_it(library: Environment) -> None:
    for title in ("Volcanoes", "Fractions"):
        tell(library, title, "takedown")
    command = [sys.executable, "-c", WITHDRAW]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.kill()
    assert rows(library, "curation", "id") == [] and rows(library, "reader_report_decision", "id") == []
    assert {row[0] for row in rows(library, "reader_report", "decision_id")} == {None}
    assert "Decided: 2." in shown(decide(steward_of(library), "withdraw"))


def test_readers_who_left_an_address_are_answered_once_in_their_language(library: Environment) -> None:
    tell(library, "Volcanoes", "dead", contact="ana@example.org")
    tell(library, "Volcanoes", "wrong", contact="ana@example.org")
    with MailServer() as server:
        url = f"smtp://127.0.0.1:{server.server_address[1]}/?from=elib@library.example.org"
        steward = steward_of(library, WebSettings(secret="s" * 40, mail_url=url))
        done = decide(steward, "mend", answer="The link leads to the new address now.")
        assert "not sent" not in shown(done)
    (mail,) = server.mails
    assert mail.receivers == ["ana@example.org"]
    body = mail.message.get_content()
    assert "The link leads to the new address now." in body and f"/resources/{ids(library)['Volcanoes']}" in body
    assert "answered" in shown(steward.get(PAGE, params={"state": "decided"}))


def test_answers_that_could_not_be_sent_are_shown_to_send(library: Environment) -> None:
    tell(library, "Volcanoes", "dead", contact="ana@example.org")
    steward = steward_of(library)
    told = decide(steward, "dismiss", answer="It works for us.")
    assert "Answers that were not sent: 1." in shown(told)
    page = steward.get(PAGE, params={"state": "decided"}).text
    assert "mailto:ana%40example.org?subject=" in page and "It%20works%20for%20us." in page


def test_texts_and_addresses_are_forgotten_ninety_days_after_the_decision(library: Environment) -> None:
    tell(library, "Volcanoes", "dead", text="gone", contact="ana@example.org")
    tell(library, "Fractions", "dead", text="open", contact="ana@example.org")
    (number,) = [row[1] for row in rows(library, "reader_report", "messages, id") if "gone" in row[0]]
    decide_reader_reports(library, "dismiss", lambda _: [number], by="Amina", reason="works")
    assert forget_old_messages(library, datetime.now(UTC) + timedelta(days=89)) == 0
    assert forget_old_messages(library, datetime.now(UTC) + timedelta(days=91)) == 1
    texts = [row[0] for row in rows(library, "reader_report", "messages")]
    assert "[]" in texts and any("open" in text for text in texts)


def test_reports_and_decisions_are_restored_and_numbered_on(env: Environment, tmp_path: Path) -> None:
    for number, kind in enumerate(("dead", "takedown")):
        message = ReaderMessage(id=f"m{number}", at="2026-01-01T00:00:00.000000Z", language="fr", text="«été»")
        keep_reader_report(env, "01X", kind, message)  # type: ignore[arg-type]
    decide_reader_reports(env, "dismiss", lambda _: [1], by="Amina", reason="works")
    tables = ("reader_report", "reader_report_decision")
    before = {name: rows(env, name) for name in tables}
    back_up(env, tmp_path / "backup.tar")
    with write_transaction(env) as connection:
        for table in (ReaderReportRow, ReaderReportDecisionRow):
            connection.execute(delete(table))
    restore(env, tmp_path / "backup.tar")
    assert {name: rows(env, name) for name in tables} == before
    keep_reader_report(env, "01Y", "wrong", ReaderMessage(id="n", at="2026-01-02T00:00:00Z", language="en"))
    decide_reader_reports(env, "mend", lambda _: [2, 3], by="Amina", reason="done")
    assert [row[0] for row in rows(env, "reader_report_decision", "id")] == [1, 2, 3]
    with read_transaction(env) as connection:  # and PostgreSQL gives the same pages
        for is_decided, order in ((True, ["wrong", "takedown", "dead"]), (False, [])):
            chosen = ReaderReportFilter(feeds=None, is_decided=is_decided)
            shown_reports, place = reader_reports_page(connection, chosen, limit=2)
            shown_reports += reader_reports_page(connection, chosen, after=place)[0] if place else []
            assert [each.kind for each in shown_reports] == order
            assert reader_report_facets(connection, chosen).total == len(order)
    assert undo_batch(env, rows(env, "reader_report_decision", "batch_id")[-1][0], by="A", reason="r").count
    keep_reader_report(env, "01Z", "takedown", ReaderMessage(id="n", at="2026-01-02T00:00:00Z", language="en"))
    with read_transaction(env) as connection:
        open_reports, place = reader_reports_page(connection, ReaderReportFilter(), limit=1)
        more, _ = reader_reports_page(connection, ReaderReportFilter(), after=place)
        kinds = [each.kind for each in (*open_reports, *more)]
        assert len(kinds) > 1 and kinds == sorted(kinds, key=lambda kind: kind != "takedown")
        assert reader_reports_page(connection, ReaderReportFilter(feeds=("books",), resource="01Z")) == ([], None)
