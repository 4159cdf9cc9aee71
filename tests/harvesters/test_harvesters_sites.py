"""Sitemaps and the schema.org markup of their pages, as sites really write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import Feed, HarvestFailed, Page
from tests.harvesters.loopback import Answer, ReceivedRequest, feed, identifiers, open_environment, pages, serving
from transforms import transform

SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
LESSON = '{"@type": "LearningResource", "name": "Volcanoes"}'


def script(*blocks: str, type_: str = "application/ld+json") -> str:
    return "<html>" + "".join(f'<script type="{type_}">{block}</script>' for block in blocks) + "</html>"


def urlset(*locations: str) -> str:
    return f"<urlset {SPACE}>{''.join(f'<url><loc>{location}</loc></url>' for location in locations)}</urlset>"


def index(*locations: str) -> str:
    entries = "".join(f"<sitemap><loc>{location}</loc></sitemap>" for location in locations)
    return f"<sitemapindex {SPACE}>{entries}</sitemapindex>"


def site(answers: dict[str, str | bytes | Answer], otherwise: str = script(LESSON)) -> Callable[..., Answer]:
    """Return a site with these answers by path; all other pages but robots.txt are alike."""

    def answer(request: ReceivedRequest) -> Answer:
        body = answers.get(request.path, Answer(status=404) if request.path == "/robots.txt" else otherwise)
        return body if isinstance(body, Answer) else Answer(body)

    return answer


def run(answers: dict[str, str | bytes | Answer], home: Path) -> tuple[Feed, list[Page]]:
    with serving(site(answers)) as loopback:
        of = feed(f"{loopback.url}/map", "sitemap", format="")
        return of, pages(of, open_environment(home))


def names(harvested: list[Page]) -> list[str]:
    return [identifier.split("/", 3)[3] for identifier in identifiers(harvested)]


def skips(harvested: list[Page]) -> list[str | None]:
    return [skipped.identifier for page in harvested for skipped in page.skipped]


# sitemaps


def test_a_bare_ampersand_ends_no_sitemap(tmp_path: Path) -> None:
    _, harvested = run({"/map": urlset("/1?a=b&c=d", "/2?a=b&amp;c=d", "/3")}, tmp_path)
    assert names(harvested) == ["1?a=b&c=d", "2?a=b&c=d", "3"]
    assert skips(harvested) == []


def test_an_entry_that_is_not_well_formed_is_skipped_by_its_address(tmp_path: Path) -> None:
    body = urlset("/1", "/2").replace("<loc>/1</loc>", "<loc>/1</loc><x>")
    _, harvested = run({"/map": body}, tmp_path)
    assert names(harvested) == ["2"]
    assert skips(harvested) == ["/1"]


def test_a_sitemap_that_breaks_off_lists_what_came_and_says_that_pages_are_missing(tmp_path: Path) -> None:
    body = urlset("/1", "/2", "/3")
    _, harvested = run({"/map": body[: body.index("/3")]}, tmp_path)
    assert names(harvested) == ["1", "2"]
    assert skips(harvested) == [None]


@pytest.mark.parametrize(
    "entries",
    [
        "<url><loc><!-- one -->/1</loc></url><url><loc>/2<!-- two --></loc></url>",
        "<URL><Loc>/1</Loc></URL><url><LOC>/2</LOC></url>",
        "<urls><url><loc>/1</loc></url><url><loc>/2</loc></url></urls>",
        "<url><loc>/1</loc><loc>/2</loc></url>",
        '<url><loc>/1</loc><i:loc xmlns:i="images">/x.png</i:loc></url><url><loc>/2</loc></url>',
        "<sitemap><loc>/inner</loc></sitemap>",
    ],
    ids=["comments", "capitals", "one level deeper", "two in one entry", "another vocabulary's", "an index as urlset"],
)
def test_every_address_of_an_odd_sitemap_is_requested(tmp_path: Path, entries: str) -> None:
    sitemap = f"<urlset {SPACE}>{entries}</urlset>"
    _, harvested = run({"/map": sitemap, "/inner": urlset("/1", "/2")}, tmp_path)
    assert names(harvested) == ["1", "2"]


def test_entries_without_an_address_are_counted_in_a_note(tmp_path: Path) -> None:
    sitemap = urlset("/1").replace("</urlset>", "<url><loc/></url><url><lastmod>2026</lastmod></url></urlset>")
    _, harvested = run({"/map": sitemap}, tmp_path)
    assert names(harvested) == ["1"]
    assert "2 entries of the sitemap have no <loc>" in [note for page in harvested for note in page.notes]


def test_an_index_that_lists_itself_or_a_circle_is_read_once(tmp_path: Path) -> None:
    answers = {"/map": index("/map", "/a", "/a"), "/a": index("/map", "/b"), "/b": urlset("/1")}
    _, harvested = run(answers, tmp_path)
    assert names(harvested) == ["1"]


@pytest.mark.parametrize("empty", ["", " \n", f"<urlset {SPACE}/>", f"<sitemapindex {SPACE}/>"])
def test_an_empty_child_ends_no_index(tmp_path: Path, empty: str) -> None:
    _, harvested = run({"/map": index("/empty", "/a"), "/empty": empty, "/a": urlset("/1")}, tmp_path)
    assert names(harvested) == ["1"]
    assert skips(harvested) == []
    assert harvested[-1].complete


@pytest.mark.parametrize("broken", ["oops", "<html>x</html>", '<!DOCTYPE a [<!ENTITY b "c">]><urlset/>'])
def test_a_child_that_is_no_sitemap_ends_no_index_and_is_told(tmp_path: Path, broken: str) -> None:
    _, harvested = run({"/map": index("/broken", "/a"), "/broken": broken, "/a": urlset("/1")}, tmp_path)
    assert names(harvested) == ["1"]
    assert skips(harvested) == [None]


@pytest.mark.parametrize("begin", ["", "\ufeff", "\r\n"])
def test_a_sitemap_may_be_plain_text(tmp_path: Path, begin: str) -> None:
    answers: dict[str, str | bytes | Answer] = {}
    with serving(site(answers)) as loopback:
        lines = [f"{loopback.url}/1", "", f"{loopback.url}/2?a=1&b=2", "not an address"]
        answers["/map"] = begin + "\r\n".join(lines) + "\n"
        of = feed(f"{loopback.url}/map", "sitemap", format="")
        harvested = pages(of, open_environment(tmp_path))
    assert names(harvested) == ["1", "2?a=1&b=2"]
    assert skips(harvested) == [None]


ADDRESSES = ["http://[x]/", "http://a]b/", "//[", "http://a\u2100b/", "http://xn--/", "http://a:99999/", "mailto:a@b"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_that_is_no_address_is_skipped_by_name(tmp_path: Path, address: str) -> None:
    _, harvested = run({"/map": urlset("/1", address, "/2")}, tmp_path)
    assert names(harvested) == ["1", "2"]
    assert len(skips(harvested)) == 1
    assert harvested[-1].complete


# JSON-LD


def records(block_page: str | bytes, home: Path, content_type: str = "text/html") -> tuple[Feed, list[Page]]:
    answer = Answer(block_page, headers={"Content-Type": content_type})
    return run({"/map": urlset("/1"), "/1": answer}, home)


def nested(*steps: str) -> str:
    text = LESSON
    for step in reversed(steps):
        text = step % text
    return text


@pytest.mark.parametrize(
    "page",
    [
        script(nested('{"@type": "WebPage", "mainEntity": %s}')),
        script(nested('{"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": %s}]}')),
        script(nested('{"@type": "ItemList", "itemListElement": [%s]}')),
        script(nested('{"@type": "CollectionPage", "mainEntity": [{"@type": "ItemList", "itemListElement": %s}]}')),
        script(nested('{"@graph": [{"@type": "WebPage", "mainEntity": %s}]}')),
        script(LESSON, type_="Application/LD+JSON"),
        script(LESSON, type_="application/ld+json; charset=utf-8"),
    ],
)
def test_a_resource_is_found_where_the_page_nests_it(tmp_path: Path, page: str) -> None:
    _, harvested = records(page, tmp_path)
    assert [record.payload for record in harvested[0].records] == [LESSON]


QUESTION = {"@type": "Question", "name": "Is rain wet?", "acceptedAnswer": {"@type": "Answer", "text": "Yes"}}
BESIDE = [
    {"@type": "FAQPage", "name": "Questions", "mainEntity": [QUESTION]},
    {"@type": ["WebPage", "FAQPage"], "name": "Questions"},
    QUESTION,
    {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "item": {"@id": "/", "name": "Home"}}]},
    {"@type": "Organization", "name": "Sample School", "url": "https://school.example.org"},
    {"@type": ["LocalBusiness", "School"], "name": "Sample School"},
    {"@type": "WebSite", "name": "Sample School", "potentialAction": {"@type": "SearchAction"}},
    {"@type": "AggregateRating", "ratingValue": 4},
    {"@type": "Review", "name": "Great"},
]
MICRODATA = (
    '<div itemscope itemtype="https://schema.org/FAQPage"><div itemprop="mainEntity" itemscope'
    ' itemtype="https://schema.org/Question"><b itemprop="name">Is rain wet?</b></div></div>'
)


@pytest.mark.parametrize("way", ["blocks", "array", "graph"])
def test_what_a_page_shows_beside_a_resource_is_no_record(tmp_path: Path, way: str) -> None:
    lesson = {"@type": "LearningResource", "name": "Volcanoes", "uploadDate": "2024-05-06"}

    def page(*nodes: object) -> str:
        if way == "blocks":
            return script(*map(json.dumps, nodes))
        return script(json.dumps(list(nodes) if way == "array" else {"@graph": nodes}))

    answers = {f"/{number}": page(node) for number, node in enumerate(BESIDE)}
    answers |= {"/all": page(*BESIDE), "/lesson": page(*BESIDE, lesson), "/micro": f"<html>{MICRODATA}</html>"}
    of, harvested = run({"/map": urlset(*answers), **answers}, tmp_path)
    assert names(harvested) == ["lesson"]
    assert skips(harvested) == []
    (record,) = [record for page_ in harvested for record in page_.records]
    resource = transform(record, of).resource
    assert resource is not None
    assert (list(resource.title.values()), resource.issued) == (["Volcanoes"], "2024-05-06")
    assert resource.url == record.identifier


def test_the_trail_to_a_page_is_no_resource(tmp_path: Path) -> None:
    crumbs = '{"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "item": {"@type": "Thing"}}]}'
    _, harvested = records(script(crumbs), tmp_path)
    assert identifiers(harvested) == [] and skips(harvested) == []


@pytest.mark.parametrize(
    ("block", "record"),
    [
        ('{"@type": "Course", "name": "a\nb\tc"}', {"@type": "Course", "name": "a\nb\tc"}),
        ('{"@type": "Course", "about": ["a", "b",],}', {"@type": "Course", "about": ["a", "b"]}),
        (
            '{"@type": "Course", // a comment\n "url": "http://a.example/x" /* , */,\n}',
            {"@type": "Course", "url": "http://a.example/x"},
        ),
        ('{"@type": "Course", "name": "a, ] // b /* c"\n, }', {"@type": "Course", "name": "a, ] // b /* c"}),
        (
            "{&quot;@type&quot;: &quot;Course&quot;, &#34;name&#34;: &quot;a &amp;amp; b&quot;,}",
            {"@type": "Course", "name": "a &amp; b"},
        ),
    ],
)
def test_json_ld_with_line_breaks_commas_or_comments_is_mended(
    tmp_path: Path, block: str, record: dict[str, object]
) -> None:
    _, harvested = records(script(block), tmp_path)
    assert [json.loads(record.payload or "") for record in harvested[0].records] == [record]


@pytest.mark.parametrize(
    "block",
    [
        f"// Schema\n{LESSON}",
        f"/* Schema */ {LESSON} // end",
        f"<!-- Schema -->\n{LESSON}",
        f"\ufeff{LESSON}",
        f"\u200b\n{LESSON}\u00a0",
        LESSON.replace("}", ', "@graph": [{"@type": "Person", "name": "P"}]}'),
        LESSON.replace("}", ', "@graph": null}'),
        LESSON.replace("}", ', "publisher": [1,],}').replace("{", "[// one\n{") + "]",
    ],
)
def test_what_stands_around_a_block_does_not_lose_it(tmp_path: Path, block: str) -> None:
    _, harvested = run({"/map": urlset("/1"), "/1": script(block)}, tmp_path)
    assert names(harvested) == ["1"]
    assert skips(harvested) == []


@pytest.mark.parametrize("type_", ["WebSite", "schema:WebSite", "https://schema.org/WebSite"])
def test_a_site_is_no_resource_however_its_type_is_written(tmp_path: Path, type_: str) -> None:
    block = json.dumps({"@type": type_, "name": "A site"})
    _, harvested = run({"/map": urlset("/1"), "/1": script(block)}, tmp_path)
    assert names(harvested) == []


@pytest.mark.parametrize("broken", ['{"@type":"Quiz","x":}', "{", '{"a": "\\"\\"\\"', "[" * 5_000])
def test_a_broken_block_does_not_lose_the_good_one_beside_it(tmp_path: Path, broken: str) -> None:
    for order, page in enumerate((script(broken, LESSON), script(LESSON, broken))):
        _, harvested = records(page, tmp_path / str(order))
        assert names(harvested) == ["1"]
        assert len(skips(harvested)) == 1
        assert harvested[0].raw[0].body == broken.encode()


GRAPH = """{"@context": "https://schema.org", "@graph": [{"@type": "Article", "@id": "#a", "name": "Rivers",
 "author": %s, "publisher": {"@id": "#o"}}, {"@type": "Person", "@id": "#p", "name": "Ada Example"},
 {"@type": "Organization", "@id": "#o", "name": "Example Press"}, {"@type": "Person", "@id": "#q", "name": "Other"}]}"""


@pytest.mark.parametrize("author", ['{"@id": "#p"}', '[{"@id": "#p"}]'])
def test_a_graphs_reference_to_a_person_is_followed(tmp_path: Path, author: str) -> None:
    of, harvested = records(script(GRAPH % author), tmp_path)
    (record,) = harvested[0].records
    resource = transform(record, of).resource
    assert resource is not None
    people = {(person.name, person.role) for person in resource.contributors}
    assert ("Ada Example", "author") in people and not any(name == "Other" for name, _ in people)
    assert "Example Press" in (record.payload or "") and '"Other"' not in (record.payload or "")


def test_a_person_in_a_block_of_its_own_is_followed(tmp_path: Path) -> None:
    work = '{"@type": "Course", "name": "Rivers", "author": {"@id": "https://a.example/#p"}}'
    person = '{"@type": "Person", "@id": "https://a.example/#p", "name": "Ada Example"}'
    of, harvested = records(script(person, work), tmp_path)
    resource = transform(harvested[0].records[0], of).resource
    assert resource is not None and [person.name for person in resource.contributors] == ["Ada Example"]


# pages of any encoding, and microdata


@pytest.mark.parametrize("label", ["latin-1", "latin1", "ISO-8859-1", "x-no-such", "utf-8", "undefined", "idna"])
def test_an_encoding_that_libxml2_does_not_know_loses_no_page(tmp_path: Path, label: str) -> None:
    book = '<div itemscope itemtype="https://schema.org/Book"><b itemprop="name">café</b></div>'
    body = book.encode("utf-8" if label == "utf-8" else "latin-1")
    _, harvested = records(body, tmp_path, f"text/html; charset={label}")
    assert '"name":"café"' in (harvested[0].records[0].payload or "")


def test_microdata_nested_hundreds_deep_is_skipped_by_name_and_the_next_page_is_read(tmp_path: Path) -> None:
    item = '<div itemprop="hasPart" itemscope itemtype="https://schema.org/Book"><b itemprop="name">B</b>'
    book = '<div itemscope itemtype="https://schema.org/Book"><b itemprop="name">B</b></div>'
    _, harvested = run({"/map": urlset("/1", "/2", "/3"), "/1": item * 300, "/2": book}, tmp_path)
    assert names(harvested) == ["2", "3"]
    assert [str(name).endswith("/1") for name in skips(harvested)] == [True]


@pytest.mark.parametrize("address", ["http://[x]/", "//[", "http://a\u2100b/", "http://a]b/"])
def test_one_malformed_address_in_microdata_does_not_lose_the_others(tmp_path: Path, address: str) -> None:
    link = f'<b itemprop="name">B\u0000\ufffe</b><a itemprop="url" href="{address}">'
    book = f'<div itemscope itemtype="https://schema.org/Book">{link}</div>'
    _, harvested = records(book, tmp_path)
    assert '"name":"B' in (harvested[0].records[0].payload or "")


# too many pages that fail


@pytest.mark.parametrize(("listed", "failing", "fails"), [(20, 1, False), (60, 3, False), (60, 4, True), (3, 1, False)])
def test_a_harvest_with_more_than_a_twentieth_of_its_pages_failing_has_failed(
    tmp_path: Path, listed: int, failing: int, fails: bool
) -> None:
    each = listed // failing
    answers: dict[str, str | bytes | Answer] = {f"/{n * each}": Answer(status=500) for n in range(failing)}
    answers["/map"] = urlset(*(f"/{n}" for n in range(listed)))
    if not fails:
        _, harvested = run(answers, tmp_path)
        assert len(identifiers(harvested)) == listed - failing and harvested[-1].complete
        return
    with pytest.raises(HarvestFailed, match=f"{failing} of .* pages") as caught:
        run(answers, tmp_path)
    assert caught.value.cause == "server_failing"
