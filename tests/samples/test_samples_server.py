"""The replay server: exchanges are answered as stored, and what is not stored is named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from walking import ROOT

from samples import ReplayServer

REPLAY = """
[[exchange]]
path = "/things"
query = { page = "2", sort = "name" }
file = "two.json"

[[exchange]]
path = "/things"
query = {}
file = "one.json"
conditional = true
headers = { X-Made-By = "a test" }

[[exchange]]
path = "/search"
method = "POST"
body = { query = "maps" }
file = "two.json"

[[exchange]]
path = "/broken"
file = "error.html"
status = 503
headers = { Retry-After = "7" }
"""


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplayServer]:
    root = tmp_path_factory.mktemp("replay")
    folder = root / "partner"
    folder.mkdir()
    (folder / "replay.toml").write_text(REPLAY)
    (folder / "one.json").write_text('[{"id": 1}]')
    (folder / "two.json").write_bytes('[{"id": "два"}]\r\n'.encode())
    (folder / "error.html").write_text("<h1>Busy</h1>")
    with ReplayServer(root) as server:
        yield server


def test_a_stored_body_is_sent_byte_for_byte_whatever_the_order_of_the_query(
    replay: ReplayServer, client: httpx.Client
) -> None:
    for query in ("page=2&sort=name", "sort=name&page=2"):
        reply = client.get(f"{replay.url}/partner/things?{query}")
        assert reply.status_code == 200
        assert reply.content == '[{"id": "два"}]\r\n'.encode()
        assert reply.headers["content-type"] == "application/json; charset=utf-8"


def test_declared_status_and_headers_are_sent(replay: ReplayServer, client: httpx.Client) -> None:
    reply = client.get(f"{replay.url}/partner/broken")
    assert (reply.status_code, reply.headers["retry-after"], reply.text) == (503, "7", "<h1>Busy</h1>")
    assert client.get(f"{replay.url}/partner/things").headers["x-made-by"] == "a test"


def test_a_body_is_matched_by_the_keys_that_are_declared(replay: ReplayServer, client: httpx.Client) -> None:
    url = f"{replay.url}/partner/search"
    assert client.post(url, json={"query": "maps", "page": 1}).status_code == 200
    assert client.post(url, json={"query": "roads"}).status_code == 404
    assert client.post(url, content=b"maps").status_code == 404
    assert client.get(url).status_code == 404


def test_a_conditional_request_is_answered_with_304_until_the_stored_body_changes(
    replay: ReplayServer, client: httpx.Client
) -> None:
    url = f"{replay.url}/partner/things"
    etag = client.get(url).headers["etag"]
    again = client.get(url, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/partner/nothing?page=9", "/elsewhere/things", "/partner/things?page=3"])
def test_what_is_not_stored_is_a_404_that_names_what_was_asked(
    replay: ReplayServer, client: httpx.Client, path: str
) -> None:
    reply = client.get(replay.url + path)
    assert reply.status_code == 404
    assert path.partition("?")[2] in reply.text
    assert path.rsplit("/", 1)[-1].partition("?")[0] in reply.text


def test_one_connection_carries_many_requests_and_head_sends_no_body(replay: ReplayServer) -> None:
    with httpx.Client(limits=httpx.Limits(max_connections=1), trust_env=False) as client:
        url = f"{replay.url}/partner/things"
        streams = {client.get(url).extensions["network_stream"].get_extra_info("client_addr") for _ in range(5)}
        assert len(streams) == 1
        head = client.head(url)
        assert (head.content, head.headers["content-length"]) == (b"", "11")


def test_the_requests_are_kept_for_the_tests_that_count_them(tmp_path: Path, client: httpx.Client) -> None:
    (tmp_path / "replay.toml").write_text('[[exchange]]\npath = "/a"\nfile = "a.txt"\n')
    (tmp_path / "a.txt").write_text("a")
    with ReplayServer(tmp_path) as server:
        client.get(f"{server.url}/a?b=1")
        client.post(f"{server.url}/a")
    assert server.requests == ["GET /a?b=1", "POST /a"]


def test_the_command_line_prints_its_address_and_every_site(tmp_path: Path, client: httpx.Client) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "replay.toml").write_text('[[exchange]]\npath = "/a"\nfile = "a.csv"\n')
    (tmp_path / "shop" / "a.csv").write_text("x;y\n")
    command = [sys.executable, "-m", "samples", "--port", "0", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url, site = process.stdout.readline().strip(), process.stdout.readline().strip()
            reply = client.get(f"{url}{site}/a")
        finally:
            process.terminate()
    assert (reply.status_code, reply.text) == (200, "x;y\n")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"


def test_a_folder_without_anything_to_serve_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"no OAI-PMH response, oai\.toml or replay\.toml"):
        ReplayServer(tmp_path)
