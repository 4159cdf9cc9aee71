"""Works that an earlier matcher merged are parted at the next publication, and the steward reads which word differs."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from loaders.publication import begin_publication, publish_match
from loaders.publication import match_state as state
from pipeline import catalog as tasks_catalog
from schemas import Cluster, Environment, ResourceView
from tests.loaders.match_files import files_of
from tests.loaders.nights import TABLES, rows
from tests.pipeline.feeds import declare, listed, night
from transforms.match import Live, features, match
from transforms.merge import merge

BOOKS, FILMS = "books:1", "films:1"
WORDS = {
    "": "one word differs",
    ".fr": "un mot diffère",
    ".ru": "различается одно слово",
    ".ar": "كلمة واحدة مختلفة",
}


@pytest.fixture
def catalog(home: Environment) -> Environment:
    """Two partners list a work each that differ in one word of their titles, beside three other works each."""
    for feed, word in (("books", "slides"), ("films", "video")):
        declare(home, feed)
        title = f"Statistical reasoning for teachers: {word}"
        alike = listed(feed, 1, name=title, description="Twelve lessons on chance for a year at school, with sheets.")
        night(home, feed, [alike, *(listed(feed, number) for number in (0, 2, 3))])
    return home


def ids(env: Environment) -> dict[str, str]:
    return dict(rows(env, "source_record", "key, resource_id"))


def publish_as_the_matcher_before(env: Environment) -> None:
    """Publish the catalog with both as one work, as the matcher did of which titles differed by letters."""
    records = [Live(feed=feed, record_sha256=digest, record=record) for feed, digest, record in live(env)]
    now = features(records)
    pairs = match(now).pairs
    verdicts = ["same" if pair == {BOOKS, FILMS} else verdict for pair, verdict in sides(pairs)]
    place = pairs.schema.get_field_index("verdict")
    merged = pairs.set_column(place, "verdict", pa.array(verdicts, pa.string()))
    since = state.newest_publication(env)
    folder: Path = state.write_match_result(
        env,
        "5-0123456789abcdef",
        files_of(env.home / "made", now, merged),
        [Cluster(keys=(BOOKS, FILMS))],
        [],
        [],
        after_publication=since,
    )
    publish_match(env, begin_publication(env), folder, merge=merge, trust={})


def live(env: Environment) -> list[tuple[str, str, ResourceView]]:
    return list(state.read_live_records(env, sorted(ids(env))))


def sides(pairs: pa.Table) -> list[tuple[set[str], str]]:
    return [({pair["left_key"], pair["right_key"]}, pair["verdict"]) for pair in pairs.to_pylist()]


def test_works_merged_by_an_earlier_matcher_are_split_with_their_old_ids(catalog: Environment) -> None:
    tasks_catalog.publish_now()
    apart = ids(catalog)
    assert apart[BOOKS] != apart[FILMS]
    publish_as_the_matcher_before(catalog)
    merged = ids(catalog)
    assert merged[BOOKS] == merged[FILMS]
    ((gone, kept),) = rows(catalog, "redirect", "old_id, id")
    assert {gone, kept} == {apart[BOOKS], apart[FILMS]} and kept == merged[BOOKS]
    tasks_catalog.publish_now()
    assert ids(catalog) == apart
    assert rows(catalog, "redirect") == []
    before = {table: rows(catalog, table) for table in TABLES}
    tasks_catalog.publish_now()
    assert {table: rows(catalog, table) for table in TABLES} == before, "a second night changes nothing"


def test_the_steward_reads_which_word_differs_in_every_language(catalog: Environment) -> None:
    tasks_catalog.publish_now()
    tasks_catalog.report()
    for suffix, words in WORDS.items():
        page = (catalog.reports / f"duplicates{suffix}.html").read_text(encoding="utf-8")
        assert words in page and "slides / video" in page
        assert "letter or two" not in page
