"""Notifications that really travel: an HTTP receiver and a mail server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from loaders.store import HarvestRunRow, engine
from pipeline.notifications import check_ready, notify, read_hour
from pipeline.notifications.lines import line, need, worth_sending
from pipeline.notifications.night import NOTIFY_VARIABLE, notify_night
from pipeline.notifications.send import NotSent, Receiver
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.dags.webhook import Webhook
from tests.pipeline.mail_server import MailServer

ROOT = Path(__file__).parents[2]
LATE = datetime.now(UTC) - timedelta(days=1)
NOW = datetime(2026, 3, 4, 5, 10, tzinfo=UTC)
HELD = {"what": "held", "feed": "col", "run": "col-1", "count": 1, "detail": ["2 of 3 records would be deleted"]}
TERMS = {"what": "terms", "feed": None, "run": None, "count": 7, "detail": []}


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        yield server


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.setenv(NOTIFY_VARIABLE, "elib_notify")
    return environment({"ELIB_HOME": str(tmp_path)})


def receiver(server: Any, kind: str, **settings: Any) -> Receiver:
    host, port = server.server_address
    given = {"scheme": "http", "login": "", "password": "", "extra": {}} | settings
    return Receiver(name="elib_notify", kind=kind, host=host, port=port, **given)


def unwanted(name: str) -> Receiver:
    raise AssertionError("no connection is read where nothing is sent")


def report(
    env: Environment, *people: dict[str, Any], publish: dict[str, Any] | None = None, at: datetime = NOW
) -> None:
    env.reports.mkdir(parents=True, exist_ok=True)
    facts = {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "publish": publish, "people": list(people)}
    (env.reports / "night.json").write_text(json.dumps(facts), encoding="utf-8")


def test_what_needs_a_person_is_posted_with_what_to_do(env: Environment, webhook: Webhook) -> None:
    report(env, HELD, TERMS)
    to = receiver(webhook, "http", password="secret", extra={"endpoint": "hook/1", "header.X-Team": "library"})
    assert "sent 2" in notify_night(env, lambda name: to, NOW)
    ((path, headers, body),) = webhook.posts
    assert path == "/hook/1"
    assert headers["Authorization"] == "Bearer secret" and headers["X-Team"] == "library"
    assert "2026-03-04" in body["subject"]
    held, terms, where = body["lines"]
    assert held.startswith("col: ") and "2 of 3 records would be deleted" in held
    assert "elib review show col-1" in held
    assert "7" in terms and "schemas/vocabularies/" in terms
    assert "night.html" in where
    assert held in body["text"] and body["needs"][0]["run"] == "col-1"


GONE = {"code": "deletions", "figures": {"before": 1200, "deleted": 300, "absent": 0, "allowed": 60}, "text": "…"}


@pytest.mark.parametrize(
    ("language", "words", "page"),
    [
        ("fr", ["Une exécution demande une décision", "300 des 1\u202f200 notices", "show col-1"], "night.fr.html"),
        ("ru", ["Запуск ждёт решения", "было бы удалено 300", "elib review show col-1"], "night.ru.html"),
        ("ar", ["تشغيل يحتاج إلى قرار", "سيُحذف 300", "elib review show col-1"], "night.ar.html"),
        ("", ["A run needs a decision", "300 of 1,200 live records would be deleted"], "night.html"),
    ],
)  # fmt: skip
def test_notifications_use_the_configured_language(
    env: Environment, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, language: str, words: list[str], page: str
) -> None:
    monkeypatch.setenv("ELIB_NOTIFY_LANGUAGE", language)
    report(env, {**HELD, "detail": [GONE]})
    notify_night(env, lambda name: receiver(webhook, "http"), NOW)
    ((_, _, body),) = webhook.posts
    assert [word for word in words if word not in body["lines"][0]] == []
    assert body["lines"][-1].endswith(page) and body["needs"][0]["detail"] == [GONE]


def test_an_unknown_notification_language_is_rejected_on_a_quiet_night_too(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELIB_NOTIFY_LANGUAGE", "tlh")
    report(env)
    with pytest.raises(ValueError, match=r"ELIB_NOTIFY_LANGUAGE: 'tlh'.*en, fr, ru, ar"):
        notify_night(env, unwanted, NOW)


def test_a_quiet_night_sends_nothing(env: Environment, webhook: Webhook) -> None:
    report(env)
    notify_night(env, lambda name: receiver(webhook, "http"), NOW)
    assert webhook.posts == []


def test_the_same_night_and_state_is_notified_once(env: Environment, webhook: Webhook) -> None:
    report(env, HELD)
    for _ in range(3):
        notify_night(env, lambda name: receiver(webhook, "http"), NOW)
    assert len(webhook.posts) == 1
    report(env, HELD, {**HELD, "feed": "iite", "run": "iite-1"})
    notify_night(env, lambda name: receiver(webhook, "http"), NOW)
    assert len(webhook.posts) == 2


def test_open_needs_are_notified_again_only_when_they_grow_and_held_runs_every_night(
    env: Environment, webhook: Webhook
) -> None:
    sent = []
    for night, people in enumerate(
        [[TERMS], [TERMS], [{**TERMS, "count": 3}], [{**TERMS, "count": 4}], [HELD], [HELD]]
    ):
        now = NOW + timedelta(days=night)
        report(env, *people, at=now)
        notify_night(env, lambda name: receiver(webhook, "http"), now)
        sent.append(len(webhook.posts))
    assert sent == [1, 1, 1, 2, 3, 4]


def test_a_run_type_that_no_airflow_of_today_has_is_told_and_named(
    env: Environment, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    report(env, HELD)
    result = notify(env, "a type of a later Airflow", lambda name: receiver(webhook, "http"), NOW)
    assert len(webhook.posts) == 1 and "'a type of a later Airflow'" in result
    assert "'a type of a later Airflow'" in caplog.text


@pytest.mark.parametrize("host", ["127.0.0.1", "http://127.0.0.1"])
def test_a_path_that_airflow_takes_for_the_schema_is_refused_and_not_named(
    env: Environment, webhook: Webhook, host: str
) -> None:
    report(env, HELD)
    to = Receiver("elib_notify", "https", host, webhook.server_address[1], "services/s3cret", "", "", {})
    with pytest.raises(NotSent, match="elib_notify: its schema is neither http nor https") as raised:
        notify_night(env, lambda name: to, NOW)
    assert "s3cret" not in str(raised.value) and webhook.posts == []


def test_a_failed_publication_and_a_missing_report_are_notified(env: Environment, webhook: Webhook) -> None:
    to = receiver(webhook, "http")
    notify_night(env, lambda name: to, NOW)
    report(env, publish={"id": "publish-1", "status": "failed", "cause": "crashed", "error": "disk full"})
    notify_night(env, lambda name: to, NOW)
    report(env, HELD, at=NOW - timedelta(days=1))
    notify_night(env, lambda name: to, NOW + timedelta(days=1))
    lines = [post[2]["lines"][0] for post in webhook.posts]
    assert "report of the night was not written" in lines[0]
    assert "disk full" in lines[1] and "elib publish" in lines[1]
    assert "report of the night was not written" in lines[2]


def test_a_notification_that_does_not_arrive_is_an_error_and_is_retried(env: Environment, webhook: Webhook) -> None:
    report(env, HELD)
    webhook.status = 500
    to = receiver(webhook, "http", extra={"endpoint": "path-not-to-tell"})
    with pytest.raises(NotSent, match=r"elib_notify.*answered 500") as raised:
        notify_night(env, lambda name: to, NOW)
    assert "path-not-to-tell" not in str(raised.value)
    webhook.status = 204
    notify_night(env, lambda name: to, NOW)
    assert len(webhook.posts) == 2


def test_an_unreachable_receiver_and_an_unsupported_connection_type_are_errors(
    env: Environment, webhook: Webhook
) -> None:
    report(env, HELD)
    down = Receiver("elib_notify", "http", "127.0.0.1", 9, "http", "", "", {})
    with pytest.raises(NotSent, match="reachable"):
        notify_night(env, lambda name: down, NOW)
    with pytest.raises(NotSent, match="'postgres'; make it one of http, https, smtp"):
        notify_night(env, lambda name: receiver(webhook, "postgres"), NOW)


def test_without_a_connection_nothing_is_sent_and_the_log_says_so(
    env: Environment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(NOTIFY_VARIABLE)
    report(env, HELD)
    with caplog.at_level("INFO", logger="elib.notify"):
        notify_night(env, unwanted, NOW)
    assert [record.message for record in caplog.records] == [
        "nothing was sent: ELIB_NOTIFY names no Airflow connection"
    ]


def test_mail_arrives_complete(env: Environment, mail_server: MailServer) -> None:
    report(env, {**HELD, "detail": ["«Уроки» und المكتبة"]})
    extra = {
        "disable_ssl": "true",
        "disable_tls": True,
        "from_email": "elib@example.org",
        "to_email": "a@example.org, b@example.org",
    }
    notify_night(env, lambda name: receiver(mail_server, "smtp", extra=extra), NOW)
    ((sender, receivers, message, by_tls, _),) = mail_server.mails
    assert sender == "elib@example.org" and not by_tls
    assert receivers == ["a@example.org", "b@example.org"]
    assert "2026-03-04" in message["Subject"]
    assert "«Уроки» und المكتبة" in message.get_content()


def test_mail_is_never_sent_without_the_configured_tls(env: Environment, mail_server: MailServer) -> None:
    report(env, HELD)
    people = {"from_email": "elib@example.org", "to_email": "a@example.org"}
    with pytest.raises(NotSent):
        notify_night(env, lambda name: receiver(mail_server, "smtp", extra={**people, "disable_ssl": True}), NOW)
    with pytest.raises(NotSent, match="extra disable_tls is 'maybe'; write true or false"):
        extra = {**people, "disable_ssl": "on", "disable_tls": "maybe"}
        notify_night(env, lambda name: receiver(mail_server, "smtp", extra=extra), NOW)
    with pytest.raises(NotSent, match="from_email and to_email"):
        notify_night(env, lambda name: receiver(mail_server, "smtp"), NOW)
    assert mail_server.mails == []


@pytest.mark.parametrize(
    ("text", "cron", "zone"),
    [
        ("06:00 UTC", "0 6 * * *", "UTC"),
        ("7:30 Africa/Tunis", "30 7 * * *", "Africa/Tunis"),
        ("23:59", "59 23 * * *", "UTC"),
    ],
)
def test_a_ready_by_time_is_parsed(text: str, cron: str, zone: str) -> None:
    hour = read_hour(text)
    assert (hour.cron, hour.zone) == (cron, zone)


@pytest.mark.parametrize("text", ["6 o'clock", "24:00", "06:60 UTC", "06:00 Mars/Olympus", "06:00 ../etc"])
def test_an_invalid_ready_by_time_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="ELIB_READY_BY"):
        read_hour(text)


def test_a_catalog_that_is_not_ready_is_notified_once(env: Environment, webhook: Webhook) -> None:
    new_catalog(env)
    hour, to = read_hour("06:00 UTC"), receiver(webhook, "http")
    now = datetime(2026, 3, 4, 6, 0, 5, tzinfo=UTC)
    publication(env, "publish-1", "2026-03-03T23:59:59Z", "loaded")
    publication(env, "publish-2", "2026-03-04T05:00:00Z", "failed")
    check_ready(env, hour, lambda name: to, now)
    check_ready(env, hour, lambda name: to, now)
    ((_, _, body),) = webhook.posts
    assert "06:00 UTC" in body["lines"][0] and "elib publish" in body["lines"][0]
    publication(env, "publish-3", "2026-03-04T05:30:00Z", "loaded")
    assert "ready" in check_ready(env, hour, lambda name: to, now + timedelta(minutes=1))
    assert len(webhook.posts) == 1


def publication(env: Environment, run_id: str, ended_at: str, status: str) -> None:
    with engine(env).begin() as connection:
        connection.execute(
            insert(HarvestRunRow).values(
                id=run_id, kind="publish", status=status, started_at=ended_at, ended_at=ended_at
            )
        )


RUN_NOTIFY = """
import datetime
import logging
from commands.airflow_home import prepare
from schemas import environment
env = environment()
prepare(env)
from commands.setup import set_up
set_up(env)
from dags.{module} import dag
run = dag.test(run_after={run_after})
print("STATES", {{one.task_id: str(one.state) for one in run.get_task_instances()}})
"""


def through_airflow(home: Path, module: str, run_after: datetime | None = None, **variables: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_"))}
    ran = subprocess.run(
        [sys.executable, "-c", RUN_NOTIFY.format(module=module, run_after=repr(run_after))],
        env={**clean, "ELIB_HOME": str(home), "PYTHONPATH": str(ROOT), **variables},
        cwd=home, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    return next((line for line in ran.stdout.splitlines() if line.startswith("STATES")), ran.stdout + ran.stderr)


@pytest.mark.slow
def test_deadline_and_catalog_notify_through_a_real_airflow_connection(tmp_path: Path, webhook: Webhook) -> None:
    port = webhook.server_address[1]
    told = {"ELIB_NOTIFY": "elib_notify", "AIRFLOW_CONN_ELIB_NOTIFY": f"http://127.0.0.1:{port}/http?endpoint=hook"}
    (tmp_path / "feeds").mkdir()
    feeds = str(tmp_path / "feeds")
    states = through_airflow(tmp_path, "deadline", LATE, ELIB_READY_BY="06:00", ELIB_FEEDS=feeds, **told)
    assert "'ready': 'success'" in states, states
    ((path, _, body),) = webhook.posts
    assert path == "/hook" and "06:00 UTC" in body["text"]
    assert body["night"] == f"{LATE:%Y-%m-%d}", "a task that begins late tells about the day of its run"
    states = through_airflow(tmp_path, "catalog", ELIB_FEEDS=feeds, **told)
    assert "'publish': 'success'" in states and "'notify': 'success'" in states, states
    assert len(webhook.posts) == 1, "a night in which nothing happened is quiet"


def test_what_waits_to_be_deleted_is_told_and_sends_no_message_of_its_own() -> None:
    absent = {**need("absent"), "feed": "books", "count": 3}
    assert not worth_sending([absent], {})
    assert worth_sending([absent, need("failed")], {})
    for language in ("en", "fr", "ru", "ar"):
        assert "3" in line(absent, language)
        assert line(absent, language).endswith("elib review absent --feed books")
