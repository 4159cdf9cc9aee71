"""Addresses that are none, and servers that are broken, closed or hostile: the right sentence, and no proposal."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from harvesters.client.rate import HostLimit
from pipeline.detection import Detection, DetectionBounds, detect, detect_file
from schemas import environment
from tests.harvesters.loopback import Answer, ReceivedRequest, serving
from tests.pipeline.detection.partner_site import FAST, Route, harvested, look, opened, page, site

TYPED = {
    "": "No address",
    "   \ufeff ": "No address",
    "info@school.example": "e-mail",
    "ftp://school.example/list": "http://",
    "javascript:/alert(1)": "http://",
    "file:///etc/passwd": "http://",
    "https://ana:secret@school.example/": "password",
    "https://school.example/api?api_key=abc": "key",
    "our website": "not the address",
    "http://": "not the address",
    "https://[": "not the address",
    "school": "not the address",
    "x" * 3_000: "too long",
    "https://school.example:99999999/": "not the address",
}


@pytest.mark.parametrize("text", TYPED, ids=lambda text: text[:30] or "empty")
def test_what_is_no_address_is_told_without_a_request(text: str, tmp_path: Path) -> None:
    detection = look(text, tmp_path)
    assert detection.trouble is not None
    assert TYPED[text] in str(detection.trouble.what)
    assert not detection.probes


SPELLED = [
    "{}",
    "http://{}/",
    "  http://{}  ",
    "\ufeffhttp://{}/",
    "“http://{}/”",
    "<http://{}/>",
    "http://{}/.",
    "Our site: http://{}/ (in French)",
    "HTTP://{}/#top",
    "http:/{}/",
    "\u200bhttp://{}/\u00a0",
]


@pytest.mark.parametrize("spelled", SPELLED)
def test_an_address_is_understood_however_it_is_typed(spelled: str, tmp_path: Path) -> None:
    with site(
        {"/": [{"id": 1, "title": "The garden in week one"}, {"id": 2, "title": "The garden in week two"}]}
    ) as server:
        detection = look(spelled.format(server.url.removeprefix("http://")), tmp_path)
        assert [proposal.protocol for proposal in detection.proposals] == ["rest"]
        assert len(harvested(detection.proposals[0], tmp_path)) == 2


@pytest.mark.parametrize("address", ["http://школа.invalid/oai", "bücher.invalid", "http://xn--80a.invalid"])
def test_an_international_name_that_nobody_has_is_no_server(address: str, tmp_path: Path) -> None:
    trouble = look(address, tmp_path).trouble
    assert trouble is not None
    assert str(trouble.what) == "No server answers at this address."


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/", "localhost/oai", "http://169.254.169.254/latest/", "http://[::1]/"]
)
def test_a_private_address_is_refused_before_any_request(address: str, tmp_path: Path) -> None:
    env = environment({"ELIB_HOME": str(tmp_path)})
    trouble = detect(address, env, bounds=FAST).trouble
    assert trouble is not None
    assert "public" in str(trouble.what)


def test_a_source_is_looked_at_while_a_harvest_of_its_host_waits_for_a_response(tmp_path: Path) -> None:
    records = [{"id": 1, "title": "The garden in week one"}, {"id": 2, "title": "The garden in week two"}]
    waiting = HostLimit(opened(tmp_path).locks, "127.0.0.1", rate=100, connections=1)
    with site({"/": records}) as server, waiting.request(time.monotonic() + 60):
        detection = look(server.url, tmp_path)
    waiting.close()
    assert [proposal.protocol for proposal in detection.proposals] == ["rest"]


def test_a_redirect_to_a_private_address_is_refused(tmp_path: Path) -> None:
    with site({"/": Answer(status=302, headers={"Location": "http://169.254.169.254/latest/"})}) as server:
        trouble = look(server.url, tmp_path).trouble
    assert trouble is not None
    assert "public" in str(trouble.what)


def bomb() -> bytes:
    return gzip.compress(bytes(200 * 1024 * 1024), compresslevel=9)


def redirect_to(path: str) -> Answer:
    return Answer(status=302, headers={"Location": path})


def circle(request: ReceivedRequest) -> Answer:
    return redirect_to("/b" if request.path == "/a" else "/a")


LOGIN = page('<form action="/login"><input type="password" name="p"></form>', title="Sign in")
SHOP = "<html><head><title>school.example</title></head><body>This domain is for sale! Buy this domain.</body></html>"
SERVERS: dict[str, tuple[dict[str, Route], Route | None, str]] = {
    "redirects in a circle": ({}, circle, "circle"),
    "every path is one page": ({}, page("Welcome"), "web pages"),
    "every path is a login": ({}, LOGIN, "sign in"),
    "every path is 403": ({}, Answer("no", 403), "sign in"),
    "every path asks to wait": ({}, Answer("no", 429, {"Retry-After": "3600"}), "sign in"),
    "every path is 500": ({}, Answer("oops", 500), "status 500"),
    "a parked domain": ({}, Answer(SHOP), "for sale"),
    "an empty response": ({}, Answer(""), "empty"),
    "a gzip bomb": ({"/": Answer(bomb(), headers={"Content-Encoding": "gzip"})}, None, "too large"),
    "an XML bomb": ({"/": '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'}, None, "no table"),
    "JSON that is deep": ({"/": "[" * 100_000}, None, "no table"),
    "JSON without a list": ({"/": {"status": "ok"}}, None, "no list"),
    "a list of numbers": ({"/": [1, 2, 3]}, None, "no list"),
    "an image": ({"/": b"\x89PNG\r\n\x1a\n" + bytes(2_000)}, None, "no table"),
    "a PDF": ({"/": b"%PDF-1.7\n" + bytes(2_000)}, None, "no table"),
    "a PHP error": ({"/": "<br /><b>Fatal error</b>: Uncaught Error in /srv/index.php:3"}, None, "no table"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_gives_nothing_is_told_in_a_sentence(name: str, tmp_path: Path) -> None:
    routes, otherwise, sentence = SERVERS[name]
    with site(routes, otherwise) as server:
        detection = look(f"{server.url}/", tmp_path)
        assert len(server.requests) <= 30
    assert not detection.proposals
    assert detection.trouble is not None
    assert sentence in str(detection.trouble.what), detection.trouble
    assert str(detection.trouble.advice)


def test_a_server_that_keeps_us_out_is_left_alone_after_a_few_requests(tmp_path: Path) -> None:
    with site({}, Answer("no", 429, {"Retry-After": "3600"})) as server:
        look(server.url, tmp_path)
        assert len(server.requests) <= 5


def test_a_certificate_that_cannot_be_trusted_is_told(tmp_path: Path) -> None:
    with serving(lambda request: page(), tls=tmp_path) as server:
        trouble = look(server.url, tmp_path).trouble
    assert trouble is not None
    assert "certificate" in str(trouble.what)


@contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve by sockets: `talk` is called with each connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def accept() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65_536)
                talk(connection)
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        listener.close()


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while True:
        connection.sendall(b'{"id": 1},' * 6_000)


def silent(connection: socket.socket) -> None:
    connection.recv(65_536)


def no_http(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.school.example ESMTP\r\n")


def cut_off(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{")


TALKS = {
    "endless": (endless, "no end"),
    "silent": (silent, "in time"),
    "no HTTP": (no_http, ""),
    "cut off": (cut_off, ""),
}


@pytest.mark.parametrize("name", TALKS)
def test_a_connection_that_never_gives_a_response_ends_in_time(name: str, tmp_path: Path) -> None:
    talk, sentence = TALKS[name]
    bounds = DetectionBounds(rate=100_000, seconds=2, max_bytes=4 * 1024 * 1024)
    with talking(talk) as url:
        detection = detect(f"{url}/", opened(tmp_path), bounds=bounds)
    assert not detection.proposals
    assert detection.trouble is not None
    assert sentence in str(detection.trouble.what), detection.trouble


def test_the_number_of_requests_is_bounded(tmp_path: Path) -> None:
    with site({}, page("Welcome")) as server:
        detection = look(server.url, tmp_path, DetectionBounds(rate=100_000, requests=7))
        assert len(server.requests) == 7
    assert detection.trouble is not None


def test_what_was_found_before_the_bounds_were_reached_is_proposed(tmp_path: Path) -> None:
    rows = [{"id": number, "title": f"The garden in week {number}"} for number in range(10)]
    with site({"/list": {"total": 99, "items": rows}}) as server:
        detection = look(f"{server.url}/list", tmp_path, DetectionBounds(rate=100_000, requests=1))
    assert detection.proposals[0].declaration["identifier"] == "id"
    assert any("time of one detection" in str(each) for each in detection.proposals[0].warnings)


HOSTILE_RECORDS = [
    {"id": "<script>alert(1)</script>", "title": "\u202e%(name)s {0} %s\x00", "__proto__": {"a": 1}},
    {"id": "b" * 10_000, "title": "\ud83d\ude00" * 500, "x" * 5_000: {"y" * 900: {"z": ["v"] * 5_000}}},
    {"id": "c", "title": ["a", {"b": None}, []], "": {"": {"": "deep"}}, "a.b": 1, "a": {"b": 2}, 'q"\\': "t"},
]


def test_hostile_records_make_a_declaration_that_is_accepted(tmp_path: Path) -> None:
    body = json.dumps(HOSTILE_RECORDS)
    with site({"/list": body}) as server:
        detection = look(f"{server.url}/list", tmp_path)
        for proposal in detection.proposals:
            harvested(proposal, tmp_path)
            assert all(len(example) <= 120 for field in proposal.fields for example in field.examples)
            assert all(str(sentence) for sentence in (proposal.recognised, *proposal.warnings))


def everything_in(value: object) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)


def test_no_control_character_of_a_partner_is_handed_on(tmp_path: Path) -> None:
    rows = [{"id": f"a{n}", "ti\x00tle": "x", "title": f"Gar\x00den {n}\u202e", "a": {"\x00": "v"}} for n in range(3)]
    hits = [{"id": "1", "metadata": {"title": "t"}, "links": {}}]
    with site({"/list": rows, "/api/records": {"hits": {"hits": hits}}}) as server:
        for path in ("list?x=%00", "api/records?x=%00&q=%E2%80%AE"):
            detection = look(f"{server.url}/{path}", tmp_path)
            assert detection.proposals
            assert "\\u0000" not in everything_in(detection)
            harvested(detection.proposals[0], tmp_path, limit=3)


MANY = {"json": "[" + "{}," * 400_000 + "{}]", "xml": "<a>" + "<b/>" * 2_500_000 + "</a>"}


@pytest.mark.parametrize("kind", MANY)
def test_a_document_of_too_many_values_is_not_parsed(kind: str, tmp_path: Path) -> None:
    with site({"/list": MANY[kind]}) as server:
        trouble = look(f"{server.url}/list", tmp_path).trouble
    assert trouble is not None
    assert "too large" in str(trouble.what)


# files


LOM = (
    '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string language="en">Garden {0}</string></title>'
    "<identifier><catalog>URI</catalog><entry>https://school.example/{0}</entry></identifier><language>en</language>"
    '<description><string language="en">What grows.</string></description></general></lom>'
)
MANIFEST = (
    '<manifest identifier="m" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"><metadata>'
    "<schema>IMS Content</schema>{0}</metadata><organizations/><resources/></manifest>"
)


def zipped(folder: Path, files: dict[str, str | bytes]) -> Path:
    path = folder / "upload.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def look_at(path: Path, home: Path) -> Detection:
    """Detect a file that lies in the inbox, as an upload does."""
    inbox = home / "inbox"
    inbox.mkdir(exist_ok=True)
    path.rename(inbox / "school.zip")
    return detect_file(inbox / "school.zip", "school.zip")


ROW = {"id": 1, "name": "Garden", "type": ["LearningResource"], "@context": ["https://w3id.org/kim/amb/context.jsonld"]}
ARCHIVES: dict[str, tuple[dict[str, str | bytes], str, int]] = {
    "LOM": ({f"{n}.xml": LOM.format(n) for n in range(3)}, "lom", 3),
    "LOM and pictures": ({"a/1.xml": LOM.format(1), "a/1.png": b"\x89PNG", "__MACOSX/._1.xml": b"\0"}, "lom", 1),
    "a package": ({"imsmanifest.xml": MANIFEST.format(LOM.format(1)), "index.html": "<html></html>"}, "imscp", 1),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_uploaded_archive_is_recognised_and_harvested(name: str, tmp_path: Path) -> None:
    files, format_, count = ARCHIVES[name]
    detection = look_at(zipped(tmp_path, files), tmp_path)
    assert [(each.protocol, each.declaration["format"]) for each in detection.proposals] == [("files", format_)]
    assert detection.proposals[0].declaration["url"] == "inbox:school.zip"
    assert len(harvested(detection.proposals[0], tmp_path)) == count


def test_an_archive_of_json_names_the_field_that_identifies_a_record(tmp_path: Path) -> None:
    rows = [
        {
            "@context": "https://schema.org",
            "@type": "LearningResource",
            "identifier": f"r{number}",
            "name": f"The garden in week {number}",
            "url": f"https://school.example/{number}",
        }
        for number in range(4)
    ]
    detection = look_at(zipped(tmp_path, {"all.json": json.dumps(rows)}), tmp_path)
    declaration = detection.proposals[0].declaration
    assert (declaration["format"], declaration["identifier"]) == ("schema_org", "identifier")
    assert len(harvested(detection.proposals[0], tmp_path)) == 4


def test_an_archive_at_an_address_is_recognised(tmp_path: Path) -> None:
    body = zipped(tmp_path, {f"{n}.xml": LOM.format(n) for n in range(3)}).read_bytes()
    with site({"/all.zip": body}) as server:
        best = look(f"{server.url}/all.zip", tmp_path).proposals[0]
        assert (best.protocol, best.declaration["format"]) == ("files", "lom")
        assert len(harvested(best, tmp_path)) == 3


def zip_bomb(folder: Path) -> Path:
    return zipped(folder, {f"{number}.xml": bytes(30 * 1024 * 1024) for number in range(3)})


def cut_zip(folder: Path) -> Path:
    path = zipped(folder, {f"{number}.xml": LOM.format(number) for number in range(30)})
    path.write_bytes(path.read_bytes()[:-400])
    return path


def other_file(folder: Path) -> Path:
    path = folder / "upload.zip"
    path.write_bytes(b"GIF89a" + bytes(100))
    return path


def empty_file(folder: Path) -> Path:
    (folder / "upload.zip").write_bytes(b"")
    return folder / "upload.zip"


def pictures(folder: Path) -> Path:
    return zipped(folder, {"a.png": b"\x89PNG", "notes.txt": "hello"})


FILES = {
    zip_bomb: "more than is allowed",
    cut_zip: "damaged",
    other_file: "neither",
    empty_file: "neither",
    pictures: "no record",
}


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_a_file_that_cannot_be_read_is_told(make: Callable[[Path], Path], tmp_path: Path) -> None:
    detection = detect_file(make(tmp_path), "school.zip")
    assert not detection.proposals
    assert detection.trouble is not None
    assert FILES[make] in str(detection.trouble.what), detection.trouble


def test_an_encrypted_or_damaged_archive_at_an_address_is_told(tmp_path: Path) -> None:
    with site({"/all.zip": cut_zip(tmp_path).read_bytes()}) as server:
        trouble = look(f"{server.url}/all.zip", tmp_path).trouble
    assert trouble is not None
    assert "damaged" in str(trouble.what)


TABLE = "No.;Titre;Licence\n1;Le jardin au printemps;CC BY 4.0\n2;Le jardin en automne;CC BY 4.0\n"
ROWS = [{"code": f"r{number}", "name": f"The garden in week {number}", "lang": "en"} for number in range(4)]
SINGLE: dict[str, tuple[str, str, str, int]] = {
    "table.csv": (TABLE, "csv", "No.", 2),
    "list.json": (json.dumps(ROWS), "files", "code", 4),
    "inside.json": (json.dumps({"data": {"rows": ROWS}}), "files", "code", 4),
    "one.xml": (LOM.format(1), "files", "", 1),
}


@pytest.mark.parametrize("name", SINGLE)
def test_an_uploaded_table_or_document_is_recognised_and_harvested(name: str, tmp_path: Path) -> None:
    text, protocol, identifier, count = SINGLE[name]
    (tmp_path / "inbox" / "school").mkdir(parents=True)
    path = tmp_path / "inbox" / "school" / name
    path.write_text(text, encoding="utf-8")
    best = detect_file(path, f"school/{name}").proposals[0]
    assert (best.protocol, best.declaration.get("identifier", "")) == (protocol, identifier)
    assert len(harvested(best, tmp_path)) == count


def test_an_archive_of_json_that_no_format_reads_gets_a_map(tmp_path: Path) -> None:
    detection = look_at(zipped(tmp_path, {f"{row['code']}.json": json.dumps(row) for row in ROWS}), tmp_path)
    best = detection.proposals[0]
    assert best.declaration["map"] == {"title": "name", "languages": "lang"}
    assert [field.path for field in best.fields] == ["code", "name", "lang"]
    assert len(harvested(best, tmp_path)) == 4
