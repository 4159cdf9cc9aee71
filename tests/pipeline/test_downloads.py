"""The library's dumps: whole, verifiable, written when something changed, and gone after an erasure."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection

from commands.cli import main
from loaders import erasure
from loaders.curation import record_correction, withdraw
from loaders.downloads import KeepRule, kept_names, list_dumps, newest_dump, writing
from loaders.publication import newest_publication
from loaders.store import read_transaction, upkeep_run
from pipeline import catalog as tasks_catalog
from pipeline import downloads as tasks_downloads
from pipeline.downloads import write_downloads
from schemas import ROOT, Environment
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night

SITE = {"ELIB_WEB_URL": "https://library.example.org/"}
FORMULA = '=HYPERLINK("https://evil.example","x")'
ZOE = {"creator": [{"type": "Person", "name": "Zoë Quistgaard-Brandt"}]}


def filled(env: Environment, count: int = 3) -> None:
    first = listed("books", 0, name=FORMULA, description="حساب\nи алгебра", keywords=["a", "b"], **ZOE)
    night(env, "books", [first, *(listed("books", number) for number in range(1, count))])
    tasks_catalog.publish_now()


def lines_of(folder: Path) -> list[dict[str, object]]:
    with pa.CompressedInputStream(str(folder / "resources.jsonl.zst"), "zstd") as file:
        return [msgspec.json.decode(line) for line in file.read().splitlines()]


def test_a_dump_holds_the_library_in_three_files_that_agree(library: Environment) -> None:
    assert write_downloads(library, variables=SITE) == "no download was written: nothing is published yet"
    filled(library)
    withdrawn = next(each for each, title in rows(library, "resource", "id, title") if title != FORMULA)
    withdraw(library, withdrawn, by="A", reason="x")
    tasks_catalog.publish_now()
    sentence = write_downloads(library, variables=SITE)
    (dump,) = list_dumps(library)
    assert sentence.startswith(f"the download {dump.manifest.name} was written: 2 resources, ")
    published = {each for (each,) in rows(library, "resource", "id")} - {withdrawn}
    records = {str(line["id"]): line for line in lines_of(dump.folder)}
    table = pq.read_table(dump.folder / "resources.parquet").to_pylist()
    with (dump.folder / "resources.csv").open(encoding="utf-8-sig", newline="") as file:
        sheet = list(csv.DictReader(file))
    assert published == set(records) == {row["id"] for row in table} == {row["id"] for row in sheet}
    title = next(row for row in table if row["title"] == FORMULA)
    assert title["page"] == f"https://library.example.org/resources/{title['id']}"
    assert (title["keywords"], title["description"]) == (["a", "b"], "حساب\nи алгебра")
    cells = next(row for row in sheet if row["id"] == title["id"])
    assert (cells["title"], cells["keywords"]) == ("'" + FORMULA, "a | b"), "no cell is a formula"
    assert (dump.folder / "resources.csv").read_bytes().startswith(b"\xef\xbb\xbfid,"), "spreadsheets read UTF-8"
    assert records[title["id"]]["metadata_license"] == title["metadata_license"]


def test_the_manifest_tells_what_is_there_and_how_to_verify_it(library: Environment) -> None:
    filled(library)
    write_downloads(library, variables=SITE)
    (dump,) = list_dumps(library)
    manifest = json.loads((dump.folder / "manifest.json").read_bytes())
    assert manifest["publication"] == newest_publication(library)
    assert manifest["resources"] == 3
    assert manifest["licenses"] == {"https://creativecommons.org/publicdomain/zero/1.0/": 3}
    assert "CC BY-SA 3.0 IGO" in manifest["attribution"][0]
    assert {each["name"] for each in manifest["columns"]} == set(
        pq.read_schema(dump.folder / "resources.parquet").names
    )
    for file in manifest["files"]:
        body = (dump.folder / file["name"]).read_bytes()
        assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"])
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=dump.folder, capture_output=True, check=True)
    assert checked.stdout.count(b": OK") == 5
    schema = json.loads((dump.folder / manifest["schema"]).read_bytes())
    assert "Resource" in schema["$defs"]


def test_a_dump_is_written_when_something_changed_and_old_ones_go_by_the_rule(library: Environment) -> None:
    filled(library)
    variables = {**SITE, "ELIB_DOWNLOADS_KEPT": "1,0"}
    write_downloads(library, variables=variables)
    first = newest_dump(library)
    tasks_catalog.publish_now()
    assert "nothing has changed since" in write_downloads(library, variables=variables)
    record_correction(library, "books:1", "title.en", json.dumps("Corrected"), by="A", reason="x")
    tasks_catalog.publish_now()
    assert write_downloads(library, variables=variables).endswith("; 1 older ones were removed")
    (second,) = list_dumps(library)
    assert first is not None and first.manifest.name < second.manifest.name
    declare(library, "books", 'metadata_license = "CC-BY-4.0"')
    assert "was written" in write_downloads(library, variables=variables), "the licence has changed"
    assert {each["metadata_license"] for each in lines_of(list_dumps(library)[0].folder)} == {
        "https://creativecommons.org/licenses/by/4.0/"
    }
    with pytest.raises(ValueError, match="ELIB_DOWNLOADS_KEPT: 'all' is no such rule"):
        write_downloads(library, variables={"ELIB_DOWNLOADS_KEPT": "all"})
    assert {path.name for path in library.downloads.iterdir()} == {list_dumps(library)[0].manifest.name}


def test_the_newest_and_the_first_of_each_month_are_kept() -> None:
    names = [f"2026{month:02}{day:02}T050000000Z" for month in range(1, 7) for day in range(1, 29)]
    kept = kept_names(names, KeepRule(newest=7, months=3))
    assert sorted(kept) == ["20260401T050000000Z", "20260501T050000000Z", "20260601T050000000Z"] + [
        f"202606{day}T050000000Z" for day in range(22, 29)
    ]
    assert kept_names(names[:5], KeepRule()) == set(names[:5])


def test_an_erasure_leaves_no_dump_that_holds_what_was_erased(library: Environment) -> None:
    filled(library)
    write_downloads(library, variables=SITE)
    erasure.erase(library, by="A", reason="asked", feed="books", names=["Zoë Quistgaard-Brandt"])
    assert list(library.downloads.iterdir()) == []
    tasks_catalog.publish_now()
    assert "was written" in write_downloads(library, variables=SITE)
    (dump,) = list_dumps(library)
    assert "Quistgaard" not in str(lines_of(dump.folder))


def test_a_kill_leaves_the_last_dump_and_a_full_disk_one_sentence(library: Environment) -> None:
    filled(library)
    write_downloads(library, variables=SITE)
    (before,) = list_dumps(library)
    code = (
        "import os, resource, signal, sys\n"
        "from pipeline.downloads import write_downloads\n"
        "from schemas import environment\n"
        "import loaders.downloads.writing as writing\n"
        "if sys.argv[1] == 'full':\n"
        "    write, hard = writing._write_resources, resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "    def limited(*arguments):\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))\n"
        "        try:\n"
        "            return write(*arguments)\n"
        "        finally:\n"
        "            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))\n"
        "    writing._write_resources = limited\n"
        "    from commands.cli import main\n"
        "    sys.exit(main(['downloads', '--even-unchanged']))\n"
        "writing._described = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_downloads(environment(), even_unchanged=True)\n"
    )

    def run(how: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code, how]
        return subprocess.run(command, env=environ, capture_output=True, check=False, text=True)

    killed = run("kill")
    assert killed.returncode == -signal.SIGKILL
    assert list_dumps(library) == [before]
    full = run("full")
    assert (full.returncode, full.stderr.count("\n")) == (1, 1), full.stderr
    assert "the disk is full: make room" in full.stderr
    runs = sorted(rows(library, "harvest_run", "id, status, cause, error"))
    interrupted, unusable = [run[1:] for run in runs if run[0].startswith("downloads-")][-2:]
    assert interrupted[:2] == ("failed", "interrupted"), "the killed one"
    assert unusable[:2] == ("failed", "unusable_file") and "make room" in unusable[2]
    assert list_dumps(library) == [before]
    assert main(["downloads", "--even-unchanged"]) == 0
    assert len(list_dumps(library)) == 2
    assert len(list(library.downloads.iterdir())) == 2, "what the killed process left is gone"


def test_a_dump_holds_one_batch_of_rows_and_few_pages_of_the_catalog(
    library: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 4,000 and at 200,000 resources a process that writes one takes the same memory (docs/benchmarks.md)."""

    class Line(str):
        """A line whose end of life can be seen."""

    filled(library, 60)
    monkeypatch.setattr(writing, "_BATCH_ROWS", 7)
    alive, most, caches = weakref.WeakSet[Line](), 0, set[int]()
    entries = tasks_downloads._entries

    def watched(connection: Connection, about: dict[str, Any]) -> Iterator[Any]:
        nonlocal most
        if connection.dialect.name == "sqlite":
            caches.add(connection.exec_driver_sql("PRAGMA cache_size").scalar_one())
        for entry in entries(connection, about):
            line = Line(entry.line)
            alive.add(line)
            most = max(most, len(alive))
            yield entry._replace(line=line)

    monkeypatch.setattr(tasks_downloads, "_entries", watched)
    write_downloads(library, variables=SITE)
    (dump,) = list_dumps(library)
    assert dump.manifest.resources == len(lines_of(dump.folder)) == 60
    assert pq.read_metadata(dump.folder / "resources.parquet").num_row_groups == 9
    assert most <= 2 * 7 + 1, "the batch that is written, and the next one"
    assert all(-8_192 <= cache < 0 for cache in caches)
    with read_transaction(library) as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA cache_size").scalar_one() == -65_536, "as before"


def test_only_one_process_writes_downloads(library: Environment) -> None:
    command = [sys.executable, "-m", "commands.cli", "downloads"]
    with upkeep_run(library, "downloads"):
        ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("the writing of the downloads: ") and "has been at work on it since" in ended.stderr
    assert not list_dumps(library)
