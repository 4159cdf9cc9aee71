"""Previews beside a catalog: mappings in force, duplicates expected, and records spread over what they come from."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harvesters import harvest
from loaders.reports import PreviewFacts
from pipeline import catalog as tasks_catalog
from pipeline.preview import NoRecords, SampleBounds, make_preview
from pipeline.terms import map_term
from schemas import Ask, Environment, Feed, replace
from tests.harvesters.loopback import Answer, OaiServer, ReceivedRequest, feed, open_environment, serving
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night
from tests.pipeline.test_self_test import Library, Posts

__all__ = ["library"]


def previewed(tested: Feed, env: Environment, wanted: int = 100, **more: Any) -> PreviewFacts:
    return make_preview(tested, wanted, replace(env, allow_private=frozenset({"127.0.0.1"})), **more).facts


def of_amb(records: list[dict[str, Any]], env: Environment, name: str = "partner") -> PreviewFacts:
    answer = Answer(json.dumps(records), headers={"Content-Type": "application/json"})
    with serving(lambda request: answer) as server:
        tested = feed(f"{server.url}/list", "rest", name=name, format="amb", identifier="id")
        return previewed(tested, env)


def amb(number: int, **more: Any) -> dict[str, Any]:
    """The record that a partner of another name lists."""
    record: dict[str, Any] = json.loads(listed("books", number, **more).payload or "")
    return record


def test_the_mappings_of_terms_in_force_are_applied(library: Environment) -> None:
    records = [amb(n, learningResourceType=["Лабиринт"]) for n in range(3)]
    before = of_amb(records, library)
    assert [term.value for term in before.unmapped] == ["Лабиринт"]
    assert [kind.code for kind in before.kind_shares] == [None]
    map_term(library, "resource_types", "Лабиринт", "worksheet", by="Amina", reason="it means this")
    map_term(
        library, "resource_types", "Карусель понятий", "assessment", feed="books", by="Amina", reason="in this feed"
    )
    after = of_amb(records, library)
    assert after.unmapped == [] and [(kind.code, kind.count) for kind in after.kind_shares] == [("worksheet", 3)]
    own = [amb(n, learningResourceType=["Карусель понятий"]) for n in range(3)]
    assert [kind.code for kind in of_amb(own, library, "books").kind_shares] == ["assessment"]
    assert [kind.code for kind in of_amb(own, library).kind_shares] != ["assessment"], "the mapping is of another feed"


def test_duplicates_are_expected_by_identifier_and_title_and_never_of_the_record_itself(library: Environment) -> None:
    declare(library, "books")
    night(library, "books", [listed("books", n) for n in range(4)])
    records = [
        amb(0),
        amb(1, id="https://other.example.org/1"),
        amb(2, id="https://other.example.org/2", name="Nothing that the catalog has by that name"),
    ]
    assert of_amb(records, library).duplicates.not_checked is not None, "nothing was matched yet"
    tasks_catalog.publish_now()
    tables = ("source_record", "resource", "issue", "match", "harvest_run")
    before = {table: rows(library, table, "*") for table in tables}
    duplicates = of_amb(records, library).duplicates
    assert duplicates.not_checked is None and duplicates.records == 2
    assert {(row.identifier, row.by, row.key) for row in duplicates.rows} == {
        (amb(0)["id"], "identifier", "books:0"),
        ("https://other.example.org/1", "title", "books:1"),
    }
    assert all(row.resource_id for row in duplicates.rows)
    assert {table: rows(library, table, "*") for table in tables} == before, "the catalog is only read"


def test_a_damaged_file_of_features_is_not_checked_and_not_an_error(library: Environment) -> None:
    tasks_catalog.publish_now()
    (features,) = (library.home / "match").glob("features-*.parquet")
    features.write_bytes(b"PAR1 not a table")
    assert of_amb([amb(0)], library).duplicates.not_checked is not None


def test_the_records_of_a_long_table_are_spread_over_all_its_rows(tmp_path: Path) -> None:
    table = "".join(f"{n},Lesson {n} about bridges,https://example.org/{n}\n" for n in range(9_000))
    with serving(lambda request: Answer("id,title,url\n" + table, headers={"Content-Type": "text/csv"})) as server:
        tested = feed(
            f"{server.url}/all.csv", "csv", format="map", identifier="id", map={"title": "title", "url": "url"}
        )
        facts = previewed(tested, open_environment(tmp_path), 50)
    numbers = [int(record.identifier) for record in facts.records]
    assert len(numbers) == 50 and {number // 1_000 for number in numbers} == set(range(9))
    assert facts.chosen is not None and facts.chosen.values == {"count": 9_000}
    assert facts.verdict.publishable == facts.verdict.looked_at == 50 and facts.verdict.mend_first == []


class Monthly(OaiServer):
    """A repository that began in 2006 and grows by a record a month, but says that it began in 1970."""

    def __call__(self, request: ReceivedRequest) -> Answer:
        answer = super().__call__(request)
        text = answer.bytes.decode().replace("2020-01-01</earliest", "1970-01-01</earliest")
        return Answer(text, answer.status, answer.headers)

    def stamp(self, n: int) -> str:
        return f"{2006 + n // 12}-{1 + n % 12:02d}-01T10:00:00Z"


def test_records_of_a_repository_are_spread_and_in_order_whatever_it_says_of_its_beginning(tmp_path: Path) -> None:
    with serving(Monthly(count=216, size=20)) as server:
        facts = previewed(feed(f"{server.url}/oai"), open_environment(tmp_path), 50)
    numbers = [int(record.identifier.rpartition(":")[2]) for record in facts.records]
    assert len(numbers) == 50 and numbers == sorted(numbers)
    assert {number // 36 for number in numbers} >= {0, 1, 2, 3, 4}, "of each span of three years, up to the last ones"


@pytest.mark.parametrize("wanted", [4, 100])
def test_no_more_pages_of_a_sitemap_are_requested_than_are_wanted_and_they_are_spread(
    wanted: int, tmp_path: Path
) -> None:
    def site(request: ReceivedRequest) -> Answer:
        if request.path == "/robots.txt":
            return Answer("", 404)
        if request.path == "/sitemap.xml":
            urls = "".join(f"<url><loc>{server.url}/{n}</loc></url>" for n in range(40))
            return Answer(f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>')
        page = {"@context": "https://schema.org", "@type": "LearningResource", "name": f"Lesson {request.path[1:]}"}
        return Answer(f'<html><script type="application/ld+json">{json.dumps(page)}</script></html>')

    with serving(site) as server:
        facts = previewed(
            feed(f"{server.url}/sitemap.xml", "sitemap", format="schema_org"), open_environment(tmp_path), wanted
        )
        requested = [int(request.path[1:]) for request in server.requests if request.path[1:].isdigit()]
    assert requested == [place * 40 // min(wanted, 40) for place in range(min(wanted, 40))]
    assert facts.counts.records == min(wanted, 40)


def test_a_few_sitemaps_of_a_long_index_are_read_and_it_is_not_taken_for_whole(tmp_path: Path) -> None:
    def site(request: ReceivedRequest) -> Answer:
        name = request.path.strip("/")
        if name == "robots.txt":
            return Answer("", 404)
        if name == "index.xml":
            maps = "".join(f"<sitemap><loc>{server.url}/map-{n}.xml</loc></sitemap>" for n in range(500))
            return Answer(f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{maps}</sitemapindex>')
        if name.startswith("map-"):
            url = f"<url><loc>{server.url}/page-{name[4:-4]}</loc></url>"
            return Answer(f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{url}</urlset>')
        page = {"@context": "https://schema.org", "@type": "LearningResource", "name": f"Lesson {name}"}
        return Answer(f'<html><script type="application/ld+json">{json.dumps(page)}</script></html>')

    with serving(site) as server:
        tested = feed(f"{server.url}/index.xml", "sitemap", format="schema_org")
        facts = previewed(tested, open_environment(tmp_path), 20)
        read = [int(request.path[5:-4]) for request in server.requests if request.path.startswith("/map-")]
        assert not any(page.complete for page in harvest(tested, Ask(limit=20), open_environment(tmp_path)))
    assert read == list(range(0, 500, 50)) and facts.counts.records == 10
    assert any("10 of 500 sitemaps" in note for note in facts.notes)


def test_records_that_cost_a_request_each_are_not_all_requested(tmp_path: Path) -> None:
    def api(request: ReceivedRequest) -> Answer:
        if request.path == "/list":
            return Answer(json.dumps([{"id": n} for n in range(60)]))
        return Answer(json.dumps({"id": request.path[1:], "title": {"rendered": "Rivers and bridges"}}))

    with serving(api) as server:
        request = {"detail_url": f"{server.url}/{{id}}"}
        tested = feed(f"{server.url}/list", "rest", format="wordpress", identifier="id", request=request)
        facts = previewed(tested, open_environment(tmp_path), 6)
        assert len(server.requests) <= 8
    assert [record.identifier for record in facts.records] == ["0", "10", "20", "30", "40", "50"]


def test_a_deadline_keeps_what_came_and_says_that_there_was_more(tmp_path: Path) -> None:
    class Slow(Library):
        def __call__(self, request: ReceivedRequest) -> Answer:
            if request.params.get("from"):
                arrived.append(1)
                time.sleep(3)
            return super().__call__(request)

    arrived: list[int] = []
    counts: list[int] = []
    with serving(Slow(count=60)) as server:
        bounds = SampleBounds(time.monotonic() + 2, counts.append)
        made = make_preview(feed(f"{server.url}/oai"), 50, open_environment(tmp_path), bounds=bounds)
    assert arrived and made.facts.counts.records > 0 and counts
    assert any("time was over" in note for note in made.facts.notes)


def test_a_list_that_breaks_off_after_records_is_shown_with_the_reason(tmp_path: Path) -> None:
    class Broken(Posts):
        def __call__(self, request: ReceivedRequest) -> Answer:
            if request.params.get("page") == "3":
                return Answer("", 403)
            return super().__call__(request)

    request = {"paging": "page", "first": 1, "size_param": "per_page", "size": 10}
    with serving(Broken(total=50)) as server:
        tested = feed(f"{server.url}/posts", "rest", format="wordpress", identifier="id", request=request)
        facts = previewed(tested, open_environment(tmp_path))
    assert facts.counts.records == 20 and any("403" in note for note in facts.notes)


def test_a_syndication_feed_whose_later_page_fails_shows_what_came(tmp_path: Path) -> None:
    def site(request: ReceivedRequest) -> Answer:
        page = int(request.params.get("page", 1))
        if page > 3:
            return Answer("", 403)
        entries = "".join(f"<entry><id>{page}-{n}</id><title>Rivers, part {n}</title></entry>" for n in range(30))
        following = f'<link rel="next" href="{server.url}/?page={page + 1}"/>'
        return Answer(f'<feed xmlns="http://www.w3.org/2005/Atom">{following}{entries}</feed>')

    with serving(site) as server:
        facts = previewed(feed(f"{server.url}/", "rss", format="rss"), open_environment(tmp_path))
    assert facts.counts.records == 80 and any("403" in note for note in facts.notes)


def test_an_empty_list_has_no_preview(tmp_path: Path) -> None:
    with pytest.raises(NoRecords):
        of_amb([], open_environment(tmp_path))


def test_long_values_are_cut_in_a_bounded_preview_and_whole_in_another(tmp_path: Path) -> None:
    record = amb(0, description="rivers and bridges " * 10_000)
    answer = Answer(json.dumps([record]), headers={"Content-Type": "application/json"})
    with serving(lambda request: answer) as server:
        tested = feed(f"{server.url}/list", "rest", format="amb", identifier="id")
        whole = previewed(tested, open_environment(tmp_path))
        cut = previewed(tested, open_environment(tmp_path), max_chars=5_000)
    assert len(msgspec.json.encode(whole)) > 300_000 and not whole.records[0].source_cut
    assert len(msgspec.json.encode(cut)) < 40_000 and cut.records[0].source_cut
    assert cut.records[0].record is None and cut.verdict == whole.verdict
