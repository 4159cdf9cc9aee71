"""Credentials go to the scheme, host and port of the feed's url: what each of two servers received, over real HTTP."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harvesters import check, harvest
from harvesters.client import Client
from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import (
    Answer,
    Loopback,
    OaiServer,
    ReceivedRequest,
    Script,
    feed,
    open_environment,
    pages,
    self_signed,
    serving,
)

SECRET = "s3cr3t/+x"
DOUBLY = quote(quote(SECRET, safe=""), safe="")  # as a single sign-on writes an address inside an address
BASIC = base64.b64encode(f"reader:{SECRET}".encode()).decode()
# how a feed's credentials are declared: the connection, [request]
CARRIED: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "basic": ({"login": "reader", "password": SECRET}, {}),
    "bearer": ({"token": SECRET}, {}),
    "header": ({"header.X-Key": SECRET}, {}),
    "params": ({"token": SECRET}, {"params": {"key": "{token}"}}),
    "url": ({"token": SECRET}, {}),
    "body": ({"token": SECRET}, {"method": "POST", "body": {"auth": {"key": "{token}"}}}),
}
RECORD = '[{"id": "1"}]'
ITEM = "<item><guid>1</guid></item>"
PAGE = '<html><script type="application/ld+json">{"@type": "Course", "name": "C"}</script></html>'


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a certificate for loopback that the harvester trusts."""
    self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    return tmp_path


def holds_a_secret(request: ReceivedRequest) -> bool:
    seen = repr(request)
    return any(form in seen for form in (SECRET, quote(SECRET, safe=""), BASIC))


def location(status: int) -> Callable[[str], Script]:
    return lambda there: lambda request: Answer(status=status, headers={"Location": there})


def by_path(first: str, rest: str, wanted: str = "/list") -> Script:
    return lambda request: Answer(first if request.path == wanted else rest)


def rss(link: str = "") -> str:
    following = f'<a:link rel="next" href="{link}"/>' if link else ""
    return f'<rss xmlns:a="http://www.w3.org/2005/Atom"><channel>{following}{ITEM}</channel></rss>'


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as whole:
        whole.writestr("one.json", RECORD)
    return buffer.getvalue()


def sitemap(kind: str, there: str) -> Script:
    entry = f"<{kind}><{'sitemap' if kind == 'sitemapindex' else 'url'}><loc>{there}</loc>"
    listed = f"{entry}</{'sitemap' if kind == 'sitemapindex' else 'url'}></{kind}>"
    return lambda request: Answer(listed) if request.path == "/list" else Answer(status=404)


# a route to another address: protocol, [request], what the feed's own server says, what the other one says
ROUTES: dict[str, tuple[str, dict[str, Any], Callable[[str], Script], Script]] = {
    "next link": (
        "rest",
        {"paging": "link"},
        lambda there: lambda request: Answer('[{"id": "0"}]', headers={"Link": f'<{there}>; rel="next"'}),
        lambda request: Answer(RECORD),
    ),
    "next cursor": (
        "rest",
        {"paging": "cursor", "cursor_path": "next", "records_path": "all"},
        lambda there: lambda request: Answer(json.dumps({"all": [{"id": "0"}], "next": there})),
        lambda request: Answer('{"all": [{"id": "1"}]}'),
    ),
    "detail": (
        "rest",
        {"detail_url": "/record/{id}"},
        lambda there: (
            lambda request: (
                Answer(RECORD) if request.path == "/list" else Answer(status=302, headers={"Location": there})
            )
        ),
        lambda request: Answer('{"id": "1"}'),
    ),
    **{
        f"{protocol} redirect {status}": (protocol, {}, location(status), lambda request, body=body: Answer(body))
        for protocol, status, body in [
            ("rest", 301, RECORD),
            ("rest", 302, RECORD),
            ("rest", 303, RECORD),
            ("rest", 307, RECORD),
            ("rest", 308, RECORD),
            ("csv", 302, "id,title\n1,One\n"),
            ("rss", 308, rss()),
            ("files", 302, archive()),
        ]
    },
    "oai redirect": ("oai_pmh", {}, location(301), OaiServer(count=3)),
    "oai redirect by post": ("oai_pmh", {"method": "POST"}, location(307), OaiServer(count=3)),
    "rss next": ("rss", {}, lambda there: lambda request: Answer(rss(there)), lambda request: Answer(rss())),
    "sitemap child": (
        "sitemap",
        {},
        lambda there: sitemap("sitemapindex", there),
        by_path("<urlset/>", PAGE, "/there"),
    ),
    "sitemap page": ("sitemap", {}, lambda there: sitemap("urlset", there), lambda request: Answer(PAGE)),
    "robots": ("sitemap", {}, location(302), lambda request: Answer("<urlset/>")),
}


def harvest_over(
    own: Loopback, home: Path, carried: str, protocol: str, request: dict[str, Any]
) -> tuple[list[Page], str]:
    """What a harvest gives, and the sentence of its failure if it failed."""
    credentials, declared = CARRIED[carried]
    url = own.url + "/list" + ("?key={token}" if carried == "url" else "")
    of = feed(url, protocol, format="oai_dc", identifier="id", request={**declared, **request})
    try:
        return pages(of, open_environment(home), Ask(credentials=credentials)), ""
    except HarvestFailed as failure:
        return [], failure.sentence


@pytest.mark.parametrize(
    ("route", "carried"),
    [
        (route, carried)
        for route, (protocol, *_) in ROUTES.items()
        for carried in CARRIED
        if carried != "body" or protocol in ("rest", "rss", "csv")  # the others send no JSON body
    ],
)
def test_credentials_of_an_https_feed_do_not_go_to_an_http_address(trusted: Path, route: str, carried: str) -> None:
    protocol, request, own_script, other_script = ROUTES[route]
    address = "/there?p=2" if "redirect" not in route else "/there"
    with serving(other_script) as other, serving(own_script(other.url + address), tls=trusted) as own:
        harvested, sentence = harvest_over(own, trusted, carried, protocol, request)
    assert any(holds_a_secret(request) for request in own.requests)
    assert not [request for request in other.requests if holds_a_secret(request)]
    assert other.requests or "was not asked" in sentence or carried == "body"
    told = sentence or " ".join(
        [note for page in harvested for note in page.notes]
        + [skipped.reason for page in harvested for skipped in page.skipped]
    )
    assert "credentials were not sent there" in told or "holds a credential" in told
    assert SECRET not in repr(harvested) + sentence and quote(SECRET, safe="") not in repr(harvested) + sentence


@pytest.mark.parametrize("carried", ["basic", "header", "params"])
@pytest.mark.parametrize("route", ["next link", "rest redirect 302", "oai redirect"])
@pytest.mark.parametrize("elsewhere", ["another port", "another host", "https for http"])
def test_credentials_do_not_go_to_another_port_or_host_or_scheme(
    trusted: Path, elsewhere: str, route: str, carried: str
) -> None:
    protocol, request, own_script, other_script = ROUTES[route]
    tls = trusted if elsewhere == "https for http" else None
    with serving(other_script, tls=tls) as other:
        host = "localhost" if elsewhere == "another host" else "127.0.0.1"
        address = other.url.replace("127.0.0.1", host) + "/there"
        with serving(own_script(address)) as own:
            harvest_over(own, trusted, carried, protocol, request)
    assert all(holds_a_secret(request) for request in own.requests)
    assert other.requests and not [request for request in other.requests if holds_a_secret(request)]


@pytest.mark.parametrize("carried", CARRIED)
def test_credentials_come_back_when_the_list_comes_back_to_its_origin(tmp_path: Path, carried: str) -> None:
    own_address: list[str] = []

    def away_and_back(request: ReceivedRequest) -> Answer:
        return Answer(status=302, headers={"Location": own_address[0] + "/back"})

    with serving(away_and_back) as other:

        def script(request: ReceivedRequest) -> Answer:
            away = {"Location": other.url + "/away"}
            return Answer(RECORD) if request.path == "/back" else Answer(status=303, headers=away)

        with serving(script) as own:
            own_address.append(own.url)
            harvested, sentence = harvest_over(own, tmp_path, carried, "rest", {})
    assert not sentence and [record.identifier for page in harvested for record in page.records] == ["1"]
    assert [holds_a_secret(request) for request in other.requests] == [False]
    in_headers = carried in ("basic", "bearer", "header")  # a redirect names its own query and has no body
    assert [holds_a_secret(request) for request in own.requests] == [True, in_headers]


@pytest.mark.parametrize("where", ["?key={}", "?q=a%20{}", "?{}=1", "/{}/list"])
@pytest.mark.parametrize(
    "written",
    [SECRET, quote(SECRET, safe=""), quote(SECRET, safe="").lower(), DOUBLY, quote(DOUBLY, safe=""), "{token}"],
)
def test_a_secret_in_an_address_at_another_origin_is_not_sent(tmp_path: Path, where: str, written: str) -> None:
    with serving(lambda request: Answer(RECORD)) as other:
        there = f"{other.url}/{where.format(written)}"
        own_script = ROUTES["next link"][2](there)
        with serving(own_script) as own:
            harvested, sentence = harvest_over(own, tmp_path, "params", "rest", {"paging": "link"})
    assert not [request for request in other.requests if holds_a_secret(request)]
    assert "s3cr3t" not in (repr(harvested) + sentence).lower()
    if where.startswith("/"):
        assert not other.requests and "holds a credential" in sentence and own.url in sentence
    else:
        assert len(other.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_without_credentials_names_its_cause_and_what_to_do(trusted: Path, status: int) -> None:
    refusing = serving(lambda request: Answer(status=status), tls=trusted)
    with refusing as other, serving(location(301)(other.url + "/list")) as own:
        _, sentence = harvest_over(own, trusted, "basic", "rest", {})
    assert f"{other.url}/list is not at {own.url}, as the feed's url is" in sentence
    assert f"credentials were not sent there, and it answers {status}. Let the feed's url begin with {other.url}" in (
        sentence
    )


def test_a_next_page_by_http_says_what_to_ask_of_the_partner(trusted: Path) -> None:
    with serving(lambda request: Answer(status=401)) as other:
        own_script = ROUTES["next link"][2](other.url + "/list?p=2")
        with serving(own_script, tls=trusted) as own:
            _, sentence = harvest_over(own, trusted, "basic", "rest", {"paging": "link"})
    assert f"Ask the partner to name its addresses, and to redirect, with {own.url}" in sentence


def test_a_login_page_without_credentials_names_its_cause(tmp_path: Path) -> None:
    page = '<html><form action="/login"><input type="password" name="p"></form></html>'
    with serving(lambda request: Answer(page)) as other, serving(location(302)(other.url + "/list")) as own:
        _, sentence = harvest_over(own, tmp_path, "basic", "rest", {})
    assert f"{other.url}/list is not at {own.url}, as the feed's url is: credentials were not sent there" in sentence


def test_cookies_go_back_to_the_origin_that_set_them_only(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer(request.headers.get("cookie", "none"), headers={"Set-Cookie": f"session={SECRET}; Path=/"})

    with (
        serving(lambda request: Answer(request.headers.get("cookie", "none"))) as other,
        serving(script) as own,
        Client(feed(own.url), Ask(), open_environment(tmp_path)) as client,
    ):
        seen = [client.send(url).body for url in (own.url, other.url, own.url)]
    assert seen == [b"none", b"none", f"session={SECRET}".encode()]


def test_user_and_password_in_an_address_that_a_server_names_are_not_sent(tmp_path: Path) -> None:
    ask = Ask(credentials={"login": "reader", "password": SECRET})
    with (
        serving(lambda request: Answer(request.headers.get("authorization", "none"))) as other,
        serving(lambda request: Answer(request.headers.get("authorization", "none"))) as own,
    ):
        addresses = [server.url.replace("//", "//them:theirs@") for server in (own, other)]
        with Client(feed(own.url), ask, open_environment(tmp_path)) as client:
            assert [client.send(address).body for address in addresses] == [f"Basic {BASIC}".encode(), b"none"]
            assert "theirs" not in client.send(addresses[0]).url


def test_netrc_and_proxies_of_the_machine_add_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login them password theirs\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://them:theirs@127.0.0.1:9")
    with (
        serving(lambda request: Answer(repr(request.headers))) as own,
        Client(feed(own.url), Ask(), open_environment(tmp_path)) as client,
    ):
        assert b"uthorization" not in client.send(own.url).body


# what is written down


@pytest.mark.parametrize("path", ["/list?key={token}", "/{token}/list"])
def test_a_token_in_the_feeds_url_is_sent_and_never_written_down(tmp_path: Path, path: str) -> None:
    following = '<relative?p=2>; rel="next"'

    def script(request: ReceivedRequest) -> Answer:
        if "p" in request.params:
            return Answer("[{'id': ", 200)
        return Answer(RECORD, headers={"Link": following, "ETag": '"1"'})

    with serving(script) as own:
        of = feed(own.url + path, "rest", identifier="id", request={"paging": "link"})
        harvested, sentence = [], ""
        try:
            for page in harvest(of, Ask(credentials={"token": SECRET}), open_environment(tmp_path)):
                harvested.append(page)
        except HarvestFailed as failure:
            sentence = f"{failure} {failure.sentence}"
    assert holds_a_secret(own.requests[0]) and len(own.requests) > 1
    assert holds_a_secret(own.requests[1]) is path.startswith("/{")
    assert sentence and "s3cr3t" not in repr(harvested) + sentence


@pytest.mark.parametrize("protocol", ["rest", "oai_pmh"])
def test_a_secret_in_a_cursor_goes_back_to_the_server_and_is_never_landed(tmp_path: Path, protocol: str) -> None:
    repository = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        if protocol == "rest":
            following = f'{{"after": 1, "key": "{SECRET}"}}' if "page" not in request.params else None
            return Answer(json.dumps({"all": [{"id": request.params.get("page", "0")}], "next": following}))
        params = {name: value.removeprefix(f"{SECRET} ") for name, value in request.params.items()}
        page = repository(ReceivedRequest(request.method, request.path, params, {}, b"")).bytes.decode()
        return Answer(re.sub(r'completeListSize="25">(?=\d)', f'completeListSize="25">{SECRET} ', page))

    with serving(script) as own:
        of = {"paging": "cursor", "cursor_path": "next", "records_path": "all"} if protocol == "rest" else {}
        harvested, sentence = harvest_over(own, tmp_path, "basic", protocol, of)
    cursors = [request.params.get("page") or request.params.get("resumptionToken") or "" for request in own.requests]
    assert not sentence and any(SECRET in cursor for cursor in cursors)
    assert "s3cr3t" not in repr([page.position for page in harvested])


def test_a_secret_in_a_next_address_of_its_own_origin_is_not_landed(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        key = quote(SECRET, safe="")
        there = f"{own.url.replace('//', f'//reader:{key}@')}/list?p=2&key={key}#{key}"
        return Answer(RECORD, headers={} if "p" in request.params else {"Link": f'<{there}>; rel="next"'})

    with serving(script) as own:
        harvested, _ = harvest_over(own, tmp_path, "basic", "rest", {"paging": "link"})
    assert own.requests[1].params == {"p": "2", "key": SECRET}
    assert "s3cr3t" not in repr(harvested)


def test_a_token_that_the_server_echoes_is_never_written_down(tmp_path: Path) -> None:
    repository = OaiServer(count=3, refuse={"ListRecords": "badArgument", "ListIdentifiers": "badArgument"})

    def script(request: ReceivedRequest) -> Answer:
        answer = repository(request)
        echoed = answer.bytes.decode().replace("http://example.org/oai<", f"http://example.org/oai?key={SECRET}<")
        return Answer(echoed.replace('badArgument">', f'badArgument">key={SECRET} is wrong'))

    with serving(script) as own:
        of = feed(own.url, request={"params": {"key": "{token}"}})
        told = check(of, Ask(credentials={"token": SECRET}), open_environment(tmp_path))
    assert any("{token}" in sentence for sentence in told)
    assert "s3cr3t" not in repr(told)


def test_a_credential_that_the_connection_lacks_is_named(tmp_path: Path) -> None:
    with serving(lambda request: Answer(RECORD)) as own:
        of = feed(own.url + "/{token}", "rest", identifier="id")
        with pytest.raises(HarvestFailed, match="needs the credential 'token'"):
            pages(of, open_environment(tmp_path), Ask())
    assert not own.requests


def test_a_key_in_a_records_own_address_is_sent(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer(RECORD) if request.path == "/list" else Answer(json.dumps({"id": "1", "seen": request.path}))

    with serving(script) as own:
        request = {"detail_url": "/{id}?key={token}"}
        harvested, sentence = harvest_over(own, tmp_path, "header", "rest", {"detail_url": "/{id}"})
        of = feed(own.url + "/list", "rest", identifier="id", request=request)
        pages(of, open_environment(tmp_path), Ask(credentials={"token": SECRET}))
    assert own.requests[-1].params == {"key": SECRET} and not sentence and harvested
