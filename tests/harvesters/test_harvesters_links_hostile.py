"""Checking an address ends in time and memory whatever its server does, and tells certificates apart as browsers do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from harvesters.links import LinkChecker, LinkPoliteness
from loaders.links import LinkState, next_state
from tests.harvesters.loopback import Answer, ReceivedRequest, open_environment, serving, serving_tls
from tests.harvesters.test_harvesters_links import LOGIN, page, to

QUICK = LinkPoliteness(rate=100_000, timeout=0.8, backoff=0.001)
HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGE = Answer("<title>Volcanoes</title><h1>Volcanoes</h1><p>What pupils should know.</p>", headers=HTML)
DAY = timedelta(days=1)
NOW = datetime.now(UTC)
Send = Callable[[socket.socket, str], None]


@contextmanager
def socket_serving(send: Send) -> Iterator[str]:
    """Answer each request by what `send` does with its connection and method; yield the address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def converse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(20)
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65_536)
            if head.startswith((b"GET /robots.txt", b"GET /elib-no-such-page")):
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                send(connection, head.split()[0].decode())

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=converse, args=(listening.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def endless(connection: socket.socket, method: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")
    connection.sendall(b"<title>Volcanoes</title><h1>Volcanoes</h1>")
    while method == "GET":
        connection.sendall(b"<p>and so on</p>" * 4_096)


def endless_head(connection: socket.socket, method: str) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"a" * 8_000 + b"\r\n")


def slow(connection: socket.socket, method: str) -> None:
    """One byte after the other, each sooner than any timeout between two."""
    text = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + b"<title>Volcanoes</title>" * 100
    for byte in text:
        connection.sendall(bytes((byte,)))
        time.sleep(0.05)


def silent(connection: socket.socket, method: str) -> None:
    connection.recv(1)


def garbage(connection: socket.socket, method: str) -> None:
    connection.sendall(b"\x00\xff\x16\x03 SSH-2.0-none\r\n\r\n")


def shut(connection: socket.socket, method: str) -> None:
    """Close every connection without an answer."""


HOSTILE: dict[str, tuple[Send, set[str]]] = {
    "endless body": (endless, {"alive"}),
    "endless head": (endless_head, {"unreadable", "unreachable"}),
    "slow bytes": (slow, {"timeout", "busy", "unreachable"}),
    "silence": (silent, {"timeout"}),
    "no HTTP": (garbage, {"unreachable", "unreadable"}),
    "closed": (shut, {"unreachable"}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_check_ends_in_time_whatever_the_server_sends(kind: str, tmp_path: Path) -> None:
    send, statuses = HOSTILE[kind]
    with socket_serving(send) as url, LinkChecker(open_environment(tmp_path), QUICK) as links:
        began = time.monotonic()
        check = links.check(f"{url}/book")
        assert time.monotonic() - began < 60, "some tries of at most 0.8 seconds each"
    assert check.status in statuses, check
    assert check.detail


FILE = Answer(b"%PDF-1.7" + b"x" * 1_000_000, headers={"Content-Type": "application/pdf"})
# by path: the answers to HEAD and to GET, and what is judged
SITES: dict[str, tuple[Answer, Answer, str]] = {
    "/head-refused": (Answer(status=405), PAGE, "alive"),
    "/head-not-implemented": (Answer(status=501), PAGE, "alive"),
    "/head-says-gone": (Answer(status=404), PAGE, "alive"),
    "/head-says-forbidden": (Answer(status=403), PAGE, "alive"),
    "/head-says-there": (PAGE, Answer(status=404), "gone"),
    "/head-says-failing": (Answer(status=500), Answer(status=410), "gone"),
    "/head-redirects": (Answer(status=302, headers={"Location": "/book"}), PAGE, "alive"),
    "/file": (FILE, FILE, "alive"),
    "/file-that-only-head-has": (FILE, Answer(status=404), "gone"),
    "/file-of-a-broken-store": (FILE, Answer(status=500), "server_error"),
    "/file-behind-a-login": (FILE, page("Log in", LOGIN), "login"),
    "/file-that-moved-to-nothing": (to("/file-that-only-head-has"), to("/nowhere"), "gone"),
    "/loop/a": (Answer(status=302, headers={"Location": "/loop/b"}),) * 2 + ("redirects",),
    "/loop/b": (Answer(status=301, headers={"Location": "/loop/a"}),) * 2 + ("redirects",),
    "/inner": (Answer(status=302, headers={"Location": "http://10.0.0.1/admin"}),) * 2 + ("not_public",),
    "/metadata": (Answer(status=307, headers={"Location": "http://169.254.169.254/latest/"}),) * 2 + ("not_public",),
    "/inner-v6": (Answer(status=302, headers={"Location": "http://[fd00::1]/"}),) * 2 + ("not_public",),
    "/mapped": (Answer(status=302, headers={"Location": "http://[::ffff:10.0.0.1]/"}),) * 2 + ("not_public",),
    "/busy": (Answer(status=429, headers={"Retry-After": "7200"}),) * 2 + ("busy",),
    "/private/1": (PAGE, PAGE, "robots"),
}


def answer(request: ReceivedRequest) -> Answer:
    if request.path == "/robots.txt":
        return Answer("User-agent: *\nDisallow: /private/\n")
    if request.path == "/book":
        return PAGE
    if request.path not in SITES:
        return Answer(status=404)
    head, get, _ = SITES[request.path]
    return head if request.method == "HEAD" else get


def test_lies_of_head_loops_inner_addresses_busy_servers_and_robots_are_told_apart(tmp_path: Path) -> None:
    with serving(answer) as loopback, LinkChecker(open_environment(tmp_path), QUICK) as links:
        checks = {path: links.check(loopback.url + path) for path in SITES}
    assert {path: check.status for path, check in checks.items()} == {path: site[2] for path, site in SITES.items()}
    assert checks["/busy"].retry_after == 7200
    assert max(check.requests for check in checks.values()) <= 20
    assert "/private/1" not in {request.path for request in loopback.requests}, "robots.txt is asked first"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:alert(1)", "http://[x/"])
def test_a_redirect_to_what_is_no_web_address_is_followed_by_nobody(location: str, tmp_path: Path) -> None:
    def redirecting(request: ReceivedRequest) -> Answer:
        return (
            Answer(status=404) if request.path == "/robots.txt" else Answer(status=302, headers={"Location": location})
        )

    with serving(redirecting) as loopback, LinkChecker(open_environment(tmp_path), QUICK) as links:
        check = links.check(f"{loopback.url}/book")
    assert check.status in ("unreachable", "not_public"), check
    assert "root:" not in check.detail


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


CERTIFICATES: dict[str, tuple[str, timedelta, str]] = {  # the host that it is of, until when it is valid, the status
    "good": ("127.0.0.1", 200 * DAY, "alive"),
    "ends in three days": ("127.0.0.1", 3 * DAY, "alive"),
    "has ended": ("127.0.0.1", -1 * DAY, "certificate_expired"),
    "of another host": ("other.example.org", 200 * DAY, "certificate_wrong_host"),
}


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_a_certificate_is_told_before_it_ends_and_when_browsers_warn_of_it(
    kind: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, valid, status = CERTIFICATES[kind]
    until = (NOW + valid).replace(microsecond=0)
    certificate = authority.issue_cert(host, not_before=NOW - 30 * DAY, not_after=until)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with (
        serving_tls(answer, certificate.configure_cert) as loopback,
        LinkChecker(open_environment(tmp_path), QUICK) as links,
    ):
        check = links.check(f"{loopback.url}/book")
    assert check.status == status, check
    state = next_state(LinkState(), check, NOW)
    told = {"ends in three days": f"{until:%Y-%m-%dT%H:%M:%S}.000000Z", "has ended": f"{NOW:%Y-%m-%dT%H:%M:%S.%fZ}"}
    assert state.certificate_until == told.get(kind), "what the page Links and Today show"
    assert state.strikes == (0 if status == "alive" else 1)
