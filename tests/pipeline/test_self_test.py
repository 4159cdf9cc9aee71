"""Self-tests of right and of faulty servers, over real HTTP: each fault gives its line, and none ends the test."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from harvesters.client.rate import HostLimit
from pipeline.self_test import TestLine, self_test
from schemas import Feed
from tests.harvesters.loopback import (
    HEAD,
    TAIL,
    Answer,
    OaiServer,
    ReceivedRequest,
    feed,
    listing,
    oai_error,
    open_environment,
    record,
    serving,
)

XML = {"Content-Type": "text/xml; charset=utf-8"}
CODES = [
    *("reachable", "certificate", "identify", "base_url", "earliest_datestamp", "admin_email", "get_and_post"),
    *("formats", "sets", "list", "granularity", "deleted_records", "resumption_token", "token_expiry", "window"),
    *("no_match", "page_size", "response_headers", "completeness", "identifiers", "xml", "speed", "robots"),
]


@dataclass
class Library(OaiServer):
    """A right repository at its own address; a test changes what it answers to some requests."""

    size: int = 20
    count: int = 45
    inside: Callable[[int], str] = lambda n: "a lesson"
    compressed: bool = True
    url: str = ""
    declares: dict[str, str] = field(default_factory=dict)  # element of Identify → its text, empty to leave it out
    instead: Callable[[Library, ReceivedRequest], Answer | None] = lambda library, request: None

    def __call__(self, request: ReceivedRequest) -> Answer:
        if request.path == "/robots.txt":
            return self.instead(self, request) or Answer("", 404)
        answer = self.instead(self, request) or super().__call__(request)
        if request.params.get("verb") == "Identify" and answer.status == 200:
            answer = replace(answer, body=self.identity(str(answer.body)))
        if self.compressed:
            answer = replace(
                answer, body=gzip.compress(answer.bytes), headers={"Content-Encoding": "gzip", **answer.headers}
            )
        return replace(answer, headers={**XML, **answer.headers})

    def identity(self, text: str) -> str:
        text = text.replace("http://example.org/oai</baseURL>", f"{self.url}</baseURL>")
        for name, value in self.declares.items():
            begin, end = text.index(f"<{name}>"), text.index(f"</{name}>")
            text = text[: begin + len(name) + 2] + value + text[end:]
        return text


def lines_of(tested: Feed, home: Path, seconds: float = 30.0) -> dict[str, TestLine]:
    lines = list(self_test(tested, open_environment(home), seconds=seconds))
    assert len({line.check for line in lines}) == len(lines), "one line per check"
    for line in lines:
        assert str(line.message) and "%(" not in str(line.message) + str(line.advice), line
        assert (line.advice is not None) == (line.level in ("advice", "problem")), line
    return {line.check: line for line in lines}


def of_repository(library: Library, home: Path, **more: Any) -> dict[str, TestLine]:
    with serving(library) as server:
        library.url = f"{server.url}/oai"
        lines = lines_of(feed(library.url, **more), home)
        assert len(server.requests) <= 30
    assert list(lines) == CODES
    return lines


def worse_than_ok(lines: dict[str, TestLine]) -> set[str]:
    """Return the checks that are not ok; speed depends on what else this machine does."""
    return {code for code, line in lines.items() if line.level != "ok"} - {"speed"}


def test_a_right_repository_gets_no_problem_and_every_check_is_made(tmp_path: Path) -> None:
    lines = of_repository(Library(), tmp_path)
    assert worse_than_ok(lines) == {"certificate"}, "it has no TLS"
    assert lines["completeness"].message.values == {"count": 45, "size": 45}


def listed(request: ReceivedRequest, *names: str) -> bool:
    return request.params.get("verb") == "ListRecords" and all(name in request.params for name in names)


def first_page_again(library: Library, request: ReceivedRequest) -> Answer | None:
    if not listed(request, "resumptionToken"):
        return None
    return Answer(listing("".join(map(library.record, range(20))), "20||", 45))


def unknown_token(library: Library, request: ReceivedRequest) -> Answer | None:
    return Answer(oai_error("badResumptionToken")) if listed(request, "resumptionToken") else None


def no_token(library: Library, request: ReceivedRequest) -> Answer | None:
    if not listed(request) or "from" in request.params:
        return None
    return Answer(listing("".join(map(library.record, range(20))), "", 45))


def ignored_dates(library: Library, request: ReceivedRequest) -> Answer | None:
    return Answer(listing("".join(map(library.record, range(20))))) if listed(request, "from") else None


def refused_dates(library: Library, request: ReceivedRequest) -> Answer | None:
    return Answer(oai_error("badArgument")) if listed(request, "from") else None


def exclusive_dates(library: Library, request: ReceivedRequest) -> Answer | None:
    return Answer(oai_error("noRecordsMatch")) if listed(request, "from", "until") else None


def empty_instead_of_error(library: Library, request: ReceivedRequest) -> Answer | None:
    return Answer(listing("")) if request.params.get("from", "") > "2900" else None


def lost_page(library: Library, request: ReceivedRequest) -> Answer | None:
    if request.params.get("resumptionToken", "").startswith("40"):
        return Answer(listing("".join(map(library.record, range(40, 43))), "", 45))
    return None


def no_post(library: Library, request: ReceivedRequest) -> Answer | None:
    return Answer("", 405) if request.method == "POST" else None


def one_use_token(library: Library, request: ReceivedRequest) -> Answer | None:
    token = request.params.get("resumptionToken")
    used = library.__dict__.setdefault("used", [])
    if token is None or token not in used:
        used.append(token)
        return None
    return Answer(oai_error("badResumptionToken"))


def short_tokens(library: Library, request: ReceivedRequest) -> Answer | None:
    if not listed(request) or "resumptionToken" in request.params or "from" in request.params:
        return None
    page = listing("".join(map(library.record, range(20))), "20||", 45)
    return Answer(page.replace("<resumptionToken", '<resumptionToken expirationDate="2026-03-01T00:01:00Z"'))


def disallowed(library: Library, request: ReceivedRequest) -> Answer | None:
    return Answer("User-agent: *\nDisallow: /oai\n") if request.path == "/robots.txt" else None


def latin1(library: Library, request: ReceivedRequest) -> Answer | None:
    if not listed(request) or "resumptionToken" in request.params:
        return None
    page = listing("".join(map(library.record, range(20))), "20||", 45)
    return Answer(page, headers={"Content-Type": "text/xml; charset=ISO-8859-1"})


def stamps_of_another_form(library: Library, request: ReceivedRequest) -> Answer | None:
    if not listed(request) or "resumptionToken" in request.params:
        return None
    return Answer(listing("".join(record(n, "2026-01-01") for n in range(20)), "20||", 45))


FAULTS: dict[str, tuple[Library, str, str]] = {
    "the same page again": (Library(instead=first_page_again), "resumption_token", "problem"),
    "a token that is not known": (Library(instead=unknown_token), "resumption_token", "problem"),
    "no token though records follow": (Library(instead=no_token), "resumption_token", "problem"),
    "a token for one use": (Library(instead=one_use_token), "token_expiry", "advice"),
    "tokens that expire in a minute": (Library(instead=short_tokens), "token_expiry", "advice"),
    "from and until ignored": (Library(instead=ignored_dates), "window", "problem"),
    "from ignored": (Library(instead=ignored_dates), "no_match", "problem"),
    "dates refused": (Library(instead=refused_dates), "window", "problem"),
    "dates exclusive": (Library(instead=exclusive_dates), "window", "problem"),
    "an empty list instead of an error": (Library(instead=empty_instead_of_error), "no_match", "advice"),
    "a page that lost records": (Library(instead=lost_page), "completeness", "problem"),
    "no POST": (Library(instead=no_post), "get_and_post", "advice"),
    "robots.txt forbids it": (Library(instead=disallowed), "robots", "advice"),
    "Latin-1 declared": (Library(instead=latin1), "response_headers", "advice"),
    "datestamps of another form": (Library(instead=stamps_of_another_form), "granularity", "problem"),
    "a granularity that does not exist": (Library(declares={"granularity": "YYYY"}), "granularity", "problem"),
    "another base URL": (Library(declares={"baseURL": "https://old.example.org/oai"}), "base_url", "advice"),
    "no earliest datestamp": (Library(declares={"earliestDatestamp": "long ago"}), "earliest_datestamp", "problem"),
    "an earliest datestamp to come": (
        Library(declares={"earliestDatestamp": "2999-01-01"}),
        "earliest_datestamp",
        "problem",
    ),
    "no repository name": (Library(declares={"repositoryName": ""}), "identify", "problem"),
    "no address to write to": (Library(declares={"adminEmail": "nobody"}), "admin_email", "advice"),
    "transient deletions": (Library(deleted="transient"), "deleted_records", "advice"),
    "a policy that does not exist": (Library(deleted="sometimes"), "deleted_records", "problem"),
    "a control character": (Library(inside=lambda n: "\x0b" if n == 3 else "a"), "xml", "problem"),
    "an undeclared namespace": (Library(inside=lambda n: "<x:y/>" if n == 3 else "a"), "xml", "problem"),
    "no compression": (Library(compressed=False), "response_headers", "advice"),
    "tiny pages": (Library(size=2), "page_size", "advice"),
    "no records": (Library(count=0), "list", "problem"),
    "a list that is refused": (Library(refuse={"ListRecords": "cannotDisseminateFormat"}), "list", "problem"),
}


@pytest.mark.parametrize(("library", "check", "level"), FAULTS.values(), ids=FAULTS)
def test_each_fault_of_a_repository_has_its_line(library: Library, check: str, level: str, tmp_path: Path) -> None:
    lines = of_repository(library, tmp_path)
    assert lines[check].level == level, str(lines[check].message)


def test_a_prefix_and_a_set_that_are_not_offered_are_named(tmp_path: Path) -> None:
    lines = of_repository(Library(refuse={"ListSets": "noSetHierarchy"}), tmp_path, format="lom", sets=["maths"])
    assert lines["formats"].level == "problem" and "lom is not offered; oai_dc are" in str(lines["formats"].message)
    assert lines["sets"].level == "problem" and "maths" in str(lines["sets"].message)


def test_identifiers_that_come_twice_are_counted(tmp_path: Path) -> None:
    def twice(library: Library, request: ReceivedRequest) -> Answer | None:
        if request.params.get("resumptionToken", "").startswith("40"):
            return Answer(listing("".join(map(library.record, (0, 1, 40, 41, 42, 43, 44)))))
        return None

    lines = of_repository(Library(instead=twice), tmp_path)
    assert lines["identifiers"].level == "problem" and lines["identifiers"].message.values["count"] == 2


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve connections with a function that writes what it likes; it runs until the other side is gone."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer_one, args=(connection,), daemon=True).start()

    def answer_one(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65_536)
                answer(connection)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/oai"
    finally:
        listener.close()


def hangs(connection: socket.socket) -> None:
    while connection.recv(65_536):  # until the client is gone
        pass


def endless_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + HEAD.encode())
    while True:
        connection.sendall(b"<!-- more -->" * 10_000)


def broken_off(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<OAI-PMH><Identify>")


def no_http(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hangs, "did not answer"),
        (endless_body, "more than"),
        (broken_off, "breaks off"),
        (no_http, "cannot be read"),
    ],
)
@pytest.mark.parametrize("protocol", ["oai_pmh", "rest", "rss", "csv", "sitemap", "files"])
def test_a_server_that_hangs_or_never_ends_is_a_line(
    answer: Callable[[socket.socket], None], reason: str, protocol: str, tmp_path: Path
) -> None:
    more = {"identifier": "id"} if protocol in ("rest", "csv") else {}
    with raw_server(answer) as url:
        tested = feed(url, protocol, **more, request={"timeout": 0.3, "max_bytes": 1_000_000})
        lines = lines_of(tested, tmp_path, seconds=5)
    assert lines["reachable"].level == "problem"
    assert {line.level for code, line in lines.items() if code != "reachable"} == {"not_checked"}
    if protocol == "oai_pmh":
        assert reason in str(lines["reachable"].message)


def test_redirects_in_a_circle_are_a_line(tmp_path: Path) -> None:
    with serving(lambda request: Answer("", 302, {"Location": "/oai"})) as server:
        lines = lines_of(feed(f"{server.url}/oai"), tmp_path)
    assert lines["reachable"].level == "problem" and "redirects" in str(lines["reachable"].message)
    assert "circle" in str(lines["reachable"].advice)


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (Answer("<html><title>Welcome</title></html>"), "base URL"),
        (Answer("<html><title>Just a moment...</title>Checking your browser cloudflare</html>"), "firewall"),
        (Answer("{}", headers={"Content-Type": "application/json"}), "base URL"),
        (Answer(f'{HEAD}<error code="badVerb">no</error>{TAIL}'), "describe the repository"),
    ],
)
def test_what_is_no_repository_says_so_at_identify(answer: Answer, advice: str, tmp_path: Path) -> None:
    with serving(lambda request: answer) as server:
        lines = lines_of(feed(f"{server.url}/oai"), tmp_path)
        assert len(server.requests) <= 6
    assert lines["reachable"].level == "ok"
    assert lines["identify"].level == "problem" and advice in str(lines["identify"].advice)
    assert lines["list"].level == "not_checked"


@pytest.mark.parametrize(("status", "word"), [(403, "refuses"), (404, "nothing"), (500, "does not answer")])
def test_an_error_status_is_a_line_in_words(status: int, word: str, tmp_path: Path) -> None:
    with serving(lambda request: Answer("no", status)) as server:
        lines = lines_of(feed(f"{server.url}/oai"), tmp_path)
    assert lines["reachable"].level == "problem" and word in str(lines["reachable"].message)


def test_private_addresses_are_refused_and_said_to_be(tmp_path: Path) -> None:
    lines = lines_of(feed("http://10.0.0.7/oai"), tmp_path)
    assert lines["reachable"].level == "problem" and "public" in str(lines["reachable"].message)


def test_a_certificate_that_expires_soon_is_said_and_one_that_is_not_trusted_ends_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    with serving(Library(), tls=folder) as server:
        untrusted = lines_of(feed(f"{server.url}/oai"), tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "server.pem"))
        trusted = lines_of(feed(f"{server.url}/oai"), tmp_path)
    assert untrusted["reachable"].level == "problem" and "certificate" in str(untrusted["reachable"].message)
    assert trusted["certificate"].level == "advice" and "only until" in str(trusted["certificate"].message)


def test_a_slow_server_stops_the_test_in_time_and_says_what_was_not_checked(tmp_path: Path) -> None:
    lines = of_a_slow_feed(tmp_path)
    assert lines["reachable"].level == "ok"
    not_made = [line for line in lines.values() if line.level == "not_checked"]
    assert any("time of the test" in str(line.message) or "time ran out" in str(line.message) for line in not_made) or (
        any(line.level == "problem" and "slow" in str(line.message) for line in lines.values())
    )


def of_a_slow_feed(home: Path) -> dict[str, TestLine]:
    with serving(Library()) as server:
        return lines_of(feed(f"{server.url}/oai", request={"rate": 2}), home, seconds=2)


# lists and documents


@dataclass
class Posts:
    """A JSON list by pages, with its total in a header."""

    total: int = 30
    size: int = 10
    told: bool = True
    repeated: bool = False  # every page is the first
    goes_on: bool = False  # pages behind the end hold the last record again
    link: bool = True
    modified: bool = True

    def __call__(self, request: ReceivedRequest) -> Answer:
        if request.path == "/robots.txt":
            return Answer("", 404)
        page = 1 if self.repeated else int(request.params.get("page", 1))
        numbers = range((page - 1) * self.size, min(page * self.size, self.total))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self.told:
            headers["X-Total"] = str(self.total)
        return Answer(json.dumps([self.post(n) for n in numbers]), headers=headers)

    def post(self, n: int) -> dict[str, object]:
        made: dict[str, object] = {"id": n, "title": {"rendered": f"Lesson number {n} about rivers"}}
        if self.link:
            made["link"] = f"https://example.org/{n}"
        if self.modified:
            made["modified_gmt"] = "2026-01-01T00:00:00"
        return made


def of_posts(posts: Callable[[ReceivedRequest], Answer], home: Path, **more: Any) -> dict[str, TestLine]:
    request = {
        "paging": "page", "first": 1, "size_param": "per_page", "size": 10, "total_header": "X-Total",
        "datestamp_path": "modified_gmt",
    }  # fmt: skip
    declared: dict[str, Any] = {"format": "wordpress", "identifier": "id", "request": request, **more}
    with serving(posts) as server:
        lines = lines_of(feed(f"{server.url}/posts", "rest", **declared), home)
        assert len(server.requests) <= 30
    return lines


def test_a_right_list_gets_no_problem(tmp_path: Path) -> None:
    lines = of_posts(Posts(), tmp_path)
    assert worse_than_ok(lines) == {"certificate"}, "it has no TLS"
    assert lines["total"].message.values == {"total": 30}


def test_the_end_of_a_long_list_is_looked_at(tmp_path: Path) -> None:
    lines = of_posts(Posts(total=905), tmp_path)
    assert lines["end_of_list"].level == "ok"
    assert lines["list"].message.values == {"count": 30} and lines["speed"].level != "not_checked"


def test_a_list_that_goes_on_behind_its_total_is_a_problem(tmp_path: Path) -> None:
    class Endless(Posts):
        def __call__(self, request: ReceivedRequest) -> Answer:
            answer = super().__call__(request)
            return replace(answer, headers={**answer.headers, "X-Total": "90"}) if self.told else answer

    assert of_posts(Endless(total=5_000), tmp_path)["end_of_list"].level == "problem"


@pytest.mark.parametrize(
    ("posts", "check", "level"),
    [
        (Posts(repeated=True), "paging", "problem"),
        (Posts(total=90, told=False), "total", "advice"),
        (Posts(link=False), "addresses", "problem"),
        (Posts(modified=False), "changes", "advice"),
        (Posts(total=0), "list", "problem"),
    ],
)
def test_each_fault_of_a_list_has_its_line(posts: Posts, check: str, level: str, tmp_path: Path) -> None:
    lines = of_posts(posts, tmp_path)
    assert lines[check].level == level, str(lines[check].message)


def test_records_without_the_declared_identifier_are_counted(tmp_path: Path) -> None:
    lines = of_posts(Posts(), tmp_path, identifier="uuid")
    assert lines["identifiers"].level == "problem" and lines["identifiers"].message.values["count"] == 30


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50_000, "\x00\x01\x02", "<a/>", "[1, 2, null]", ""])
def test_hostile_bodies_of_a_list_are_lines(body: str, tmp_path: Path) -> None:
    answer = Answer(body, headers={"Content-Type": "application/json"})
    lines = of_posts(lambda request: answer, tmp_path)
    assert lines["list"].level == "problem"


def test_an_uploaded_file_is_tested_without_any_server(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "rows.zip").write_bytes(b"PK not a zip")
    lines = lines_of(feed("inbox:rows.zip", "files"), tmp_path)
    assert lines["reachable"].level == lines["robots"].level == "not_checked"
    assert lines["list"].level == "problem"


def test_garbled_texts_are_named(tmp_path: Path) -> None:
    class Garbled(Posts):
        def post(self, n: int) -> dict[str, object]:
            return {**super().post(n), "title": {"rendered": "Ð£Ñ‡ÐµÐ±Ð½Ñ‹Ðµ Ð¼Ð°Ñ‚ÐµÑ€Ð¸Ð°Ð»Ñ‹ \ufffd"}}

    assert of_posts(Garbled(), tmp_path)["encoding"].level == "problem"


def test_a_host_that_the_library_itself_reads_from_is_no_fault_of_the_partners(tmp_path: Path) -> None:
    library = Library()
    waiting = HostLimit(open_environment(tmp_path).locks, "127.0.0.1", rate=100, connections=1)
    with serving(library) as server, waiting.request(time.monotonic() + 60):
        lines = lines_of(feed(f"{server.url}/oai"), tmp_path, seconds=3.0)
    waiting.close()
    assert not server.requests
    assert {line.level for line in lines.values()} == {"not_checked"}
    assert str(lines["reachable"].message).startswith("The library itself is reading from this server now; try again")
