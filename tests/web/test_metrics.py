"""What the monitoring reads at /metrics, and that every alert and chart names a figure that is there."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, update

from loaders.store import HarvestRunRow, add_measures, begin_run, fail_run, write_transaction
from schemas import ROOT, Environment
from tests.web.conftest import Browser
from web import create_app
from web.settings import WebSettings

pytestmark = pytest.mark.early

MONITORING = ROOT / "deploy" / "monitoring"
_NAME = re.compile(r"\belib_[a-z_]+")
SECRET = "s" * 40
FEED = (
    'title = "Books"\npartner = "P"\nprotocol = "rest"\nformat = "amb"\nidentifier = "id"\n'
    'url = "https://books.example.org/list"\n'
)


def figures(browser: Browser, **headers: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Ask for /metrics, and return name → labels → value."""
    answer = browser.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        family.name: {tuple(sorted(sample.labels.items())): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(answer.text)
    }


@pytest.fixture
def machine(env: Environment) -> Any:
    """A client on this machine of a web without a public address."""
    app = create_app(env, WebSettings(secret=SECRET))
    with Browser(app, client=("127.0.0.1", 50_000), base_url="http://127.0.0.1:8081") as browser:
        yield browser


def run_of(env: Environment, feed: str, night: int, **columns: Any) -> str:
    run = f"{feed}-202601{night:02}T010000000000"
    at = f"2026-01-{night:02}T01:00:00.000000Z"
    row = {"id": run, "feed": feed, "kind": "harvest", "status": "loaded", "started_at": at, "ended_at": at}
    with write_transaction(env) as connection:
        connection.execute(insert(HarvestRunRow).values(row | columns))
    return run


def test_a_run_is_told_with_its_counts_seconds_and_requests(machine: Browser, env: Environment) -> None:
    run = run_of(env, "books", 5, listed=12, landed=12, added=10, quarantined=2)
    add_measures(env, run, seconds={"harvest": 2.5}, requests=7, retries=2, promised=12)
    add_measures(env, run, seconds={"transform": 1.0})
    add_measures(env, run, seconds={"transform": 0.5}, records=10, shares={"language": 0.9})
    told = figures(machine)
    of_books = (("feed", "books"),)
    assert told["elib_feed_requests"] == {of_books: 7}
    assert told["elib_feed_retries"] == {of_books: 2}
    assert told["elib_feed_promised_records"] == {of_books: 12}
    assert told["elib_feed_run_records"][*of_books, ("outcome", "quarantined")] == 2
    assert told["elib_feed_step_seconds"][*of_books, ("step", "transform")] == 1.5
    assert told["elib_feed_last_run"][*of_books, ("status", "loaded")] == 1
    assert told["elib_feed_last_success_timestamp_seconds"] == {of_books: 1_767_574_800.0}
    assert told["elib_catalog_bytes"][()] > 10_000


def test_a_failure_after_a_success_keeps_the_time_of_the_success(machine: Browser, env: Environment) -> None:
    run_of(env, "books", 5)
    fail_run(env, begin_run(env, "books"), "timeout", "the server did not answer")
    told = figures(machine)
    assert told["elib_feed_last_run"][("feed", "books"), ("status", "failed")] == 1
    assert told["elib_feed_last_run"][("feed", "books"), ("status", "loaded")] == 0
    assert told["elib_feed_last_success_timestamp_seconds"][("feed", "books"),] == 1_767_574_800.0
    assert told["elib_decisions_waiting"][("cause", "failed"),] == 1


def failing(env: Environment, night: int, hour: int = 1, **columns: Any) -> None:
    at = f"2026-01-{night:02}T{hour:02}:00:00.000000Z"
    run_of(
        env, "books", night, id=f"books-202601{night:02}T{hour:02}0000000000", started_at=at, status="failed", **columns
    )


def test_nights_that_fail_are_counted_while_the_next_one_runs_and_until_one_comes_through(
    machine: Browser, env: Environment
) -> None:
    run_of(env, "films", 5)
    assert figures(machine)["elib_feed_failed_nights"] == {(("feed", "films"),): 0}
    failing(env, 4)
    run_of(env, "books", 5)
    failing(env, 6)
    failing(env, 6, hour=2)  # tried again in the same night
    failing(env, 7)
    failing(env, 8, kind="reprocess")  # the partner has nothing to do with it
    begin_run(env, "books")
    assert figures(machine)["elib_feed_failed_nights"][("feed", "books"),] == 2


@pytest.mark.parametrize(
    ("schedule", "days"),
    [("0 1 * * *", 1), ("@weekly", 7), ("0 1 * * 1-5", 3), ("30 2 29 2 *", 1461), ("0 */6 * * *", 0.25)],
)
def test_a_feed_is_late_by_its_own_schedule(machine: Browser, env: Environment, schedule: str, days: float) -> None:
    env.registered_feeds.mkdir(parents=True, exist_ok=True)
    (env.registered_feeds / "books.toml").write_text(f'schedule = "{schedule}"\n{FEED}', encoding="utf-8")
    (env.registered_feeds / "old.toml").write_text(f'status = "paused"\n{FEED}', encoding="utf-8")
    assert figures(machine)["elib_feed_interval_seconds"] == {(("feed", "books"),): days * 86_400}


def test_an_unusual_night_and_a_feed_without_expectations_are_told(machine: Browser, env: Environment) -> None:
    for night in range(1, 12):
        add_measures(env, run_of(env, "books", night), records=1_000 if night < 11 else 400)
    env.registered_feeds.mkdir(parents=True, exist_ok=True)
    (env.registered_feeds / "books.toml").write_text(FEED, encoding="utf-8")
    (env.registered_feeds / "safe.toml").write_text(FEED + "[expect]\nrecords = [10, 20]\n", encoding="utf-8")
    (env.registered_feeds / "odd.toml").write_text(FEED + "colour = 1\n", encoding="utf-8")
    told = figures(machine)
    assert told["elib_feed_unusual"] == {(("feed", "books"), ("manner", "low"), ("measure", "records")): 400}
    without = told["elib_feed_without_expectations"]
    assert without[("feed", "books"),] == 1 and (("feed", "safe"),) not in without
    assert (("feed", "odd"), ("trouble", "mistake")) in told["elib_feed_file_trouble"]


def test_a_feed_that_has_been_silent_for_months_is_still_told(machine: Browser, env: Environment) -> None:
    began = datetime(2025, 1, 1, 1, tzinfo=UTC)
    for night in range(150):
        at = began + timedelta(days=night)
        columns = {"id": f"books-{at:%Y%m%dT%H%M%S}000000", "started_at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"}
        run_of(env, "books", 1, **columns, changed=3 if night < 20 else 0)
    silence = (("feed", "books"), ("manner", "high"), ("measure", "silence"))
    assert figures(machine)["elib_feed_unusual"] == {silence: 130}


def test_an_empty_catalog_has_figures_too(machine: Browser) -> None:
    told = figures(machine)
    assert told["elib_catalog_resources"] == {(): 0}
    assert told["elib_publication_failed"] == {(): 0}


@pytest.mark.parametrize(
    ("settings", "client", "headers", "status"),
    [
        ({}, "127.0.0.1", {}, 200),
        ({}, "::1", {}, 200),
        ({}, "192.0.2.7", {}, 403),
        ({}, "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403),
        ({"url": "https://library.example.org"}, "127.0.0.1", {}, 403),
        ({"metrics_token": "abc"}, "127.0.0.1", {}, 403),
        ({"metrics_token": "abc"}, "192.0.2.7", {"Authorization": "Bearer abcd"}, 403),
        ({"metrics_token": "abc"}, "192.0.2.7", {"Authorization": "Bearer \xe4".encode("latin-1")}, 403),
        ({"metrics_token": "abc"}, "192.0.2.7", {"Authorization": "Basic abc"}, 403),
        ({"metrics_token": "abc"}, "192.0.2.7", {"Authorization": "Bearer abc"}, 200),
        ({"metrics_token": "abc"}, "192.0.2.7", {"Authorization": "bearer abc"}, 200),  # RFC 9110, 11.1
        ({"metrics_token": "clé"}, "192.0.2.7", {"Authorization": "Bearer clé".encode()}, 200),
    ],
)
def test_only_this_machine_or_the_token_reads_them(
    env: Environment, settings: dict[str, str], client: str, headers: dict[str, Any], status: int
) -> None:
    app = create_app(env, WebSettings(secret=SECRET, **settings))
    with Browser(app, client=(client, 50_000), base_url=settings.get("url", "http://127.0.0.1:8081")) as browser:
        assert browser.get("/metrics", headers=headers).status_code == status


def test_a_name_of_a_feed_cannot_forge_a_figure(machine: Browser, env: Environment) -> None:
    odd = 'a"} 7\nelib_catalog_resources 99\n#'
    run_of(env, "books", 5)
    with write_transaction(env) as connection:
        connection.execute(update(HarvestRunRow).values(feed=odd))
    assert figures(machine)["elib_catalog_resources"] == {(): 0}


@pytest.mark.parametrize("file", ["alerts.yml", "grafana-dashboard.json"])
def test_every_figure_that_alerts_and_charts_name_is_there(machine: Browser, file: str) -> None:
    named = set(_NAME.findall((MONITORING / file).read_text("utf-8")))
    there = {line.split()[2] for line in machine.get("/metrics").text.splitlines() if line.startswith("# HELP")}
    assert named and named <= there


def test_each_alert_says_what_is_the_matter_and_what_to_do() -> None:
    (group,) = yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"]
    watch = Path(ROOT / "docs" / "watch.md").read_text("utf-8")
    for rule in group["rules"]:
        assert rule["expr"] and rule["for"] and rule["labels"]["severity"] in ("page", "ticket", "info")
        assert rule["annotations"]["summary"].endswith(".") and rule["annotations"]["description"].endswith(".")
        assert f"`{rule['alert']}`" in watch, "the guide has no line about it"


def test_the_dashboard_can_be_imported() -> None:
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    assert board["uid"] and board["templating"]["list"][0]["type"] == "datasource"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert all(target["expr"] for panel in board["panels"] for target in panel["targets"])
