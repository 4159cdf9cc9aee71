"""robots.txt by RFC 9309: which pages of a sitemap are requested, and how fast."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from schemas import HarvestFailed
from tests.harvesters.loopback import Answer, ReceivedRequest, Script, feed, open_environment, pages, serving

PAGE = '<html><script type="application/ld+json">{"@type": "LearningResource", "name": "x"}</script></html>'
AGENT = "E-library-for-Teachers-harvester"
PATHS = ("/open", "/shut", "/shut/open", "/file.pdf", "/file.pdf?x=1", "/%7Ejoe", "/%C5%A1kola", "/a%3Cb")


def site(robots: Answer, paths: tuple[str, ...] = PATHS, base: str = "") -> Script:
    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/robots.txt":
            return robots
        if request.path == "/sitemap.xml":
            own = base or f"http://{request.headers['host']}"
            return Answer("<urlset>" + "".join(f"<url><loc>{own}{path}</loc></url>" for path in paths) + "</urlset>")
        return Answer(PAGE, headers={"Content-Type": "text/html"})

    return script


def requested(robots: str | bytes | Answer, home: Path, **request: object) -> set[str]:
    """Return the paths of the pages that are requested under these rules."""
    answer = robots if isinstance(robots, Answer) else Answer(robots)
    with serving(site(answer)) as loopback:
        list(pages(feed(f"{loopback.url}/sitemap.xml", "sitemap", request=request), open_environment(home)))
        paths = {request.path + ("?x=1" if request.params else "") for request in loopback.requests}
    return paths - {"/robots.txt", "/sitemap.xml"}


ALL = set(PATHS)
SHUT = {"/shut", "/shut/open"}


@pytest.mark.parametrize(
    ("rules", "kept_out"),
    [
        ("", set()),
        ("User-agent: *\nDisallow:\n", set()),
        ("User-agent: *\nDisallow: /\n", ALL),
        ("User-agent: *\nDisallow: /\nAllow: /open\n", ALL - {"/open"}),
        ("User-agent: *\nAllow: /shut/open\nDisallow: /shut\n", {"/shut"}),
        ("User-agent: *\nDisallow: /shut\nAllow: /shut\n", set()),
        ("User-agent: *\nDisallow: /*.pdf\n", {"/file.pdf", "/file.pdf?x=1"}),
        ("User-agent: *\nDisallow: /*.pdf$\n", {"/file.pdf"}),
        ("User-agent: *\nDisallow: /*?\n", {"/file.pdf?x=1"}),
        ("User-agent: *\nDisallow: /~joe\n", {"/%7Ejoe"}),
        ("User-agent: *\nDisallow: /%7ejoe\n", {"/%7Ejoe"}),
        ("User-agent: *\nDisallow: /škola\n", {"/%C5%A1kola"}),
        ("User-agent: *\nDisallow: /a<b\n", {"/a%3Cb"}),
        ("user-AGENT : * # everybody\n  disallow :  /shut # not this\n", SHUT),
        ("User-agent: *\rDisallow: /shut\r", SHUT),
        ("User-agent: *\r\nDisallow: /shut\r\n", SHUT),
        ("\ufeffUser-agent: *\nDisallow: /shut\n", SHUT),
        ("User-agent: *\nDisallow: /\n\nUser-agent: E-LIBRARY-for-teachers-HARVESTER\nDisallow: /shut\n", SHUT),
        (f"User-agent: {AGENT}/0.1\nDisallow: /shut\n", SHUT),
        (f"User-agent: other\nUser-agent: {AGENT}\nDisallow: /shut\n\nUser-agent: *\nDisallow: /\n", SHUT),
        (f"User-agent: {AGENT}\nDisallow: /shut\n\nUser-agent: {AGENT}\nDisallow: /open\n", {*SHUT, "/open"}),
        ("User-agent: other\nDisallow: /\n", set()),
        ("Disallow: /\n", set()),
        ("User-agent: *\nSitemap: http://example.org/\nDisallow: /shut\nNonsense\n:\n\x00\n", SHUT),
        ("<!DOCTYPE html><html>\nUser-agent: *\nDisallow: /\n</html>", set()),
    ],
)
def test_the_pages_that_robots_txt_allows_are_requested(tmp_path: Path, rules: str, kept_out: set[str]) -> None:
    assert requested(rules, tmp_path) == ALL - kept_out


def test_a_long_robots_txt_is_read_up_to_its_limit(tmp_path: Path) -> None:
    filler = "Disallow: /nothing\n" * 30_000
    assert requested(f"User-agent: *\nDisallow: /shut\n{filler}Disallow: /open\n", tmp_path) == ALL - SHUT


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer("User-agent: *\nDisallow: /", status=status) for status in (400, 401, 403, 404, 410, 451)),
        Answer(status=301, headers={"Location": "/robots.txt"}),
        Answer(status=302, headers={"Location": "http://[x]/"}),
        Answer(status=302, headers={"Location": "ftp://example.org/robots.txt"}),
        Answer(b"\xff\xfe\x00\x01" * 100),
    ],
    ids=str,
)
def test_a_robots_txt_that_is_not_there_allows_everything(tmp_path: Path, answer: Answer) -> None:
    assert requested(answer, tmp_path) == ALL


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_robots_txt_that_fails_keeps_the_harvest_out(tmp_path: Path, status: int) -> None:
    with pytest.raises(HarvestFailed) as caught:
        requested(Answer(status=status), tmp_path, retries=0)
    assert "robots.txt" in caught.value.sentence


def test_each_site_has_its_own_rules(tmp_path: Path) -> None:
    with serving(site(Answer("User-agent: *\nDisallow: /shut"))) as other:
        away = other.url.replace("127.0.0.1", "localhost")
        with serving(site(Answer(""), base=away)) as loopback:
            harvested = pages(feed(f"{loopback.url}/sitemap.xml", "sitemap"), open_environment(tmp_path))
        assert "/shut" not in {request.path for request in other.requests}
    assert sum(len(page.records) for page in harvested) == len(ALL - SHUT)


def test_a_site_whose_rules_cannot_be_asked_is_left_alone(tmp_path: Path) -> None:
    with serving(site(Answer(status=503))) as other:
        away = other.url.replace("127.0.0.1", "localhost")
        with serving(site(Answer(""), base=away)) as loopback:
            of = feed(f"{loopback.url}/sitemap.xml", "sitemap", request={"retries": 0})
            harvested = pages(of, open_environment(tmp_path))
        assert {request.path for request in other.requests} == {"/robots.txt"}
    assert any("no page of localhost is requested" in note for page in harvested for note in page.notes)


def test_the_crawl_delay_is_kept(tmp_path: Path) -> None:
    begin = time.monotonic()
    assert requested("User-agent: *\nCrawl-delay: 0.2\nDisallow: /shut\n", tmp_path) == ALL - SHUT
    assert time.monotonic() - begin > 0.2 * len(ALL - SHUT)


def test_an_endless_crawl_delay_is_bounded_and_told(tmp_path: Path) -> None:
    with (
        serving(site(Answer("User-agent: *\nCrawl-delay: 86400\n"))) as loopback,
        pytest.raises(HarvestFailed) as caught,
    ):
        pages(feed(f"{loopback.url}/sitemap.xml", "sitemap", request={"budget": 5}), open_environment(tmp_path))
    assert caught.value.cause == "too_slow"


@pytest.mark.parametrize("delay", ["-1", "x", "nan", "inf", "0", "1e400", ""])
def test_a_crawl_delay_that_is_none_does_not_count(tmp_path: Path, delay: str) -> None:
    assert requested(f"User-agent: *\nCrawl-delay: {delay}\nDisallow: /shut\n", tmp_path, budget=20) == ALL - SHUT
