"""Harvested and transformed, every sample feed ends as samples/expected.toml says."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from walking import SAMPLES

import harvesters
from samples import ReplayServer
from schemas import Ask, Environment, Feed, Page, environment, read_feed
from transforms import transform
from transforms.match import Live, cluster, features, find_links, match

_FILE = tomllib.loads((SAMPLES / "expected.toml").read_text(encoding="utf-8"))
EXPECTED = _FILE["feeds"]


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return environment({"ELIB_HOME": str(tmp_path / "home"), "ELIB_ALLOW_PRIVATE": "127.0.0.1"})


def feed_at(name: str, server: ReplayServer, folder: Path) -> Feed:
    """The sample feed with the address of this server in it."""
    text = (SAMPLES / "feeds" / f"{name}.toml").read_text(encoding="utf-8")
    path = folder / f"{name}.toml"
    path.write_text(text.replace("http://127.0.0.1:8765", server.url), encoding="utf-8")
    return read_feed(path)


def outcomes(pages: list[Page], feed: Feed) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each record how it ended, and the codes of its errors."""
    for record in (record for page in pages for record in page.records):
        assessment = transform(record, feed)
        errors = tuple(issue.code for issue in assessment.errors)
        if assessment.tombstone is not None:
            yield "deleted", errors
        elif assessment.rejection is not None:
            yield "rejected", errors
        else:
            yield ("quarantined" if errors else "valid"), errors


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_record_of_a_feed_ends_as_expected(
    name: str, server: ReplayServer, tmp_path: Path, env: Environment
) -> None:
    feed = feed_at(name, server, tmp_path)
    pages = list(harvesters.harvest(feed, Ask(), env))
    ended = list(outcomes(pages, feed))
    expected = {**EXPECTED[name]}
    assert pages[-1].complete
    assert len(ended) == expected.pop("listed")
    untitled, unaddressed = expected.pop("untitled", expected["quarantined"]), expected.pop("unaddressed", 0)
    assert Counter(how for how, _ in ended) == Counter(expected)
    wanted = Counter(title_missing=untitled, address_missing=unaddressed)
    assert Counter(code for _, errors in ended for code in errors) == wanted


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_email_address_and_no_note_of_dspace_is_published(
    name: str, server: ReplayServer, tmp_path: Path, env: Environment
) -> None:
    feed = feed_at(name, server, tmp_path)
    for record in (record for page in harvesters.harvest(feed, Ask(), env) for record in page.records):
        published = msgspec.json.encode(transform(record, feed).resource).decode()
        assert "@example.org" not in published
        assert "in DSpace" not in published


def test_every_tunisian_course_has_its_page_as_url_and_its_file_as_link(
    server: ReplayServer, tmp_path: Path, env: Environment
) -> None:
    feed = feed_at("sample_tunisia_uvt", server, tmp_path)
    records = [record for page in harvesters.harvest(feed, Ask(), env) for record in page.records]
    published = [assessment for assessment in (transform(record, feed) for record in records) if not assessment.errors]
    courses = [assessment.resource for assessment in published if assessment.resource is not None]
    pages = {f"http://pf-mh.uvt.example/{number}/" for number in range(501, 521)}
    assert {course.url for course in courses} == pages
    assert {link.url for course in courses for link in course.links} == {f"{page}1/cours.pdf" for page in pages}
    assert not any(course.relations for course in courses)


@pytest.mark.parametrize(
    "name", ["sample_col_oasis", "sample_tunisia_uvt", "sample_unesco_iite", "sample_autodesk_rss"]
)
def test_a_second_night_that_asks_for_what_is_new_gets_nothing(
    name: str, server: ReplayServer, tmp_path: Path, env: Environment
) -> None:
    feed = feed_at(name, server, tmp_path)
    first = list(harvesters.harvest(feed, Ask(), env))
    clock = next(page.response_date for page in first if page.response_date)
    validators = first[-1].validators
    again = list(harvesters.harvest(feed, Ask(since=clock, full=False, validators=validators), env))
    assert again[-1].complete
    assert sum(len(page.records) for page in again) == 0


def test_every_translation_and_edition_that_a_partner_declares_is_linked_and_none_is_merged(
    server: ReplayServer, tmp_path: Path, env: Environment
) -> None:
    lives = []
    for name in ("sample_col_oasis", "sample_unesco_iite", "sample_unesco_oai", "sample_unesco_unesdoc"):
        feed = feed_at(name, server, tmp_path)
        pages = harvesters.harvest(feed, Ask(), env)
        assessments = [transform(record, feed) for page in pages for record in page.records]
        lives += [Live(name, "", assessment.resource) for assessment in assessments if assessment.resource]
    rows = features(lives)
    clustering = cluster(match(rows).pairs, rows, links=find_links(rows).links)
    related = {(key, other): variant for key, other, _, variant in clustering.related}
    keys = {live.record.key for live in lives}
    pairs = {(pair["left"], pair["right"]): pair.get("linked") for pair in _FILE["different"]}
    assert {pair: related.get(pair) for pair in pairs if keys.issuperset(pair)} == {
        pair: linked for pair, linked in pairs.items() if keys.issuperset(pair)
    }
    assert not [pair for pair in pairs for group in clustering.clusters if set(pair) <= set(group.keys)]
