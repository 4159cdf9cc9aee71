"""Runs of a feed and reprocesses under Airflow's own scheduler: what it passes to us, and what it shows of their ends.

One Airflow for the module, and one partner, whose list and failures each test sets.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from loaders import catalog
from loaders.store import HarvestRunRow, decode_measures, engine, is_feed_at_work, read_transaction
from pipeline.catalog import publish_now
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.dags.real_airflow import (
    ENDED,
    ROOT,
    free_port,
    hour_comes,
    kill_task,
    signed_in,
    start,
    states,
    trigger,
    until,
)
from tests.harvesters.loopback import Answer, ReceivedRequest, serving
from tests.loaders.nights import rows
from tests.pipeline.feeds import listed

RETRIES = 1  # of a task whose process is killed
FEED = """title = "Books"
partner = "p"
protocol = "rest"
url = "{url}/api"
format = "amb"
identifier = "id"
connection = "partner"
absent_after = 1
[request]
since_param = "since"
rate = 1000
retries = 3
backoff = 0.1
"""
DOWN = 'title="Down"\npartner="p"\nprotocol="oai_pmh"\nurl="http://127.0.0.1:{port}/oai"\nformat="oai_dc"\n'
SITE = "books.example.org"
NAMES = f"""# In Airflow's processes {SITE} leads to this machine, as a name server would say
import socket

resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: resolve("127.0.0.1" if host == "{SITE}" else host, *more, **named)
"""
pytestmark = pytest.mark.slow


@dataclass
class Partner:
    """A JSON list of so many records, behind a login; it fails first as often as `failures` says."""

    records: int = 40
    failures: int = 0
    requests: list[ReceivedRequest] = field(default_factory=list)

    def answer(self, request: ReceivedRequest) -> Answer:
        if request.path.startswith("/book/"):
            return Answer("<title>A book</title><h1>A book</h1>", headers={"Content-Type": "text/html"})
        if request.path != "/api":
            return Answer(status=404)
        self.requests.append(request)
        if request.headers.get("authorization") != "Bearer s3cret" or request.headers.get("x-library") != "elib":
            return Answer(status=401)
        if self.failures:
            self.failures -= 1
            return Answer(status=503)
        site = f"http://{SITE}:{request.headers['host'].partition(':')[2]}"
        records = [
            json.loads(listed("books", number, id=f"{site}/book/{number}").payload) for number in range(self.records)
        ]
        return Answer(json.dumps(records), headers={"Content-Type": "application/json"})


@dataclass(frozen=True)
class Installation:
    client: httpx.Client
    env: Environment
    partner: Partner

    def run(self, dag: str, conf: dict[str, object] | None = None) -> str:
        """Trigger a DAG by hand and wait for the end of its run; the run's id."""
        run = trigger(self.client, dag, conf)
        until(lambda: self.state(dag, run), f"the end of {run} of {dag}")
        return run

    def harvest_only(self, run: str) -> None:
        """Wait for the harvest of a run of feed_books, and end the run while no slot of the pool lets it go on."""
        until(lambda: states(self.client, "feed_books", run).get("harvest") in ENDED or None, f"the harvest of {run}")
        self.client.patch(f"/api/v2/dags/feed_books/dagRuns/{run}", json={"state": "failed"}).raise_for_status()
        until(lambda: not is_feed_at_work(self.env, "books") or None, "the end of the harvest's process")

    def slots(self, number: int) -> None:
        """Set the size of the pool of all tasks that follow a harvest."""
        body = {"pool": "catalog", "slots": number, "include_deferred": False}
        self.client.patch("/api/v2/pools/catalog", json=body).raise_for_status()

    def state(self, dag: str, run: str) -> str | None:
        state = self.client.get(f"/api/v2/dags/{dag}/dagRuns/{run}").raise_for_status().json()["state"]
        return state if state in ENDED else None

    def log(self, dag: str, run: str, task: str) -> list[dict[str, Any]]:
        """The lines of a task's log that are not Airflow's marks of groups."""
        address = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1"
        lines = self.client.get(address, headers={"Accept": "application/json"}).raise_for_status().json()["content"]
        return [line for line in lines if not line["event"].startswith("::")]

    def newest(self, feed: str) -> Any:
        """The feed's newest row of harvest_run."""
        query = select(HarvestRunRow.__table__).where(HarvestRunRow.feed == feed)
        with read_transaction(self.env) as connection:
            return connection.execute(query.order_by(HarvestRunRow.id.desc()).limit(1)).one()

    def is_running(self, feed: str) -> bool:
        query = select(HarvestRunRow.id).where(HarvestRunRow.feed == feed, HarvestRunRow.status == "running")
        with read_transaction(self.env) as connection:
            return connection.scalar(query) is not None

    def needs(self) -> set[tuple[str, str]]:
        """What needs a person, as the night's report says."""
        night = json.loads((self.env.reports / "night.json").read_bytes())
        return {(need["what"], need["feed"]) for need in night["people"]}

    def publications_asked(self) -> int:
        """How often Airflow was told that the catalog was loaded, which starts the DAG `catalog`."""
        return int(self.client.get("/api/v2/assets/events").raise_for_status().json()["total_entries"])


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home, port, partner = tmp_path_factory.mktemp("runs"), free_port(), Partner()
    feeds = home / "feeds"
    feeds.mkdir()
    with serving(partner.answer) as server, pytest.MonkeyPatch.context() as patched:
        (feeds / "books.toml").write_text(FEED.format(url=server.url), encoding="utf-8")
        (feeds / "down.toml").write_text(DOWN.format(port=free_port()) + "[request]\nretries=0\n", encoding="utf-8")
        patched.setenv("ELIB_HOME", str(home))
        patched.setenv("ELIB_FEEDS", str(feeds))
        patched.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
        patched.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        tries = {"ELIB_TASK_RETRIES": str(RETRIES), "ELIB_TASK_RETRY_SECONDS": "1"}
        (home / "names").mkdir()
        (home / "names" / "sitecustomize.py").write_text(NAMES, encoding="utf-8")
        process = start(
            home, feeds, port, ELIB_READY_BY="00:00 UTC", ELIB_LINKS_RATE="1000",
            ELIB_ALLOW_PRIVATE=f"127.0.0.1,{SITE}:{server.url.rpartition(':')[2]}",
            PYTHONPATH=os.pathsep.join([str(home / "names"), str(ROOT)]), **tries,
        )  # fmt: skip
        try:
            client = signed_in(home, port, process)
            for dag in ("catalog", "deadline", "feed_books", "feed_down", "links", "reprocess"):
                until(lambda dag=dag: client.get(f"/api/v2/dags/{dag}").status_code == 200 or None, f"the DAG {dag}")
                client.patch(f"/api/v2/dags/{dag}", json={"is_paused": dag == "catalog"}).raise_for_status()
            secret = {"connection_id": "partner", "conn_type": "http", "password": "s3cret"}
            secret["extra"] = json.dumps({"header.X-Library": "elib"})
            client.post("/api/v2/connections", json=secret).raise_for_status()
            yield Installation(client, env, partner)
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(timeout=600)
            engine(env).dispose()


def test_credentials_of_an_airflow_connection_reach_the_partner_and_each_retry_is_in_the_log(
    airflow: Installation,
) -> None:
    airflow.partner.failures = 2
    run = airflow.run("feed_books")
    assert airflow.newest("books").status == "loaded", states(airflow.client, "feed_books", run)
    lines = [line["event"] for line in airflow.log("feed_books", run, "harvest")]
    assert [line.partition(": ")[2] for line in lines if ": try " in line] == [
        "try 2 of 4 in 0 s: answered 503",
        "try 3 of 4 in 0 s: answered 503",
    ]
    assert not [line for line in lines if "s3cret" in line]


def test_a_load_tells_airflow_its_run_and_counts_and_its_log_and_row_say_what_was_measured(
    airflow: Installation,
) -> None:
    run = airflow.run("feed_books", {"full": True})
    row = airflow.newest("books")
    newest = {"order_by": "-timestamp", "limit": 1}
    (event,) = airflow.client.get("/api/v2/assets/events", params=newest).raise_for_status().json()["asset_events"]
    assert event["extra"]["run_id"] == row.id and event["extra"]["feed"] == "books"
    assert (event["extra"]["landed"], event["source_run_id"]) == (row.landed, run)
    measures = decode_measures(row.measures)
    assert set(measures.seconds) - {"transform"} == {"harvest", "plan", "check", "stage", "gate", "load"}
    assert measures.requests == 1
    ours = [line for line in airflow.log("feed_books", run, "harvest") if line.get("logger", "").startswith("elib")]
    assert [line for line in ours if (line.get("feed"), line.get("run")) == ("books", row.id)]


def test_full_is_a_switch_that_the_scheduled_run_leaves_off(airflow: Installation) -> None:
    client, partner = airflow.client, airflow.partner
    details = client.get("/api/v2/dags/feed_books/details").raise_for_status().json()["params"]["full"]
    assert (details["value"], details["schema"]["type"]) == (False, "boolean")
    airflow.slots(0)
    for start_run, asks_since in (
        (lambda: trigger(client, "feed_books", {"full": True}), False),
        (lambda: trigger(client, "feed_books", {"full": False}), True),
        (lambda: hour_comes(client, airflow.env.home, "feed_books"), True),
    ):
        partner.requests.clear()
        airflow.harvest_only(start_run())
        assert ["since" in request.params for request in partner.requests] == [asks_since]
    airflow.slots(1)


def test_nonsense_for_full_is_refused_or_ends_the_run_in_one_sentence(airflow: Installation) -> None:
    body = {"logical_date": None, "conf": {"full": "maybe"}}
    refused = airflow.client.post("/api/v2/dags/feed_books/dagRuns", json=body)
    assert refused.status_code == 400 and "full" in refused.text
    run = airflow.run("feed_books", {"ful": True})
    assert airflow.newest("books").cause == "bad_configuration"
    last = airflow.log("feed_books", run, "harvest")[-1]
    assert "the run's configuration has ful; it may only have" in last["exit_code"]


def test_a_failed_harvest_ends_its_log_with_one_sentence_and_is_in_the_report(airflow: Installation) -> None:
    run = airflow.run("feed_down")
    assert airflow.state("feed_down", run) == "failed"
    lines = airflow.log("feed_down", run, "harvest")
    row = airflow.newest("down")
    assert (lines[-1]["level"], lines[-1]["exit_code"]) == ("error", f"{row.cause}: {row.error}")
    assert not [line for line in lines if line.get("error_detail") or "Traceback" in line["event"]]
    assert ("failed", "down") in airflow.needs(), "although no publication followed"


def test_a_defect_keeps_its_trace_above_its_sentence(airflow: Installation) -> None:
    landing = airflow.env.landing / "books"
    aside = landing.with_name(".books")
    landing.rename(aside)
    landing.write_text("a file in the place of a folder", encoding="utf-8")
    try:
        run = airflow.run("feed_books", {"full": True})
    finally:
        landing.unlink()
        aside.rename(landing)
    lines = airflow.log("feed_books", run, "harvest")
    assert lines[-1]["exit_code"].startswith("crashed: ")
    assert [line for line in lines[:-1] if line.get("error_detail")]


def test_a_held_run_is_seen_as_failed_and_publishes_nothing_until_somebody_decides(airflow: Installation) -> None:
    airflow.partner.records = 5
    before = airflow.publications_asked()
    try:
        run = airflow.run("feed_books", {"full": True})
    finally:
        airflow.partner.records = 40
    assert airflow.state("feed_books", run) == "failed"
    assert {task: state for task, state in states(airflow.client, "feed_books", run).items() if state != "success"} == {
        "load": "failed"
    }
    held = airflow.newest("books")
    sentence = airflow.log("feed_books", run, "load")[-1]["exit_code"]
    page = airflow.env.reports / "gate" / f"{held.id}.html"
    assert sentence.startswith("HELD: ") and f"elib review show {held.id}" in sentence and str(page) in sentence
    assert held.status == "held" and page.exists()
    assert ("held", "books") in airflow.needs()
    assert airflow.publications_asked() == before
    catalog.release(airflow.env, held.id, by="A Steward", reason="looked at it")
    again = {"dry_run": False, "task_ids": ["load"], "dag_run_id": run, "only_failed": True}
    airflow.client.post("/api/v2/dags/feed_books/clearTaskInstances", json=again).raise_for_status()
    until(lambda: airflow.state("feed_books", run) == "success" or None, "the load after the decision")
    assert airflow.publications_asked() == before + 1


def test_a_harvest_whose_process_is_killed_is_tried_again_and_goes_on(airflow: Installation) -> None:
    airflow.partner.failures = 50  # the harvest waits between its tries
    run = trigger(airflow.client, "feed_books", {"full": True})
    until(lambda: airflow.is_running("books") or None, "the beginning of the run")
    killed = airflow.newest("books").id
    assert kill_task(airflow.client, "feed_books", run, "harvest")
    airflow.partner.failures = 0
    assert until(lambda: airflow.state("feed_books", run), f"the end of {run}") == "success"
    assert airflow.newest("books").status == "loaded"
    with read_transaction(airflow.env) as connection:
        row = connection.execute(select(HarvestRunRow.__table__).where(HarvestRunRow.id == killed)).one()
    assert (row.status, row.cause, row.dag) == ("failed", "interrupted", "feed_books")


def test_a_harvest_that_is_killed_at_every_try_fails_its_run_and_is_reported(airflow: Installation) -> None:
    airflow.partner.failures = 500
    killed = [airflow.newest("books").id]
    run = trigger(airflow.client, "feed_books", {"full": True})
    for _ in range(1 + RETRIES):
        until(lambda: airflow.newest("books").id > killed[-1] or None, "the next try")
        killed.append(airflow.newest("books").id)
        assert kill_task(airflow.client, "feed_books", run, "harvest")
    airflow.partner.failures = 0
    assert until(lambda: airflow.state("feed_books", run), f"the end of {run}") == "failed"
    night = airflow.env.reports / "night.json"
    until(lambda: (night.exists() and ("failed", "books") in airflow.needs()) or None, "the report after the kill")
    assert (airflow.newest("books").status, airflow.newest("books").cause) == ("failed", "interrupted")


def test_reprocess_has_a_feed_to_choose_and_takes_over_a_run_that_its_dag_has_left(
    airflow: Installation,
) -> None:
    params = airflow.client.get("/api/v2/dags/reprocess/details").raise_for_status().json()["params"]
    assert params["feed"]["schema"]["enum"] == ["books", "down"]
    assert params["take_over"]["schema"]["type"] == "boolean"
    body = {"logical_date": None, "conf": {"feed": "bocks"}}
    assert airflow.client.post("/api/v2/dags/reprocess/dagRuns", json=body).status_code == 400
    begun = (
        "from loaders import store; from schemas import environment; "
        "print(store.begin_run(environment(), 'books', dag='feed_books'))"
    )
    ended = subprocess.run([sys.executable, "-c", begun], capture_output=True, text=True, check=True)
    requests_before = len(airflow.partner.requests)
    run = airflow.run("reprocess", {"feed": "books"})
    assert airflow.state("reprocess", run) == "success", states(airflow.client, "reprocess", run)
    row = airflow.newest("books")
    assert (row.kind, row.status, len(airflow.partner.requests)) == ("reprocess", "loaded", requests_before)
    with read_transaction(airflow.env) as connection:
        left = select(HarvestRunRow.cause).where(HarvestRunRow.id == ended.stdout.strip())
        assert connection.scalar(left) == "interrupted"


def test_a_harvest_waits_for_a_reprocess_and_takes_over_what_it_left(airflow: Installation) -> None:
    airflow.slots(0)
    try:
        run = trigger(airflow.client, "reprocess", {"feed": "books"})
        begun = (
            "from loaders import store; from schemas import environment; "
            "print(store.begin_run(environment(), 'books', 'reprocess', dag='reprocess'))"
        )
        left = subprocess.run([sys.executable, "-c", begun], capture_output=True, text=True, check=True).stdout.strip()
        harvest = trigger(airflow.client, "feed_books", {})
        until(lambda: is_put_off(airflow, harvest) or None, "a harvest that met the reprocess")
        lines = [line["event"] for line in airflow.log("feed_books", harvest, "harvest") if left in line["event"]]
        assert lines[0].startswith("books: the DAG reprocess has been at work on this feed since 20")
        assert "This task waits, and begins again at " in lines[0]
        airflow.client.patch(f"/api/v2/dags/reprocess/dagRuns/{run}", json={"state": "failed"}).raise_for_status()
    finally:
        airflow.slots(1)
    assert until(lambda: airflow.state("feed_books", harvest), "the end of the harvest") == "success"
    with read_transaction(airflow.env) as connection:
        row = connection.execute(select(HarvestRunRow.__table__).where(HarvestRunRow.id == left)).one()
    assert (row.status, row.cause) == ("failed", "interrupted")


def is_put_off(airflow: Installation, run: str) -> bool:
    return states(airflow.client, "feed_books", run).get("harvest") == "up_for_reschedule"


def test_the_deadline_is_that_of_the_day_that_airflow_gives(airflow: Installation) -> None:
    run = airflow.run("deadline")
    entry = airflow.client.get(f"/api/v2/dags/deadline/dagRuns/{run}/taskInstances/ready/xcomEntries/return_value")
    assert "ELIB_NOTIFY names no Airflow connection" in entry.raise_for_status().json()["value"]


def test_the_links_that_are_published_are_checked_on_their_own_sites(airflow: Installation) -> None:
    publish_now()
    run = airflow.run("links")
    assert states(airflow.client, "links", run) == {"check": "success", "notify": "skipped", "done": "success"}
    address = f"/api/v2/dags/links/dagRuns/{run}/taskInstances/check/xcomEntries/return_value"
    told = airflow.client.get(address).raise_for_status().json()["value"]
    assert told == "40 addresses were checked: 0 failed, 0 of them are dead now, 0 live again, 0 have moved."
    assert {status for (status,) in rows(airflow.env, "link_check", "status")} == {"alive"}
