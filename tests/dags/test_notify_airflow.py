"""What the catalog's DAG tells and asks for under Airflow's own scheduler, which alone says what type a run is of.

One Airflow for the module. In its home two feeds need a person: the last harvest of `down` failed, and the last run of
`books` is held. A partner wants the weekly mail about `books`, and a setting of the check of the links is wrong.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from loaders.accounts import add_account
from loaders.downloads import list_dumps
from loaders.fix_mails import choose_mail
from loaders.store import HarvestRunRow, ResourceRow, engine, read_transaction
from pipeline import feed as tasks
from pipeline.notifications.night import NOTIFIES
from schemas import Environment, HarvestFailed, environment
from tests.catalogs import new_catalog
from tests.dags.real_airflow import (
    ROOT,
    free_port,
    hour_comes,
    runs_of_type,
    signed_in,
    start,
    states,
    trigger,
    until,
)
from tests.dags.webhook import Webhook
from tests.pipeline.feeds import declare, listed, night
from tests.pipeline.mail_server import MailServer

RUNS = "/api/v2/dags/catalog/dagRuns"
PARTNER, WEB = "lina@example.org", "https://library.example.org"
DOWN = 'title="Down"\npartner="p"\nprotocol="oai_pmh"\nurl="http://127.0.0.1:{port}/oai"\nformat="oai_dc"\n'
ENDED = {"success", "failed"}
SENT = re.compile(r"sent \d+ line\(s\) to the connection elib_notify")

STARTER = """
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

with DAG(dag_id="starter", schedule=None, is_paused_upon_creation=False):
    TriggerDagRunOperator(task_id="start", trigger_dag_id="catalog")
"""

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installation:
    """A running Airflow, the environment of its home, and the run that is held there."""

    client: httpx.Client
    env: Environment
    held: str
    mails: MailServer

    def connect(self, **connection: Any) -> None:
        """Make the connection that ELIB_NOTIFY names anew, and forget what was sent."""
        until(lambda: idle(self.client) or None, "the end of the catalog's runs")
        self.client.delete("/api/v2/connections/elib_notify")
        body = {"connection_id": "elib_notify", "host": "127.0.0.1", **connection}
        self.client.post("/api/v2/connections", json=body).raise_for_status()
        (self.env.reports / "notified.json").unlink(missing_ok=True)

    def result(self, run: str, task: str = "notify", dag: str = "catalog") -> str:
        """What a task of the run says it did, once the run has ended well."""
        ended = until(lambda: state_of(self.client, run, dag), f"the end of {run}")
        assert ended == "success", states(self.client, dag, run)
        address = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value"
        return str(self.client.get(address).raise_for_status().json()["value"])

    def failure(self, run: str, dag: str) -> dict[str, str]:
        """The states of the tasks of a run that must end as failed."""
        ended = until(lambda: state_of(self.client, run, dag), f"the end of {run}")
        assert ended == "failed", states(self.client, dag, run)
        return states(self.client, dag, run)


@dataclass(frozen=True)
class Morning:
    """The scheduled run of the catalog, and what its notification posted."""

    run: str
    posts: list[tuple[str, dict[str, str], dict[str, Any]]]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("notify")
    feeds, port = home / "feeds", free_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ELIB_HOME", str(home))
        patched.setenv("ELIB_FEEDS", str(feeds))
        patched.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
        patched.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        held = a_bad_night(env)
    folders = {"dags-folder": ROOT / "dags", "own": home / "own"}
    folders["own"].mkdir()
    (folders["own"] / "starter.py").write_text(STARTER, encoding="utf-8")
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    bundles = [{"name": name, "classpath": local, "kwargs": {"path": str(path)}} for name, path in folders.items()]
    variables = {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles)}
    with MailServer() as mails:
        variables |= {
            "ELIB_MAIL_URL": f"smtp://127.0.0.1:{mails.server_address[1]}?from=elib@example.org",
            "ELIB_WEB_URL": WEB,
            "ELIB_LINKS_HOURS": "soon",
            "ELIB_MATCH_BUCKETS_ABOVE": "1",
        }
        process = start(home, feeds, port, ELIB_NOTIFY="elib_notify", **variables)
        try:
            client = signed_in(home, port, process)
            for dag in ("catalog", "downloads", "feed_lost", "links", "starter"):
                until(lambda dag=dag: client.get(f"/api/v2/dags/{dag}").status_code == 200 or None, f"the DAG {dag}")
            yield Installation(client, env, held, mails)
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(timeout=600)
            engine(env).dispose()


def a_bad_night(env: Environment) -> str:
    """A feed whose harvest fails, and one that loses most of its records; the id of its run, which is held."""
    declare(env, "lost", 'connection = "nowhere"\n')
    (env.feeds / "down.toml").write_text(DOWN.format(port=free_port()) + "[request]\nretries=0\n", encoding="utf-8")
    with pytest.raises(HarvestFailed):
        tasks.harvest("down")
    declare(env, "books")
    night(env, "books", [listed("books", number) for number in range(40)])
    add_account(env, PARTNER, "partner", feeds=("books",))
    choose_mail(env, "books", PARTNER, "fr")
    night(env, "books", [listed("books", number, **({} if number else {"id": "no 0"})) for number in range(40)])
    run, loaded = night(env, "books", [listed("books", number) for number in range(5)])
    assert loaded == {}, "the run is held"
    return run


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        yield server


@pytest.fixture(scope="module")
def morning(airflow: Installation) -> Morning:
    """The first scheduled run of the catalog, once it has ended well."""
    with Webhook() as server:
        airflow.connect(conn_type="http", port=server.server_address[1], schema="http", extra='{"endpoint": "hook"}')
        run = scheduled_run(airflow)
        airflow.result(run)
        return Morning(run, server.posts)


def idle(client: httpx.Client) -> bool:
    """Whether no run of the catalog is going on, and the scheduler makes none until one is asked for."""
    due = client.get("/api/v2/dags/catalog").raise_for_status().json()["next_dagrun_run_after"]
    if due is None or datetime.fromisoformat(due) <= datetime.now(UTC):
        return False
    runs = client.get(RUNS, params={"state": ["queued", "running"]}).raise_for_status()
    return not runs.json()["total_entries"]


def state_of(client: httpx.Client, run: str, dag: str = "catalog") -> str | None:
    state = client.get(f"/api/v2/dags/{dag}/dagRuns/{run}").raise_for_status().json()["state"]
    return state if state in ENDED else None


def scheduled_run(airflow: Installation) -> str:
    return hour_comes(airflow.client, airflow.env.home, "catalog")


def asset_triggered_run(airflow: Installation) -> str:
    """The id of a run that the scheduler makes because a feed was loaded."""
    client = airflow.client
    before = runs_of_type(client, "catalog", "asset_triggered")
    answer = client.get("/api/v2/assets", params={"name_pattern": "catalog_loaded"}).raise_for_status()
    (asset,) = answer.json()["assets"]
    client.post("/api/v2/assets/events", json={"asset_id": asset["id"]}).raise_for_status()
    return until(
        lambda: next(iter(runs_of_type(client, "catalog", "asset_triggered") - before), None), "a run after a load"
    )


def test_the_mornings_scheduled_run_posts_what_failed_and_what_is_held(airflow: Installation, morning: Morning) -> None:
    assert SENT.fullmatch(airflow.result(morning.run))
    ((path, _, body),) = morning.posts
    assert path == "/hook"
    assert {("failed", "down"), ("held", "books")} <= {(need["what"], need["feed"]) for need in body["needs"]}
    assert f"elib review show {airflow.held}" in body["text"]


def test_the_mornings_scheduled_run_mails_the_partner_who_asked_for_it(airflow: Installation, morning: Morning) -> None:
    assert airflow.result(morning.run, "mail_partners") == "weekly mails to partners: 1 sent, 1 wanted"
    (mail,) = [each for each in airflow.mails.mails if each.receivers == [PARTNER]]
    text = mail.message.get_content()
    assert "Nouveaux : 1." in text and f"{WEB}/partners/feeds/books/fixes?lang=fr" in text


def test_the_mornings_scheduled_run_has_the_downloads_written_and_waits_for_nothing(
    airflow: Installation, morning: Morning
) -> None:
    client = airflow.client
    assert airflow.result(morning.run, "downloads") == "a download is asked for: the DAG downloads writes it"
    (run,) = until(lambda: runs_of_type(client, "downloads", "asset_triggered") or None, "the run that it asked for")
    written = airflow.result(run, "write", "downloads")
    (dump,) = list_dumps(airflow.env)
    assert written.startswith(f"the download {dump.manifest.name} was written: 40 resources")
    assert states(client, "downloads", run) == {"write": "success", "notify": "skipped", "done": "success"}


def test_a_match_of_many_records_is_scored_in_buckets_and_a_quiet_one_in_none(
    airflow: Installation, morning: Morning
) -> None:
    steps = ("match", "score_bucket", "join_match", "publish")
    ended = states(airflow.client, "catalog", morning.run)
    assert [ended[step] for step in steps] == ["success"] * 4
    with read_transaction(airflow.env) as connection:
        assert connection.scalar(select(func.count()).select_from(ResourceRow)) == 40
    quiet = asset_triggered_run(airflow)
    airflow.result(quiet)
    ended = states(airflow.client, "catalog", quiet)
    assert [ended[step] for step in steps] == ["success", "skipped", "skipped", "success"]


def test_links_that_cannot_be_checked_are_notified_at_once_and_are_in_the_report(
    airflow: Installation, webhook: Webhook
) -> None:
    airflow.connect(conn_type="http", port=webhook.server_address[1], schema="http")
    ended = airflow.failure(trigger(airflow.client, "links"), "links")
    assert ended == {"check": "failed", "notify": "success", "done": "upstream_failed"}
    ((_, _, body),) = webhook.posts
    (need,) = body["needs"]
    assert need["what"] == "links" and "ELIB_LINKS_HOURS: 'soon' is not a positive number" in need["detail"][0]
    assert "elib links" in body["text"]
    assert need in json.loads((airflow.env.reports / "night.json").read_bytes())["people"]


def test_downloads_that_cannot_be_written_are_notified_and_change_nothing_that_is_published(
    airflow: Installation, morning: Morning, webhook: Webhook
) -> None:
    airflow.connect(conn_type="http", port=webhook.server_address[1], schema="http")
    client, downloads = airflow.client, airflow.env.downloads
    until(lambda: list_dumps(airflow.env) or None, "the morning's downloads")
    aside = downloads.with_name(".downloads")
    downloads.rename(aside)
    downloads.write_text("a file in the place of the folder", encoding="utf-8")
    try:
        run = trigger(client, "downloads")
        until(lambda: states(client, "downloads", run).get("write") == "up_for_retry" or None, "the first failure")
        # a person who does not wait for the other tries
        address = f"/api/v2/dags/downloads/dagRuns/{run}/taskInstances/write"
        client.patch(address, json={"new_state": "failed"}).raise_for_status()
        ended = airflow.failure(run, "downloads")
    finally:
        downloads.unlink()
        aside.rename(downloads)
    assert ended == {"write": "failed", "notify": "success", "done": "upstream_failed"}
    ((_, _, body),) = webhook.posts
    (need,) = body["needs"]
    assert need["what"] == "downloads" and str(downloads) in need["detail"][0]
    assert "what is published is right" in body["text"] and "elib downloads" in body["text"]
    assert len(list_dumps(airflow.env)) == 1


def test_a_run_that_was_started_by_hand_mails_what_failed_and_what_is_held(
    airflow: Installation, morning: Morning
) -> None:
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "elib@example.org", "to_email": "a@example.org"}
    with MailServer() as server:
        airflow.connect(conn_type="smtp", port=server.server_address[1], extra=json.dumps(extra))
        run = trigger(airflow.client, "catalog")
        assert SENT.fullmatch(airflow.result(run))
    ((_, receivers, message, _, _),) = server.mails
    assert receivers == ["a@example.org"]
    mailed = message.get_content()
    assert "down: " in mailed and f"elib review show {airflow.held}" in mailed


def test_a_run_after_a_load_sends_nothing_and_says_which_run_will(airflow: Installation, webhook: Webhook) -> None:
    airflow.connect(conn_type="http", port=webhook.server_address[1], schema="http")
    run = asset_triggered_run(airflow)
    result = airflow.result(run)
    assert states(airflow.client, "catalog", run)["downloads"] == "skipped", "the morning's run asks for them"
    assert "nothing was sent" in result and "'asset_triggered'" in result and "morning" in result
    assert webhook.posts == []


def test_a_run_that_another_dag_started_posts_as_one_by_hand(airflow: Installation, webhook: Webhook) -> None:
    airflow.connect(conn_type="http", port=webhook.server_address[1], schema="http")
    before = runs_of_type(airflow.client, "catalog", "operator_triggered")
    trigger(airflow.client, "starter")
    started = lambda: runs_of_type(airflow.client, "catalog", "operator_triggered") - before or None  # noqa: E731
    (run,) = until(started, "a run that the other DAG starts")
    assert SENT.fullmatch(airflow.result(run))
    assert len(webhook.posts) == 1


def test_a_backfill_sends_nothing_and_says_which_run_will(airflow: Installation, webhook: Webhook) -> None:
    airflow.connect(conn_type="http", port=webhook.server_address[1], schema="http")
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    dates = {"from_date": (day - timedelta(days=2)).isoformat(), "to_date": (day - timedelta(days=1)).isoformat()}
    airflow.client.post("/api/v2/backfills", json={"dag_id": "catalog", **dates}).raise_for_status()
    (run, *_) = until(lambda: runs_of_type(airflow.client, "catalog", "backfill") or None, "a run of the backfill")
    result = airflow.result(run)
    assert "nothing was sent" in result and "'backfill'" in result
    assert webhook.posts == []


@pytest.mark.parametrize(
    ("conf", "cause", "words"),
    [
        ({"ful": True}, "bad_configuration", ["has ful; it may only have"]),
        ({"full": False}, "blocked", ["connection nowhere"]),
    ],
)
def test_a_mistake_in_what_airflow_was_told_is_a_failed_run_that_the_report_names(
    airflow: Installation, conf: dict[str, object], cause: str, words: list[str]
) -> None:
    airflow.client.patch("/api/v2/dags/feed_lost", json={"is_paused": False}).raise_for_status()
    run = trigger(airflow.client, "feed_lost", conf)
    until(lambda: states(airflow.client, "feed_lost", run).get("harvest") == "failed" or None, "the failed harvest")
    newest = (
        select(HarvestRunRow.__table__).where(HarvestRunRow.feed == "lost").order_by(HarvestRunRow.id.desc()).limit(1)
    )
    with read_transaction(airflow.env) as connection:
        row = connection.execute(newest).one()
    assert (row.status, row.cause) == ("failed", cause)
    assert [word for word in words if word not in row.error] == []


def in_airflow(program: str, home: Path, **variables: str) -> str:
    """What a program prints that imports Airflow, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=900, check=False, cwd=home,
        env={**os.environ, "AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT), **variables},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


OF_AIRFLOW = """
from airflow.sdk.api.datamodels._generated import DagRunType as OfTasks
from airflow.utils.types import DagRunType as OfTheScheduler
print("TYPES", *{kind.value for kind in [*OfTheScheduler, *OfTasks]})
from dags import find_connection
from pipeline.airflow_inputs import BadConnection, read_connection
for name in ("text", "list", "absent", "good"):
    try:
        print(f"READ {dict(read_connection(name, find_connection)[1])}")
    except BadConnection as error:
        print(f"READ {error}")
"""


def test_every_run_type_of_airflow_is_decided_upon_and_an_extra_that_it_would_only_log_is_an_error(
    tmp_path: Path,
) -> None:
    printed = in_airflow(
        OF_AIRFLOW,
        tmp_path,
        AIRFLOW_CONN_TEXT='{"conn_type": "http", "extra": "endpoint = s3cret"}',
        AIRFLOW_CONN_LIST='{"conn_type": "http", "extra": "[1]"}',
        AIRFLOW_CONN_GOOD="http://example.org?endpoint=hook",
    ).splitlines()
    (types,) = (line.removeprefix("TYPES ") for line in printed if line.startswith("TYPES "))
    assert set(types.split()) == set(NOTIFIES)
    words, numbers, absent, good = (line.removeprefix("READ ") for line in printed if line.startswith("READ "))
    assert words.startswith("connection text: its extra is not a JSON object") and "s3cret" not in words
    assert numbers.startswith("connection list: its extra is not a JSON object")
    assert absent.startswith("connection absent: Airflow has none of that name")
    assert good == "{'endpoint': 'hook'}"
