"""Whole nights of a feed: real HTTP, landing and the catalog, as the feed's tasks run them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from loaders.landing import ask
from loaders.store import engine, read_transaction
from pipeline import feed as tasks
from schemas import Environment, HarvestFailed, environment
from tests.catalogs import new_catalog
from tests.harvesters.conftest import variables
from tests.harvesters.loopback import Answer, OaiServer, ReceivedRequest, listing, names, serving

ROOT = Path(__file__).parents[2]
MARK = "2026-02-28T11:00:00Z"  # the server's clock, less the overlap
OAI = {"protocol": "oai_pmh", "format": "oai_dc"}


class Library(OaiServer):
    """A repository of records that are good enough to be published."""

    def record(self, n: int) -> str:
        address = f"<dc:identifier>https://example.org/{n}</dc:identifier><dc:description>"
        return (
            super()
            .record(n)
            .replace(f"Title {n}", f"How plants use light, part {n}")
            .replace("<dc:description>", address)
        )


def declare(env: Environment, url: str, name: str = "books", **more: str) -> str:
    declared = {"title": "Books", "partner": "A Library", "url": url, "absent_after": 1, **(more or OAI)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in declared.items()]
    request = "[request]\nrate = 100000\nbackoff = 0.001\nretries = 1\n"
    (env.feeds / f"{name}.toml").write_text("\n".join([*lines, request]), encoding="utf-8")
    return name


def night(name: str = "books") -> dict[str, int]:
    """Harvest, judge and load; the run's counts without the zeros."""
    counts = tasks.run_feed(name, tasks.harvest(name)["run_id"])
    return {
        key: counts[key]
        for key in ("landed", "added", "changed", "unchanged", "deleted", "rejected", "quarantined")
        if counts[key]
    }


def failing_night() -> HarvestFailed:
    with pytest.raises(HarvestFailed) as caught:
        tasks.harvest("books")
    return caught.value


def last_run(env: Environment) -> dict[str, Any]:
    with read_transaction(env) as connection:
        row = connection.execute(text("SELECT * FROM harvest_run ORDER BY id DESC LIMIT 1")).mappings().one()
    return {**row, "notes": json.loads(row["notes"] or "[]")}


def live(env: Environment) -> set[str]:
    with read_transaction(env) as connection:
        identifiers = connection.execute(text("SELECT identifier FROM source_record WHERE status = 'live'"))
        return set(identifiers.scalars())


@pytest.mark.parametrize("first", [True, False], ids=["on the first night", "on a later full one"])
def test_a_short_harvest_fails_as_truncated_with_both_counts_and_keeps_its_start_date(
    env: Environment, first: bool
) -> None:
    server, short = Library(25), [first]

    def script(request: ReceivedRequest) -> Answer:
        if short[0] and request.params.get("resumptionToken", "").startswith("10|"):
            return Answer(listing("".join(server.record(n) for n in range(10, 17))))  # no token, and eight are missing
        return server(request)

    with serving(script) as loopback:
        feed = tasks.load_feed(env, declare(env, loopback.url + "/oai"))
        if not first:
            assert night() == {"landed": 25, "added": 25}
            short[0] = True
        before = ask(env.landing, feed)
        assert before.since == (None if first else MARK)
        with pytest.raises(HarvestFailed):
            tasks.harvest("books", full=True)
        run = last_run(env)
        assert (run["status"], run["cause"]) == ("failed", "truncated")
        assert "17 of 25" in run["error"]
        assert ask(env.landing, feed) == before
        assert live(env) == (set() if first else set(names(range(25))))
        short[0] = False
        assert night() == ({"landed": 25, "added": 25} if first else {"landed": 17, "unchanged": 17})


def test_records_the_server_failed_to_give_are_harvested_the_next_night(env: Environment) -> None:
    ill = [17]

    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        fails = ill and ill[0] in numbers and request.params["verb"] != "ListIdentifiers"
        return Answer(status=500) if fails else None

    with serving(Library(25, broken=broken)) as loopback:
        declare(env, loopback.url + "/oai")
        assert night() == {"landed": 25, "added": 24, "rejected": 1}
        assert night() == {"landed": 1, "unchanged": 1}
        assert live(env) == set(names(n for n in range(25) if n != 17))
        ill.clear()
        assert night() == {"landed": 1, "added": 1}
        asked_before = len(loopback.requests)
        assert night() == {}
        assert "GetRecord" not in [request.params["verb"] for request in loopback.requests[asked_before:]]
    assert live(env) == set(names(range(25)))


def test_a_known_record_that_makes_the_server_fail_survives_a_full_harvest(env: Environment) -> None:
    ill: list[int] = []

    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        fails = ill and ill[0] in numbers and request.params["verb"] != "ListIdentifiers"
        return Answer(status=500) if fails else None

    with serving(Library(25, broken=broken)) as loopback:
        declare(env, loopback.url + "/oai")
        night()
        ill.append(3)
        assert tasks.run_feed("books", tasks.harvest("books", full=True)["run_id"])["deleted"] == 0
    assert live(env) == set(names(range(25)))


def test_a_moved_endpoint_is_followed_and_noted_in_the_run(env: Environment) -> None:
    server = Library(15)

    def script(request: ReceivedRequest) -> Answer:
        return server(request) if request.path == "/new/oai" else Answer(status=301, headers={"Location": "/new/oai"})

    with serving(script) as loopback:
        declare(env, loopback.url + "/oai")
        assert night() == {"landed": 15, "added": 15}
        moved = f"moved: {loopback.url}/oai is now {loopback.url}/new/oai; change the feed's url"
    assert moved in last_run(env)["notes"]
    assert any("names its address http://example.org/oai" in note for note in last_run(env)["notes"])


def test_an_unchanged_list_is_requested_conditionally_and_deletes_nothing(env: Environment) -> None:
    works = json.dumps([{"id": n, "title": f"Virtual lab {n}", "language": ["en"]} for n in range(5)])

    def script(request: ReceivedRequest) -> Answer:
        same = request.headers.get("if-none-match") == '"1"'
        return Answer(status=304) if same else Answer(works, headers={"ETag": '"1"'})

    with serving(script) as loopback:
        declare(env, loopback.url + "/apps", protocol="rest", format="golab_apps", identifier="id")
        tasks.harvest("books")
        tasks.harvest("books")
        assert [request.headers.get("if-none-match") for request in loopback.requests] == [None, '"1"']
        run = last_run(env)
        planned = tasks.plan("books", run["id"])
        assert (run["status"], run["listed"]) == ("running", 0)
        assert [pq.read_table(env.home / chunk).num_rows for chunk in planned] == [5], "the first night's, not loaded"
        assert not pq.read_table(env.staging / run["id"] / "deletions.parquet").num_rows
        tasks.harvest("books", full=True)
        assert loopback.requests[-1].headers.get("if-none-match") is None, "the whole list, and no condition"


def test_full_harvests_recur_only_for_servers_that_do_not_keep_deletions(
    env: Environment,
) -> None:
    seen = []
    for policy in ("no", "transient", "persistent"):
        with serving(Library(5, deleted=policy)) as loopback:
            name = declare(env, loopback.url + "/oai", name=f"books_{policy}")
            feed = tasks.load_feed(env, name)
            asked_full = []
            for _ in range(29):
                asked_full.append(ask(env.landing, feed).full)
                tasks.harvest(name)
            seen.append([night for night, full in enumerate(asked_full) if full])
    assert seen == [[0, 28], [0, 28], [0]]


def start(env: Environment) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.harvesters.harvest_process", "books"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ELIB_")}
    where = {**clean, **variables(env.home), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def landed(env: Environment) -> list[tuple[str, str, bool]]:
    parts = sorted(env.landing.glob("books/books-*/part-*.parquet"))
    columns = ["identifier", "sha256", "kept"]
    return [tuple(row.values()) for part in parts for row in pq.read_table(part, columns=columns).to_pylist()]


@pytest.mark.slow
def test_a_harvest_killed_at_random_points_lands_what_an_uninterrupted_one_lands(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, kills, runs = random.Random(11), 0, 0
    with serving(Library(1000)) as loopback:
        declare(env, loopback.url + "/oai")
        while True:
            aim = chance.randrange(20, 260)
            with start(env) as harvest:
                assert harvest.stdout is not None
                runs += 1
                begun = None
                for line in harvest.stdout:
                    begun = int(line) if begun is None else begun
                    if int(line) - begun >= aim:
                        harvest.send_signal(signal.SIGKILL)
                        break
                harvest.communicate(timeout=600)
            if harvest.returncode == 0:
                break
            assert harvest.returncode == -signal.SIGKILL
            kills += 1
            assert runs < 40
        in_pieces = landed(env)
        with read_transaction(env) as connection:
            causes = list(connection.execute(text("SELECT status, cause FROM harvest_run ORDER BY id")))
        whole = environment({**variables(tmp_path / "whole")})
        whole.feeds.mkdir(parents=True)
        new_catalog(whole)
        declare(whole, loopback.url + "/oai")
        for name, value in variables(whole.home).items():
            monkeypatch.setenv(name, value)
        tasks.harvest("books")
    assert kills >= 4
    assert {row[:2] for row in in_pieces} == {row[:2] for row in landed(whole)}
    assert len(in_pieces) == len({row[0] for row in in_pieces}) == 1000
    assert all(kept for _, _, kept in in_pieces)
    assert [tuple(row) for row in causes] == [("failed", "interrupted")] * kills + [("running", None)]
    engine(whole).dispose()


def test_a_list_without_any_readable_record_fails_and_deletes_nothing(env: Environment) -> None:
    body = ['[{"id": "1", "name": "A"}, {"id": "2", "name": "B"}]']
    with serving(lambda request: Answer(body[0])) as loopback:
        declare(env, loopback.url + "/list", protocol="rest", format="amb", identifier="id")
        night()
        assert last_run(env)["listed"] == 2
        body[0] = '[{"name": "A"}, {"name": "B"}]'
        failed = failing_night()
    assert failed.cause == "malformed"
    assert "none of the 2 records can be read (the first: a record without id)" in failed.sentence
    assert last_run(env)["status"] == "failed"
    with read_transaction(env) as connection:
        assert set(connection.execute(text("SELECT status FROM source_record")).scalars()) != {"deleted"}


def test_unreadable_records_without_identifier_are_noted_and_prevent_deletions(
    env: Environment,
) -> None:
    def listed(*numbers: int) -> str:
        good = [json.dumps({"id": str(n), "name": f"How plants use light, part {n}"}) for n in numbers]
        return f"[{', '.join(good)}]"

    body = [listed(*range(30))]
    with serving(lambda request: Answer(body[0])) as loopback:
        declare(env, loopback.url + "/list", protocol="rest", format="amb", identifier="id")
        night()
        body[0] = listed(*range(29))[:-1] + ', {"name": "the thirtieth, perhaps"}]'
        assert "deleted" not in night()
        (note,) = last_run(env)["notes"]
        assert note.startswith("1 records or parts of the list could not be read, and have no identifier")
        body[0] = listed(*range(29))
        assert night()["deleted"] == 1
