"""Documents that are damaged: quotes never closed, feeds that break off, pages in the way, ill members of a zip."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import (
    Answer,
    ReceivedRequest,
    Script,
    feed,
    identifiers,
    open_environment,
    pages,
    serving,
)

Pages = list[Page]


def run(script: Script | Answer, home: Path, protocol: str, ask: Ask | None = None, **more: object) -> Pages:
    with serving(script if callable(script) else lambda request: script) as loopback:
        return pages(feed(loopback.url + "/place", protocol, **more), open_environment(home), ask)


def failure(script: Script | Answer, home: Path, protocol: str, **more: object) -> HarvestFailed:
    with pytest.raises(HarvestFailed) as caught:
        run(script, home, protocol, **more)
    return caught.value


def skips(harvested: Pages) -> list[str | None]:
    return [skipped.identifier for page in harvested for skipped in page.skipped]


# tables

HEADER = "URL;NAME\n"
ROWS = "".join(f"http://example.org/{n};Name {n}\n" for n in range(10))


def table(text: str, home: Path) -> Pages:
    return run(Answer(text), home, "csv", format="oercommons_csv", identifier="URL")


@pytest.mark.parametrize("end", ["\n", ""])
def test_an_unclosed_quotation_mark_is_reported_and_deletes_nothing(tmp_path: Path, end: str) -> None:
    harvested = table(HEADER + ROWS + '"http://example.org/99;never closed\n' + ROWS.rstrip("\n") + end, tmp_path)
    assert len(identifiers(harvested)) == 10
    assert skips(harvested) == [None]  # a skip without a name: no record is gone
    assert "line 12" in harvested[0].skipped[0].reason


@pytest.mark.parametrize("end", ["\n", "", "\r\n\r\n"])
def test_the_last_row_of_a_table_is_read_with_any_line_ending(tmp_path: Path, end: str) -> None:
    harvested = table(HEADER + ROWS + 'http://example.org/10;"quoted\nin two lines"' + end, tmp_path)
    assert len(identifiers(harvested)) == 11
    assert skips(harvested) == []


@pytest.mark.parametrize("declared", [None, "utf-8"])
def test_a_row_in_another_encoding_is_skipped_and_the_others_are_intact(tmp_path: Path, declared: str | None) -> None:
    good = "".join(f"http://example.org/{n};كتاب المعلم\n" for n in range(5))
    body = f"{HEADER}{good}".encode() + b"http://example.org/9;caf\xe9\n"
    request = {"encoding": declared} if declared else {}
    harvested = run(Answer(body), tmp_path, "csv", format="oercommons_csv", identifier="URL", request=request)
    assert len(identifiers(harvested)) == 5
    assert "كتاب المعلم" in (harvested[0].records[0].payload or "")
    assert skips(harvested) == ["http://example.org/9"]


def test_an_empty_table_lacks_its_column(tmp_path: Path) -> None:
    failed = failure(Answer(""), tmp_path, "csv", format="oercommons_csv", identifier="URL")
    assert failed.cause == "bad_format"


# feeds

ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>'


def rss(items: str, encoding: str = "UTF-8") -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel>{items}</channel></rss>'


def item(n: int, title: str = "A title") -> str:
    return f"<item><guid>{n}</guid><title>{title}</title></item>"


def test_a_page_that_is_not_well_formed_still_leads_to_the_next_page(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        place = int(request.params.get("p", 0))
        following = f'<link rel="next" href="/place?a=b&amp;p={place + 1}"/>' if place < 2 else ""
        ill = "a & b" if place == 0 else ""
        return Answer(ATOM.format(f"{following}<entry><id>{place}</id></entry><entry><id>x{place}</id>{ill}</entry>"))

    harvested = run(script, tmp_path, "rss", format="atom")
    assert identifiers(harvested) == ["0", "1", "x1", "2", "x2"]
    assert skips(harvested) == ["x0"]


@pytest.mark.parametrize("tag", ["</item>", "<item><guid>x</guid>", "<item><guid>x</guid></item>", "</item><item>"])
@pytest.mark.parametrize("quoted", ["<![CDATA[{}]]>", "<!-- {} -->"])
def test_tags_in_quoted_text_of_a_broken_feed_are_no_records(tmp_path: Path, tag: str, quoted: str) -> None:
    items = item(1, quoted.format(f"how to write {tag} in RSS")) + item(2, "a & b") + item(3)
    harvested = run(Answer(rss(items)), tmp_path, "rss")
    assert identifiers(harvested) == ["1", "3"]
    assert skips(harvested) == ["2"]


def test_a_cdata_section_without_end_costs_its_own_item_only(tmp_path: Path) -> None:
    items = item(1) + item(2, "<![CDATA[never ends") + item(3, "<![CDATA[ends]]>") + item(4, "a & b")
    harvested = run(Answer(rss(items)), tmp_path, "rss")
    assert identifiers(harvested) == ["1", "3"]
    assert skips(harvested) == ["2", "4"]


def test_a_cut_off_feed_reports_missing_records(tmp_path: Path) -> None:
    whole = rss("".join(item(n) for n in range(30)))
    harvested = run(Answer(whole[: len(whole) // 2]), tmp_path, "rss")
    assert 0 < len(identifiers(harvested)) < 30
    assert skips(harvested) == [None]


def test_items_in_another_encoding_or_with_forbidden_characters_are_read(tmp_path: Path) -> None:
    ill = "".join(item(n, "Наставни план и програм") for n in range(3)) + item(3, "a\x0bb")
    harvested = run(Answer(rss(ill).encode("windows-1251")), tmp_path, "rss")
    assert identifiers(harvested) == ["0", "1", "2", "3"]
    assert "Наставни" in (harvested[0].records[0].payload or "")


@pytest.mark.parametrize("ill", ["", item(9, "a & b")])
def test_an_unknown_encoding_loses_no_item(tmp_path: Path, ill: str) -> None:
    harvested = run(Answer(rss(item(1) + ill, "utf8mb4")), tmp_path, "rss")
    assert identifiers(harvested) == ["1"]


# sites


def page(*blocks: str) -> str:
    return "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks)


def resource(n: int) -> str:
    return json.dumps({"@type": "LearningResource", "name": f"Resource {n}"})


GOOD = [Answer(page(resource(n))) for n in range(5)]


def site(listed: list[Answer], robots: Answer | None = None) -> Callable[[ReceivedRequest], Answer]:
    """A site with a sitemap of pages /0, /1 and so on."""

    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/robots.txt":
            return robots or Answer(status=404)
        if request.path == "/place":
            return Answer(f"<urlset>{''.join(f'<url><loc>/{n}</loc></url>' for n in range(len(listed)))}</urlset>")
        return listed[int(request.path[1:])]

    return script


@pytest.mark.parametrize(
    "ill",
    [
        Answer(status=403),
        Answer(status=400),
        Answer("x" * 5000),
        Answer(status=302, headers={"Location": "/5"}),
        Answer(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"}),
    ],
    ids=["forbidden", "refused", "too large", "a circle", "leads inside"],
)
def test_a_page_that_cannot_be_fetched_is_skipped_with_its_url(tmp_path: Path, ill: Answer) -> None:
    harvested = run(site([*GOOD, ill]), tmp_path, "sitemap", request={"max_bytes": 4000})
    assert len(identifiers(harvested)) == 5
    assert [(name or "").rsplit("/", 1)[-1] for name in skips(harvested)] == ["5"]
    assert harvested[-1].complete


def test_a_site_whose_pages_all_fail_is_a_failed_harvest(tmp_path: Path) -> None:
    assert failure(site([Answer(status=403)] * 30), tmp_path, "sitemap").cause == "blocked"


def test_a_forbidden_robots_txt_counts_as_no_rules(tmp_path: Path) -> None:
    assert len(identifiers(run(site(GOOD, Answer(status=403)), tmp_path, "sitemap"))) == 5


def test_a_missing_sitemap_of_an_index_is_a_skip_and_the_other_sitemaps_are_read(tmp_path: Path) -> None:
    pages_of = site(GOOD)

    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/place":
            listed = "".join(f"<sitemap><loc>/{name}</loc></sitemap>" for name in ("gone", "good"))
            return Answer(f"<sitemapindex>{listed}</sitemapindex>")
        if request.path == "/good":
            return Answer("<urlset><url><loc>/1</loc></url><url><loc>/1</loc></url></urlset>")
        return Answer(status=404) if request.path == "/gone" else pages_of(request)

    harvested = run(script, tmp_path, "sitemap")
    assert [name.rsplit("/", 1)[-1] for name in identifiers(harvested)] == ["1"]  # listed twice, asked for once
    assert skips(harvested) == [None]


@pytest.mark.parametrize(
    "block",
    ["", '{"@type": "BreadcrumbList", "itemListElement": [],}', '[1, "a"]'],
    ids=["empty", "a broken list of links", "no objects"],
)
def test_a_json_ld_block_without_a_resource_does_not_lose_the_page(tmp_path: Path, block: str) -> None:
    harvested = run(site([Answer(page(block, resource(1)))]), tmp_path, "sitemap")
    assert [record.payload for record in harvested[0].records] == [resource(1)]
    assert skips(harvested) == []


@pytest.mark.parametrize("wrap", ["<![CDATA[{}]]>", "//<![CDATA[\n{}\n//]]>", "/*<![CDATA[*/{}/*]]>*/", "<!--{}-->"])
def test_comment_and_cdata_wrappers_around_json_ld_are_removed(tmp_path: Path, wrap: str) -> None:
    harvested = run(site([Answer(page(wrap.format(resource(1))))]), tmp_path, "sitemap")
    assert [record.payload for record in harvested[0].records] == [resource(1)]


@pytest.mark.parametrize(
    "ill",
    [
        "[" * 100_000,
        '{"@type": "Book", "name": "\\ud800"}',
        '{"@type": "Book", "a": ' + "[" * 9_999 + "]" * 9_999 + "}",
    ],
    ids=["without end", "half a character", "too deep"],
)
def test_a_json_ld_block_that_no_parser_can_read_is_skipped(tmp_path: Path, ill: str) -> None:
    harvested = run(site([Answer(page(ill)), *GOOD]), tmp_path, "sitemap")
    assert len(identifiers(harvested)) == 5
    assert len(skips(harvested)) == 1


def test_a_page_that_declares_an_unknown_encoding_is_read(tmp_path: Path) -> None:
    text = page('{"@type": "Book", "name": "Кни\u0433а"}').encode("windows-1251")
    harvested = run(site([Answer(text, headers={"Content-Type": "text/html; charset=nonsense"})]), tmp_path, "sitemap")
    assert len(identifiers(harvested)) == 1


# zips

LOM = "<lom><general><title><string>A title</string></title></general></lom>"


def packed(files: dict[str, str | bytes], how: int = zipfile.ZIP_DEFLATED) -> bytearray:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return bytearray(out.getvalue())


def damaged(archive: bytearray, name: bytes) -> bytearray:
    """The archive with some bytes of a member's content turned round."""
    at = archive.find(name) + len(name)
    for place in (at + 2, at + 8, at + 14, at + 22):
        archive[place] ^= 0xFF
    return archive


def encrypted(archive: bytearray, name: bytes) -> bytearray:
    """The archive with a member that says that it is encrypted."""
    archive[archive.find(name) - 30 + 6] |= 1
    archive[archive.rfind(name) - 46 + 8] |= 1
    return archive


THREE = {f"{name}.xml": LOM + " " * 200 + "\n" * n for n, name in enumerate(("a", "b", "c"))}


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_file_is_skipped_by_name(tmp_path: Path, how: int) -> None:
    harvested = run(Answer(bytes(damaged(packed(THREE, how), b"b.xml"))), tmp_path, "files", format="lom")
    assert identifiers(harvested) == ["a.xml", "c.xml"]
    assert skips(harvested) == ["b.xml"]
    assert harvested[-1].complete


def test_an_encrypted_file_is_skipped_by_name(tmp_path: Path) -> None:
    harvested = run(Answer(bytes(encrypted(packed(THREE), b"b.xml"))), tmp_path, "files", format="lom")
    assert identifiers(harvested) == ["a.xml", "c.xml"]
    assert skips(harvested) == ["b.xml"]


def compressed(archive: bytearray, name: bytes, how: int) -> bytearray:
    """The archive with a member that says that it is compressed in this way."""
    archive[archive.find(name) - 30 + 8] = how
    archive[archive.rfind(name) - 46 + 10] = how
    return archive


def test_a_file_of_an_unknown_compression_is_skipped_by_name(tmp_path: Path) -> None:
    harvested = run(Answer(bytes(compressed(packed(THREE), b"b.xml", 99))), tmp_path, "files", format="lom")
    assert identifiers(harvested) == ["a.xml", "c.xml"]
    assert skips(harvested) == ["b.xml"]


def later(archive: bytearray, name: bytes) -> bytearray:
    """The archive with a member for which a zip of version 25.5 is needed."""
    archive[archive.rfind(name) - 46 + 6] = 255
    return archive


def misnamed(archive: bytearray, name: bytes) -> bytearray:
    """The archive with a member whose name says that it is UTF-8 and is not."""
    at = archive.rfind(name)
    archive[at - 46 + 9] |= 8
    archive[at] = 0xFF
    return archive


@pytest.mark.parametrize("ill", [later, misnamed])
def test_a_zip_with_a_broken_directory_is_malformed_and_inside_another_zip_is_skipped(
    tmp_path: Path, ill: Callable[[bytearray, bytes], bytearray]
) -> None:
    unreadable = bytes(ill(packed(THREE), b"b.xml"))
    failed = failure(Answer(unreadable), tmp_path / "alone", "files", format="lom")
    assert failed.cause == "malformed"
    harvested = run(Answer(bytes(packed(THREE | {"d.zip": unreadable}))), tmp_path / "inside", "files", format="lom")
    assert identifiers(harvested) == ["a.xml", "b.xml", "c.xml"]
    assert skips(harvested) == ["d.zip"]


def test_a_package_that_is_not_a_zip_is_skipped_and_macos_metadata_is_ignored(tmp_path: Path) -> None:
    manifest = packed({"imsmanifest.xml": "<manifest identifier='m'/>"})
    files = {"__MACOSX/._a.xml": b"\0\5", "good.zip": bytes(manifest), "ill.zip": b"PK\3\4 broken"}
    harvested = run(Answer(bytes(packed(files))), tmp_path, "files", format="lom")
    assert identifiers(harvested) == ["good.zip"]
    assert skips(harvested) == ["ill.zip"]


def test_a_cut_off_zip_is_retried(tmp_path: Path) -> None:
    whole = bytes(packed(THREE))
    failed = failure(Answer(whole[: len(whole) // 2]), tmp_path, "files", format="lom")
    assert (failed.cause, failed.again) == ("malformed", True)


def test_records_path_applies_to_the_json_files_of_a_zip(tmp_path: Path) -> None:
    files = {"a.json": '{"records": [{"id": "1"}, {"id": "2"}]}', "b.json": '{"other": []}'}
    declared = {"format": "golab_apps", "identifier": "id", "request": {"records_path": "records"}}
    harvested = run(Answer(bytes(packed(files))), tmp_path, "files", **declared)
    assert identifiers(harvested) == ["1", "2"]
    assert len(skips(harvested)) == 1
