"""Broken and hostile answers are read in time that grows with their size, not with its square, its cube or worse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from growth import steepest

from harvesters import strict_xml, web_pages
from harvesters.client import Reply
from harvesters.documents import csv, embedded, rss
from harvesters.documents.json_ld import _unwrapped
from harvesters.lists.json_recovery import recover_elements
from harvesters.oai_pmh import recovery as oai_recover
from schemas import Feed

FEED = Feed(name="f", title="F", partner="P", url="https://a.example/x", protocol="sitemap", format="schema_org")
OAI = b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>%s</ListRecords></OAI-PMH>'
BAD_RECORD = OAI % b"<record><header>&</header>%s</record>"
RSS = b'<rss version="2.0"><channel>%s</channel></rss>'


class Notes:
    """What a client keeps of a harvest."""

    def __init__(self) -> None:
        self.notes: list[str] = []


def reply(body: bytes) -> Reply:
    return Reply(url=FEED.url, status=200, headers=httpx.Headers({"content-type": "text/html"}), body=body)


def oai_page(body: bytes) -> object:
    return oai_recover.recover(OAI % body, "text/xml")


def oai_record(body: bytes) -> object:
    return oai_recover.recover(BAD_RECORD % body, "text/xml")


def rss_page(body: bytes) -> object:
    return rss._recover(FEED, reply(RSS % body), Notes(), strict_xml.InvalidXml("broken"))  # type: ignore[arg-type]


def rss_item(body: bytes) -> object:
    return rss_page(b"<item>&" + body + b"</item>")


def json_page(body: bytes) -> object:
    return recover_elements(b"[" + body, "")


def html_page(body: bytes) -> object:
    return web_pages.html_cause(b"<html>" + body, "not_oai_pmh")


def json_ld(body: bytes) -> object:
    page = b"<html><script type='application/ld+json'>" + body + b"</script></html>"
    return list(embedded.records_in(FEED, reply(page), FEED.url, None))


@pytest.mark.parametrize(
    ("read", "repeated"),
    [
        *(
            (oai_page, text)
            for text in (b"<record>", b"<record><!--", b"<record><!-- --> ", b"<a:record x='1'> ", b"&x;")
        ),
        *((oai_record, text) for text in (b"<identifier> ", b" ", b"<identifier>", b"<!--", b"<w:identifier x='")),
        *((rss_page, text) for text in (b"<item>", b"<item>x</item", b"<a:item b='1'>", b"<entry></item>", b"<item> ")),
        *((rss_item, text) for text in (b"<guid> ", b" ", b"<link ")),
        *(
            (strict_xml.replace_named_entities, text)
            for text in (b"<!--", b"<![CDATA[", b"<?", b"&eacute;", b"&a", b"<!----><?")
        ),
        *((json_page, text) for text in (b'\\"', b'"\\', b'"a\\"', b'{"a":', b'"')),
        *((web_pages.is_html, text) for text in (b"<!-- -->", b"<!---->\n", b" ", b"<!-- --> x ")),
        *((html_page, text) for text in (b"<title", b"<title> ", b" <title>", b"<form", b"<form login ", b"type = ")),
        *((json_ld, text) for text in (b" ", b"//", b"// <![CDATA[ ", b"]]> ", b'"@type" ', b" //\n", b"; ")),
    ],
)
def test_time_grows_with_the_answer(read: Callable[[bytes], Any], repeated: bytes) -> None:
    assert not steepest(read, lambda size: repeated * (size // len(repeated)))


def test_a_tables_delimiter_is_found_in_time_that_grows_with_its_header() -> None:
    assert not steepest(
        lambda body: csv.detect_delimiter(body.decode()), lambda size: b'id,title\n"' + b'","' * (size // 3)
    )


def test_microdata_nested_without_end_is_one_skipped_page() -> None:
    """The library that reads microdata runs out of Python's stack, and raises something else on the way out."""
    for depth in (300, 1_000, 3_000):
        (broken,) = embedded.records_in(FEED, reply(b"<div itemscope itemprop='a'>" * depth), FEED.url, None)
        assert broken.skipped.identifier == FEED.url and "its microdata cannot be read" in broken.skipped.reason


@pytest.mark.parametrize(
    "tag",
    [
        "<div itemscope {}>".format(" ".join(f'a{n}="x"' for n in range(100_000))),
        "<p {}>".format(" ".join(f"a{n}" for n in range(100_000))),
        "<p {}>".format("".join(f"a{n}='>'" for n in range(100_000))),
    ],
    ids=["quoted", "without values", "without blanks"],
)
def test_an_element_with_a_hundred_thousand_attributes_is_one_skipped_page(tag: str) -> None:
    (broken,) = embedded.records_in(FEED, reply(tag.encode()), FEED.url, None)
    assert broken.skipped.identifier == FEED.url and "more than 500 attributes" in broken.skipped.reason


def test_scripts_and_comments_are_no_attributes() -> None:
    words = "a " * 1_000
    page = f"<!-- <p {words} --><script>if (i<n) {{ {words} }}</script><script type='application/ld+json'>"
    page += '{"@type": "Book", "name": "<b ' + words + '"}</script>'
    (record,) = embedded.records_in(FEED, reply(page.encode()), FEED.url, None)
    assert record.identifier == FEED.url


def test_white_space_within_a_tag_that_names_a_record_is_read_once() -> None:
    assert not steepest(oai_record, lambda size: b"<identifier>" + b" " * size)
    assert not steepest(rss_item, lambda size: b"<guid>" + b" " * size)
    assert not steepest(html_page, lambda size: b"<title>" + b" " * size)


def test_many_prefixes_and_ends_far_away_are_read_once() -> None:
    def prefixes(size: int) -> bytes:
        return b"".join(b"<p%d:item>" % number for number in range(size // 10))

    assert not steepest(rss_page, lambda size: prefixes(size) + prefixes(size).replace(b"<", b"</"))
    assert not steepest(oai_page, lambda size: b"<record><!--" * (size // 12) + b"-->")


def test_comments_before_a_page_are_no_reason_to_miss_it() -> None:
    assert web_pages.is_html(b"\xef\xbb\xbf <!-- a - b -->\n<!----> <!DOCTYPE html><p>")
    assert web_pages.html_cause(b"<html><TITLE lang='en'>\n Not found </TITLE>", "x") == (
        "x",
        "a web page ('Not found')",
    )


@pytest.mark.parametrize(
    "script",
    [
        "{}",
        " <!-- {} --> ",
        "//<![CDATA[\n{}\n//]]>",
        "/* <![CDATA[ */ {} /* ]]> */",
        "<![CDATA[{}]]>",
        "{};\n",
        "{} -->;",
    ],
)
def test_a_wrapped_script_is_its_json(script: str) -> None:
    assert _unwrapped(script) == "{}"


def test_entities_are_named_outside_sections_only() -> None:
    page = b"<a>&eacute;<!-- &eacute; -->&amp;&nbsp;<![CDATA[&eacute;]]><?p &eacute;?>&nobody;&ouml;<!-- &eacute;"
    named = b"<a>&#233;<!-- &eacute; -->&amp;&#160;<![CDATA[&eacute;]]><?p &eacute;?>&nobody;&#246;<!-- &#233;"
    assert strict_xml.replace_named_entities(page) == named
