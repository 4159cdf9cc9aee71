"""What an address answers is judged by what people would see there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harvesters.links import LinkChecker, LinkPoliteness
from tests.harvesters.loopback import Answer, ReceivedRequest, open_environment, serving

HTML = {"Content-Type": "text/html; charset=utf-8"}
TEXT = f"<p>{'What pupils should know of volcanoes. ' * 10}</p>"
LOGIN = '<form><input name="u"><input type="password"></form>'
FAST = LinkPoliteness(rate=100_000, timeout=5, backoff=0.001)


def page(title: str, body: str = TEXT) -> Answer:
    return Answer(f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>", headers=HTML)


def to(path: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": path})


# by path: the answer, and the status it is judged to have
PAGES: dict[str, tuple[Answer, str]] = {
    "/book": (page("Volcanoes | Library"), "alive"),
    "/lesson": (page("What does “404 Not Found” mean? A lesson on how the web works for class nine"), "alive"),
    "/sign-in-box": (page("Volcanoes", TEXT + LOGIN), "alive"),
    "/frame": (page("Library", "<div id=app></div>"), "alive"),
    "/en": (page("Page not found | Library"), "not_found_page"),
    "/fr": (page("Erreur 404 – Bibliothèque"), "not_found_page"),
    "/ru": (page("Страница не найдена"), "not_found_page"),
    "/ar": (page("عفوًا، الصفحةُ غيرُ موجودة"), "not_found_page"),
    "/es": (page("Lo sentimos, la página que buscas no existe"), "not_found_page"),
    "/removed/1": (to("/"), "home_page"),
    "/removed/2": (to("/fr/"), "home_page"),
    "/course": (to("/login/index.php"), "login"),
    "/members": (page("Вход на сайт", LOGIN), "login"),
    "/members-ar": (page("تسجيل الدخول", LOGIN), "login"),
    "/401": (Answer(status=401), "login"),
    "/for-sale": (page("example.org", "<p>Ce nom de domaine est à vendre</p>"), "parked"),
    "/frames-of-a-broker": (page("x", '<script src="https://www.sedoparking.com/a.js"></script>'), "parked"),
    "/firewall": (page("Just a moment..."), "refused"),
    "/403": (Answer(status=403), "refused"),
    "/410": (Answer(status=410), "gone"),
    "/500": (Answer(status=500), "server_error"),
    "/503": (Answer(status=503), "server_error"),
    "/429": (Answer(status=429), "busy"),
    "/later": (Answer(status=503, headers={"Retry-After": "60"}), "busy"),
    "/old": (to("/book", 301), "moved"),
    "/old-and-temporary": (to("/old", 302), "alive"),
    "/loop": (to("/loop"), "redirects"),
    "/file": (Answer(b"%PDF-1.7" + b"x" * 1_000_000, headers={"Content-Type": "application/pdf"}), "alive"),
}
OTHERS = {
    "/": page("Library"),
    "/fr/": page("Bibliothèque"),
    "/login/index.php": page("Log in to the site", LOGIN),
    "/robots.txt": Answer("User-agent: *\nDisallow: /private/\n"),
}


def answer(request: ReceivedRequest) -> Answer:
    if request.path.startswith("/shop/"):
        return page("Our shop")
    if request.path == "/no-head" and request.method == "HEAD":
        return Answer(status=405)
    if request.path == "/no-head":
        return page("Volcanoes")
    if request.path == "/signed":  # as stores of files sign an address: for one method
        return to(f"/signed-for/{request.method}")
    if request.path == "/made-on-request":  # a file whose length is stated for HEAD alone
        is_head = request.method == "HEAD"
        stated = {"Content-Length": "1000008"} if is_head else {"Transfer-Encoding": "chunked"}
        return Answer(
            "" if is_head else "4\r\n%PDF\r\n0\r\n\r\n", headers={"Content-Type": "application/pdf", **stated}
        )
    if request.path.startswith("/signed-for/"):
        is_meant = request.path.endswith(f"/{request.method}")
        return Answer(b"%PDF-1.7", headers={"Content-Type": "application/pdf"}) if is_meant else Answer(status=410)
    known = OTHERS.get(request.path)
    return known or PAGES.get(request.path, (Answer(status=404), ""))[0]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LinkChecker, str]]:
    home: Path = tmp_path_factory.mktemp("links")
    with serving(answer) as loopback, LinkChecker(open_environment(home), FAST) as made:
        yield made, loopback.url


def test_each_kind_of_answer_is_told_apart(checker: tuple[LinkChecker, str]) -> None:
    links, site = checker
    judged = {path: links.check(f"{site}{path}").status for path in PAGES}
    assert judged == {path: status for path, (_, status) in PAGES.items()}


def test_the_size_of_a_file_is_what_its_server_states_and_a_page_has_none(checker: tuple[LinkChecker, str]) -> None:
    links, site = checker
    assert links.check(f"{site}/file").size_bytes == 1_000_008
    assert links.check(f"{site}/made-on-request").size_bytes == 1_000_008
    assert links.check(f"{site}/book").size_bytes is None
    assert links.check(f"{site}/410").size_bytes is None


def test_a_refused_head_a_shop_and_what_robots_keep_us_from(checker: tuple[LinkChecker, str], tmp_path: Path) -> None:
    links, site = checker
    assert links.check(f"{site}/no-head").status == "alive"
    assert links.check(f"{site}/signed").status == "alive"
    assert links.check(f"{site}/private/1").status == "robots"
    assert links.check(f"{site}/old").final_url == f"{site}/book"
    with LinkChecker(open_environment(tmp_path), FAST) as fresh:
        assert fresh.check(f"{site}/shop/volcanoes").status == "same_page"
        assert fresh.check(f"{site}/").status == "alive", "a home page that is the address itself"


def test_a_host_that_is_gone_is_told_from_one_that_is_forbidden(checker: tuple[LinkChecker, str]) -> None:
    links, _ = checker
    assert links.check("http://127.0.0.1:1/x").status == "unreachable"
    assert links.check("http://10.0.0.1/x").status == "not_public"
    assert links.check("not an address").status in ("not_public", "robots", "unreachable")


def test_a_certificate_that_no_browser_trusts_is_not_called_dead(tmp_path: Path) -> None:
    with serving(answer, tls=tmp_path) as loopback, LinkChecker(open_environment(tmp_path), FAST) as links:
        assert links.check(f"{loopback.url}/book").status == "certificate_untrusted"
