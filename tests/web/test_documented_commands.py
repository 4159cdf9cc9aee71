"""What the guides tell machines' owners to type works as it stands there, with a real server and curl."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from loaders.downloads import newest_dump
from loaders.publication import newest_publication
from loaders.store import engine
from pipeline import catalog as tasks_catalog
from pipeline.downloads import write_downloads
from schemas import ROOT, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night
from tests.web.chromium import served_at
from web.application import create_app
from web.settings import WebSettings

ADDRESSES = re.compile(r"https://library\.example\.org|http://127\.0\.0\.1:8081")


@dataclass(frozen=True)
class Library:
    """A library that is served: its address, a resource, its newest publication, and the sums of its newest dump."""

    address: str
    resource: str
    publication: str
    sums: dict[str, str]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELIB_HOME", str(home))
        patch.setenv("ELIB_FEEDS", str(home / "feeds"))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        declare(env, "books")
        night(env, "books", [listed("books", number) for number in range(3)])
        tasks_catalog.publish_now()
        write_downloads(env, variables={})
        dump, publication = newest_dump(env), newest_publication(env)
        assert dump is not None and publication is not None
        with served_at(create_app(env, WebSettings(secret="s" * 40))) as address:
            resource = rows(env, "resource", "id")[0][0]
            yield Library(address, resource, publication, {file.name: file.sha256 for file in dump.manifest.files})
        engine(env).dispose()


def commands_of(page: str) -> list[str]:
    """Return the lines of a guide that call curl, without their comments."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [line.partition("   #")[0].strip() for line in text.splitlines() if line.startswith("curl ")]


def run(library: Library, command: str, folder: Path) -> bytes:
    """Run a command of a guide against the library; return what it prints."""
    here = ADDRESSES.sub(library.address, command).replace("01ABC", library.resource)
    here = re.sub(r"publish-\d{8}T\d{12}", library.publication, here)
    words = shlex.split(here)
    ran = subprocess.run([words[0], "-sS", "--fail", *words[1:]], cwd=folder, capture_output=True, check=False)
    assert ran.returncode == 0, (command, ran.stderr)
    return ran.stdout


def test_the_commands_of_the_api_page_answer_what_it_says(library: Library, tmp_path: Path) -> None:
    search, marc, amb, everything, nothing = (run(library, command, tmp_path) for command in commands_of("api.md"))
    assert json.loads(search)["total"] == 1
    assert etree.fromstring(marc).tag == "{http://www.loc.gov/MARC21/slim}record"
    assert json.loads(amb)["@context"] and json.loads(amb)["id"].startswith("https://books.example.org/")
    assert len(json.loads(everything)["changes"]) == 3
    assert json.loads(nothing) | {"next": ""} == {
        "cursor": library.publication, "has_more": False, "next": "", "publication": library.publication, "changes": []
    }  # fmt: skip


def test_the_commands_of_the_downloads_page_fetch_a_file_and_resume_it(library: Library, tmp_path: Path) -> None:
    fetch, resume = commands_of("downloads.md")
    run(library, fetch, tmp_path)
    (file,) = tmp_path.iterdir()
    body = file.read_bytes()
    assert hashlib.sha256(body).hexdigest() == library.sums[file.name]
    file.write_bytes(body[: len(body) // 2])
    run(library, resume.replace("…", fetch.split()[-1]), tmp_path)
    assert file.read_bytes() == body


def test_the_commands_of_the_page_on_oai_pmh_answer(library: Library, tmp_path: Path) -> None:
    identify, records = (etree.fromstring(run(library, command, tmp_path)) for command in commands_of("oai.md"))
    assert identify.find("{*}Identify/{*}protocolVersion").text == "2.0"
    assert records.find("{*}error").get("code") == "noRecordsMatch", "no book of this library is in Arabic"
