"""A check of the links, and a writing of the downloads, that fails is told: in the report, on Today and at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from loaders.browse import todays_needs
from loaders.downloads import DownloadsFailed, list_dumps
from loaders.reports import LANGUAGES
from pipeline import catalog as tasks_catalog
from pipeline.downloads import downloads_due, write_downloads
from pipeline.links import LinksFailed, check_links
from pipeline.notifications import Receiver
from pipeline.notifications.lines import line, list_needs, worth_sending
from pipeline.upkeep import tell_failed_upkeep
from schemas import Environment
from tests.dags.webhook import Webhook
from tests.loaders.nights import rows
from tests.pipeline.feeds import listed, night


def published(env: Environment) -> None:
    night(env, "books", [listed("books", number) for number in range(3)])
    tasks_catalog.publish_now()


def wrong_number_of_hosts(env: Environment) -> None:
    with pytest.raises(LinksFailed):
        check_links(env, {"ELIB_LINKS_HOSTS": "many"})


def wrong_rule_of_what_is_kept(env: Environment) -> None:
    with pytest.raises(DownloadsFailed):
        write_downloads(env, variables={"ELIB_DOWNLOADS_KEPT": "all"})


FAILURES: dict[str, tuple[Callable[[Environment], None], str, str]] = {
    "links": (wrong_number_of_hosts, "bad_configuration", "ELIB_LINKS_HOSTS: 'many' is not a positive number"),
    "downloads": (wrong_rule_of_what_is_kept, "bad_configuration", "ELIB_DOWNLOADS_KEPT: 'all' is no such rule"),
}


def needs(env: Environment, kind: str) -> list[dict[str, Any]]:
    night_report = json.loads((env.reports / "night.json").read_bytes())
    return [need for need in night_report["people"] if need["what"] == kind]


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_is_told_by_report_console_and_notification_and_forgotten_after_a_success(
    library: Environment, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail, cause, words = FAILURES[kind]
    published(library)
    before = rows(library, "resource")
    fail(library)
    monkeypatch.setenv("ELIB_NOTIFY", "hook")
    with Webhook() as server:
        port = server.server_address[1]
        receiver = Receiver("hook", "http", "127.0.0.1", port, "http", "", "", {})
        assert tell_failed_upkeep(library, kind, lambda _: receiver).startswith("sent 1 line(s)")
        assert "the same was sent before" in tell_failed_upkeep(library, kind, lambda _: receiver)
    ((_, _, body),) = server.posts
    (need,) = needs(library, kind)
    assert need["detail"][0].startswith(f"{cause}: {words}")
    assert body["needs"] == [need]
    command = f"elib {kind}"
    assert words in body["text"] and body["text"].count(command) == 1, "why, and what to do"
    texts = {line(need, language).replace(need["detail"][0], "") for language in LANGUAGES}
    assert len(texts) == len(LANGUAGES) and all(command in text for text in texts)
    page = (library.reports / "night.html").read_text(encoding="utf-8")
    assert words.split(":")[0] in page
    assert [(each.cause, each.run) for each in todays_needs(library) if each.cause == kind] == [(kind, need["run"])]
    morning = list_needs(json.loads((library.reports / "night.json").read_bytes()), datetime.now(UTC))
    assert worth_sending(morning, {}), "the morning's notification has it too"
    assert rows(library, "resource") == before
    assert "written" in write_downloads(library) if kind == "downloads" else check_links(library, {}).run_id
    tasks_catalog.report()
    assert needs(library, kind) == []
    assert [each for each in todays_needs(library) if each.cause == kind] == []


def test_after_a_failure_a_download_is_due_although_nothing_has_changed(library: Environment) -> None:
    assert downloads_due(library, variables={}) == (False, "no download was written: nothing is published yet")
    published(library)
    assert downloads_due(library, variables={})[0]
    write_downloads(library, variables={})
    assert downloads_due(library, variables={})[0] is False
    wrong_rule_of_what_is_kept(library)
    assert downloads_due(library, variables={})[0], "so that the next run ends well, and the report says so"
    assert "nothing has changed" in write_downloads(library, variables={})
    assert downloads_due(library, variables={})[0] is False
    assert len(list_dumps(library)) == 1
