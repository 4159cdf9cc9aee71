"""The HTTP client over real HTTP: addresses, redirects, retries, body limits, rates, credentials."""

from __future__ import annotations

import gzip
import ipaddress
import json
import random
import socket
import threading
import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvesters.causes import RequestFailed
from harvesters.client import Client, Reply, user_agent
from harvesters.client.addresses import is_public
from harvesters.client.rate import HostLimit, quiet_hours_end
from harvesters.client.retries import parse_retry_after
from schemas import Ask, HarvestFailed, environment
from tests.harvesters.loopback import Answer, ReceivedRequest, feed, open_environment, serving

gzipped = partial(gzip.compress, mtime=0)  # the same bytes whenever it is packed: their number names the test

HERE = "http://127.0.0.1:1"


def reply(script: object, home: Path, ask: Ask | None = None, path: str = "/", **more: object) -> Reply:
    with (
        serving(script) as loopback,
        Client(feed(loopback.url, **more), ask or Ask(), open_environment(home)) as client,
    ):
        return client.send(loopback.url + path)


def failure(script: object, home: Path, **more: object) -> HarvestFailed:
    with pytest.raises(HarvestFailed) as caught:
        reply(script, home, **more)
    return caught.value


# addresses


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
        ),
        *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "2002:7f00:1::"),
        *(
            "0.0.0.0",
            "64:ff9b::a9fe:a9fe",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "198.18.0.1",
            "2001:db8::1",
            "fec0::1",
            "ff02::1",
        ),
    ],
)
def test_private_and_reserved_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "193.51.193.1", "2a00:1450:4001:81b::200e", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_mapped_into_ipv6_counts_as_ipv4(address: ipaddress.IPv4Address) -> None:
    assert is_public(ipaddress.IPv6Address(f"::ffff:{address}")) == is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433"])
def test_loopback_is_refused_unless_it_is_listed(tmp_path: Path, host: str) -> None:
    env = environment({"ELIB_HOME": str(tmp_path)})
    with serving(lambda request: Answer("inside")) as loopback:
        url = f"http://{host}:{loopback.url.rsplit(':', 1)[1]}/"
        with Client(feed(url), Ask(), env) as client, pytest.raises(HarvestFailed) as caught:
            client.send(url)
        assert not loopback.requests
    assert caught.value.cause == "forbidden_address"


def test_a_name_with_one_private_address_is_refused_and_resolved_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def answers(name: str, port: int, **more: object) -> list[tuple[object, ...]]:
        looked_up.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("8.8.8.8", "10.0.0.7")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    env = environment({"ELIB_HOME": str(tmp_path)})
    with Client(feed("http://two.example/"), Ask(), env) as client, pytest.raises(HarvestFailed) as caught:
        client.send("http://two.example/")
    assert caught.value.cause == "forbidden_address"
    assert looked_up == ["two.example"]


def test_a_redirect_to_a_private_address_is_refused(tmp_path: Path) -> None:
    with serving(lambda request: Answer("inside")) as inner:
        target = inner.url.replace("127.0.0.1", "127.0.0.2")
        failed = failure(lambda request: Answer(status=302, headers={"Location": target}), tmp_path)
        assert not inner.requests
    assert (failed.cause, failed.again) == ("forbidden_address", False)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/", "gopher://example.org/"])
def test_a_redirect_to_another_scheme_is_refused(tmp_path: Path, target: str) -> None:
    failed = failure(lambda request: Answer(status=302, headers={"Location": target}), tmp_path)
    assert failed.cause == "forbidden_address"


# redirects


def test_redirects_are_counted(tmp_path: Path) -> None:
    failed = failure(lambda request: Answer(status=302, headers={"Location": "/again"}), tmp_path)
    assert failed.cause == "moved"


def test_a_permanent_redirect_keeps_the_query_and_is_reported(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer(status=308, headers={"Location": "/new"}) if request.path == "/" else Answer(request.params["q"])

    with serving(script) as loopback, Client(feed(loopback.url), Ask(), open_environment(tmp_path)) as client:
        assert client.send(loopback.url + "/", params={"q": "é & b"}).body.decode() == "é & b"
        assert client.send(loopback.url + "/", params={"q": "again"}).body == b"again"
        assert [request.path for request in loopback.requests] == ["/", "/new", "/new"]
        assert len(client.notes) == 1


@pytest.mark.parametrize(
    "location", ["/new?repository=5", "/new?repository=5&verb=Identify&from=a%3Ab", "/new?verb=Identify&repository=5"]
)
def test_a_permanent_redirect_to_an_address_with_a_query_keeps_both(tmp_path: Path, location: str) -> None:
    """The first request follows the redirect; those after it go to the new address with its query, and with theirs."""

    def script(request: ReceivedRequest) -> Answer:
        moved = request.path == "/"
        return Answer(status=301, headers={"Location": location}) if moved else Answer(json.dumps(request.params))

    with serving(script) as loopback, Client(feed(loopback.url), Ask(), open_environment(tmp_path)) as client:
        for verb in ("Identify", "ListRecords"):
            received = client.send(loopback.url + "/", params={"verb": verb, "from": "a:b"}).body
            assert json.loads(received) == {"repository": "5", "verb": verb, "from": "a:b"}
        assert [request.path for request in loopback.requests] == ["/", "/new", "/new"]
        assert client.notes == [f"moved: {loopback.url}/ is now {loopback.url}/new?repository=5; change the feed's url"]


def test_a_redirect_that_changes_our_parameters_is_followed_each_time(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        page = request.params.get("page", "")
        new = {"Location": f"/new?page={page}0"}
        return Answer(status=301, headers=new) if request.path == "/" else Answer(page)

    with serving(script) as loopback, Client(feed(loopback.url), Ask(), open_environment(tmp_path)) as client:
        assert [client.send(loopback.url + "/", params={"page": page}).body for page in (1, 2)] == [b"10", b"20"]


# retries


def test_transient_errors_are_retried_and_final_ones_are_not(tmp_path: Path) -> None:
    tries: list[str] = []

    def script(request: ReceivedRequest) -> Answer:
        tries.append(request.path)
        return Answer("at last") if len(tries) == 3 else Answer(status=503)

    assert reply(script, tmp_path).body == b"at last"
    tries.clear()
    assert failure(lambda request: (tries.append(""), Answer(status=404))[1], tmp_path).cause == "gone"
    assert len(tries) == 1


def test_each_retry_is_a_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answers = [Answer(status=503, headers={"Retry-After": "1"}), Answer(status=500), Answer("at last")]
    with caplog.at_level("INFO", "elib"):
        reply(lambda request: answers.pop(0), tmp_path, request={"retries": 5})
    lines = [record.getMessage().partition("/: ")[2] for record in caplog.records]
    assert lines == ["try 2 of 6 in 1 s: answered 503", "try 3 of 6 in 0 s: answered 500"]


def test_a_refused_connection_is_a_line_in_the_log_for_each_retry(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level("INFO", "elib"),
        Client(feed(HERE), Ask(), open_environment(tmp_path)) as client,
        pytest.raises(HarvestFailed),
    ):
        client.send(f"{HERE}/oai", retries=2)
    lines = [record.getMessage() for record in caplog.records]
    assert [line.partition(" in ")[0].rpartition(": ")[2] for line in lines] == ["try 2 of 3", "try 3 of 3"]
    assert all(line.endswith(": connection refused") for line in lines), lines


@pytest.mark.parametrize(
    ("status", "cause", "again"),
    [
        (401, "blocked", True),
        (403, "blocked", True),
        (404, "gone", False),
        (410, "gone", False),
        (429, "blocked", True),
        (500, "unreachable", True),
        (503, "unreachable", True),
        (400, "bad_format", False),
    ],
)
def test_every_error_status_has_its_cause(tmp_path: Path, status: int, cause: str, again: bool) -> None:
    failed = failure(lambda request: Answer(status=status), tmp_path)
    assert (failed.cause, failed.again) == (cause, again)
    assert str(status) in failed.sentence


def test_retry_after_is_obeyed_in_seconds(tmp_path: Path) -> None:
    at: list[float] = []

    def script(request: ReceivedRequest) -> Answer:
        at.append(time.monotonic())
        return Answer("now") if len(at) > 1 else Answer(status=503, headers={"Retry-After": "1"})

    assert reply(script, tmp_path).body == b"now"
    assert at[1] - at[0] >= 1


def test_retry_after_is_obeyed_as_a_date(tmp_path: Path) -> None:
    at: list[datetime] = []

    def script(request: ReceivedRequest) -> Answer:
        at.append(datetime.now(UTC))
        until = at[0].replace(microsecond=0) + timedelta(seconds=2)
        date = format_datetime(until, usegmt=True)
        return Answer("now") if len(at) > 1 else Answer(status=429, headers={"Retry-After": date})

    assert reply(script, tmp_path).body == b"now"
    assert at[1] >= at[0].replace(microsecond=0) + timedelta(seconds=2)


@pytest.mark.parametrize("header", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_wait_longer_than_the_feeds_time_ends_the_harvest(tmp_path: Path, header: str) -> None:
    failed = failure(
        lambda request: Answer(status=503, headers={"Retry-After": header}), tmp_path, request={"budget": 30}
    )
    assert (failed.cause, failed.again) == ("too_slow", True)
    assert "asks to wait" in failed.sentence


@given(st.integers(0, 10**6))
def test_retry_after_is_read_as_seconds_and_as_a_date(seconds: int) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert parse_retry_after(str(seconds), now) == seconds
    assert parse_retry_after(format_datetime(now + timedelta(seconds=seconds), usegmt=True), now) == seconds


@pytest.mark.parametrize(
    "header",
    [None, "", "soon", "-5", "1.5", "١٢", f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", f"1 Jan 2026 0:0 +{'9' * 20}"],
)
def test_a_retry_after_without_seconds_or_date_is_none(header: str | None) -> None:
    assert parse_retry_after(header) is None


def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with Client(feed(HERE), Ask(), open_environment(tmp_path)) as client, pytest.raises(HarvestFailed) as caught:
        client.send(HERE)
    assert (caught.value.cause, caught.value.again) == ("unreachable", True)


def test_a_slow_response_is_cut_off(tmp_path: Path) -> None:
    gate = threading.Event()

    def script(request: ReceivedRequest) -> Answer:
        gate.wait(5)
        return Answer("late")

    try:
        failed = failure(script, tmp_path, request={"timeout": 0.2, "retries": 0})
    finally:
        gate.set()
    assert failed.cause == "too_slow"


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: to come\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"more"),
    ],
    ids=["headers", "interim responses", "the size of a chunk"],
)
def test_slow_headers_are_cut_off_too(tmp_path: Path, first: bytes, drop: bytes) -> None:
    """The server ends well after its drops: only a harvest that keeps its time does not wait for that."""
    last = b"HTTP/1.1 200 OK\r\n" if not first else b""
    end = b"\r\nx\r\n0\r\n\r\n" if b"chunked" in first else last + b"Content-Length: 1\r\n\r\nx"
    listening = socket.create_server(("127.0.0.1", 0))
    pause = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            try:
                connection.sendall(first)
                for _ in range(60):
                    connection.sendall(drop)
                    pause.wait(0.05)
                connection.sendall(end)
            except OSError:
                return  # cut off, as it should be

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    here = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    with (
        Client(feed(here, request={"budget": 1, "retries": 0}), Ask(), open_environment(tmp_path)) as client,
        pytest.raises(HarvestFailed) as caught,
    ):
        client.send(here)
    assert caught.value.cause == "too_slow"
    pause.set()
    thread.join()
    listening.close()


@pytest.mark.parametrize("target", ["http://xn--a/", "javascript:1", "http://[::1"])
def test_a_redirect_to_an_invalid_url_is_a_cause_and_no_crash(tmp_path: Path, target: str) -> None:
    failed = failure(lambda request: Answer(status=302, headers={"Location": target}), tmp_path, request={"retries": 0})
    assert failed.cause in ("moved", "unreachable", "forbidden_address")


@pytest.mark.parametrize("host", ["xn--a", "a" * 300])
def test_an_invalid_host_is_a_cause_and_no_crash(tmp_path: Path, host: str) -> None:
    with (
        Client(feed(f"http://{host}/", request={"retries": 0}), Ask(), open_environment(tmp_path)) as client,
        pytest.raises(HarvestFailed),
    ):
        client.send(f"http://{host}/")


def test_a_certificate_that_cannot_be_trusted_is_named(tmp_path: Path) -> None:
    with serving(lambda request: Answer("secret"), tls=tmp_path) as loopback:
        of, env = feed(loopback.url), open_environment(tmp_path)
        with Client(of, Ask(), env) as client, pytest.raises(HarvestFailed) as caught:
            client.send(loopback.url)
        assert not loopback.requests
    assert caught.value.cause == "certificate"


# bodies


def test_compressed_bodies_are_read_and_gzip_that_is_not_too(tmp_path: Path) -> None:
    text = b"text " * 1000
    zipped, deflated = gzipped(text), zlib.compress(text)
    raw = zlib.compressobj(wbits=-15)
    for body, encoding in (
        (zipped, "gzip"),
        (zipped, ""),
        (text, "gzip"),
        (deflated, "deflate"),
        (raw.compress(text) + raw.flush(), "deflate"),
        (gzipped(text[:100]) + gzipped(text[100:]), "gzip"),
    ):
        headers = {"Content-Encoding": encoding} if encoding else {}
        assert reply(lambda request, b=body, h=headers: Answer(b, headers=h), tmp_path).body == text


def arrow(codec: str, text: bytes) -> bytes:
    return pyarrow.Codec(codec).compress(text, asbytes=True)


TEXT = b"<records>" + b"<record>text</record>" * 1000 + b"</records>"
ZIPPED = gzipped(TEXT)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", arrow("brotli", TEXT)),
        ("BR", arrow("brotli", TEXT)),
        ("zstd", arrow("zstd", TEXT)),
        ("Zstd", arrow("zstd", TEXT) + arrow("zstd", b"")),
        ("", arrow("zstd", TEXT)),
        ("gzip, br", arrow("brotli", ZIPPED)),
        ("br, gzip", gzipped(arrow("brotli", TEXT))),
        ("deflate,gzip", gzipped(zlib.compress(TEXT))),
        ("gzip, gzip", gzipped(ZIPPED)),
        ("gzip", gzipped(ZIPPED)),
        ("x-gzip", ZIPPED),
        ("GZIP", ZIPPED),
        ("identity", TEXT),
        ("identity, gzip", ZIPPED),
        ("utf-8", TEXT),
        ("none", ZIPPED),
        ("br", TEXT),
        ("zstd", TEXT),
        ("deflate", TEXT),
        ("gzip", TEXT),
        ("br", b'{"a": 1}'),
        ("deflate", b"[1, 2, 3]"),
        ("br", b""),
        ("gzip", b""),
        ("deflate", b""),
        ("zstd", b""),
        ("gzip", ZIPPED + b"\0" * 512),
        ("gzip", ZIPPED + b"-- end of page --"),
        ("gzip", gzipped(b"") + ZIPPED + gzipped(b"")),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_whatever_a_body_is_packed_with_it_is_read(tmp_path: Path, encoding: str, body: bytes) -> None:
    unpacked = TEXT if len(body) > 10 else body
    answer = Answer(body, headers={"Content-Encoding": encoding} if encoding else {})
    assert reply(lambda request: answer, tmp_path).body == unpacked


@pytest.mark.parametrize(
    ("encoding", "damage"),
    [*((coding, "half") for coding in ("br", "zstd", "gzip", "deflate")), ("br", "changed"), ("gzip", "changed")],
)
def test_a_damaged_packed_body_is_the_requests_failure(tmp_path: Path, encoding: str, damage: str) -> None:
    text = random.Random(5).randbytes(20_000).hex().encode()
    packers = {"br": partial(arrow, "brotli"), "zstd": partial(arrow, "zstd"), "gzip": gzipped}
    packed = packers.get(encoding, zlib.compress)(text)
    middle = len(packed) // 2
    body = packed[:middle] if damage == "half" else packed[:middle] + b"\0" * 100 + packed[middle + 100 :]
    failed = failure(lambda request: Answer(body, headers={"Content-Encoding": encoding}), tmp_path)
    assert isinstance(failed, RequestFailed)
    assert failed.cause == "malformed"


def test_bodies_past_the_limit_are_refused_packed_and_unpacked(tmp_path: Path) -> None:
    limit = {"max_bytes": 10_000}
    assert failure(lambda request: Answer(b"x" * 20_000), tmp_path, request=limit).cause == "too_large"
    bomb = gzipped(b"\0" * 5_000_000)
    assert len(bomb) < 10_000
    bombs = {"gzip": bomb, "deflate": zlib.compress(b"\0" * 5_000_000), "br": arrow("brotli", b"\0" * 50_000_000)}
    bombs |= {"zstd": arrow("zstd", b"\0" * 50_000_000), "br, gzip": gzipped(bombs["br"])}
    for encoding, body in bombs.items():
        packed = Answer(body, headers={"Content-Encoding": encoding})
        assert failure(lambda request, packed=packed: packed, tmp_path, request=limit).cause == "too_large"


def test_half_a_gzip_is_requested_again(tmp_path: Path) -> None:
    whole, tries = gzipped(b"text " * 1000), []

    def script(request: ReceivedRequest) -> Answer:
        tries.append(1)
        return Answer(whole if len(tries) > 1 else whole[:-20], headers={"Content-Encoding": "gzip"})

    assert reply(script, tmp_path).body == b"text " * 1000


def test_a_body_shorter_than_its_content_length_is_requested_again(tmp_path: Path) -> None:
    tries: list[int] = []

    def script(request: ReceivedRequest) -> Answer:
        tries.append(1)
        short = {"Content-Length": "100", "Connection": "close"}
        return Answer("whole") if len(tries) > 1 else Answer("half", headers=short)

    with serving(script) as loopback:
        of = feed(loopback.url, request={"timeout": 0.5})
        with Client(of, Ask(), open_environment(tmp_path)) as client:
            assert client.send(loopback.url).body == b"whole"


# who asks


def test_the_user_agent_is_honest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELIB_CONTACT", "mailto:library@example.org")
    assert "library@example.org" in user_agent()
    echoed = reply(lambda request: Answer(request.headers["user-agent"]), tmp_path)
    assert b"library@example.org" in echoed.body


def test_credentials_go_to_the_feeds_host_only_and_into_no_sentence(tmp_path: Path) -> None:
    ask = Ask(credentials={"token": "s3cret", "header.X-Key": "k3y"})
    echoed = reply(
        lambda request: Answer(f"{request.headers.get('authorization')} {request.headers.get('x-key')}"), tmp_path, ask
    )
    assert echoed.body == b"Bearer s3cret k3y"
    with serving(
        lambda request: Answer(f"{request.headers.get('authorization')} {request.headers.get('x-key')}")
    ) as other:
        away = other.url.replace("127.0.0.1", "localhost")
        there = Answer(status=302, headers={"Location": away})
        assert reply(lambda request: there, tmp_path, ask).body == b"None None"
    failed = failure(
        lambda request: Answer(request.params["token"], 403),
        tmp_path,
        ask=ask,
        request={"params": {"token": "{token}"}},
        path="/?token=s3cret",
    )
    assert "s3cret" not in failed.sentence


def test_conditional_requests_send_what_the_server_gave(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        same = request.headers.get("if-none-match") == '"v1"'
        return Answer(status=304) if same else Answer("body", headers={"ETag": '"v1"'})

    with serving(script) as loopback, Client(feed(loopback.url), Ask(), open_environment(tmp_path)) as client:
        assert client.send(loopback.url, conditional=True).status == 200
        known = Ask(validators=client.validators)
        with Client(feed(loopback.url), known, open_environment(tmp_path)) as again:
            assert again.send(loopback.url, conditional=True).status == 304


# politeness


def test_the_rate_holds_over_all_clients_of_a_machine(tmp_path: Path) -> None:
    begins = time.monotonic()
    for _ in range(3):
        limit = HostLimit(tmp_path, "example.org", rate=20, connections=1)
        for _ in range(2):
            with limit.request(begins + 30):
                pass
    assert time.monotonic() - begins >= 5 / 20


def test_a_host_gets_one_connection_over_all_threads(tmp_path: Path) -> None:
    inside = threading.Lock()
    together: list[bool] = []

    def ask() -> None:
        limit = HostLimit(tmp_path, "example.org", rate=100_000, connections=1)
        for _ in range(20):
            with limit.request(time.monotonic() + 30):
                together.append(not inside.acquire(blocking=False))
                inside.release()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [False] * 80


def test_waiting_for_a_connection_past_the_deadline_ends_the_harvest(tmp_path: Path) -> None:
    busy = HostLimit(tmp_path, "example.org", rate=1000, connections=1)
    late = HostLimit(tmp_path, "example.org", rate=1000, connections=1)
    with (
        busy.request(time.monotonic() + 5),
        pytest.raises(HarvestFailed) as caught,
        late.request(time.monotonic() + 0.05),
    ):
        pass
    assert caught.value.cause == "too_slow"


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        ("08:00-18:00", "2026-03-02T12:00", "2026-03-02T18:00"),
        ("08:00-18:00", "2026-03-02T18:00", None),
        ("08:00-18:00 Europe/Belgrade", "2026-03-02T07:30", "2026-03-02T17:00"),
        ("22:00-06:00", "2026-03-02T23:00", "2026-03-03T06:00"),
        ("22:00-06:00", "2026-03-02T03:00", "2026-03-02T06:00"),
        ("22:00-06:00", "2026-03-02T12:00", None),
    ],
)
def test_quiet_hours_are_in_the_partners_time_zone(hours: str, now: str, end: str | None) -> None:
    ends = quiet_hours_end([hours], datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert (ends and ends.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="minutes")) == end


def test_no_request_is_sent_in_quiet_hours(tmp_path: Path) -> None:
    with serving(lambda request: Answer("")) as loopback:
        of = feed(loopback.url, request={"quiet_hours": ["00:00-12:00", "12:00-23:59", "23:59-00:00"]})
        with Client(of, Ask(), open_environment(tmp_path)) as client, pytest.raises(HarvestFailed) as caught:
            client.send(loopback.url)
        assert not loopback.requests
    assert (caught.value.cause, caught.value.again) == ("quiet_hours", True)
