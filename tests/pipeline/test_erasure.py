"""What was erased is in no file under ELIB_HOME and in no table, and does not come back."""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from commands.cli import main
from loaders import curation, erasure
from loaders.backup import back_up, restore
from loaders.browse import ReaderMessage
from loaders.landing import landing_index, part_paths
from loaders.landing.part import read_footer
from loaders.reader_reports import keep_reader_report
from loaders.store import Table, engine, read_transaction
from loaders.task_notes import write_note
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from schemas import Environment, environment
from tests.installation import KeptInstallation, kept_installation
from tests.loaders.nights import everything, on_sqlite, rows
from tests.pipeline.feeds import declare, listed, night

pytestmark = pytest.mark.early

ROOT = Path(__file__).parents[2]
NAME, FOLDED, CONTACT = "Zoë Quistgaard-Brandt", "quistgaard", "zoe@quistgaard-brandt.example"
BY: Any = {"by": "A Steward", "reason": f"{NAME} asked for it"}
SIGNED = ("--by", "A Steward", "--reason", "asked for it", "--yes")


def works(**more: Any) -> list[Any]:
    """Four records; the first two name the person, one of them in letters that JSON escapes."""
    creator = [{"type": "Person", "name": "Quistgaard-Brandt, Zoë"}]
    told = {"creator": creator, "description": f"A workbook by {NAME}, with tests and answers; write to {CONTACT}."}
    return [listed("books", 0, **told, **more), listed("books", 1, creator=creator), *map(plain, range(2, 4))]


def plain(number: int) -> Any:
    return listed("books", number)


def fill(env: Environment) -> None:
    """Two nights and their publications, a waiting version, a correction and a held run: the name is everywhere."""
    declare(env, "books")
    night(env, "books", works())
    tasks_catalog.publish_now()
    night(env, "books", works(name="Untitled", keywords=[NAME], likes=2))
    curation.record_correction(env, "books:2", "contributors", json.dumps([_person()]), by="A", reason=f"is by {NAME}")
    tasks_catalog.publish_now()
    ((resource_id,),) = [row[1:] for row in rows(env, "source_record", "key, resource_id") if row[0] == "books:0"]
    told = ReaderMessage(id="m", at="2026-01-01T00:00:00Z", language="en", text=f"I am {NAME}.", contact=CONTACT)
    keep_reader_report(env, resource_id, "takedown", told)
    answered = {"by": "A", "reason": f"{NAME} wrote", "answer": f"Good day, {NAME}"}
    curation.decide_reader_reports(env, "dismiss", lambda _: [1], **answered)
    write_note(env, "asked:record:books:1", "remarked", who="A", note=f"Is this by {NAME}?")
    run = next((env.landing / "books").glob("books-*"))
    (run / "raw-00000.bin").write_bytes(b"\xff\xfe" + f"<broken {NAME}".encode("utf-16-le"))
    (run / "raw-00001.bin").write_bytes(f"<broken>{NAME}".encode("latin-1"))
    (run / "raw-00001.json").write_text(json.dumps({"url": "https://x.example", "reason": f"bad: {NAME}"}))


kept = kept_installation(fill)


@pytest.fixture
def filled(kept: KeptInstallation) -> Iterator[Environment]:
    """An installation in which the name is everywhere."""
    with kept.begun() as library:
        yield library


def _person() -> dict[str, Any]:
    return {"name": NAME, "role": "author", "kind": "person", "id": None}


def holding(env: Environment, needle: str = FOLDED) -> list[str]:
    """Every file and table that holds the needle in any case, with the columns of Parquet files as text."""
    holders = [str(path) for path in env.home.rglob("*") if path.is_file() and _holds(path, needle)]
    with read_transaction(env) as connection:
        for name in Table.metadata.tables:
            everything_in = str(connection.execute(text(f"SELECT * FROM {name}")).all())
            holders += [name] if needle in everything_in.casefold() else []
    return holders


def _holds(path: Path, needle: str) -> bool:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return needle in str(table.to_pylist()).casefold() or needle in str(table.schema.metadata).casefold()
    body = path.read_bytes()
    return any(needle in body.decode(encoding, "replace").casefold() for encoding in ("utf-8", "utf-16-le"))


def parts_are_whole(env: Environment) -> Iterator[int]:
    for run in sorted((env.landing / "books").glob("books-*")):
        for path in part_paths(run):
            table = pq.read_table(path).to_pylist()
            assert read_footer(path).records == len(table)
            for row in table:
                assert row["kept"] == (row["payload"] is not None)
                if row["payload"] is not None:
                    assert hashlib.sha256(row["payload"].encode()).hexdigest() == row["sha256"]
            with landing_index(env.landing / "books") as index:
                wanted = [(row["identifier"], row["sha256"]) for row in table if row["sha256"]]
                assert len(index.locations(wanted)) == len(set(wanted))
            yield len(table)


def test_a_name_is_taken_out_of_every_store_and_stays_out(filled: Environment) -> None:
    assert len(holding(filled)) > 8
    erased = erasure.erase(filled, **BY, feed="books", names=[NAME], contacts=[CONTACT])
    assert erased.landed >= 2 and erased.rows > 5
    assert holding(filled) == []
    assert list(parts_are_whole(filled)) == [4, 4]
    tasks_catalog.publish_now()
    night(filled, "books", works(name="Untitled", keywords=[NAME], likes=2))
    night(filled, "books", works(likes=3))
    tasks_catalog.publish_now()
    tasks.run_feed("books", tasks.begin_reprocess("books"))
    tasks_catalog.publish_now()
    assert holding(filled) == []
    assert {status for (status,) in rows(filled, "source_record", "status")} == {"live"}
    lines = list(erasure.list_erasures(filled))
    assert [" by A Steward: [erased] asked for it; done " in line for line in lines] == [True, True]


@on_sqlite
def test_what_a_crosswalk_repairs_does_not_bring_a_name_back(library: Environment) -> None:
    night(library, "books", [listed("books", 0, description="A workbook by ZoÃ« Quistgaard-Brandt, with answers.")])
    erasure.erase(library, **BY, feed="books", names=[NAME])
    tasks.run_feed("books", tasks.begin_reprocess("books"))
    tasks_catalog.publish_now()
    ((record,),) = rows(library, "resource", "record")
    assert "[erased]" in record and FOLDED not in record.casefold()


def test_a_record_is_taken_out_whole_and_is_not_loaded_again(
    filled: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [row for row in rows(filled, "source_record", "key, record") if row[0] in ("books:2", "books:3")]
    assert main(["erase", "books:0", *SIGNED]) == 0
    assert main(["erase", "books:1", *SIGNED]) == 0
    erasure.erase(filled, **BY, key="books:2", names=[NAME])
    capsys.readouterr()
    assert holding(filled) == [] and holding(filled, "books.example.org/0") == []
    assert list(parts_are_whole(filled)) == [4, 4]
    for _ in range(2):
        night(filled, "books", works(name="Untitled", keywords=[NAME], likes=2))
        tasks_catalog.publish_now()
    assert holding(filled) == []
    assert [row for row in rows(filled, "source_record", "key, record") if row[0] in ("books:2", "books:3")] == others
    assert rows(filled, "source_record WHERE status = 'live'", "key") == [("books:2",), ("books:3",)]
    before = everything(filled)
    assert night(filled, "books", works(name="Untitled", keywords=[NAME], likes=2))[1]["unchanged"] == 4
    tasks.run_feed("books", tasks.begin_reprocess("books"))
    tasks_catalog.publish_now()
    assert everything(filled) == before
    assert len(rows(filled, "resource WHERE withdrawn_at IS NULL", "id")) == 2


@pytest.mark.parametrize(
    ("kept", "file_name", "times"),
    [
        pytest.param("sqlite", "/part-00000.parquet", 2, id="among the parts"),
        pytest.param("sqlite", "/before.parquet", 1, id="before the undo logs"),
        pytest.param("sqlite", "/erasures.jsonl", 4, id="before the end"),
        pytest.param("sqlite", "/erasures.jsonl", 5, id="in the second erasure"),
        pytest.param("postgresql", "/before.parquet", 1, id="postgresql", marks=pytest.mark.postgres),
    ],
    indirect=["kept"],
    scope="module",
)
def test_an_erasure_that_is_killed_is_completed_by_the_same_command(
    filled: Environment, file_name: str, times: int
) -> None:
    run = next((filled.landing / "books").glob("books-*"))
    (run / ".part-00000.parquet.99999999.tmp").write_text(NAME)  # of a harvest that was killed
    killed = erase_in_a_process(filled, file_name, times)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert "NOT DONE" in " ".join(erasure.list_erasures(filled))
    completed = erase_in_a_process(filled)
    assert completed.returncode == 0, completed.stderr
    assert "NOT DONE" not in " ".join(erasure.list_erasures(filled))
    assert holding(filled) == []
    assert list(parts_are_whole(filled)) == [4, 4]


def erase_in_a_process(env: Environment, file_name: str = "", times: int = 0) -> subprocess.CompletedProcess[str]:
    engine(env).dispose()
    command = [sys.executable, "-m", "tests.pipeline.erase_process", file_name, str(times), NAME, CONTACT]
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_backups_after_it_hold_nothing_and_an_older_one_is_erased_again_when_restored(
    filled: Environment, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.tar", tmp_path / "new.tar"
    back_up(filled, old)
    erasure.erase(filled, **BY, feed="books", names=[NAME], contacts=[CONTACT])
    erasure.erase(filled, **BY, key="books:3")
    back_up(filled, new)
    assert erasure.erasures_since(filled, old) == 3 and erasure.erasures_since(filled, new) == 0
    for number, backup in enumerate((old, new)):
        again = environment({"ELIB_HOME": str(tmp_path / f"again{number}")})
        (again.landing).mkdir(parents=True)
        (again.landing / "erasures.jsonl").write_bytes((filled.landing / "erasures.jsonl").read_bytes())
        restore(again, backup)
        assert holding(again) == [] and holding(again, "books.example.org/3") == []
        engine(again).dispose()


@on_sqlite
def test_what_cannot_be_erased_is_refused_in_a_sentence(
    library: Environment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    night(library, "books", works())
    for words, why in (
        (["nobody:1", *SIGNED], "there is no record 'nobody:1'"),
        (["books", *SIGNED], "is not a record's key"),
        (["--name", NAME, *SIGNED], "give a record's key, or --feed"),
        (["--feed", "books", *SIGNED], "give --name or --contact"),
        (["books:0", "--name", "…", *SIGNED], "0 words"),
        (["books:0", "--name", "Person", *SIGNED], "is a word that every record has"),
        (["books:0", "--yes"], "a decision needs --by and --reason"),
    ):
        assert main(["erase", *words]) == 1
        assert why in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115, PTH123
    assert main(["erase", "books:0", *SIGNED[:-1]]) == 1
    assert "Nothing was erased." in capsys.readouterr().err
    assert len(holding(library)) > 0


@on_sqlite
def test_an_erased_record_names_the_other_records_that_still_hold_the_person(
    library: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(library, "others")
    same = {"name": "A field guide to the mosses of the Tara valley", "id": "https://doi.org/10.1234/mosses"}
    creator = [{"type": "Person", "name": NAME}]
    night(library, "books", [listed("books", 0, **same, creator=creator), *map(plain, range(1, 4))])
    others = [listed("others", 0, **same, creator=creator), *(listed("others", number) for number in range(4, 7))]
    night(library, "others", others)
    tasks_catalog.publish_now()
    erasure.erase(library, by="A Steward", reason=f"{NAME} asked for it", feed="books", contacts=[CONTACT])
    assert main(["erase", "books:0", *SIGNED]) == 0
    assert "1 more records of the same works name the person" in (output := capsys.readouterr().out)
    assert "erase others:0\n" in output
    assert main(["erase", "others:0", "--name", NAME, *SIGNED]) == 0
    assert "more records" not in capsys.readouterr().out
    assert holding(library) == [], "nor do the reasons of earlier erasures"


@on_sqlite
@pytest.mark.parametrize("between", ["<br/>", ' <span title="a > b">', "\n", " &lt;b class=&quot;x&quot;&gt;"])
def test_a_name_with_markup_between_its_words_is_erased_everywhere(library: Environment, between: str) -> None:
    first, last = NAME.split()
    text = f"A workbook by {first}{between}{last}, with tests and answers for all."
    night(library, "books", [listed("books", 0, description=text), *map(plain, range(1, 4))])
    tasks_catalog.publish_now()
    erasure.erase(library, **BY, feed="books", names=[NAME])
    tasks_catalog.publish_now()
    assert holding(library) == []


FORMS = (
    "Zoe\u0308 Quistgaard-Brandt",
    "ZOË QUISTGAARD-BRANDT",
    "Quistgaard-Brandt, Zoë",
    "Zo&euml; Quistgaard-Brandt",
    "Zo&amp;#xEB; Quistgaard&#45;Brandt",
    "Zo&euml Quistgaard-Brandt",
    "<![CDATA[Zoë]]> <![CDATA[Quistgaard-Brandt]]>",
    "Zoë<b>Quistgaard-Brandt</b>",
    "Z<b>o</b>ë Qu<i>ist</i>gaard-Brandt",
    "written by<b>Zoë Quistgaard-Brandt</b>in May",
    "&lt;i&gt;Zoë&lt;/i&gt;Quistgaard-Brandt",
    "Zoë Quist<wbr>gaard<!-- a note -->-Brandt",
    "N:Quist\r\n gaard-Brandt;Zoë;;;",
    "FN;ENCODING=QUOTED-PRINTABLE:Zo=C3=AB Quist=\ngaard-Brandt",
    "https://x.example/?by=Zo%C3%AB+Quistgaard-Brandt",
    "https://x.example/?by=Zo%25C3%25AB%2520Quistgaard-Brandt",
    "https://x.example/Zo%EB_Quistgaard-Brandt",
    "https://x.example/zoequistgaardbrandt",
    "Zo\u200bë Quist\u200bgaard-Brandt",
    "Zo\u200cë Quist\u00adgaard-Brandt",
    "Zoë\u00a0Quistgaard\u2011Brandt",
    "\uff3a\uff4f\u00eb Quistgaard-Brandt",
    '<subfield code="a">Quistgaard-Brandt,</subfield><subfield code="q">Zoë</subfield>',
    "=100 1_$aQuistgaard-Brandt, Zoë$eauthor",
    "ZoÃ« Quistgaard-Brandt",
    'Zo\\"{e} Quistgaard-Brandt',
    "\u202aZoë\u202c Quistgaard\u2013Brandt",
    json.dumps({"by": NAME}),
)


@on_sqlite
def test_a_name_is_erased_in_every_form_that_is_read_as_it(
    library: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    def forms(**more: Any) -> list[Any]:
        texts = [f"A workbook, {form}; with tests and answers for everybody." for form in FORMS]
        return [listed("books", number, description=text, **more) for number, text in enumerate(texts)]

    night(library, "books", forms())
    tasks_catalog.publish_now()
    night(library, "books", forms(keywords=["workbook"]))
    tasks_catalog.publish_now()
    assert len(holding_letters(library)) > 3
    assert main(["erase", "--feed", "books", "--name", NAME, *SIGNED]) == 0
    assert "not transformed" not in capsys.readouterr().err
    assert holding_letters(library) == []
    assert len(rows(library, "source_record WHERE status = 'live'", "key")) == len(FORMS)
    night(library, "books", forms(keywords=["workbook"]))
    assert everything_is_unchanged(library)


def everything_is_unchanged(env: Environment) -> bool:
    newest = max(rows(env, "harvest_run WHERE feed = 'books'", "id, landed, unchanged"))
    return newest[1] == newest[2]


def holding_letters(env: Environment) -> list[str]:
    """Every table and Parquet file in which the letters of the name follow each other, whatever stands between."""
    tables = {str(path): str(pq.read_table(path).to_pylist()) for path in env.home.rglob("*.parquet")}
    with read_transaction(env) as connection:
        for name in Table.metadata.tables:
            tables[name] = str(connection.execute(text(f"SELECT * FROM {name}")).all())
    return [name for name, body in tables.items() if FOLDED in _letters(body) or FOLDED in _letters(_untagged(body))]


def _letters(body: str) -> str:
    unescaped = html.unescape(html.unescape(body)).replace("\\n", "").replace("\\r", "")
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKD", unescaped).casefold()))


def _untagged(body: str) -> str:
    return re.sub("<[^<>]*>", "", html.unescape(html.unescape(body)))
