"""What a partner sends is shown as text on every page of the console: nothing of it becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from sqlalchemy import update

from loaders.accounts import add_account
from loaders.browse import ASKED, ReaderMessage
from loaders.curation import decide_reader_reports
from loaders.reader_reports import keep_reader_report
from loaders.store import HarvestRunRow, engine, write_transaction
from loaders.task_notes import write_note
from pipeline import catalog as tasks_catalog
from schemas import Environment, environment
from tests.loaders.nights import rows
from tests.pipeline.feeds import FEED, declare, night
from tests.web.conftest import PASSWORD, PASSWORD_HASH, STEWARD, Browser
from tests.web.hostile import PAYLOADS, hostile_records
from web import create_app
from web.settings import WebSettings

_OWN = {"/static/page.js", "/static/web.css", "/static/base.css"}


def hostile_home(home: Path, patch: pytest.MonkeyPatch) -> Environment:
    """An installation whose feeds, runs, records, terms, pairs and notes are all full of hostile text."""
    patch.setenv("ELIB_HOME", str(home))
    patch.setenv("ELIB_FEEDS", str(home / "feeds"))
    patch.delenv("ELIB_CATALOG_URL", raising=False)
    env = environment()
    create_app(env, WebSettings(secret="s" * 40))
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    for name in ("books", "films"):
        declare(env, name)
        path = env.registered_feeds / f"{name}.toml"
        hostile = f"title = '''{PAYLOADS[6]}'''\npartner = '''{PAYLOADS[5]}'''\nnote = '''{PAYLOADS[0]}'''\n"
        path.write_text(hostile + FEED.split("\n", 2)[2], encoding="utf-8")
        night(env, name, hostile_records(name))
    (env.registered_feeds / "broken.toml").write_text(f"title = 1\n'{PAYLOADS[5]}' = '{PAYLOADS[6]}'\n", "utf-8")
    tasks_catalog.publish_now()
    run, _ = night(env, "films", hostile_records("films")[:5])
    with write_transaction(env) as connection:
        texts = {"error": PAYLOADS[1], "cause": PAYLOADS[0], "notes": f'["{PAYLOADS[0]}"]', "status": "failed"}
        connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run).values(**texts))
    for number, (resource_id,) in enumerate(rows(env, "resource", "id")):
        text = PAYLOADS[number % len(PAYLOADS)].replace("\u0000", "")
        message = ReaderMessage(id=text, at="2026-01-01T00:00:00Z", language=text, text=text, contact=text)
        keep_reader_report(env, resource_id, ("takedown", "wrong")[number % 2], message)  # type: ignore[arg-type]
    decide_reader_reports(env, "dismiss", lambda _: [1, 2, 3], by=STEWARD, reason=PAYLOADS[2], answer=PAYLOADS[5])
    write_note(env, f"{ASKED}record:books:0 {PAYLOADS[0]}", "remarked", who=STEWARD, note=PAYLOADS[3])
    return env


def pages_of(env: Environment) -> list[str]:
    """Return every page that shows what partners and readers sent, some of them with their text in the address."""
    keys = [row[0] for row in rows(env, "source_record", "key")]
    resources = [row[0] for row in rows(env, "resource", "id")]
    runs = [row[0] for row in rows(env, "harvest_run", "id")]
    one = quoted_text(PAYLOADS[6])
    return [
        "/console",
        "/console/runs",
        *(f"/console/runs/{run}" for run in runs),
        "/console/quarantine",
        f"/console/quarantine?text={one}",
        "/console/pairs",
        "/console/terms",
        f"/console/terms?text={one}&field={one}",
        "/console/feeds",
        *(f"/console/feeds/{feed}" for feed in ("books", "films", "broken")),
        *(f"/console/records?key={quoted_text(key)}&path=title.en&life=1" for key in keys[::3]),
        *(f"/console/resources/{each}?path=url" for each in resources[::3]),
        "/console/search?text=title",
        *(f"/console/search?text={quoted_text(payload)}" for payload in PAYLOADS[::5]),
        "/console/decisions",
        f"/console/decisions?by={one}&kind={one}",
        "/console/applications",
        "/console/reports",
        f"/console/reports?kind={one}&partner={one}&resource={one}",
        "/console/reports?state=decided",
        *(f"/resources/{each}/report?kind={one}" for each in resources[:3]),
    ]


def quoted_text(text: str) -> str:
    """Return a text as it is in an address."""
    return quote(text.replace("\u0000", ""), safe="")


class Markup(HTMLParser):
    """Collects what a browser would run, fetch or go to."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.faults += [f"<{tag} {name}>" for name in values if name.startswith("on") or name in ("style", "srcdoc")]
        for name in ("href", "src", "action", "formaction", "data", "xlink:href"):
            address = values.get(name, "")
            if urlsplit(address).scheme not in ("", "http", "https") and not address.startswith("mailto:"):
                self.faults.append(f"<{tag} {name}={address[:60]!r}>")
        if tag in ("script", "link", "img") and {values.get("src"), values.get("href")} & _OWN == set():
            self.faults.append(f"<{tag} {values}>")
        if tag in ("iframe", "object", "embed", "base", "style", "math"):
            self.faults.append(f"<{tag}>")
        if tag == "meta" and values.get("http-equiv"):
            self.faults.append(f"<meta {values}>")


def faults_of(page: str) -> list[str]:
    markup = Markup()
    markup.feed(page)
    return markup.faults


def test_the_markup_of_hostile_text_is_found_by_this_test() -> None:
    """Were it not escaped, it would be noticed; the others are addresses, templates and texts without a tag."""
    unnoticed = [payload for payload in PAYLOADS if not faults_of(f'<p title="{payload}">{payload}</p>')]
    assert len(unnoticed) <= 16, unnoticed


def test_no_page_of_the_console_runs_what_partners_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = hostile_home(tmp_path, monkeypatch)
    shown = ""
    with Browser(create_app(env, WebSettings(secret="s" * 40)), base_url="http://127.0.0.1:8081") as browser:
        browser.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
        for path in pages_of(env):
            page = browser.get(path)
            assert page.status_code == 200, (path, page.status_code)
            assert faults_of(page.text) == [], path
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert "49{{" not in page.text and "s" * 40 not in page.text, path
            shown += page.text
    engine(env).dispose()
    assert all(f"alert({number})" in shown for number in (1, 7, 25, 30)), "the pages show what was sent"
