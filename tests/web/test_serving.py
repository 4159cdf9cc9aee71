"""The web as it is served, asked over sockets by somebody who means no good."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from loaders.store import engine
from schemas import environment
from web import create_app, guards, server
from web.server import declared_proxies, server_config
from web.settings import WebSettings

_TEXTS = st.text(max_size=10)
_SAID = st.recursive(  # by a link that is signed
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mail", "after", "id", "feed", "giver", "taker"]) | _TEXTS, inner, max_size=4
        )
    ),
    max_leaves=6,
)
_WITHOUT_SESSION = ("/resources/", "/oai")  # readers' reports, which have a token of their own, and harvesters
SECURITY = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy")


@contextmanager
def served(app: ASGIApp, proxies: str = "") -> Iterator[int]:
    """Serve an application on a free port of the loopback, and yield the port."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        port: int = listener.getsockname()[1]
        config = server_config(app, "127.0.0.1", port, declared_proxies(proxies))
        uvicorn_server = uvicorn.Server(config)
        thread = threading.Thread(target=uvicorn_server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield port
        finally:
            uvicorn_server.should_exit = True
            thread.join(timeout=30)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ASGIApp]:
    home = tmp_path_factory.mktemp("served")
    variables = {"ELIB_HOME": str(home), "ELIB_FEEDS": str(home / "feeds"), "ELIB_CATALOG_URL": ""}
    env = environment(variables)
    yield create_app(env, WebSettings(secret="s" * 40, url="http://library.example.org"))
    engine(env).dispose()


@pytest.fixture(scope="module")
def port(app: ASGIApp) -> Iterator[int]:
    with served(app) as free:
        yield free


@pytest.fixture(scope="module")
def visitor(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8081", follow_redirects=False) as browser:
        yield browser


def answer_to(port: int, request: bytes, *, more: bytes = b"") -> bytes:
    """Send the bytes of a request, then `more` until the other side has answered, and return the answer."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        received = b""
        with suppress(ConnectionError, BrokenPipeError):
            connection.sendall(request)
            if more:
                connection.sendall(more)
            while chunk := connection.recv(65_536):
                received += chunk
        return received


def cookie_of_an_opened_form(port: int) -> str:
    """Open a form, as a browser does before it sends one, and return its cookie."""
    return httpx.get(f"http://127.0.0.1:{port}/sign-in").headers["set-cookie"].partition(";")[0]


def tries(port: int, headers: list[dict[str, str]]) -> list[int]:
    """Return the status of a try to sign in with each of these headers."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/partners/sign-in").text)
        assert found
        form = {"csrf_token": found[1], "mail": "nobody"}
        return [client.post("/partners/sign-in", data=form, headers=each).status_code for each in headers]


def test_a_made_up_address_of_the_client_dodges_no_rate(app: ASGIApp, port: int) -> None:
    made_up = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(14)]
    assert tries(port, made_up)[-1] == 429


def test_a_declared_proxy_is_believed_what_it_saw_itself_and_nothing_more(app: ASGIApp) -> None:
    with served(app, "127.0.0.1, 10.0.0.0/8") as behind:
        invented = [{"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.7, 10.0.0.9"} for number in range(14)]
        assert tries(behind, invented)[-1] == 429, "all of them came from 198.51.100.7"
        others = [{"X-Forwarded-For": f"198.51.101.{number}"} for number in range(14)]
        assert 429 not in tries(behind, others), "clients of their own"
        of_one_network = [{"X-Forwarded-For": f"2001:db8:1:2::{number}"} for number in range(14)]
        assert tries(behind, of_one_network)[-1] == 429, "one client has all addresses of its network"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sign-in", 200),
        ("/console", 303),
        ("/console/", 307),
        ("/nothing-here", 404),
        ("/static/web.css", 200),
        ("/static/nothing.css", 404),
        ("/healthz", 200),
        ("/partners/previews/x", 404),
        ("/sign-in?next=%00", 400),
        ("/sign-out", 405),
    ],
)
def test_every_answer_has_the_headers_and_no_redirect_leaves_the_site(port: int, path: str, status: int) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers={"Host": "library.example.org"})
    assert answer.status_code == status
    assert not [name for name in SECURITY if name not in answer.headers]
    assert answer.headers.get("location", "/").startswith("/"), "without the Host that was sent"


def _pages(app: FastAPI, prefix: str = "") -> Iterator[str]:
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from _pages(route.app, prefix + route.path)
        elif isinstance(route, APIRoute) and "GET" in route.methods:
            yield prefix + re.sub(r"{[^}]+}", "1", route.path)


def test_every_page_can_be_asked_for_by_head(app: FastAPI, port: int) -> None:
    paths = [*_pages(app), "/static/web.css", "/oai/schemas/lrmi.xsd", "/oai?verb=Identify"]
    assert len(paths) > 60
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=False) as client:
        for path in paths:
            answer = client.get(path)
            client.cookies.clear()
            head = client.head(path)
            client.cookies.clear()
            assert (head.status_code, head.content) == (answer.status_code, b""), path
            assert {*head.headers} == {*answer.headers}, path
            if answer.status_code == 200 and "csrf_token" not in answer.text:  # a token differs in each page
                same = ("content-type", "etag", "last-modified", "cache-control")
                assert [head.headers.get(name) for name in same] == [answer.headers.get(name) for name in same], path


@pytest.mark.parametrize(
    ("ranges", "status", "content_range"),
    [
        ("bytes=0-9", 206, "bytes 0-9/{size}"),
        ("bytes=-5", 206, "bytes {last5}-{last}/{size}"),
        ("Bytes=0-0", 206, "bytes 0-0/{size}"),
        ("bytes=0-9, 999999-", 206, "bytes 0-9/{size}"),
        ("bytes=, 0-9 ,", 206, "bytes 0-9/{size}"),
        ("bytes=999999-", 416, "bytes */{size}"),
        ("bytes=-0", 416, "bytes */{size}"),
        *(
            (invalid, 200, None)
            for invalid in ("bytes", "bytes=", "bytes=abc", "bytes=5-2", "bytes=0-9,x", "pages=1-2")
        ),
        *((invalid, 200, None) for invalid in ("bytes=--5", "bytes=-", "=", "bytes=1-2-3", f"bytes={'9' * 5000}-")),
    ],
)
def test_ranges_of_a_file_are_as_the_standard_has_them(
    port: int, ranges: str, status: int, content_range: str | None
) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for path in ("/static/web.css", "/static/base.css"):
            whole, answer = client.get(path).content, client.get(path, headers={"Range": ranges})
            sizes = {"size": len(whole), "last": len(whole) - 1, "last5": len(whole) - 5}
            assert answer.status_code == status, path
            assert answer.headers.get("content-range") == (content_range and content_range.format(**sizes)), path
            assert status != 200 or answer.content == whole
            assert client.head(path, headers={"Range": ranges}).status_code == 200, "ranges are for GET alone"


_LINKS = {"sign-in": "sign-in", "hand-over": "hand over", "drafts": "draft", "previews": "preview"}


@settings(max_examples=40)
@given(st.sampled_from(sorted(_LINKS)), _SAID, st.integers(0, 3))
def test_no_signed_link_is_answered_by_a_fault_of_ours(visitor: TestClient, place: str, said: object, way: int) -> None:
    """Links that another version of the library signed, that are of another kind, and that came damaged."""
    salt = f"elib {_LINKS[place] if way else 'sign-in'}"
    token = URLSafeTimedSerializer("s" * 40, salt=salt).dumps(said)
    token = {2: token[:-2], 3: f"{token[::-1]}%0a"}.get(way, token)
    answer = visitor.get(f"/partners/{place}/{token}")
    assert answer.status_code in (303, 404), (place, said)
    if answer.status_code == 303:
        assert "not complete, or not from us" in visitor.get(answer.headers["location"]).text


def test_an_unchanged_file_is_answered_with_the_headers_too(port: int) -> None:
    url = f"http://127.0.0.1:{port}/static/web.css"
    first = httpx.get(url)
    again = httpx.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and all(name in again.headers for name in SECURITY)


@pytest.mark.parametrize("host", ["evil.example", "library.example.org.evil.example", "evil.example:8081", ""])
def test_a_name_that_is_not_the_librarys_is_not_served(port: int, host: str) -> None:
    answer = httpx.get(f"http://127.0.0.1:{port}/sign-in", headers={"Host": host})
    assert answer.status_code == 421 and "csrf_token" not in answer.text


@pytest.mark.parametrize(
    "host", ["library.example.org", "LIBRARY.example.org:443", "127.0.0.1:1", "localhost", "[::1]:8081"]
)
def test_the_librarys_own_names_are_served(port: int, host: str) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", headers={"Host": host}).status_code == 200


def test_a_body_without_a_declared_length_ends_at_the_bound(port: int) -> None:
    cookie = cookie_of_an_opened_form(port)
    for path, most in (("/sign-in", 1 << 20), ("/partners/applications/x", 1 << 20), ("/partners/register", 1 << 20)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with closing(connection):
            connection.putrequest("POST", path)
            connection.putheader("Cookie", cookie)
            connection.putheader("Transfer-Encoding", "chunked")
            connection.putheader("Content-Type", "application/x-www-form-urlencoded")
            connection.endheaders()
            chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            with suppress(ConnectionError):
                for _ in range(most // 0x10000 + 2):
                    connection.send(chunk)
            assert connection.getresponse().status == 413, path


def test_large_headers_and_what_is_no_http_are_refused_at_once(port: int) -> None:
    huge = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"".join(
        b"X-%d: %s\r\n" % (number, b"x" * 1_000) for number in range(60)
    )
    for request in (
        huge + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000,
        b"\x16\x03\x01\x02\r\n\r\n",
    ):
        head = answer_to(port, request).partition(b"\r\n\r\n")[0].lower()
        assert head.startswith(b"http/1.1 4") and b"content-security-policy" in head


def test_two_lengths_of_one_body_are_refused(port: int) -> None:
    both = (
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    two = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\nabcd"
    for request in (both, two):
        answer = answer_to(port, request + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 4") and b"\r\nok\n" not in answer


def test_clients_that_send_slowly_are_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(guards, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(guards, "SLOWEST_BYTES_PER_SECOND", 1 << 30)
    assert answer_to(port, b"") == b"", "a connection without a request"
    assert answer_to(port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ") == b""
    kept = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nX-Slow: "
    assert answer_to(port, kept).count(b"HTTP/1.1") == 1, "the second request of a connection"
    cookie = b"Cookie: " + cookie_of_an_opened_form(port).encode() + b"\r\n"
    form = cookie + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na="
    assert answer_to(port, b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n" + form).startswith(b"HTTP/1.1 408")


def test_a_form_of_thousands_of_fields_or_files_is_refused(port: int) -> None:
    cookie = {"Cookie": cookie_of_an_opened_form(port)}
    many = "&".join(f"field{number}=x" for number in range(5_000))
    answer = httpx.post(
        f"http://127.0.0.1:{port}/sign-in",
        content=many,
        headers={"Content-Type": "application/x-www-form-urlencoded", **cookie},
    )
    assert answer.status_code == 400
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="f"; filename="{number}"\r\n\r\nx\r\n' for number in range(1_500)
    )
    files = httpx.post(
        f"http://127.0.0.1:{port}/partners/register",
        content=f"{parts}--b--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b", **cookie},
    )
    assert files.status_code == 400


def head_of(path: str, size: int, kind: str, **headers: str) -> bytes:
    """Return the head of a POST request whose body is so large."""
    lines = {"Host": "localhost", "Content-Type": kind, "Content-Length": str(size), **headers}
    return "\r\n".join([f"POST {path} HTTP/1.1", *(f"{name}: {lines[name]}" for name in lines), "", ""]).encode()


_FORM, _FILES = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"


def test_no_body_is_read_of_who_has_opened_no_form(app: ASGIApp, port: int) -> None:
    assert isinstance(app, FastAPI)
    posting = [path for path, methods in app.openapi()["paths"].items() if "post" in methods]
    for path in (re.sub(r"\{[^}]+\}", "1", path) for path in posting if not path.startswith(_WITHOUT_SESSION)):
        answer = answer_to(port, head_of(path, 1_000_000, _FORM))  # and nothing of the body
        assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 303")), (path, answer[:100])
    register = answer_to(port, head_of("/partners/register", 60 << 20, _FILES))
    assert register.startswith(b"HTTP/1.1 403")


def test_a_page_of_another_site_uses_up_no_rate_of_a_reader(port: int) -> None:
    foreign = {"Cookie": cookie_of_an_opened_form(port), "Sec-Fetch-Site": "cross-site"}
    for path in ("/sign-in", "/partners/register", "/partners/sign-in", "/resources/1/report"):
        answers = [answer_to(port, head_of(path, 1_000_000, _FORM, **foreign)) for _ in range(3)]
        assert all(answer.startswith(b"HTTP/1.1 403") for answer in answers), path


def test_only_a_form_with_a_file_may_be_large(port: int) -> None:
    cookie = cookie_of_an_opened_form(port)
    for path, kind in (("/partners/register", _FORM), ("/partners/register", "text/plain"), ("/sign-in", _FILES)):
        assert answer_to(port, head_of(path, 2 << 20, kind, Cookie=cookie)).startswith(b"HTTP/1.1 413"), (path, kind)
    assert answer_to(port, head_of("/partners/register", 65 << 20, _FILES, Cookie=cookie)).startswith(b"HTTP/1.1 413")


def test_a_few_files_at_a_time_are_taken_and_their_places_come_back(port: int) -> None:
    head = head_of("/partners/register", 60 << 20, _FILES, Cookie=cookie_of_an_opened_form(port))
    another = head_of("/partners/register", 60 << 20, _FILES)
    with ExitStack() as stack:
        for _ in range(guards.MAX_UPLOADS_OF_CLIENT):
            connection = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=30)))
            connection.sendall(head + b"--b\r\n")
        refused = b""
        while not refused.startswith(b"HTTP/1.1 503"):  # until the server has seen the two
            refused = answer_to(port, another)
        assert b"retry-after: 30" in refused and b"Too many files are being sent" in refused
    answer = refused
    while answer.startswith(b"HTTP/1.1 503"):  # until the server has seen that they are gone
        answer = answer_to(port, another)
    assert answer.startswith(b"HTTP/1.1 403")


def test_who_registers_too_often_is_told_before_the_file_is_read(app: ASGIApp) -> None:
    with served(app) as port:
        cookie = cookie_of_an_opened_form(port)
        answers = []
        for _ in range(25):
            answers.append(answer_to(port, head_of("/partners/register", 1, _FORM, Cookie=cookie) + b"x")[:12])
        assert answers[-1] == b"HTTP/1.1 429"
        large = answer_to(port, head_of("/partners/register", 60 << 20, _FILES, Cookie=cookie))
        assert large.startswith(b"HTTP/1.1 429") and b"retry-after: " in large


def test_every_form_needs_the_sessions_token(app: ASGIApp, port: int) -> None:
    assert isinstance(app, FastAPI)
    posting = [path for path, methods in app.openapi()["paths"].items() if "post" in methods]
    paths = [re.sub(r"\{[^}]+\}", "1", path) for path in posting if not path.startswith(_WITHOUT_SESSION)]
    assert len(paths) > 30
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=False) as client:
        for path in paths:
            answer = client.post(path, data={"csrf_token": "made##up"}, headers={"Origin": "https://evil.example"})
            sent_to_sign_in = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
            assert answer.status_code == 403 or sent_to_sign_in, (path, answer.status_code)


def test_no_page_lies_outside_the_folder_of_files(port: int) -> None:
    for path in (
        b"/static/../settings.py",
        b"/static/%2e%2e/settings.py",
        b"/static/..%2fsettings.py",
        b"//evil.example/",
    ):
        answer = answer_to(port, b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path)
        assert answer.startswith(b"HTTP/1.1 404"), path
