"""Publications: what is found across feeds is told to both, and a match that fails is told to the operator."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, update

from loaders.curation import curation
from loaders.publication import begin_publication, publish_match
from loaders.store import SourceRecordRow, write_transaction
from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.loaders.nights import TABLES, rows
from tests.pipeline.feeds import declare, listed, night
from transforms.merge import merge

BY = {"by": "A Steward", "reason": "looked at it"}
PAGE = "https://portal.example.org/all-lessons"
FINDING = "key, code, scope, first_run_id, resolved_run_id"


def across(env: Environment) -> dict[str, tuple[str | None, ...]]:
    return {row[0]: row[2:] for row in rows(env, "issue", FINDING) if row[1] == "url_shared_elsewhere"}


def test_a_url_shared_by_unrelated_records_of_two_feeds_is_reported_to_both_until_fixed(
    home: Environment,
) -> None:
    for name in ("books", "films"):
        declare(home, name)
        night(home, name, [listed(name, number) for number in range(4)])
    night(home, "books", [listed("books", 0, id=PAGE), *(listed("books", number) for number in range(1, 4))])
    assert across(home) == {}
    shared = [listed("films", 1, id=PAGE), *(listed("films", number) for number in (0, 2, 3))]
    night(home, "films", shared)
    tasks_catalog.publish_now()
    issues = across(home)
    assert set(issues) == {"books:0", "films:1"}
    assert {(scope, end) for scope, _, end in issues.values()} == {("catalog", None)}
    before = {table: rows(home, table) for table in TABLES}
    tasks_catalog.publish_now()
    assert {table: rows(home, table) for table in TABLES} == before, "a second night changes nothing"
    night(home, "films", [listed("films", number) for number in range(4)])
    tasks_catalog.publish_now()
    assert all(end is not None and end.startswith("publish-") for *_, end in across(home).values())


def test_a_correction_that_no_longer_fits_is_reported_until_it_is_undone(home: Environment) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(4)])
    number = curation.record_correction(home, "books:1", "contributors[0].name", "Okafor, Ada", **BY)
    tasks_catalog.publish_now()
    assert people(home) == []
    night(home, "books", [listed("books", number, creator=None) for number in range(4)])
    tasks_catalog.publish_now()
    ((what, count, detail),) = people(home)
    assert (what, count) == ("corrections", 1)
    assert f"correction {number} of 'contributors[0].name' by A Steward" in detail[0]
    for suffix in ("", ".fr", ".ru", ".ar"):
        assert "elib review curations" in (home.reports / f"night{suffix}.html").read_text(encoding="utf-8")
    curation.undo_curation(home, number, **BY)
    tasks_catalog.publish_now()
    assert people(home) == []


def test_a_feeds_page_follows_a_version_that_a_steward_accepts(home: Environment) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(4)])
    bare = listed("books", 0, license=None, name="Untitled")
    night(home, "books", [bare, *(listed("books", number) for number in range(1, 4))])
    assert licensed(home) == 1.0
    number = curation.accept(home, "books:0", **BY)
    assert licensed(home) == 0.75
    curation.undo_curation(home, number, **BY)
    assert licensed(home) == 1.0


def licensed(env: Environment) -> float:
    """The share of records with a licence, as the feed's page has it."""
    tasks_catalog.report()
    fields = json.loads((env.reports / "feeds" / "books.json").read_bytes())["completeness"]["fields"]
    return next(float(field["share"]) for field in fields if field["field"] == "license")


def people(env: Environment) -> list[tuple[str, int, list[str]]]:
    """What needs a person, apart from pairs that were not looked at."""
    needs = json.loads((env.reports / "night.json").read_bytes())["people"]
    return [
        (need["what"], need["count"], need["detail"]) for need in needs if need["what"] not in ("pairs", "clusters")
    ]


def test_a_failed_match_is_recorded_as_a_failed_publication(home: Environment) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(4)])
    tasks_catalog.publish_now()
    kept = overwrite(home, "{", "changed")
    with pytest.raises(Exception, match="truncated"):
        tasks_catalog.match()
    overwrite(home, *kept)
    (failed,) = (row for row in rows(home, "harvest_run", "status, kind, cause, error") if row[0] == "failed")
    assert failed[1:3] == ("publish", "crashed") and "match: " in failed[3]
    tasks_catalog.report()
    assert "match: " in (home.reports / "night.json").read_text(encoding="utf-8")
    assert tasks_catalog.publish_now()["unchanged"] > 0


def test_a_match_outdated_by_another_publication_is_repeated_and_published(home: Environment) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(4)])
    matched = tasks_catalog.match()  # the DAG's; before its next task:
    tasks_catalog.publish_now()
    before = {table: rows(home, table) for table in TABLES}
    assert tasks_catalog.publish(matched)["unchanged"] == 4
    assert {table: rows(home, table) for table in TABLES} == before
    assert {row[0] for row in rows(home, "harvest_run", "status")} == {"loaded"}


def test_a_publication_retried_after_its_commit_succeeds_and_keeps_its_findings(
    home: Environment,
) -> None:
    for name, shared in (("books", 0), ("films", 1)):
        declare(home, name)
        night(home, name, [listed(name, number, **({"id": PAGE} if number == shared else {})) for number in range(4)])
    matched = tasks_catalog.match()
    publish_match(home, begin_publication(home), home.home / matched["folder"], merge=merge, trust={})
    # here its process ends
    assert across(home) == {}
    tasks_catalog.publish(matched)
    assert set(across(home)) == {"books:0", "films:1"}
    assert {row[0] for row in rows(home, "harvest_run", "status")} == {"loaded"}


def overwrite(env: Environment, text: str, digest: str) -> tuple[str, str]:
    """Another text for one record of the catalog, as a damaged disk leaves it; the text and digest of before."""
    with write_transaction(env) as connection:
        mine = SourceRecordRow.key == "books:1"
        before = connection.execute(select(SourceRecordRow.record, SourceRecordRow.record_sha256).where(mine)).one()
        connection.execute(update(SourceRecordRow).where(mine).values(record=text, record_sha256=digest))
    return before.record or "", before.record_sha256 or ""


@pytest.mark.parametrize(
    ("name", "bytes_"),
    [("state.json", b"{"), ("features-*.parquet", b"PAR1"), ("features-*.parquet", None), ("pairs-*.parquet", b"")],
)
def test_a_damaged_file_of_the_last_match_does_not_stop_the_publication(
    home: Environment, caplog: pytest.LogCaptureFixture, name: str, bytes_: bytes | None
) -> None:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(4)])
    tasks_catalog.publish_now()
    before = {table: rows(home, table) for table in TABLES}
    (damaged,) = (home.home / "match").glob(name)
    whole = damaged.read_bytes()
    middle = whole[: len(whole) // 4] + bytes(len(whole) // 4) + whole[len(whole) // 4 * 2 :]
    damaged.write_bytes(middle if bytes_ is None else bytes_)
    overwrite(home, *overwrite(home, "{", "changed"))  # a write, so that the night is no quiet one and reads the files
    tasks_catalog.publish_now()
    assert {table: rows(home, table) for table in TABLES} == before
    assert f"match/{damaged.name}" in caplog.text and "every record is compared again" in caplog.text
