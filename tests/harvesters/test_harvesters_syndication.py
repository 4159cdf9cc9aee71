"""What RSS items and Atom entries inherit from their feed, and addresses in feeds that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import Feed, Page, Resource
from tests.harvesters.loopback import Answer, feed, identifiers, open_environment, pages, serving
from transforms import transform

ATOM = '<feed xmlns="http://www.w3.org/2005/Atom" {attributes}>{inside}</feed>'


def run(body: str, home: Path) -> tuple[Feed, list[Page]]:
    with serving(lambda _: Answer(body)) as loopback:
        of = feed(f"{loopback.url}/a/feed.xml", "rss", format="")
        return of, pages(of, open_environment(home))


def resource(body: str, home: Path) -> Resource:
    of, harvested = run(body, home)
    result = transform(harvested[0].records[0], of).resource
    assert result is not None
    return result


def entry(link: str, attributes: str = "") -> str:
    return f'<entry {attributes}><title>Un deux trois</title><id>urn:1</id><link href="{link}"/></entry>'


@pytest.mark.parametrize(
    ("outer", "inner", "link", "url"),
    [
        ("https://base.example.org/c/", "", "c1.html", "https://base.example.org/c/c1.html"),
        ("https://base.example.org/c/", "d/", "../x", "https://base.example.org/c/x"),
        ("", "https://base.example.org/", "/x?y=1", "https://base.example.org/x?y=1"),
        ("https://base.example.org/c/", "", "https://other.example.org/x", "https://other.example.org/x"),
        ("//[", "https://base.example.org/", "x", "https://base.example.org/x"),
    ],
)
def test_a_relative_link_stays_resolvable_by_xml_base(
    tmp_path: Path, outer: str, inner: str, link: str, url: str
) -> None:
    bases = [f'xml:base="{base}"' if base else "" for base in (outer, inner)]
    body = ATOM.format(attributes=bases[0], inside=entry(link, bases[1]))
    assert resource(body, tmp_path).url == url


def test_a_relative_link_without_a_base_is_resolved_against_the_feeds_address(tmp_path: Path) -> None:
    url = resource(ATOM.format(attributes="", inside=entry("../x")), tmp_path).url
    assert url is not None and url.startswith("http://127.0.0.1:") and url.endswith("/x")


def test_an_entry_with_absolute_links_and_no_base_keeps_its_exact_text(tmp_path: Path) -> None:
    _, harvested = run(ATOM.format(attributes="", inside=entry("https://a.example/x")), tmp_path)
    assert "xml:" not in (harvested[0].records[0].payload or "")


@pytest.mark.parametrize(
    "body",
    [
        ATOM.format(attributes='xml:lang="fr"', inside=entry("https://a.example/x")),
        ATOM.format(attributes='xml:lang="en"', inside=entry("https://a.example/x", 'xml:lang="fr"')),
        "<rss><channel><language>fr</language><item><guid>1</guid><title>Un deux trois</title></item></channel></rss>",
        "<rss><channel><language> fr </language><item><guid>1</guid><title>Un deux trois</title></item>"
        "<item><guid>2</guid><title>a & b</title></item></channel></rss>",
        "<rss><channel><language>en</language><item xmlns:dc='http://purl.org/dc/elements/1.1/'><guid>1</guid>"
        "<title>Un deux trois</title><dc:language>fr</dc:language></item></channel></rss>",
    ],
)
def test_the_language_of_a_feed_is_that_of_its_entries_unless_they_say_another(tmp_path: Path, body: str) -> None:
    result = resource(body, tmp_path)
    assert [(language.tag, language.origin) for language in result.languages] == [("fr", "declared")]
    assert list(result.title) == ["fr"]


@pytest.mark.parametrize("address", ["http://[x]/", "http://a]b/", "//[", "http://xn--/", "http://a.example:99999/"])
def test_a_next_page_that_is_no_address_is_told_and_ends_nothing(tmp_path: Path, address: str) -> None:
    inside = f'<link rel="next" href="{address}"/>{entry("https://a.example/x")}'
    _, harvested = run(ATOM.format(attributes="", inside=inside), tmp_path)
    assert identifiers(harvested) == ["urn:1"]
    assert address in harvested[0].skipped[0].reason
    assert harvested[-1].complete


@pytest.mark.parametrize("address", ["http://[x]/", "http://a]b/", "//[", "http://\u2100.example/", "https://a\u0000b"])
def test_an_entry_whose_link_or_base_is_no_address_is_harvested(tmp_path: Path, address: str) -> None:
    address = address.replace("\u0000", "&#xd800;")
    body = ATOM.format(attributes=f'xml:base="{address}"', inside=entry(address) + entry("https://a.example/2"))
    _, harvested = run(body, tmp_path)
    assert "urn:1" in identifiers(harvested)
    assert harvested[-1].complete


@pytest.mark.parametrize("relation", ["next", "Next", "next last", "http://www.iana.org/assignments/relation/next"])
def test_a_feeds_next_page_is_found_by_every_spelling_of_its_relation(tmp_path: Path, relation: str) -> None:
    link = f'<link rel="{relation}" href="/more"/>'
    first, second = (ATOM.format(attributes="", inside=inside) for inside in (link + entry("/a"), entry("/b")))
    bodies = {"/feed": first, "/more": second}
    with serving(lambda request: Answer(bodies[request.path])) as loopback:
        of = feed(f"{loopback.url}/feed", "rss", format="", identifier=["link"])
        assert identifiers(pages(of, open_environment(tmp_path))) == ["/a", "/b"]


def test_an_entry_inside_an_entry_is_no_record(tmp_path: Path) -> None:
    quoted = "<entry><id>1</id><content><div><entry><id>2</id></entry></div></content></entry>"
    assert identifiers(run(ATOM.format(attributes="", inside=quoted), tmp_path)[1]) == ["1"]


@pytest.mark.parametrize(
    ("attributes", "inside"),
    [
        ('xsi:schemaLocation="a b"', ""),
        ("", '<media:thumbnail url="https://example.org/t.png"/>'),
        ("", '<own:rating own:scale="5">4</own:rating>'),
        ('xmlns:dc="http://purl.org/dc/elements/1.1/"', "<dc:creator>Ann Example</dc:creator><itunes:author/>"),
    ],
)
def test_a_prefix_that_is_not_declared_loses_no_entry(tmp_path: Path, attributes: str, inside: str) -> None:
    entries = "".join(f"<entry><title>T</title><id>urn:{n}</id>{inside if n == 1 else ''}</entry>" for n in range(3))
    _, harvested = run(ATOM.format(attributes=attributes, inside=entries), tmp_path)
    assert identifiers(harvested) == ["urn:0", "urn:1", "urn:2"]
    assert not [entry for page in harvested for entry in page.skipped]
