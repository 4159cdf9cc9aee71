"""What the library tells machines: downloads, sitemap, Atom feed and robots.txt."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from loaders.browse import sitemap_entries, sitemap_parts
from loaders.downloads import list_dumps
from loaders.store import engine, read_transaction
from pipeline import catalog as tasks_catalog
from pipeline.downloads import write_downloads
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.loaders.test_published import put
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import Browser
from web import create_app
from web.languages import LANGUAGES
from web.settings import WebSettings

SITE = "https://library.example.org"
ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
LINK = "{http://www.w3.org/1999/xhtml}link"
HOSTILE = '</title><script>alert("&amp;")</script> \u0007 ]]>'


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELIB_HOME", str(home))
        patch.setenv("ELIB_FEEDS", str(home / "feeds"))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        declare(env, "books")
        texts = [{"name": f"A volcano {HOSTILE}"}, {"name": "Грамматика", "inLanguage": ["ru"]}]
        night(
            env, "books", [*(listed("books", number, **more) for number, more in enumerate(texts)), listed("books", 2)]
        )
        tasks_catalog.publish_now()
        write_downloads(env, variables={"ELIB_WEB_URL": SITE})
        yield env
        engine(env).dispose()


@pytest.fixture(scope="module")
def reader(library: Environment) -> Iterator[Browser]:
    with Browser(
        create_app(library, WebSettings(secret="s" * 40, url=SITE)), base_url="http://127.0.0.1:8081"
    ) as browser:
        yield browser


def test_the_page_says_what_there_is_in_every_language(library: Environment, reader: Browser) -> None:
    assert reader.get("/downloads?lang=fr", follow_redirects=False).headers["location"] == "/downloads/?lang=fr"
    (dump,) = list_dumps(library)
    for language, word in (("en", "How to verify"), ("fr", "vérifier"), ("ru", "проверить"), ("ar", "تتحققون")):
        page = reader.get(f"/downloads/?lang={language}")
        assert (page.status_code, word in page.text) == (200, True)
        assert f"/downloads/{dump.manifest.name}/resources.jsonl.zst" in page.text
        assert "https://creativecommons.org/publicdomain/zero/1.0/" in page.text
        assert "CC BY-SA 3.0 IGO" in page.text


def test_a_file_is_given_out_whole_in_ranges_and_not_again(library: Environment, reader: Browser) -> None:
    (dump,) = list_dumps(library)
    moved = reader.get("/downloads/latest/resources.csv", follow_redirects=False)
    path = f"/downloads/{dump.manifest.name}/resources.csv"
    assert (moved.status_code, moved.headers["location"]) == (302, path)
    whole = reader.get(path)
    file = next(each for each in dump.manifest.files if each.name == "resources.csv")
    assert hashlib.sha256(whole.content).hexdigest() == file.sha256
    assert whole.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert (whole.headers["accept-ranges"], whole.headers["content-disposition"]) == (
        "bytes",
        'attachment; filename="resources.csv"',
    )
    tag = whole.headers["etag"]
    first = reader.get(path, headers={"range": "bytes=0-9"})
    rest = reader.get(path, headers={"range": "bytes=10-", "if-range": tag})
    assert (first.status_code, rest.status_code, first.content + rest.content) == (206, 206, whole.content)
    assert reader.get(path, headers={"range": "bytes=10-", "if-range": '"another"'}).content == whole.content
    assert reader.get(path, headers={"range": f"bytes={len(whole.content)}-"}).status_code == 416
    same = reader.get(path, headers={"if-none-match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    head = reader.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(file.bytes))


def test_nothing_but_the_files_of_dumps_can_be_read(library: Environment, reader: Browser) -> None:
    (dump,) = list_dumps(library)
    name = dump.manifest.name
    (library.home / "secret.env").write_text("hush")
    (dump.folder / "notes.txt").write_text("hush")
    link = library.downloads / "20200101T000000000Z"
    link.mkdir()
    (link / "manifest.json").symlink_to(library.home / "secret.env")
    (library.downloads / "20200102T000000000Z").symlink_to(dump.folder)
    for path in (
        "../../secret.env",
        "..%2f..%2fsecret.env",
        "%2e%2e/secret.env",
        f"{name}/..%2f..%2fsecret.env",
        f"{name}/%2e%2e%2f%2e%2e%2fsecret.env",
        f"{name}/notes.txt",
        f"{name}/",
        f"{name}%00/manifest.json",
        f"..%2fdownloads%2f{name}/manifest.json",
        "20200101T000000000Z/manifest.json",
        "20200102T000000000Z/manifest.json",
        "latest/..%2fmanifest.json",
    ):
        answer = reader.get(f"/downloads/{path}")
        assert answer.status_code in (400, 404) and "hush" not in answer.text, path
    assert [each.manifest.name for each in list_dumps(library)] == [name]
    assert reader.get(f"/downloads/{name}/manifest.json").json()["name"] == name


def test_the_sitemap_names_every_published_resource_in_every_language(library: Environment, reader: Browser) -> None:
    index = ET.fromstring(reader.get("/sitemap.xml").text)
    assert index.tag == f"{MAP}sitemapindex"
    urls: dict[str, ET.Element] = {}
    for entry in index:
        location = entry.findtext(f"{MAP}loc") or ""
        assert location.startswith(f"{SITE}/sitemap-"), "below the root, or the sitemap may not name these pages"
        part = reader.get(location.removeprefix(SITE))
        assert part.headers["content-type"] == "application/xml"
        root = ET.fromstring(part.text)
        assert root.tag == f"{MAP}urlset"
        urls |= {url.findtext(f"{MAP}loc") or "": url for url in root}
        again = reader.get(location.removeprefix(SITE), headers={"if-none-match": part.headers["etag"]})
        assert again.status_code == 304
    ids = {each for (each,) in rows(library, "resource", "id")}
    assert set(urls) == {f"{SITE}/", f"{SITE}/downloads/", *(f"{SITE}/resources/{each}" for each in ids)}
    resource = urls[f"{SITE}/resources/{min(ids)}"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", resource.findtext(f"{MAP}lastmod") or "")
    assert {link.get("hreflang") for link in resource.iter(LINK)} == {*LANGUAGES, "x-default"}
    assert reader.get(f"/sitemap-{'0' * 26}.xml").status_code == 404


def test_the_parts_of_a_sitemap_are_ranges_of_ids_without_what_is_withdrawn(env: Environment) -> None:
    put(env, range(25))
    put(env, [25], withdrawn_at="2026-03-02T00:00:00Z", updated_at="2026-03-02T00:00:00Z")
    with read_transaction(env) as connection:
        parts = sitemap_parts(connection, 10)
        assert [(int(part.first), part.changed_at[:10]) for part in parts] == [
            (0, "2026-03-01"),
            (10, "2026-03-01"),
            (20, "2026-03-02"),
        ]
        found = [int(entry[0]) for entry in sitemap_entries(connection, parts[2].first, None)]
        assert found == [20, 21, 22, 23, 24]
        assert len(sitemap_entries(connection, parts[0].first, parts[1].first)) == 10


def test_the_feed_is_valid_atom_of_what_was_searched(library: Environment, reader: Browser) -> None:
    answer = reader.get("/feed.atom?lang=en")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)
    for parent in (feed, *feed.iter(f"{ATOM}entry")):  # RFC 4287, 4.1.1 and 4.1.2: exactly one of each
        for name in ("id", "title", "updated"):
            assert len(parent.findall(f"{ATOM}{name}")) == 1
        assert re.fullmatch(r"tag:library\.example\.org,2026:/\S+", parent.findtext(f"{ATOM}id") or "")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", parent.findtext(f"{ATOM}updated") or "")
        assert [link.get("rel") for link in parent.findall(f"{ATOM}link")].count("alternate") == 1
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    titles = [entry.findtext(f"{ATOM}title") or "" for entry in feed.iter(f"{ATOM}entry")]
    assert len(titles) == 3 and any("volcano" in title and "\u0007" not in title for title in titles)
    assert len({entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")}) == 3
    russian = ET.fromstring(reader.get("/feed.atom?language=ru").content)
    assert [entry.findtext(f"{ATOM}title") for entry in russian.iter(f"{ATOM}entry")] == ["Грамматика"]
    own = next(link.get("href") for link in russian.findall(f"{ATOM}link") if link.get("rel") == "self")
    assert own == f"{SITE}/feed.atom?q=&language=ru".replace("q=&", "")
    assert reader.get("/feed.atom?lang=en", headers={"if-none-match": answer.headers["etag"]}).status_code == 304


def test_pages_lead_feed_readers_to_their_feed(reader: Browser) -> None:
    for page, href in (("/", "/feed.atom"), ("/search?q=volcano&language=ru", "/feed.atom?q=volcano&amp;language=ru")):
        link = re.search(r'<link rel="alternate" type="application/atom\+xml"[^>]*>', reader.get(page).text)
        assert link and f'href="{href}"' in link[0]


def test_robots_are_told_the_sitemap_and_what_is_not_for_them(reader: Browser) -> None:
    from protego import Protego

    rules = Protego.parse(reader.get("/robots.txt").text)
    assert list(rules.sitemaps) == [f"{SITE}/sitemap.xml"]
    for path in ("/", "/resources/01ABC", "/search", "/downloads/", "/sitemap.xml", "/feed.atom"):
        assert rules.can_fetch(f"{SITE}{path}", "Googlebot"), path
    for path in (
        "/console",
        "/console/runs",
        "/partners",
        "/sign-in",
        "/api/v1/changes",
        "/oai",
        "/search?page=4&type=x",
    ):
        assert not rules.can_fetch(f"{SITE}{path}", "Googlebot"), path
