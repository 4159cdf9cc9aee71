"""Two people decide the same thing at the same time: one decides, the other reads one sentence, and nothing is half."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from loaders.applications import (
    ApplicationTrouble,
    accept_application,
    create_draft,
    decline_application,
    keep_test,
    submit_application,
)
from loaders.browse import ReaderMessage, ReaderReportFilter, reader_report_numbers
from loaders.curation import (
    CannotDecide,
    correct_all,
    decide_reader_reports,
    judge_all,
    map_terms,
    newest_decisions,
    record_correction,
    refuse_all,
    undo_batch,
    undo_curation,
    withdraw,
)
from loaders.feed_status import StatusUnchanged, change_status
from loaders.reader_reports import keep_reader_report
from loaders.store import now, read_transaction
from schemas import Environment, TermMapping
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import listed, night
from tests.web.test_quarantine import without_address

__all__ = ["library"]
Decision = Callable[[str], object]  # by whom
WHY = "looked at it"
WAITING = [f"books:{number}" for number in range(3)]


def refusing(env: Environment) -> Decision:
    night(env, "books", without_address(3))
    return lambda by: refuse_all(env, lambda _connection: WAITING, by=by, reason=WHY)


def correcting_all(env: Environment) -> Decision:
    night(env, "books", without_address(3))
    address = "https://x.example.org/{identifier}"
    return lambda by: correct_all(env, lambda _connection: WAITING, "url", address, by=by, reason=WHY)


def correcting(env: Environment) -> Decision:
    night(env, "books", [listed("books", 0)])
    with read_transaction(env) as connection:
        seen = newest_decisions(connection)
    return lambda by: record_correction(env, "books:0", "title.en", f"As {by} says", by=by, reason=WHY, seen=seen)


def withdrawing(env: Environment) -> Decision:
    night(env, "books", [listed("books", 0)])
    return lambda by: withdraw(env, "books:0", by=by, reason=WHY)


def judging(env: Environment) -> Decision:
    night(env, "books", [listed("books", 0), listed("books", 1)])
    with read_transaction(env) as connection:
        seen = newest_decisions(connection)
    verdict = {"Amina": "same", "Boris": "different"}
    return lambda by: judge_all(env, verdict[by], [("books:1", "books:0")], by=by, reason=WHY, seen=seen)


def mapping(env: Environment) -> Decision:
    with read_transaction(env) as connection:
        seen = newest_decisions(connection)

    def decide(by: str) -> object:
        code = {"Amina": "primary", "Boris": None}[by]
        term = TermMapping(field="levels", value="school", feed=None, scheme=code and "levels", code=code)
        return map_terms(env, [term], by=by, reason=WHY, seen=seen)

    return decide


def undoing(env: Environment) -> Decision:
    batch = refusing(env)("Vera")
    return lambda by: undo_batch(env, batch.id, by=by, reason=WHY)  # type: ignore[attr-defined]


def undoing_one(env: Environment) -> Decision:
    number = withdrawing(env)("Vera")
    return lambda by: undo_curation(env, number, by=by, reason=WHY)  # type: ignore[arg-type]


def pausing(env: Environment) -> Decision:
    return lambda by: change_status(env, "books", "paused", by=by, reason=WHY)


def reporting(env: Environment) -> Decision:
    night(env, "books", [listed("books", 0)])
    message = ReaderMessage(id="m", at=now(), language="en", text="", contact="")
    keep_reader_report(env, "a resource", "dead", message)
    mine = ReaderReportFilter()
    return lambda by: decide_reader_reports(
        env, "dismiss", lambda connection: list(reader_report_numbers(connection, mine)), by=by, reason=WHY
    )


def applying(env: Environment) -> Decision:
    url = "https://films.example.org/api"
    keys = {
        "title": "Films",
        "partner": "P",
        "protocol": "rest",
        "url": url,
        "format": "schema_org",
        "identifier": "id",
    }
    draft = create_draft(env, partner="P", contact="lina@example.org", declaration=keys)
    sent = submit_application(env, keep_test(env, draft, {"state": "done"}))

    def decide(by: str) -> object:
        if by == "Amina":
            return accept_application(env, sent, by=by, reason=WHY, name="films")
        return decline_application(env, sent, by=by, reason=WHY)

    return decide


DECISIONS: dict[Callable[[Environment], Decision], tuple[str, int]] = {  # with the table and the rows of one decision
    refusing: ("curation", 3),
    correcting_all: ("curation", 3),
    correcting: ("curation", 1),
    withdrawing: ("curation", 1),
    judging: ("judgement", 1),
    mapping: ("term_mapping", 1),
    undoing: ("curation", 3),
    undoing_one: ("curation", 1),
    pausing: ("task_note", 1),
    reporting: ("reader_report_decision", 1),
    applying: ("application", 1),
}


@pytest.mark.parametrize("begin", DECISIONS, ids=lambda begin: begin.__name__)
def test_one_decides_and_the_other_is_told(library: Environment, begin: Callable[[Environment], Decision]) -> None:
    decide, ready = begin(library), threading.Barrier(2)

    def at_once(by: str) -> tuple[str, str]:
        ready.wait(timeout=60)
        try:
            decide(by)
        except (CannotDecide, StatusUnchanged, ApplicationTrouble) as error:
            return by, str(error)
        return by, ""

    with ThreadPoolExecutor(2) as pool:
        told = dict(pool.map(at_once, ("Amina", "Boris")))
    (sentence,) = filter(None, told.values())
    assert 10 < len(sentence) < 300 and "\n" not in sentence, told
    table, count = DECISIONS[begin]
    assert len(rows(library, table)) == count
    winner = next(by for by, refusal in told.items() if not refusal)
    loser = next(by for by in told if by != winner)
    assert winner in repr(rows(library, table)) and loser not in repr(rows(library, table))
