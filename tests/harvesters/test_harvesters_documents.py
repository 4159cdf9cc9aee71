"""Feeds that come as documents: RSS and Atom, tables, sitemaps with JSON-LD, folders and zips."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvesters.documents.csv import detect_delimiter
from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import Answer, ReceivedRequest, feed, identifiers, open_environment, pages, serving


def run(
    script: object, home: Path, protocol: str, ask: Ask | None = None, path: str = "/feed", **more: object
) -> list[Page]:
    serve = script if callable(script) else (lambda request: Answer(script))
    with serving(serve) as loopback:
        declared = {"format": "", "protocol": protocol, **more}
        return pages(feed(loopback.url + "/feed", **declared), open_environment(home), ask)


def failure(script: object, home: Path, protocol: str, **more: object) -> HarvestFailed:
    with pytest.raises(HarvestFailed) as caught:
        run(script, home, protocol, **more)
    return caught.value


# RSS and Atom

RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>C</title>
<item><title>One &eacute;</title><guid>g1</guid><pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate><media:t/></item>
<item><title>Two</title><link>https://example.org/2</link></item>%s</channel></rss>"""


def test_rss_items_keep_their_exact_text_and_are_never_a_full_list(tmp_path: Path) -> None:
    harvested = run(RSS % "", tmp_path, "rss", identifier=[])
    assert identifiers(harvested) == ["g1", "https://example.org/2"]
    first = harvested[0].records[0]
    assert first.payload.startswith("<item xmlns:media=")
    assert "<title>One é</title>" in first.payload
    assert (first.format, first.datestamp) == ("rss", "Mon, 02 Mar 2026 10:00:00 GMT")
    assert harvested[-1].complete
    assert not harvested[-1].full


def test_malformed_items_and_items_without_identifier_are_skipped(tmp_path: Path) -> None:
    harvested = run(
        RSS % "<item><guid>bad</guid><title>a & b</title></item><item><title>x</title></item>", tmp_path, "rss"
    )
    assert identifiers(harvested) == ["g1", "https://example.org/2"]
    assert sorted(str(skipped.identifier) for skipped in harvested[0].skipped) == ["None", "bad"]
    assert len(harvested[0].raw) == 2


def test_atom_feeds_are_followed_to_their_last_page(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        n = int(request.params.get("page", "1"))
        following = '<link rel="next" href="/feed?page=2"/>'
        entry = f'<entry><id>e{n}</id><link rel="next" href="/x"/><updated>2026-01-0{n}T00:00:00Z</updated></entry>'
        return Answer(f'<feed xmlns="http://www.w3.org/2005/Atom">{following}{entry}</feed>')

    harvested = run(script, tmp_path, "rss")
    assert identifiers(harvested) == ["e1", "e2"]
    assert {record.format for record in harvested[0].records} == {"atom"}


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("<html><title>Hi</title></html>", "bad_format"),
        ("<OAI-PMH/>", "bad_format"),
        ("oops", "malformed"),
        ('<!DOCTYPE rss [<!ENTITY a "b">]>' + (RSS % "").split("?>")[1], "malformed"),
    ],
)
def test_a_response_that_is_not_a_feed_fails_with_its_cause(tmp_path: Path, body: str, cause: str) -> None:
    assert failure(body, tmp_path, "rss").cause == cause


# tables

TABLE = 'URL;NAME;LANGUAGES\nhttps://a.example/1;"One; ""quoted""\nin two lines";en|ar\n\nhttps://a.example/2;Deux\n;nameless;\n'


def test_csv_rows_become_objects_in_the_order_of_their_columns(tmp_path: Path) -> None:
    harvested = run("﻿" + TABLE, tmp_path, "csv", identifier="URL")
    assert identifiers(harvested) == ["https://a.example/1", "https://a.example/2"]
    first = json.loads(harvested[0].records[0].payload)
    assert list(first) == ["URL", "NAME", "LANGUAGES"]
    assert first["NAME"] == 'One; "quoted"\nin two lines'
    assert len(harvested[0].skipped) == 1
    assert harvested[-1].complete
    assert harvested[-1].full


def test_cells_beyond_the_header_are_kept(tmp_path: Path) -> None:
    harvested = run("a,b\n1,2,3,4\n", tmp_path, "csv", identifier="a")
    assert json.loads(harvested[0].records[0].payload) == {"a": "1", "b": "2", "": ["3", "4"]}


def test_the_encoding_of_a_table_is_declared_or_detected(tmp_path: Path) -> None:
    text = "id\tname\n" + "".join(f"{n}\tНаставни материјали за српски језик\n" for n in range(20))
    declared = {"encoding": "windows-1251", "delimiter": "\t"}
    for body, request in ((text.encode("utf-16"), {}), (text.encode("windows-1251"), declared)):
        harvested = run(body, tmp_path, "csv", identifier="id", request=request)
        assert json.loads(harvested[0].records[0].payload)["name"] == "Наставни материјали за српски језик"
    harvested = run(text.encode("windows-1251"), tmp_path, "csv", identifier="id")
    assert any("not UTF-8" in note for note in harvested[0].notes)


def test_a_table_without_the_identifier_column_or_in_another_encoding_fails_with_its_cause(tmp_path: Path) -> None:
    failed = failure(TABLE, tmp_path, "csv", identifier="uuid")
    assert failed.cause == "bad_format"
    assert "LANGUAGES" in failed.sentence
    assert failure("é".encode("latin-1"), tmp_path, "csv", identifier="a", request={"encoding": "utf-8"}).again is False


@given(st.sampled_from(",;\t|"), st.integers(2, 6), st.integers(2, 20))
def test_the_delimiter_is_detected_from_the_first_lines(sign: str, columns: int, rows: int) -> None:
    lines = [sign.join(f"name{n}" for n in range(columns))]
    lines += [sign.join(f"value {row} {n}" for n in range(columns)) for row in range(rows)]
    assert detect_delimiter("\n".join(lines)) == sign


def test_a_long_table_comes_in_pages_and_stops_at_the_limit(tmp_path: Path) -> None:
    body = "id,name\n" + "".join(f"{n},x\n" for n in range(1200))
    assert [len(page.records) for page in run(body, tmp_path, "csv", identifier="id")] == [500, 500, 200, 0]
    assert len(identifiers(run(body, tmp_path, "csv", Ask(limit=7), identifier="id"))) == 7


# sitemaps

PAGE = """<!doctype html><html><head><script type="application/ld+json">%s</script></head><body></body></html>"""
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def site(request: ReceivedRequest) -> Answer:
    lesson = '{"@type": "LearningResource",  "name": "Å"}'
    graph = '{"@context": "https://schema.org", "@graph": [{"@type": "WebSite"}, {"@type": ["Course"], "n": 1}]}'
    micro = '<html><body><div itemscope itemtype="https://schema.org/Book"><b itemprop="name">B</b></div></body></html>'
    bodies = {
        "/robots.txt": "User-agent: *\nDisallow: /secret",
        "/feed": f"<sitemapindex {SPACE}><sitemap><loc>/part.xml.gz</loc></sitemap></sitemapindex>",
        "/lesson": PAGE % lesson,
        "/course": PAGE % graph,
        "/plain": "<html><body>nothing</body></html>",
        "/broken": PAGE % '{"@type": ',
        "/book": micro,
    }
    if request.path == "/part.xml.gz":
        places = [*bodies, "/gone", "/secret/x"][2:]
        urls = "".join(
            f"<url><loc>{place}</loc><lastmod>2026-01-0{n + 1}</lastmod></url>" for n, place in enumerate(places)
        )
        return Answer(gzip.compress(f"<urlset {SPACE}>{urls}</urlset>".encode()))
    return Answer(bodies[request.path]) if request.path in bodies else Answer(status=404)


def test_resources_embedded_in_web_pages_keep_their_exact_text(tmp_path: Path) -> None:
    harvested = run(site, tmp_path, "sitemap")
    records = {record.identifier.rsplit("/", 1)[1]: record for page in harvested for record in page.records}
    assert set(records) == {"lesson", "course", "book"}
    assert records["lesson"].payload == '{"@type": "LearningResource",  "name": "Å"}'
    assert records["course"].payload == '{"@type": ["Course"], "n": 1}'
    assert records["lesson"].format == "schema_org"
    assert [skipped.identifier.rsplit("/", 1)[1] for page in harvested for skipped in page.skipped] == ["broken"]
    notes = " ".join(note for page in harvested for note in page.notes)
    assert "robots.txt keeps us from 1" in notes
    assert "1 pages that are gone" in notes


def test_an_incremental_sitemap_harvest_requests_only_changed_pages(tmp_path: Path) -> None:
    harvested = run(site, tmp_path, "sitemap", Ask(since="2026-01-02", full=False))
    assert not any(name.endswith("/lesson") for name in identifiers(harvested))
    assert not harvested[-1].full


def test_a_site_or_feed_with_more_pages_than_allowed_fails_and_is_not_cut(tmp_path: Path) -> None:
    failed = failure(site, tmp_path, "sitemap", request={"max_pages": 3})
    assert (failed.cause, failed.again) == ("too_large", False)

    def endless(request: ReceivedRequest) -> Answer:
        page = int(request.params.get("page", 0))
        link = f"<link rel='next' href='?page={page + 1}'/>"
        return Answer(f"<feed xmlns='http://www.w3.org/2005/Atom'>{link}<entry><id>{page}</id></entry></feed>")

    assert failure(endless, tmp_path, "rss", format="atom", request={"max_pages": 4}).cause == "too_large"


# files


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return out.getvalue()


MANIFEST = b'<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"/>'
FILES = {
    "../../etc/evil.xml": b"<lom/>",
    "a/one.xml": "<lom><title>é</title></lom>".encode(),
    "a/imsmanifest.xml": MANIFEST,
    "broken.xml": b"<lom>",
    "list.json": b'[{"id": "x"}, {"id": "y"}]',
    "readme.txt": b"no record",
    "course.imscc": zipped({"imsmanifest.xml": MANIFEST, "other.xml": b"<x/>"}),
}


def test_files_in_a_zip_become_records_without_being_written_to_disk(tmp_path: Path) -> None:
    harvested = run(zipped(FILES), tmp_path / "home", "files")
    records = {record.identifier: record for record in harvested[0].records}
    assert sorted(records) == [
        "../../etc/evil.xml",
        "a/imsmanifest.xml",
        "a/one.xml",
        "course.imscc",
        "list.json#0",
        "list.json#1",
    ]
    assert records["a/one.xml"].payload == "<lom><title>é</title></lom>"
    assert (records["a/imsmanifest.xml"].format, records["a/one.xml"].format) == ("imscp", "lom")
    assert [skipped.identifier for skipped in harvested[0].skipped] == ["broken.xml"]
    assert not list(tmp_path.rglob("evil.xml"))
    assert harvested[-1].full


def test_the_inbox_holds_folders_and_zips_and_nothing_outside_is_read(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox" / "partner"
    inbox.mkdir(parents=True)
    (inbox / "one.xml").write_bytes(b"<lom/>")
    (tmp_path / "inbox" / "all.zip").write_bytes(zipped({"two.xml": b"<lom/>"}))
    env = open_environment(tmp_path)
    assert identifiers(pages(feed("inbox:partner", protocol="files"), env)) == ["one.xml"]
    assert identifiers(pages(feed("inbox:all.zip", protocol="files"), env)) == ["two.xml"]
    (tmp_path / "secret.xml").write_bytes(b"<lom/>")
    (inbox / "link.xml").symlink_to(tmp_path / "secret.xml")
    for url, cause in (
        ("inbox:../secret.xml", "forbidden_address"),
        ("inbox:/etc/passwd", "forbidden_address"),
        ("inbox:partner", "forbidden_address"),
        ("inbox:nothing", "gone"),
    ):
        with pytest.raises(HarvestFailed) as caught:
            pages(feed(url, protocol="files"), env)
        assert caught.value.cause == cause


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    bomb = zipped({"big.xml": b"\0" * 3_000_000})
    assert len(bomb) < 20_000
    assert failure(bomb, tmp_path, "files", request={"max_bytes": 100_000}).cause == "too_large"


@pytest.mark.parametrize(("body", "cause"), [(b"PK nothing", "bad_format"), (b"<html><title>x</title>", "bad_format")])
def test_a_response_that_is_not_a_zip_fails_with_its_cause(tmp_path: Path, body: bytes, cause: str) -> None:
    assert failure(body, tmp_path, "files").cause == cause


@pytest.mark.parametrize("protocol", ["rss", "csv", "files"])
def test_an_unchanged_document_is_not_downloaded_again(tmp_path: Path, protocol: str) -> None:
    def script(request: ReceivedRequest) -> Answer:
        body = {"rss": RSS % "", "csv": "a\n1\n", "files": zipped({"a.xml": b"<lom/>"})}[protocol]
        if request.headers.get("if-modified-since"):
            return Answer(status=304)
        return Answer(body, headers={"Last-Modified": "Mon, 02 Mar 2026 10:00:00 GMT"})

    with serving(script) as loopback:
        of = feed(loopback.url, protocol=protocol, identifier="a" if protocol == "csv" else [])
        first = pages(of, open_environment(tmp_path))
        again = pages(of, open_environment(tmp_path), Ask(validators=first[-1].validators))
    assert [page.not_modified for page in again] == [True]


# tar archives


def tarred(files: dict[str, bytes], *, how: str = "w:gz", links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=how) as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
        for name, target in (links or {}).items():
            for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
                link = tarfile.TarInfo(f"{kind.decode()}-{name}")
                link.type, link.linkname = kind, target
                archive.addfile(link)
    return out.getvalue()


@pytest.mark.parametrize("how", ["w:gz", "w"])
def test_a_tar_of_files_is_read_as_a_zip_is_and_its_links_are_left_out(tmp_path: Path, how: str) -> None:
    body = tarred(FILES, how=how, links={"link.xml": "/etc/passwd", "inner.xml": "a/one.xml"})
    harvested = run(body, tmp_path / "home", "files")
    assert identifiers(harvested) == identifiers(run(zipped(FILES), tmp_path / "home", "files"))
    assert [skipped.identifier for skipped in harvested[0].skipped] == ["broken.xml"]
    assert not list(tmp_path.rglob("evil.xml"))
    assert harvested[-1].complete and harvested[-1].full


@pytest.mark.parametrize("name", ["all.tar.gz", "all.tgz", "all.tar"])
def test_the_inbox_may_hold_a_tar(tmp_path: Path, name: str) -> None:
    (tmp_path / "inbox").mkdir()
    how = "w" if name.endswith(".tar") else "w:gz"
    (tmp_path / "inbox" / name).write_bytes(tarred({"two.xml": b"<lom/>", "one.xml": b"<lom/>"}, how=how))
    of = feed(f"inbox:{name}", protocol="files")
    assert identifiers(pages(of, open_environment(tmp_path))) == ["one.xml", "two.xml"]


@pytest.mark.parametrize("end", [700, 1_536, 1_600, -10_000])
def test_a_cut_off_tar_is_malformed_and_no_short_list(tmp_path: Path, end: int) -> None:
    whole = tarred({f"{n}.xml": b"<lom/>" * 100 for n in range(20)}, how="w")
    failed = failure(whole[:end], tmp_path, "files")
    assert (failed.cause, failed.again) == ("malformed", True)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "cut.tgz").write_bytes(tarred({"one.xml": bytes(range(256)) * 50})[:200])
    with pytest.raises(HarvestFailed) as caught:
        pages(feed("inbox:cut.tgz", protocol="files"), open_environment(tmp_path))
    assert caught.value.cause == "malformed"


def test_a_tar_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    bombs = {
        "one.tgz": tarred({"big.xml": b"\0" * 3_000_000}),
        "many.tgz": tarred({f"{n}.xml": b"\0" * 90_000 for n in range(60)}),
        "header.tgz": gzip.compress(long_header(3_000_000)),
    }
    for name, body in bombs.items():
        (tmp_path / "inbox" / name).write_bytes(body)
        of = feed(f"inbox:{name}", protocol="files", request={"max_bytes": 100_000})
        with pytest.raises(HarvestFailed) as caught:
            pages(of, open_environment(tmp_path))
        assert caught.value.cause in ("too_large", "malformed")


def long_header(size: int) -> bytes:
    """A tar whose one member has a name of that length."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, size
    return header.tobuf(tarfile.GNU_FORMAT) + b"x" * size + bytes(10_240)
