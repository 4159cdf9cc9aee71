"""Who follows /api/v1/changes has exactly the catalog: through nights, decisions and erasures, read during them."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from sqlalchemy import Connection

from loaders.curation import judge, undo_curation, withdraw
from loaders.erasure import erase
from loaders.publication import publication
from loaders.store import read_transaction
from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import Browser
from web import create_app
from web.settings import WebSettings

__all__ = ["library"]
pytestmark = pytest.mark.early


class Mirror:
    """A copy of the library that follows its changes: resources by id without the times, and redirects."""

    def __init__(self, browser: Browser, limit: int) -> None:
        self.browser, self.limit = browser, limit
        self.resources: dict[str, Any] = {}
        self.redirects: dict[str, str] = {}
        self.cursor = ""
        self.starts = 0

    def read_page(self) -> bool:
        """Read a page; return whether there are more."""
        answer = self.browser.get("/api/v1/changes", params={"since": self.cursor, "limit": self.limit})
        if answer.status_code == 410:
            assert answer.json()["type"].endswith("unknown-cursor")
            self.resources, self.redirects, self.cursor = {}, {}, ""
            self.starts += 1
            return True
        assert answer.status_code == 200, answer.text
        page = answer.json()
        for change in page["changes"]:
            self.resources.pop(change["id"], None)
            self.redirects.pop(change["id"], None)
            if change["action"] == "upsert":
                self.resources[change["id"]] = without_origins(change["resource"]["record"])
            elif change["action"] == "redirect":
                self.redirects[change["id"]] = change["to"]
        self.cursor = page["cursor"] or ""
        return bool(page["has_more"])

    def read_all(self) -> None:
        while self.read_page():
            pass


def published(env: Environment, browser: Browser) -> dict[str, Any]:
    """Return the records of what is published, as the API gives each by its id."""
    ids = [row[0] for row in rows(env, "resource", "id, withdrawn_at") if row[1] is None]
    return {each: without_origins(browser.get(f"/api/v1/resources/{each}").json()["record"]) for each in ids}


def without_origins(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without what only the whole form of one resource has."""
    return {name: value for name, value in record.items() if name not in ("provenance", "terms", "unmapped")}


def redirects(env: Environment) -> dict[str, str]:
    return dict(rows(env, "redirect", "old_id, id"))


@pytest.fixture
def browser(library: Environment) -> Iterator[Browser]:
    app = create_app(library, WebSettings(secret="s" * 40, url="https://library.example.org"))
    with Browser(app, base_url="http://127.0.0.1:8081") as browser:
        yield browser


def test_a_mirror_has_exactly_the_catalog(
    library: Environment, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(library, "films")
    chance = random.Random(16)
    old, during = Mirror(browser, 11), Mirror(browser, 9)
    real = publication.write_matches

    def read_meanwhile(connection: Connection, *args: Any) -> None:
        during.read_page()  # the publication's transaction is open
        real(connection, *args)

    monkeypatch.setattr(publication, "write_matches", read_meanwhile)
    held: dict[str, set[int]] = {"books": set(range(24)), "films": set(range(2, 26))}
    withdrawals: list[int] = []
    for step in range(6):
        for feed, numbers in held.items():
            numbers ^= set(chance.sample(range(28), 2))
            more = {"description": f"What was said of it in night {step}, at some length."} if step % 2 else {}
            night(library, feed, [listed(feed, number, name=_title(number), **more) for number in sorted(numbers)])
        _decide(library, chance, step, withdrawals)
        tasks_catalog.publish_now()
        during.read_page()
        old.read_all()
        assert old.resources == published(library, browser)
        assert {each: old.redirects.get(each) for each in redirects(library)} == redirects(library)
    during.read_all()
    new = Mirror(browser, 13)
    new.read_all()
    assert during.resources == new.resources == old.resources
    assert old.starts == during.starts == 0


def _title(number: int) -> str:
    words = ["Photosynthesis", "Fractions", "Volcanoes", "Grammar", "Electricity", "Democracy", "Rhythm", "Rivers"]
    return f"{words[number % 8]} and everything about them, part {number}"


def _decide(env: Environment, chance: random.Random, step: int, withdrawals: list[int]) -> None:
    live = [row[0] for row in rows(env, "resource", "id, withdrawn_at") if row[1] is None]
    keys = sorted(row[0] for row in rows(env, "source_record", "key, status") if row[1] == "live")
    if step == 1:
        withdrawals.append(withdraw(env, chance.choice(live), by="Amina", reason="x"))
    if step == 2:
        undo_curation(env, withdrawals.pop(), by="Amina", reason="x")
        left, right = chance.sample(keys, 2)
        judge(env, "same", left, right, by="Amina", reason="x")
    if step == 3:
        erase(env, by="Amina", reason="x", key=chance.choice(keys))
    if step == 4:
        erase(env, by="Amina", reason="x", feed="books", names=["Okafor"])
        declare(env, "films", 'metadata_license = "CC-BY-4.0"\n')
    if step == 5:
        matches = rows(env, "match", "left_key, right_key, verdict")
        pairs = [(left, right) for left, right, verdict in matches if verdict == "same" and {left, right} <= {*keys}]
        for left, right in pairs[:2]:
            judge(env, "different", left, right, by="Amina", reason="x")


def test_a_changed_licence_reaches_who_follows(library: Environment, browser: Browser) -> None:
    night(library, "books", [listed("books", number) for number in range(3)])
    tasks_catalog.publish_now()
    mirror = Mirror(browser, 10)
    mirror.read_all()
    tasks_catalog.publish_now()
    page = browser.get("/api/v1/changes", params={"since": mirror.cursor}).json()
    assert page["changes"] == [] and page["cursor"] == mirror.cursor
    declare(library, "books", 'metadata_license = "CC-BY-4.0"\n')
    tasks_catalog.publish_now()
    page = browser.get("/api/v1/changes", params={"since": mirror.cursor}).json()
    licenses = {each["resource"]["metadata_license"] for each in page["changes"]}
    assert len(page["changes"]) == 3 and licenses == {"https://creativecommons.org/licenses/by/4.0/"}


def test_a_slow_client_does_not_hold_up_a_publication(library: Environment) -> None:
    night(library, "books", [listed("books", number, description="long " * 20_000) for number in range(40)])
    tasks_catalog.publish_now()
    settings = WebSettings(secret="s" * 40)
    server = uvicorn.Server(uvicorn.Config(create_app(library, settings), port=0, log_level="warning"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    with socket.create_connection(listening.getsockname()) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)  # with less, Linux sends the rest at 40 kB/s
        slow.sendall(b"GET /api/v1/changes?limit=500 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        begun = slow.recv(1_000)  # and reads no further
        assert begun.startswith(b"HTTP/1.1 200")
        night(library, "books", [listed("books", number, description="long " * 19_000) for number in range(41)])
        tasks_catalog.publish_now()
        with read_transaction(library) as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM resource WHERE withdrawn_at IS NULL").scalar() == 41
        while part := slow.recv(1 << 20):
            begun += part
    server.should_exit = True
    thread.join()
    head, _, body = begun.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower() and body.count(b'"upsert"') == 40
