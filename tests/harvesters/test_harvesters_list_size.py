"""A repository that keeps its deletions: what increments do not tell comes to light by the size of its list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from pipeline import feed as tasks
from schemas import Environment
from tests.harvesters.case_server import CaseServer
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, serving
from tests.harvesters.test_harvesters_nights import last_run, live

OLD = "2024-01-01T00:00:00Z"

pytestmark = pytest.mark.early


@dataclass
class Repository:
    """A repository of so many records, on a day of June 2024; some of them are deleted."""

    count: int = 60
    day: int = 1
    more: dict[str, Any] = field(default_factory=dict)
    stamps: dict[int, str] = field(default_factory=dict)
    dead: frozenset[int] = frozenset()
    size_of_live: bool = False  # its completeListSize leaves deleted records out
    says_no_size: bool = False

    def __call__(self, request: ReceivedRequest) -> Answer:
        records = [
            {
                "id": f"r{n}",
                "title": f"How plants use light, part {n}",
                "deleted": n in self.dead,
                "stamp": self.stamps.get(n, OLD),
            }
            for n in range(self.count)
        ]
        repository: dict[str, Any] = {
            "records": records,
            "page": 25,
            "date": f"2024-06-{self.day:02}T12:00:00Z",
            **self.more,
        }
        if self.size_of_live and "from" not in request.params:
            repository["size"] = self.count - len(self.dead)
        if self.says_no_size:
            repository["size"] = False
        return CaseServer({"repository": repository})(request)


def declare(env: Environment, loopback: Loopback, more: str = "") -> None:
    text = 'title = "Books"\npartner = "A Library"\nprotocol = "oai_pmh"\nformat = "oai_dc"\n'
    request = "[request]\nrate = 100000\nbackoff = 0.001\nretries = 1\n"
    (env.feeds / "books.toml").write_text(f'{text}url = "{loopback.url}/oai"\n{more}\n{request}', encoding="utf-8")


def night() -> dict[str, int]:
    return tasks.run_feed("books", tasks.harvest("books")["run_id"])


def questions(loopback: Loopback) -> int:
    lists = [request.params for request in loopback.requests if request.params.get("verb") == "ListIdentifiers"]
    return sum("from" not in params for params in lists)


def full_lists(loopback: Loopback) -> int:
    lists = [request.params for request in loopback.requests if request.params.get("verb") == "ListRecords"]
    return sum("from" not in params and "resumptionToken" not in params for params in lists)


def test_records_loaded_with_old_datestamps_come_the_same_week(env: Environment) -> None:
    server = Repository()
    with serving(server) as loopback:
        declare(env, loopback)
        assert night()["added"] == 60
        server.count = 91
        for server.day in range(2, 8):
            assert night().get("added", 0) == 0
        assert questions(loopback) == 0, "not within the week"
        server.day = 8
        assert night()["added"] == 31
        note = "its whole list has 91 records, and earlier harvests listed 60"
        assert note in "\n".join(last_run(env)["notes"])
        for server.day in (9, 14, 15, 16, 21, 22, 23, 28, 29):
            night()
        assert (questions(loopback), full_lists(loopback)) == (4, 2)
    assert len(live(env)) == 91


def test_seven_runs_are_a_week_where_the_servers_clock_stands_still(env: Environment) -> None:
    server = Repository()
    with serving(server) as loopback:
        declare(env, loopback)
        night()
        server.count = 91
        added = [night().get("added", 0) for _ in range(7)]
        assert added == [0] * 6 + [31]
        assert questions(loopback) == 1


def test_removals_without_deleted_headers_come_to_light(env: Environment) -> None:
    server = Repository()
    with serving(server) as loopback:
        declare(env, loopback)
        night()
        server.count, server.day = 35, 8
        assert night()["deleted"] == 0
        assert "its whole list has 35 records, and earlier harvests listed 60" in "\n".join(last_run(env)["notes"])
        server.day = 9
        assert tasks.run_feed("books", tasks.harvest("books")["run_id"]) == {}
        assert last_run(env)["status"] == "held", "the second list lacks them too, and they are many"


@pytest.mark.parametrize("usual", ["counts live records only", "says no size", "says too much"])
def test_the_ways_of_a_server_are_not_harvested_every_week(env: Environment, usual: str) -> None:
    server = Repository(dead=frozenset(range(25)))
    server.size_of_live, server.says_no_size = usual == "counts live records only", usual == "says no size"
    with serving(server) as loopback:
        declare(env, loopback)
        night()
        if usual == "says too much":
            server.more = {"size": 500}
            server.day = 8
            with pytest.raises(Exception, match="truncated"):
                night()
            server.more = {}
        for server.day in range(9, 30, 3):
            night()
        assert full_lists(loopback) <= 2


def test_what_an_increment_brings_is_no_difference(env: Environment) -> None:
    server = Repository()
    with serving(server) as loopback:
        declare(env, loopback)
        night()
        server.count, server.day = 90, 8
        server.stamps = dict.fromkeys(range(60, 90), "2024-06-07T00:00:00Z")
        assert night()["added"] == 30
        assert full_lists(loopback) == 1


@pytest.mark.parametrize("declared", ['sets = ["a"]', "untrusted"])
def test_some_lists_are_not_asked_for_their_size(env: Environment, declared: str) -> None:
    server = Repository()
    with serving(server) as loopback:
        declare(env, loopback, "" if declared == "untrusted" else declared)
        if declared == "untrusted":
            path = env.feeds / "books.toml"
            path.write_text(path.read_text(encoding="utf-8") + "trust_list_size = false\n", encoding="utf-8")
        night()
        server.count = 91
        for server.day in range(8, 30, 7):
            night()
        assert questions(loopback) == 0


def test_a_refused_question_does_not_stop_the_harvest(env: Environment) -> None:
    server = Repository()

    def script(request: ReceivedRequest) -> Answer:
        return Answer(status=500) if request.params.get("verb") == "ListIdentifiers" else server(request)

    with serving(script) as loopback:
        declare(env, loopback)
        night()
        server.day = 8
        night()
        server.day = 9
        night()
        assert last_run(env)["status"] == "loaded"
        assert questions(loopback) == 1
