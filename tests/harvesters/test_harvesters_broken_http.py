"""HTTP as broken servers send it: what browsers read is read, and what breaks off is one request's failure."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest

from harvesters.client import Client, Reply
from harvesters.client.heads import repair_head
from schemas import Ask, HarvestFailed
from tests.harvesters.loopback import Answer, OaiServer, feed, identifiers, names, open_environment, pages
from tests.harvesters.raw_http import KEEP, RESET, RawScript, raw, raw_serving

BODY = b"<records><record>one</record></records>"
LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"


def response(*lines: bytes, body: bytes = BODY, status: bytes = b"HTTP/1.1 200 OK", end: bytes = b"\r\n") -> bytes:
    return end.join([status, *lines, b"", b""]) + body


def chunks(*parts: bytes, extension: bytes = b"") -> bytes:
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in (*parts, b""))


def sent(script: RawScript, home: Path, **request: object) -> Reply:
    """Return the reply to one request, and close the connections."""
    with raw_serving(script) as server:
        of = feed(server.url, request={"timeout": 5, "retries": 1, **request})
        with Client(of, Ask(), open_environment(home)) as client:
            return client.send(f"{server.url}/oai")


def notes_of(script: RawScript, home: Path) -> list[str]:
    with raw_serving(script) as server, Client(feed(server.url), Ask(), open_environment(home)) as client:
        client.send(f"{server.url}/oai")
        client.send(f"{server.url}/oai")
        return client.notes


READABLE = {
    "blank before the colon": response(b"Content-Type : text/xml", LENGTH),
    "tab before the colon of the length": response(b"Content-Length\t: %d" % len(BODY)),
    "PHP warning": response(b"<b>Warning</b>: include(x.php) in <b>/www/i.php</b> on line <b>3</b><br />", LENGTH),
    "PHP warning on the command line": response(b"PHP Warning:  Module 'gd' already loaded in Unknown", LENGTH),
    "a line without a colon": response(b"Content-Type text/xml", LENGTH),
    "a name without letters": response(b": nothing", LENGTH),
    "a name that is not ASCII": response("Größe: 5".encode(), LENGTH),
    "a name with a slash": response(b"X/Y: 5", b"X(Y): 6", b"X{Y}: 7", LENGTH),
    "two equal lengths": response(LENGTH, LENGTH),
    "two equal lengths in one field": response(LENGTH + b", %d" % len(BODY)),
    "a length with zeros": response(b"Content-Length: 000%d" % len(BODY)),
    "a length that is no number": response(b"Content-Length: unknown", b"Connection: close"),
    "a negative length": response(b"Content-Length: -1"),
    "an empty length": response(b"Content-Length:"),
    "a length and one that is no number": response(LENGTH, b"Content-Length: none"),
    "a folded line": response(b"Content-Type: text/xml;", b"  charset=utf-8", LENGTH),
    "a folded line at the beginning": response(b"  folded: yes", LENGTH),
    "line feeds alone": response(b"Content-Type: text/xml", LENGTH, end=b"\n"),
    "more carriage returns than one": response(b"Content-Type: text/xml", LENGTH, end=b"\r\r\n"),
    "a carriage return within a value": response(b"X-Broken: a\rb", LENGTH),
    "a NUL within a value": response(b"X-Broken: a\x00b\x01", LENGTH),
    "values that are not ASCII": response(b"X-Name: caf\xe9", "X-Other: café".encode(), LENGTH),
    "no reason": response(LENGTH, status=b"HTTP/1.1 200"),
    "no reason and a blank": response(LENGTH, status=b"HTTP/1.1 200 "),
    "a reason that is not ASCII": response(LENGTH, status=b"HTTP/1.1 200 D'accord\xe9"),
    "a reason behind no blank": response(LENGTH, status=b"HTTP/1.1 200OK"),
    "lower case": response(LENGTH, status=b"http/1.1 200 ok"),
    "two blanks": response(LENGTH, status=b"HTTP/1.1  200  OK"),
    "no version": response(LENGTH, status=b"HTTP 200 OK"),
    "version 2": response(LENGTH, status=b"HTTP/2 200 OK"),
    "version 1.0": response(status=b"HTTP/1.0 200 OK"),
    "line breaks at the beginning": b"\r\n\n" + response(LENGTH),
    "a message at the beginning": b"Warning: something\r\n" + response(LENGTH),
    "interim responses": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    + response(LENGTH),
    "chunks": response(CHUNKED, body=chunks(BODY[:9], BODY[9:])),
    "chunks with extensions": response(CHUNKED, body=chunks(BODY[:9], BODY[9:], extension=b';name="value"')),
    "chunks with blanks": response(CHUNKED, body=chunks(BODY[:9], BODY[9:], extension=b"  ")),
    "chunks named twice": response(CHUNKED, CHUNKED, body=chunks(BODY)),
    "chunks named in capitals": response(b"Transfer-Encoding: Chunked", body=chunks(BODY)),
    "chunks and a length": response(CHUNKED, b"Content-Length: 3", body=chunks(BODY)),
    "chunks of gzip": response(b"Transfer-Encoding: gzip, chunked", body=chunks(gzip.compress(BODY))),
    "the coding identity": response(b"Transfer-Encoding: identity", LENGTH),
    "no field at all": response(),
    "white space behind the body": response(LENGTH, body=BODY + b"\r\n\r\n"),
    "a length that is too long for a whole document": response(b"Content-Length: %d" % (len(BODY) + 3)),
    "a length that is too long for a whole gzip": response(
        b"Content-Length: 9999", b"Content-Encoding: gzip", body=gzip.compress(BODY)
    ),
    "a whole document whose last chunk is missing": response(CHUNKED, body=chunks(BODY)[:-5]),
    "a whole document and a reset": response(b"Content-Length: 9999") + RESET,
    "a cookie that is none": response(b"Set-Cookie: \xff=;;; expires=Never; path", b"Set-Cookie:", LENGTH),
    "many fields": response(*(b"X-%d: 1" % number for number in range(1000)), LENGTH),
    "a long field": response(b"X-Long: " + b"x" * 60_000, LENGTH),
}


@pytest.mark.parametrize("answer", READABLE.values(), ids=READABLE.keys())
def test_what_browsers_read_is_read(tmp_path: Path, answer: bytes) -> None:
    assert sent(lambda request: answer, tmp_path).body == BODY


def test_header_fields_keep_their_values(tmp_path: Path) -> None:
    answer = response(b"Content-Type : text/xml;", b"\tcharset=utf-8", b"X-Name: caf\xe9", b"ETag: \x01a", LENGTH)
    headers = sent(lambda request: answer, tmp_path).headers
    assert headers["content-type"] == "text/xml; charset=utf-8"
    assert (headers["x-name"], headers["etag"]) == ("café", "a")


def test_what_was_wrong_with_the_headers_is_noted_once(tmp_path: Path) -> None:
    answer = response(b"PHP Warning:  Module already loaded", LENGTH)
    (note,) = notes_of(lambda request: answer, tmp_path)
    assert "not valid HTTP" in note
    assert "PHP Warning" in note
    assert notes_of(lambda request: response(LENGTH), tmp_path) == []


UNREADABLE = {
    "two lengths that differ": response(LENGTH, b"Content-Length: 3"),
    "no status line": BODY,
    "a page alone": b"<html>\n\n<body>It works</body></html>",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Type: text/xml",
    "no status": response(LENGTH, status=b"HTTP/1.1 OK"),
    "a status that is none": response(LENGTH, status=b"HTTP/1.1 007 Bond"),
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 40_000,
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_http_is_named_so(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(HarvestFailed) as caught:
        sent(lambda request: answer, tmp_path)
    assert caught.value.cause == "malformed"
    assert "not valid HTTP" in caught.value.sentence


def test_bytes_behind_the_announced_length_are_not_the_next_response(tmp_path: Path) -> None:
    """A connection on which more came than was announced is not used again."""
    with (
        raw_serving(lambda request: response(LENGTH, body=BODY + b" \r\nHTTP/1.1 404 Gone\r\n\r\n") + KEEP) as server,
        Client(feed(server.url), Ask(), open_environment(tmp_path)) as client,
    ):
        assert [client.send(server.url).status for _ in range(3)] == [200, 200, 200]
        assert (len(server.requests), server.connections) == (3, 3)
        assert len(client.notes) == 0


def test_a_length_that_is_too_short_for_the_document_is_told(tmp_path: Path) -> None:
    answer = response(b"Content-Length: 10")
    with pytest.raises(HarvestFailed) as caught:
        sent(lambda request: answer, tmp_path)
    assert caught.value.cause == "malformed"
    assert "more bytes than its Content-Length" in caught.value.sentence


# bodies that break off

BREAKS = {
    "closed": lambda body: response(b"Content-Length: %d" % len(body), body=body[: len(body) // 2]),
    "reset": lambda body: response(b"Content-Length: %d" % len(body), body=body[: len(body) // 2]) + RESET,
    "closed between chunks": lambda body: response(CHUNKED, body=chunks(body[: len(body) // 2])[:-5]),
    "closed within a chunk": lambda body: response(CHUNKED, body=chunks(body)[: len(body) // 2]),
    "a chunk's size that is none": lambda body: response(CHUNKED, body=chunks(body[:99])[:-5] + b"zz\r\n"),
    "closed without a length": lambda body: response(body=body[: len(body) // 2]),
    "half a gzip": lambda body: response(
        b"Content-Encoding: gzip", LENGTH.replace(b"%d" % len(BODY), b"99999"), body=gzip.compress(body)[:-40]
    ),
    "half a gzip, whole by its length": lambda body: response(
        b"Content-Encoding: gzip", b"Content-Length: 200", body=gzip.compress(body)[:200]
    ),
    "no response": lambda body: b"",
    "a reset instead of a response": lambda body: RESET,
    "no HTTP": lambda body: b"Segmentation fault\r\n\r\n",
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS.keys())
def test_a_record_whose_answers_break_off_is_one_record(tmp_path: Path, broken: RawScript) -> None:
    """Every answer that holds record 7 breaks off: that record is skipped by name, and the others are harvested."""
    repository = OaiServer(count=12, size=5)

    def script(request: object) -> bytes:
        answer = repository(request)
        is_poison = b"oai:example.org:7<" in answer.bytes and request.params["verb"] != "ListIdentifiers"
        return broken(answer.bytes) if is_poison else raw(answer)

    with raw_serving(script) as server:
        harvested = pages(feed(f"{server.url}/oai", request={"timeout": 5, "retries": 1}), open_environment(tmp_path))
    assert set(identifiers(harvested)) == set(names(range(12))) - {"oai:example.org:7"}
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == ["oai:example.org:7"]
    assert harvested[-1].complete


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS.keys())
def test_a_list_all_of_whose_answers_break_off_is_not_unreachable(tmp_path: Path, broken: RawScript) -> None:
    answer = OaiServer(count=3)
    request = {"timeout": 5, "retries": 0}
    with (
        raw_serving(lambda request: broken(answer(request).bytes)) as server,
        pytest.raises(HarvestFailed) as caught,
    ):
        pages(feed(f"{server.url}/oai", request=request), open_environment(tmp_path))
    silent = broken(b"x" * 1000).removesuffix(RESET) == b""
    assert caught.value.cause == "unreachable" if silent else caught.value.cause in ("malformed", "not_oai_pmh")


def test_a_broken_page_of_a_json_list_is_isolated(tmp_path: Path) -> None:
    records = [{"id": f"r{number}", "title": f"Title {number}"} for number in range(20)]

    def script(request: object) -> bytes:
        start, size = int(request.params["offset"]), int(request.params["limit"])
        given = records[start : start + size]
        return raw(Answer(json.dumps(given)), cut=records[13] in given)

    request = {"paging": "offset", "page_param": "offset", "size_param": "limit", "size": 5, "retries": 1}
    with raw_serving(script) as server:
        of = feed(server.url, "rest", format="amb", identifier="id", request=request)
        harvested = pages(of, open_environment(tmp_path))
    assert set(identifiers(harvested)) == {f"r{number}" for number in range(20)} - {"r13"}
    assert harvested[-1].complete


def test_half_a_document_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    for body in (b"a,b\n1,2\n", b"<a><b/>", b'[{"a": 1},', b'{"a": 1}\n{"a"', zlib.compress(b"<a></a>")[:-9], b""):
        answer = response(b"Content-Length: 9999", b"Content-Encoding: deflate", body=body)
        with pytest.raises(HarvestFailed) as caught:
            sent(lambda request, answer=answer: answer, tmp_path, retries=0)
        assert caught.value.cause == "malformed"
        assert "breaks off" in caught.value.sentence


def test_a_head_that_is_valid_stays_as_it_is() -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nServer: x\r\nVary: a, b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 5\r\n\r\n"
    )
    assert repair_head(head).text == head
    assert repair_head(head).problems == ()


def test_what_is_not_ascii_is_not_sent_back(tmp_path: Path) -> None:
    answer = response(b"Set-Cookie: a=\xff", b"Set-Cookie: b=good", b"ETag: \xff", LENGTH)
    with raw_serving(lambda request: answer) as server:
        ask = Ask(validators={f"{server.url}/oai": "café"})
        with Client(feed(server.url), ask, open_environment(tmp_path)) as client:
            for _ in range(2):
                client.send(f"{server.url}/oai", conditional=True)
        assert [request.headers.get("cookie") for request in server.requests] == [None, "b=good"]
        assert all("if-none-match" not in request.headers for request in server.requests)
