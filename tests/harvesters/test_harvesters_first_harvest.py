"""A first harvest of nothing is held until a person releases it once; a feed without records needs attention."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loaders.catalog import release
from loaders.reports import reason_sentence
from loaders.store import read_run
from pipeline import catalog, feed
from schemas import Environment, Reason
from tests.harvesters.case_server import CaseServer
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, oai_error, serving

NOTHING = {"repository": {"records": []}}
EMPTY_LIST = {"otherwise": {"json": []}}
EMPTY_TABLE = {"otherwise": {"type": "text/csv", "body": "id,title\n"}}
ONE_RECORD = {"repository": {"records": [{"id": "r0", "title": "Volcano workbook"}]}}
OAI = {"protocol": "oai_pmh", "format": "oai_dc"}
JSON = {"protocol": "rest", "format": "amb", "identifier": "id"}
CSV = {"protocol": "csv", "format": "oercommons_csv", "identifier": "id"}


def declare(env: Environment, loopback: Loopback, keys: dict[str, Any], expect: str = "") -> None:
    declared = {"title": "Books", "partner": "A Library", "url": loopback.url + "/oai", **keys}
    lines = [f"{key} = {json.dumps(value)}" for key, value in declared.items()]
    lines += ["[request]", "rate = 100000", "retries = 0", "[expect]", expect]
    (env.feeds / "books.toml").write_text("\n".join(lines), encoding="utf-8")


def night() -> str:
    """Harvest and judge the feed; return the run's id."""
    run_id = feed.harvest("books")["run_id"]
    feed.run_feed("books", run_id)
    return str(run_id)


def needs(env: Environment) -> list[tuple[str, str]]:
    catalog.report()
    people = json.loads((env.reports / "night.json").read_text(encoding="utf-8"))["people"]
    return [(need["what"], need["feed"]) for need in people]


@pytest.mark.parametrize(
    ("keys", "server"),
    [(OAI, NOTHING), ({**OAI, "sets": ["oer-typo"]}, NOTHING), (JSON, EMPTY_LIST), (CSV, EMPTY_TABLE)],
    ids=["an empty repository", "a misspelt set", "an empty list", "a table without rows"],
)
def test_a_first_harvest_of_nothing_is_held_until_it_is_released_once(
    env: Environment, keys: dict[str, Any], server: dict[str, Any]
) -> None:
    with serving(CaseServer(server)) as loopback:
        declare(env, loopback, keys)
        first, second = night(), night()
        assert read_run(env, first).status == "superseded"
        held = read_run(env, second)
        assert held.status == "held"
        assert [reason.code for reason in held.reasons if isinstance(reason, Reason)] == ["nothing_listed"]
        assert needs(env) == [("held", "books")]
        release(env, second, by="A. Steward", reason="the partner has nothing yet")
        assert read_run(env, second).status == "loaded"
        assert read_run(env, night()).status == "loaded", "a person has released it once"
        assert needs(env) == [("empty", "books")]


def test_an_empty_feed_that_is_expected_to_be_one_is_neither_held_nor_listed(env: Environment) -> None:
    with serving(CaseServer(NOTHING)) as loopback:
        declare(env, loopback, OAI, "records = [0, 100]")
        assert read_run(env, night()).status == "loaded"
    assert needs(env) == []


def test_a_feed_that_has_brought_a_record_may_have_a_night_without_changes(env: Environment) -> None:
    answers: list[CaseServer] = [CaseServer(ONE_RECORD)]

    def script(request: ReceivedRequest) -> Answer:
        return answers[-1](request)

    def nothing_new(request: ReceivedRequest) -> Answer:
        is_list = request.params.get("verb", "").startswith("List")
        return Answer(oai_error("noRecordsMatch")) if is_list else CaseServer(ONE_RECORD)(request)

    with serving(script) as loopback:
        declare(env, loopback, OAI)
        assert read_run(env, night()).status == "loaded"
        answers.append(nothing_new)  # type: ignore[arg-type]
        assert read_run(env, night()).status == "loaded"
    assert "empty" not in dict(needs(env))


def test_the_reason_is_one_sentence_with_what_to_do() -> None:
    sentence = reason_sentence(Reason(code="nothing_listed"))
    assert "never brought a record" in sentence
    assert "sets" in sentence
