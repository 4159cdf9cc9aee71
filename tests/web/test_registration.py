"""From an address that a partner types to resources that teachers find: every step, over real servers."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response
from starlette.testclient import TestClient

from loaders.accounts import add_account
from loaders.applications import (
    Application,
    applications_of,
    ask_partner,
    create_draft,
    keep_test,
    list_applications,
    read_application,
    save_draft,
    submit_application,
)
from loaders.catalog import release
from loaders.declarations import feed_path
from loaders.store import engine, read_run
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from pipeline.exporting import write_export
from pipeline.trials import TrialBounds
from samples.server import ReplayServer
from schemas import ROOT, Environment, environment
from tests.loaders.nights import rows
from tests.loaders.test_applications import KEYS
from tests.pipeline.test_trials import ended
from tests.web.conftest import PASSWORD, PASSWORD_HASH, STEWARD, Browser
from transforms.exports import EXPORTS
from web import create_app
from web.links import sign_in_link
from web.partners import UPLOAD_MAX_BYTES
from web.settings import WebSettings

MAIL = "ana@novigrad.example"
REGISTER = "/partners/register"


def exported_lines(env: Environment) -> list[str]:
    out = io.StringIO()
    write_export(env, EXPORTS["amb"], out)
    return out.getvalue().splitlines()


@pytest.fixture(scope="module")
def partner() -> Iterator[ReplayServer]:
    with ReplayServer(ROOT / "samples") as server:
        yield server


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """An installation that may ask servers of this machine."""
    home = tmp_path / "home"
    monkeypatch.setenv("ELIB_HOME", str(home))
    monkeypatch.setenv("ELIB_FEEDS", os.pathsep.join([str(tmp_path / "feeds"), str(home / "feeds")]))
    monkeypatch.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    env = environment()
    yield env
    engine(env).dispose()


@pytest.fixture
def browser(library: Environment) -> Iterator[Browser]:
    with Browser(create_app(library, WebSettings(secret="s" * 40)), base_url="http://127.0.0.1:8081") as opened:
        yield opened


def register(browser: Browser, address: str, **more: str) -> Response:
    fields = {"partner": "Commonwealth Campus", "contact_name": "Ana", "mail": MAIL, "address": address, **more}
    return browser.submit(REGISTER, REGISTER, **fields)


def newest(env: Environment) -> Application:
    return applications_of(env, MAIL)[0]


def test_an_address_becomes_published_resources(browser: Browser, library: Environment, partner: ReplayServer) -> None:
    answer = register(browser, f"{partner.url}/col")
    assert "OAI-PMH repository" in answer.text
    assert "Sample of OAsis" in answer.text
    draft = newest(library)
    page = f"/partners/applications/{draft.id}"
    assert (answer.url.path, draft.name) == (page, "commonwealth_campus")
    fields = {"title": "OAsis for schools", "name": "campus", "format": "oai_dc", "default_language": "en"}
    saved = browser.submit(page, page, version=str(draft.version), action="save", **fields)
    assert 'role="alert"' not in saved.text
    kept = newest(library)
    save_draft(library, kept, declaration=kept.declaration | {"request": {"rate": 1000}})  # the samples are our own
    browser.submit(f"{page}/test", f"{page}/test")
    ended(library, newest(library).test["trial"])
    shown = browser.get(f"{page}/test").text
    assert "records can be published as they are" in shown
    assert "As a teacher will see it" in shown
    assert "What you sent" in shown
    link = re.search(r'href="http://127\.0\.0\.1:8081(/partners/previews/[\w.-]+)"', shown)
    assert link
    with TestClient(browser.app, base_url="http://127.0.0.1:8081") as colleague:
        assert "records can be published as they are" in colleague.get(link[1]).text
        assert "<form" not in colleague.get(link[1]).text
        assert colleague.get(f"{page}/test").status_code == 404
        assert colleague.get(link[1] + "x").status_code == 404
    tested = newest(library)
    assert (tested.status, tested.test["state"]) == ("tested", "done")
    submitted = browser.submit(
        f"{page}/submit",
        f"{page}/submit",
        version=str(tested.version),
        rate="1000",
        mail=MAIL,
        language="ru",
        metadata_license="CC0-1.0",
        consent="yes",
    )
    assert submitted.url.path == page
    with Browser(browser.app, base_url="http://127.0.0.1:8081") as steward:
        add_account(library, STEWARD, "steward", password=PASSWORD_HASH)
        steward.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
        waiting = newest(library)
        console = f"/console/applications/{waiting.id}"
        assert "records can be published as they are" in steward.get(console).text
        accepted = steward.submit(console, console, version=str(waiting.version), action="accept", name="campus")
        assert "Accepted." in accepted.text
        run = tasks.harvest("campus")["run_id"]
        assert tasks.run_feed("campus", run) == {}
        assert read_run(library, run).status == "held"
        assert "a feed that its partner registered" in steward.get("/console").text
        assert rows(library, "source_record", "key") == []
        release(library, run, by=STEWARD, reason="looked through them")
        tasks_catalog.publish_now()
    assert rows(library, "feed_declaration", "feed, source") == [("campus", "registration")]
    assert len(rows(library, "resource", "id")) > 10
    file = feed_path(library, "campus")
    assert 'metadata_license = "CC0-1.0"' in file.read_text(), "the consent is written down, CC0 too"
    passed_on = len(exported_lines(library))
    assert passed_on == len(rows(library, "resource", "id"))
    consenting = file.read_text()
    file.write_text(consenting.replace('metadata_license = "CC0-1.0"', ""))
    assert exported_lines(library) == [], "without consent nothing of a registered feed is passed on"
    file.write_text(consenting)
    again = tasks.harvest("campus", full=True)["run_id"]
    assert tasks.run_feed("campus", again)
    assert read_run(library, again).status == "loaded"


def test_the_same_source_registered_twice_is_recognised(
    browser: Browser, library: Environment, partner: ReplayServer
) -> None:
    (library.registered_feeds).mkdir(parents=True)
    url = f"{partner.url}/col/server/oai/request"
    keys = f'title = "a"\npartner = "b"\nprotocol = "oai_pmh"\nformat = "oai_dc"\nurl = "{url}/"\n'
    (library.registered_feeds / "known.toml").write_text(keys)
    answer = register(browser, url.replace("http://", "HTTP://"))
    assert "is known already" in answer.text
    assert "known" in re.findall(r"<bdi>(\w+)</bdi>", answer.text)


def test_nothing_recognised_says_what_to_do_and_another_address_is_looked_at(
    browser: Browser, library: Environment, partner: ReplayServer
) -> None:
    answer = register(browser, f"{partner.url}/alecso")
    draft = newest(library)
    page = f"/partners/applications/{draft.id}"
    assert "Open the address in a browser" in answer.text
    assert 'name="title"' not in answer.text
    assert browser.get(f"{page}/submit").status_code == 200
    again = browser.submit(page, REGISTER, application=draft.id, address=f"{partner.url}/iite")
    assert "WordPress site" in again.text
    assert newest(library).id == draft.id


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:1/", "ftp://example.org", "http://169.254.169.254/latest", "javascript:alert(1)", "::"],
)
def test_an_address_that_nobody_may_ask_is_a_sentence_and_no_defect(
    browser: Browser, library: Environment, address: str
) -> None:
    answer = register(browser, address)
    assert answer.status_code == 200
    assert 'class="message error"' in answer.text
    assert newest(library).status == "draft"


def test_an_uploaded_archive_is_recognised_and_kept(browser: Browser, library: Environment) -> None:
    lom = (
        '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><identifier><catalog>URI</catalog>'
        "<entry>https://x.example/{0}</entry></identifier><title><string language='en'>Volcanoes {0}</string></title>"
        "</general><technical><location>https://x.example/{0}</location></technical></lom>"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            archive.writestr(f"records/{number}.xml", lom.format(number))
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(REGISTER).text)
    assert token
    fields = {"csrf_token": token[1], "partner": "P", "mail": MAIL, "address": ""}
    files = {"file": ("../../..\\evil name<b>.zip", packed.getvalue(), "application/zip")}
    answer = browser.post(REGISTER, data=fields, files=files)
    draft = newest(library)
    assert answer.url.path == f"/partners/applications/{draft.id}"
    assert draft.declaration["protocol"] == "files", answer.text
    browser.submit(f"{answer.url.path}/test", f"{answer.url.path}/test")
    assert ended(library, newest(library).test["trial"]).state == "done"
    assert "3 of 3 records" in browser.get(f"{answer.url.path}/test").text
    draft = newest(library)
    kept = library.home / "inbox" / draft.declaration["url"].removeprefix("inbox:")
    assert kept.read_bytes() == packed.getvalue()
    assert kept.parent == library.home / "inbox" / "registrations" / draft.id
    assert "<b>.zip" not in answer.text
    browser.submit(
        f"/partners/applications/{draft.id}",
        f"/partners/applications/{draft.id}/back",
        action="withdraw",
        version=str(draft.version),
    )
    assert not kept.exists()
    withdrawn = read_application(library, draft.id)
    assert withdrawn is not None
    assert withdrawn.status == "withdrawn"


def upload(browser: Browser, name: str, content: bytes, **more: str) -> Response:
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(REGISTER).text)
    assert token
    fields = {"csrf_token": token[1], "partner": "P", "mail": MAIL, "address": "", **more}
    return browser.post(REGISTER, data=fields, files={"file": (name, content, "text/csv")})


def test_what_may_be_sent_may_be_tested() -> None:
    assert TrialBounds().upload_bytes >= UPLOAD_MAX_BYTES


def test_the_file_that_was_tested_is_the_one_that_is_harvested(browser: Browser, library: Environment) -> None:
    table = b"id,title,url,description\n" + b"".join(
        b"%d,Volcanoes %d,https://x.example/%d,Of fire\n" % (i, i, i) for i in range(9)
    )
    upload(browser, "books.csv", table)
    draft = newest(library)
    assert draft.declaration["title"] == "books.csv"
    kept = library.home / "inbox" / "registrations" / draft.id
    keep_test(library, draft, {"state": "done"})
    upload(browser, "books.csv", table.replace(b"Volcanoes", b"Casino"), application=draft.id)
    again = newest(library)
    assert (again.status, again.test) == ("draft", None), "another file of the name was not tested"
    upload(browser, "books.csv", table, application=draft.id)
    submit_application(library, keep_test(library, newest(library), {"state": "done"}))
    for name in ("books.csv", "others.csv"):
        answer = upload(browser, name, table.replace(b"Volcanoes", b"Casino"), application=draft.id)
        assert "cannot be changed now" in answer.text
        assert {path.name: path.read_bytes() for path in kept.iterdir()} == {"books.csv": table}
    assert newest(library).status == "submitted"


@pytest.mark.parametrize(
    "name", ["\U00020000" * 80 + ".csv", "é" * 300 + ".csv", "a" * 1_000 + ".csv", "..", "a/" * 300]
)
def test_a_file_may_have_any_name(browser: Browser, library: Environment, name: str) -> None:
    assert upload(browser, name, b"id,title\n1,Volcanoes\n").status_code == 200
    kept = library.home / "inbox" / "registrations" / newest(library).id
    assert [len(path.name.encode()) < 200 for path in kept.iterdir()] == [True]


@pytest.mark.parametrize(("charset", "text"), [("undefined", b"x"), ("punycode", b"x--\xff"), ("utf-7", b"x+2AA-")])
def test_a_form_in_a_charset_that_is_none_is_refused(
    browser: Browser, library: Environment, charset: str, text: bytes
) -> None:
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(REGISTER).text)
    assert token
    fields = {
        "csrf_token": token[1].encode(),
        "partner": b"P",
        "contact_name": text,
        "mail": MAIL.encode(),
        "address": b"x",
    }
    parts = [
        b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in fields.items()
    ]
    headers = {"content-type": f"multipart/form-data; boundary=b; charset={charset}"}
    answer = browser.post(REGISTER, content=b"".join([*parts, b"--b--\r\n"]), headers=headers)
    assert (answer.status_code, "cannot be read" in answer.text) == (400, True)
    assert list_applications(library) == []


def test_a_body_is_bounded_and_a_form_needs_its_token(browser: Browser, library: Environment) -> None:
    assert browser.post("/partners/sign-in", content=b"x" * (2 << 20)).status_code == 413
    headers = {"content-length": str(UPLOAD_MAX_BYTES + 1), "content-type": "multipart/form-data; boundary=x"}
    assert browser.post(REGISTER, content=b"", headers=headers).status_code == 413
    assert browser.post(REGISTER, data={"partner": "P", "mail": MAIL, "address": "x"}).status_code == 403
    assert list_applications(library) == []


@pytest.mark.parametrize(
    "more", [{"partner": ""}, {"mail": "not an address"}, {"mail": "a@b.example\nBcc: c@d.example"}, {"address": ""}]
)
def test_what_is_missing_is_told_and_nothing_entered_is_lost(
    browser: Browser, library: Environment, more: dict[str, str]
) -> None:
    answer = register(browser, **{"address": "https://x.example", **more})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert 'value="Ana"' in answer.text
    assert list_applications(library) == []


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "%(name)s %s %d %",
    "\u202egnp.exe",
    "' onmouseover='alert(1)",
    "</textarea><svg/onload=alert(1)>",
)


def test_what_partners_write_stays_text_on_every_page(browser: Browser, library: Environment) -> None:
    pairs = [hostile_applications(library, text, f"sent_{number}") for number, text in enumerate(HOSTILE)]
    add_account(library, STEWARD, "steward", password=PASSWORD_HASH)
    link = sign_in_link(WebSettings(secret="s" * 40), MAIL).removeprefix("http://127.0.0.1:8081")
    browser.submit(link, link)
    pages = [browser.get("/partners/feeds")]
    for application in [each for pair in pairs for each in pair]:
        for page in ("", "/test", "/submit"):
            pages.append(browser.get(f"/partners/applications/{application.id}{page}"))
    with Browser(browser.app, base_url="http://127.0.0.1:8081") as steward:
        steward.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
        pages.append(steward.get("/console/applications?all=1"))
        for _, sent in pairs:
            page = f"/console/applications/{sent.id}"
            pages += [steward.get(page), steward.submit(page, f"{page}/mail")]
    for answer in pages:
        assert answer.status_code == 200, answer.url
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "<svg/onload" not in answer.text
        assert "' onmouseover='" not in answer.text
        assert not re.search(r"""(?:href|src|action)=["']?\s*javascript:""", answer.text)
        assert ">49" not in answer.text


def hostile_applications(env: Environment, text: str, name: str) -> tuple[Application, Application]:
    """A draft and a submitted application that have a text wherever a partner or a server can write one."""
    proposal = {
        "declaration": KEYS | {"url": f"https://x.example/{text}"},
        "protocol": "oai_pmh",
        "recognised": {"text": "OAI-PMH repository “%(name)s”", "values": {"name": text}},
        "name": text,
        "formats": [{"code": text, "name": text, "crosswalk": "oai_dc"}],
        "sets": [{"code": text, "name": text}],
        "warnings": [{"text": "%(name)s", "values": {"name": text}}],
    }
    probe = {"address": text, "result": {"text": "%(name)s", "values": {"name": text}}}
    detection = {"result": {"address": text, "proposals": [proposal], "probes": [probe]}, "chosen": 0, "upload": ""}
    facts = {"partner": text, "contact": MAIL, "contact_name": text, "detection": detection}
    draft = create_draft(env, declaration=KEYS | {"title": text, "sets": [text], "note": text}, **facts)
    sent = save_draft(env, create_draft(env, declaration=KEYS | {"title": text}, **facts), name=name)
    sent = submit_application(env, keep_test(env, sent, {"state": "done", "lines": []}))
    ask_partner(env, sent, by=text, question=text)
    return draft, sent


def test_registration_is_rate_limited(browser: Browser, library: Environment) -> None:
    answers = [register(browser, "", partner="").status_code for _ in range(21)]
    assert answers[0] == 422
    assert answers[-1] == 429
