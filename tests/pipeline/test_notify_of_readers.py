"""The night's notification tells what readers and partners wait for, from the report of a real catalog."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from loaders.applications import create_draft, keep_test, submit_application
from loaders.browse import ReaderMessage
from loaders.reader_reports import ReaderReportKind, keep_reader_report
from loaders.store import now
from pipeline.catalog import report
from pipeline.notifications.lines import waiting_counts, worth_sending
from pipeline.notifications.night import NOTIFY_VARIABLE, notify_night
from schemas import Environment
from tests.dags.webhook import Webhook
from tests.installation import home
from tests.pipeline.test_notify import receiver, unwanted

__all__ = ["home"]
FIRST_WORDS = {
    "en": ("Readers who say", "Other reports", "Applications of"),
    "fr": ("Lecteurs qui", "Autres signalements", "Demandes de"),
    "ru": ("Читатели, которые", "Другие сообщения", "Заявки партнёров"),
    "ar": ("قرّاء يقولون", "بلاغات أخرى", "طلبات شركاء"),
}


def tell(env: Environment, kind: ReaderReportKind, number: int = 1) -> None:
    message = ReaderMessage(id=f"m{number}", at=now(), language="en", text="It is mine.", contact="")
    keep_reader_report(env, f"resource{number}", kind, message)


@pytest.mark.parametrize("language", FIRST_WORDS)
def test_claims_reports_and_applications_are_told(
    home: Environment, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv(NOTIFY_VARIABLE, "elib_notify")
    monkeypatch.setenv("ELIB_NOTIFY_LANGUAGE", language)
    monkeypatch.setenv("ELIB_WEB_URL", "https://library.example.org/")
    report()
    assert "nothing was sent" in notify_night(home, unwanted)
    tell(home, "takedown")
    tell(home, "takedown", 2)
    tell(home, "dead")
    draft = create_draft(home, partner="University", contact="lina@example.org", declaration={"url": "https://a.org/"})
    submit_application(home, keep_test(home, draft, {"state": "done", "lines": []}))
    report()
    with Webhook() as server:
        notify_night(home, lambda _name: receiver(server, "http"))
        ((_, _, body),) = server.posts
    claims, others, applications = (
        next(line for line in body["lines"] if line.startswith(words)) for words in FIRST_WORDS[language]
    )
    assert " 2." in claims and f"{datetime.now(UTC):%Y}" in claims, "how many, and by when"
    assert claims.endswith("https://library.example.org/console/reports?kind=takedown")
    assert " 1." in others and " 1." in applications
    assert applications.endswith("https://library.example.org/console/applications")


def test_a_claim_is_told_every_night_until_it_is_decided_and_an_application_once() -> None:
    needs = [
        {"what": what, "feed": None, "run": None, "count": 1, "detail": []} for what in ("takedowns", "applications")
    ]
    standing = waiting_counts(needs)
    assert worth_sending(needs, standing) and not worth_sending(needs[1:], standing)
    assert worth_sending(needs[1:], {})
