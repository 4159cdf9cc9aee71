"""Malformed addresses, wherever a partner names one: each costs its record or page, and never a traceback."""

from __future__ import annotations

import json
import os
import random
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from harvesters.client.addresses import is_public
from harvesters.client.origins import origin_of
from harvesters.client.urls import InvalidUrl, join_address, parse_url
from schemas import HarvestFailed
from tests.harvesters.loopback import Answer, ReceivedRequest, feed, identifiers, open_environment, pages, serving
from transforms.normalize.urls import canonical_url, split_url, web_address

MALFORMED = [
    *(
        "http://[x]/",
        "http://a]b/",
        "//[",
        "//]",
        "http://[::1",
        "http://::1/",
        "http://[v1.x]/",
        "http://[fe80::1%25]/",
    ),
    *("http://a:99999/", "http://a:-1/", "http://a:x/", "http://a:0/", "http://a:80:80/"),
    *("http://a%00b/", "http://a\x00b/", "http://a%5Db/", "http://a b/", "http://a<b/", "http://a|b/", "http://a^b/"),
    *("http://\u2100.com/", "http://ﷺ.org/", "http://a\u200bb.org/", "http://\u202eorg/", "http://\ud800/", "/\udfff"),
    *("http://xn--a/", "http://xn--/", "http://İ\u0307.\u0301/", "http://" + "ü" * 300 + "/"),
    *("/" + "x" * 70_000, "javascript:alert(1)", "mailto:a@example.org", "data:,x", "file:///etc/passwd"),
]
UNUSUAL = {
    "http://EXAMPLE.org:80/": "example.org",
    "http://例え.jp/": "例え.jp",
    " /a b\n": "base.example",
    "//example.org\\x": "",
    "?q=[1]": "base.example",
    "": "base.example",
    "#": "base.example",
    "..": "base.example",
    "http:/x": "base.example",
    "http://a_b.example.org./": "a_b.example.org.",
}
PIECES = [
    *("http://", "https:", "//", "[", "]", "[::1]", "a", "b.org", "例え", "\u200b", "\u2100", "xn--", "%00", "\x00"),
    *(":", ":80", ":99999", ":٣", "@", "u:p@", "/", "\\", "?", "#", "&", "=", "..", ".", "\ud800", "\n", " ", "%"),
    *("1.2.3.4", "0x7f.1", "{", "}", "<", "|", '"', "ß", "İ", "。", "ａ", "²", "javascript:", "data:,", "http:"),
    *("%zz", "é", "\u2028"),
]
ROUNDS = int(os.environ.get("ELIB_FUZZ_ADDRESSES", "5000"))


@pytest.mark.parametrize("address", MALFORMED, ids=ascii)
def test_a_malformed_address_is_none(address: str) -> None:
    assert join_address("http://base.example/", address) is None


@pytest.mark.parametrize(("address", "host"), UNUSUAL.items(), ids=ascii)
def test_an_unusual_address_is_one(address: str, host: str) -> None:
    joined = join_address("http://base.example/x", address)
    assert (httpx.URL(joined).host if joined else "") == host


def test_no_address_raises_another_error() -> None:
    read_random_addresses(random.Random(13), ROUNDS)


def read_random_addresses(random_source: random.Random, rounds: int) -> None:
    """Read addresses of random pieces; what is taken for an address can be requested, too."""
    for _ in range(rounds):
        address = "".join(random_source.choices(PIECES, k=random_source.randint(1, 7)))
        for read in (web_address, canonical_url, split_url):
            read(address)
        try:
            url = parse_url(address, "http://base.example/x?y")
        except InvalidUrl:
            continue
        if url.scheme in ("http", "https"):
            origin_of(url)
            httpx.Request("GET", url.copy_with(fragment=None, query=b"a=b"))


def test_azures_metadata_service_is_no_public_address() -> None:
    for address in ("168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::"):
        assert not is_public(ip_address(address))
    assert is_public(ip_address("168.63.129.17"))


@pytest.mark.parametrize("address", MALFORMED[:25], ids=ascii)
def test_a_redirect_to_a_malformed_address_is_the_records_failure(tmp_path: Path, address: str) -> None:
    """A list of three records, of which one redirects there."""
    location = address.encode("utf-8", "replace").decode("latin-1").replace("\x00", "%00")

    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/list":
            return Answer(json.dumps([{"id": str(number)} for number in range(3)]))
        if request.path == "/1":
            return Answer(status=302, headers={"Location": location})
        return Answer(json.dumps({"id": request.path[1:], "name": "x"}))

    with serving(script) as loopback:
        request = {"detail_url": "/{id}", "retries": 0}
        of = feed(f"{loopback.url}/list", "rest", format="amb", identifier="id", request=request)
        harvested = pages(of, open_environment(tmp_path))
    assert identifiers(harvested) == ["0", "2"]
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == ["1"]


@pytest.mark.parametrize("address", [*MALFORMED[:25], "http://127.0.0.2/", "http://nowhere.invalid/"], ids=ascii)
def test_a_record_at_a_malformed_address_is_skipped(tmp_path: Path, address: str) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/list":
            return Answer(json.dumps([{"id": str(n), "url": address if n == 1 else f"/{n}"} for n in range(3)]))
        return Answer(json.dumps({"id": request.path[1:], "name": "x"}))

    with serving(script) as loopback:
        request = {"detail_url": "{url}", "retries": 0}
        of = feed(f"{loopback.url}/list", "rest", format="amb", identifier="id", request=request)
        harvested = pages(of, open_environment(tmp_path))
    assert identifiers(harvested) == ["0", "2"]
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == ["1"]


@pytest.mark.parametrize("address", [address for address in MALFORMED[:30] if "\x00" not in address], ids=ascii)
def test_a_malformed_address_in_a_sitemap_costs_its_page(tmp_path: Path, address: str) -> None:
    page = '<html><script type="application/ld+json">{"@type": "LearningResource", "name": "x"}</script></html>'
    listed = "".join(f"<url><loc>{loc}</loc></url>" for loc in ("/1", address.replace("<", "&lt;"), "/2"))

    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/sitemap.xml":
            return Answer(f"<urlset>{listed}</urlset>".encode("utf-8", "replace"))
        return Answer(page) if request.path in ("/1", "/2") else Answer(status=404)

    with serving(script) as loopback:
        harvested = pages(feed(f"{loopback.url}/sitemap.xml", "sitemap"), open_environment(tmp_path))
    assert sum(len(page.records) for page in harvested) == 2
    assert harvested[-1].complete


@pytest.mark.parametrize("address", [a for a in MALFORMED[:25] if not {*"\x00<"} & {*a}], ids=ascii)
@pytest.mark.parametrize("paging", ["link", "cursor"])
def test_a_malformed_next_page_is_a_truncated_list(tmp_path: Path, address: str, paging: str) -> None:
    def script(request: ReceivedRequest) -> Answer:
        link = address.encode("utf-8", "replace").decode("latin-1")
        answer = {"records": [{"id": "1", "name": "x"}], "next": address}
        return Answer(json.dumps(answer), headers={"Link": f'<{link}>; rel="next"'})

    request = {"paging": paging, "records_path": "records", "cursor_path": "next", "page_param": "c", "retries": 0}
    if paging == "link":
        del request["cursor_path"]
    with serving(script) as loopback, pytest.raises(HarvestFailed) as caught:
        pages(feed(loopback.url, "rest", format="amb", identifier="id", request=request), open_environment(tmp_path))
    assert caught.value.cause in ("truncated", "malformed")
