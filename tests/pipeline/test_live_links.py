"""Published addresses are checked in turn: what is dead after three failures over a week is told, and never dropped."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from loaders.browse import (
    FixFilter,
    HostsOfLinks,
    count_links_of_hosts,
    fix_groups,
    fix_page,
    hosts_of_links,
    last_night,
)
from loaders.curation import curation
from loaders.erasure import erase
from loaders.search import Wanted, search_library
from loaders.store import FeedBusy, read_transaction, upkeep_run, write_transaction
from pipeline import catalog
from pipeline.links import LinkSettings, LinksFailed, check_links
from schemas import ROOT, Environment, environment
from tests.harvesters.loopback import Answer, ReceivedRequest, serving
from tests.loaders.nights import rows
from tests.pipeline.conftest import home, library
from tests.pipeline.feeds import declare, listed, night
from transforms.search_words import query_words

__all__ = ["home", "library"]
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
FAST = LinkSettings(rate=100_000, timeout=5, backoff=0.001, hosts=4)
HTML = {"Content-Type": "text/html; charset=utf-8"}


class Sites:
    """Web sites under several host names, all on one port; each path answers as `answers` says, else with a page."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.names = {"books.example.org", "other.example.org"}
        self.requests: list[ReceivedRequest] = []
        self.port = 0

    def answer(self, request: ReceivedRequest) -> Answer:
        self.requests.append(request)
        if request.path in self.answers:
            return self.answers[request.path]
        if request.path == "/robots.txt" or "elib-no-such-page" in request.path:
            return Answer(status=404)
        return Answer(f"<title>{request.path}</title><h1>Workbook</h1><p>{'A page. ' * 40}</p>", headers=HTML)

    def url(self, path: str, host: str = "books") -> str:
        return f"http://{host}.example.org:{self.port}{path}"

    def asked(self) -> list[str]:
        """The paths that were requested since this was last called, in order, without robots.txt."""
        paths = [request.path for request in self.requests if request.path != "/robots.txt"]
        self.requests.clear()
        return [path for path in dict.fromkeys(paths) if "no-such-page" not in path]


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    """Sites whose names lead to the loopback, as a name server would say; other names lead nowhere."""
    made, resolve = Sites(), socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host in made.names:
            return resolve("127.0.0.1", port, *more, **named)
        if str(host).endswith(".example.org"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with serving(made.answer) as loopback:
        made.port = int(loopback.url.rpartition(":")[2])
        hosts = [f"{name}:{made.port}" for name in made.names]
        monkeypatch.setenv("ELIB_ALLOW_PRIVATE", ",".join(hosts))
        yield made


def publish(env: Environment, *addresses: str, **more: Any) -> None:
    night(env, "books", [listed("books", number, id=url, **more) for number, url in enumerate(addresses)])
    catalog.publish_now()


def check(day: float = 0, **more: Any) -> tuple[str, ...]:
    return check_links(environment(), FAST, clock=lambda: NOW + timedelta(days=day), **more).notes


def state(env: Environment) -> dict[str, tuple[str, int, bool]]:
    """Return status, strikes and whether it is dead of each address, by its path."""
    return {
        "/" + url.split("/", 3)[3]: (status, strikes, dead is not None)
        for url, status, strikes, dead in rows(env, "link_check", "url, status, strikes, dead_at")
    }


def findings(env: Environment) -> list[tuple[str, str, bool]]:
    """Return code, record and whether it is open of each finding of the links."""
    with read_transaction(env) as connection:
        query = text("SELECT code, key, resolved_run_id FROM issue WHERE scope = 'link' ORDER BY code, key")
        return [(code, key, resolved is None) for code, key, resolved in connection.execute(query)]


def found(env: Environment, words: str) -> list[str]:
    return [each.record.key for each in search_library(env, Wanted(words, query_words(words)), limit=50).resources]


def test_only_published_addresses_are_asked_and_the_others_are_named(library: Environment, sites: Sites) -> None:
    night(library, "books", [listed("books", 0, id=sites.url("/1"))])
    catalog.publish_now()
    unpublished = [sites.url("/2"), "https://[x/", "javascript:x"]
    result = check_links(environment(), FAST, urls=[unpublished[0], sites.url("/1"), *unpublished])
    assert (result.checked, result.unpublished, sites.asked()) == (1, tuple(unpublished), ["/1"])
    limited = check_links(environment(), FAST, urls=[sites.url("/1"), sites.url("/1")], limit=1)
    assert (limited.checked, limited.unpublished, sites.asked()) == (1, (), ["/1"])
    assert check_links(environment(), FAST, urls=unpublished).checked == 0 and sites.asked() == [], "nor is what is due"
    host = urlsplit(sites.url("/1")).netloc
    ran = rows(library, "harvest_run WHERE kind = 'links'", "id")
    mistyped = check_links(environment(), FAST, host=host[:-1])
    assert (mistyped.checked, mistyped.unknown_host, sites.asked()) == (0, f"did you mean {host}?", [])
    assert rows(library, "harvest_run WHERE kind = 'links'", "id") == ran, "no run is recorded of a slip"
    assert check_links(environment(), FAST, host=host).unknown_host == "", "nothing is due there, which is no mistake"


def test_an_address_is_dead_after_three_failures_over_a_week_and_lives_again_at_once(
    library: Environment, sites: Sites
) -> None:
    same = {"name": "Volcanoes of the deep sea", "description": "What pupils should know about volcanoes."}
    records = [
        listed("books", 0, id=sites.url("/1"), **same),
        listed("books", 10, id=sites.url("/2"), **same | {"name": "Volcanoes of the deep sea, workbook two"}),
    ]
    night(library, "books", records)
    catalog.publish_now()
    best, other = found(library, "volcanoes deep sea")
    path = "/1" if best == "books:0" else "/2"
    sites.answers[path] = Answer(status=404)
    check(0)
    assert state(library)[path] == ("gone", 1, False)
    assert check(0.1)[0].startswith("0 addresses"), "nothing is due yet"
    check(3)
    check(6.5, urls=[sites.url(path)])
    assert state(library)[path] == ("gone", 3, False), "three failures, but not over seven days"
    assert findings(library) == []
    check(14)
    assert state(library)[path] == ("gone", 4, True)
    assert findings(library) == [("address_dead", best, True)]
    assert found(library, "volcanoes deep sea") == [other, best], "ranked down, not dropped"
    with read_transaction(library) as connection:
        last = last_night(connection, "books")
        group = next(each for each in fix_groups(connection, "books", last) if each.rule == "address_dead")
        fixes = fix_page(connection, "books", FixFilter(rule="address_dead", severity="warning", state="new"), last)
    assert (group.new, [fix.value for fix in fixes]) == (1, [sites.url(path)])
    night(library, "books", records)
    catalog.publish_now()
    assert findings(library) == [("address_dead", best, True)], "a load does not resolve it"
    del sites.answers[path]
    check(21)
    assert state(library)[path] == ("alive", 0, False)
    assert findings(library) == [("address_dead", best, False)]
    assert found(library, "volcanoes deep sea") == [best, other]
    with read_transaction(library) as connection:
        groups = fix_groups(connection, "books", last_night(connection, "books"))
    assert next(each for each in groups if each.rule == "address_dead").fixed == 1


def test_the_addresses_follow_what_is_published(library: Environment, sites: Sites) -> None:
    publish(library, sites.url("/1"), sites.url("/2"))
    sites.answers["/2"] = Answer(status=410)
    for day in (0, 3, 7):
        check(day)
    assert findings(library) == [("address_dead", "books:1", True)]
    publish(library, sites.url("/1"), sites.url("/3"))
    check(8)
    assert set(state(library)) == {"/1", "/3"}, "what is no longer published is dropped"
    assert findings(library) == [("address_dead", "books:1", False)], "and its finding is fixed"
    assert [row[1] for row in rows(library, "dead_resource", "resource_id, since")] == [None]
    publish(library, sites.url("/1"))
    check(9)
    assert set(state(library)) == {"/1"}


def test_what_happens_to_be_in_the_way_is_no_strike(home: Environment, sites: Sites) -> None:
    declare(home, "books")
    sites.answers |= {
        "/busy": Answer(status=503, headers={"Retry-After": "7200"}),
        "/403": Answer(status=403),
        "/500": Answer(status=500),
        "/robots.txt": Answer("User-agent: *\nDisallow: /kept\n"),
        "/old": Answer(status=301, headers={"Location": "/new"}),
        "/temporary": Answer(status=302, headers={"Location": "/new"}),
    }
    paths = ("/403", "/500", "/kept/1", "/old", "/temporary")
    publish(home, *map(sites.url, paths), sites.url("/busy", "other"), "http://gone.example.org/x")
    check()
    assert state(home) == {
        "/403": ("refused", 0, False),
        "/500": ("server_error", 1, False),
        "/kept/1": ("robots", 0, False),
        "/old": ("moved", 0, False),
        "/temporary": ("alive", 0, False),
        "/busy": ("busy", 0, False),
        "/x": ("no_host", 1, False),
    }
    assert "/kept/1" not in sites.asked()
    assert findings(home) == [("address_moved", "books:3", True)]
    values = [row[0] for row in rows(home, "issue", "value, scope") if row[1] == "link"]
    assert values == [f"{sites.url('/old')} → {sites.url('/new')}"]


def test_each_host_has_a_budget_and_the_oldest_come_first(home: Environment, sites: Sites) -> None:
    declare(home, "books")
    publish(home, *(sites.url(f"/{number}") for number in range(6)))
    few = LinkSettings(rate=100_000, timeout=5, backoff=0.001, per_host=5)
    check_links(environment(), few, clock=lambda: NOW)
    first = set(sites.asked())
    assert 2 <= len(first) < 6
    check(1, limit=1)
    second = sites.asked()
    assert len(second) == 1 and second[0] not in first
    check(2)
    assert set(sites.asked()) == {f"/{number}" for number in range(6)} - first - set(second)
    assert check(10)[0].startswith("0 addresses"), "all were checked within the month"
    assert not sites.asked()
    check(35)
    assert len(sites.asked()) == 6


def test_when_no_host_answers_nothing_counts(home: Environment, sites: Sites) -> None:
    declare(home, "books")
    publish(home, *(f"http://host{number}.example.org/x" for number in range(6)))
    with pytest.raises(LinksFailed, match="network"):
        check()
    assert {status for _, status in rows(home, "link_check", "url, status")} == {None}
    run = next(row for row in rows(home, "harvest_run", "kind, status, error") if row[0] == "links")
    assert run[1] == "failed" and "network" in run[2]


def test_what_keeps_every_address_from_being_checked_fails_the_run(home: Environment, sites: Sites) -> None:
    """A thread that cannot begin is no run that had nothing to do."""
    declare(home, "books")
    publish(home, sites.url("/1"), sites.url("/1", "other"))
    with pytest.raises(ValueError, match="rate"):
        check_links(environment(), LinkSettings(rate=-1, hosts=2), clock=lambda: NOW)
    (run,) = [row for row in rows(home, "harvest_run", "kind, status, cause, error") if row[0] == "links"]
    assert run[1:3] == ("failed", "crashed") and "rate" in run[3]
    assert check(0.1)[0].startswith("2 addresses were checked: 0 failed")


def test_the_share_checked_is_counted_by_the_run_and_kept_for_the_page(home: Environment, sites: Sites) -> None:
    declare(home, "books")
    publish(home, *(sites.url(f"/{number}") for number in range(3)), sites.url("/1", "other"))
    at = f"{NOW:%Y-%m-%d}"
    with read_transaction(home) as connection:
        assert hosts_of_links(connection, at) == HostsOfLinks([], None)
    check(limit=2)
    with read_transaction(home) as connection:
        counted = hosts_of_links(connection, "of no use")
        assert counted.hosts == count_links_of_hosts(connection, at)
    assert counted.at is not None and counted.at.startswith(at)
    assert [(host.host.partition(":")[0], host.addresses) for host in counted.hosts] == [
        ("books.example.org", 3), ("other.example.org", 1)
    ]  # fmt: skip
    assert sum(host.checked for host in counted.hosts) == 2 == sum(host.unchecked for host in counted.hosts)


def test_two_runs_at_once_are_refused_with_a_sentence(home: Environment, sites: Sites) -> None:
    declare(home, "books")
    publish(home, sites.url("/1"))
    command = [sys.executable, "-m", "commands.cli", "links"]
    with upkeep_run(environment(), "links"):
        ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ended.returncode == 1
    worker = f"{socket.gethostname()}, process {os.getpid()}"
    assert re.fullmatch(
        f"the check of the links: {worker} has been at work on it since .*Z; try again when it is done, or end that "
        "process",
        ended.stderr.strip(),
    )
    with pytest.raises(FeedBusy), upkeep_run(environment(), "links"):
        raise FeedBusy("of the body")


KILLED = """
import os, signal, socket
import loaders.links
from pipeline.links import LinkSettings, check_links
from schemas import environment

resolve, write, writes = socket.getaddrinfo, loaders.links.write_checks, []
socket.getaddrinfo = lambda host, port, *more, **named: resolve("127.0.0.1", port, *more, **named)

def write_checks(*arguments):
    counts = write(*arguments)
    writes.append(counts)
    if len(writes) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return counts

loaders.links.write_checks = write_checks
check_links(environment(), LinkSettings(rate=100_000, timeout=5, backoff=0.001, hosts=1))
"""


def test_a_kill_loses_no_more_than_what_was_in_hand(home: Environment, sites: Sites) -> None:
    declare(home, "books")
    publish(home, *(sites.url(f"/{number}") for number in range(5)))
    ended = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-2000:]
    checked = {path for path, (status, *_) in state(home).items() if status}
    assert len(checked) == 2
    sites.asked()
    catalog.publish_now()
    check_links(environment(), FAST)
    assert set(sites.asked()) == {f"/{number}" for number in range(5)} - checked
    ends = sorted(row[1:] for row in rows(home, "harvest_run", "kind, status, cause") if row[0] == "links")
    assert ends == [("failed", "interrupted"), ("loaded", None)]


def test_a_record_that_leaves_its_resource_keeps_no_finding_of_its_addresses(
    library: Environment, sites: Sites
) -> None:
    sites.answers = {"/a": Answer(status=404), "/b": Answer(status=404)}
    publish(library, sites.url("/a"), sites.url("/b"), sites.url("/c"))
    for day in (0, 3, 8):
        check(day)
    assert findings(library) == [("address_dead", "books:0", True), ("address_dead", "books:1", True)]
    curation.withdraw(library, "books:0", by="A Steward", reason="gone")
    catalog.publish_now()
    with write_transaction(library) as connection:  # as after the deletion of the record
        connection.execute(text("UPDATE source_record SET status = 'deleted' WHERE key = 'books:1'"))
    check(9)
    assert findings(library)[1] == ("address_dead", "books:1", False)


def test_erasing_a_record_takes_its_addresses_out_of_the_checks_at_once(library: Environment, sites: Sites) -> None:
    publish(library, sites.url("/zofia-testname"), sites.url("/b"))
    check()
    assert set(state(library)) == {"/zofia-testname", "/b"}
    erase(library, key="books:0", by="A Steward", reason="wanted")
    assert set(state(library)) == {"/b"}
    assert not [url for (url,) in rows(library, "published_link", "url") if "zofia" in url]


def test_erasing_a_name_takes_addresses_with_it_out_of_the_checks_at_once(library: Environment, sites: Sites) -> None:
    sites.answers = {"/moved": Answer(status=301, headers={"Location": sites.url("/zofia-testname/new")})}
    publish(library, sites.url("/zofia-testname"), sites.url("/moved"), sites.url("/c"))
    check()
    erase(library, feed="books", names=["Zofia Testname"], by="A Steward", reason="wanted")
    assert set(state(library)) == {"/moved", "/c"}
    assert "zofia" not in repr(rows(library, "link_check"))
