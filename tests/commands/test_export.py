"""`elib export`: what a published library gives out, and what the command says of wrong words."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pymarc
import pytest
from lxml import etree

from commands.cli import main
from loaders.curation import curation
from loaders.publication import newest_publication
from loaders.search import Wanted, search_library
from loaders.store import read_transaction
from pipeline import catalog as tasks
from schemas import Environment
from tests.installation import env, home  # noqa: F401 - fixtures
from tests.loaders.nights import on_sqlite
from tests.pipeline.conftest import library  # noqa: F401 - a fixture
from tests.pipeline.feeds import declare, listed, night

OAI = {"oai": "http://www.openarchives.org/OAI/2.0/", "dc": "http://purl.org/dc/elements/1.1/"}
BY = {"by": "A Steward", "reason": "asked by the partner"}


def exported(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["export", *words]) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_published_library_is_exported_in_every_format(
    library: Environment,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ELIB_WEB_URL", "https://library.example.org/")
    records = [listed("books", number) for number in range(3)]
    records.append(listed("books", 3, inLanguage=["fr"], name="Les volcans & <les> séismes"))
    night(library, "books", records)
    declare(library, "others")
    tasks.publish_now()

    lines, said = exported(capsys, "jsonl")
    resources = [json.loads(line) for line in lines.splitlines()]
    cursor = newest_publication(library)
    assert said == f"Exported: 4 resources, 0 withdrawn\nCursor: {cursor}\n"
    assert [each["feeds"] for each in resources] == [["books"]] * 4
    assert resources[0]["partners"] == ["Example University"]
    assert resources[0]["address"] == f"https://library.example.org/resources/{resources[0]['id']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", resources[0]["visible_at"])

    page = etree.fromstring(exported(capsys, "oai_dc")[0].encode())
    identifiers = [f"oai:library.example.org:{each['id']}" for each in resources]
    assert [each.text for each in page.iterfind(".//oai:identifier", OAI)] == identifiers
    assert "Les volcans & <les> séismes" in [each.text for each in page.iterfind(".//dc:title", OAI)]

    collection = pymarc.parse_xml_to_array(io.StringIO(exported(capsys, "marcxml")[0]))
    assert [record["001"].data for record in collection] == [each["id"] for each in resources]
    etree.fromstring(exported(capsys, "lom")[0].encode())
    for format_ in ("lrmi", "amb"):
        assert len([json.loads(line) for line in exported(capsys, format_)[0].splitlines()]) == 4

    french, said = exported(capsys, "json", "--filter", "language=fr", "--filter", "type=worksheet")
    assert [json.loads(line)["record"]["languages"][0]["tag"] for line in french.splitlines()] == ["fr"]
    assert exported(capsys, "json", "--filter", "type=video") == (
        "",
        f"Exported: 0 resources, 0 withdrawn\nCursor: {cursor}\n",
    )
    assert exported(capsys, "json", "--filter", "license=GNU FDL 1.3")[0] == ""
    assert exported(capsys, "json", "--filter", "feed=others", "--filter", "feed=books")[0].count("\n") == 4
    assert exported(capsys, "json", "--filter", "open=yes")[0].count("\n") == 4

    file = tmp_path / "new" / "library.xml"
    assert exported(capsys, "oai_dc", "--out", str(file))[0] == ""
    assert len(etree.parse(file).findall(".//oai:record", OAI)) == 4
    assert [path.name for path in file.parent.iterdir()] == ["library.xml"]

    moment = resources[0]["visible_at"]
    withdrawn = next(each["id"] for each in resources if each["record"]["key"] == "books:1")
    curation.withdraw(library, "books:1", **BY)
    tasks.publish_now()
    gone = [json.loads(line) for line in exported(capsys, "json", "--since", moment)[0].splitlines()]
    assert [each["id"] for each in gone if each.get("deleted")] == [withdrawn]
    assert exported(capsys, "json")[0].count("\n") == 3, "without --since the withdrawn one is left out"
    page = etree.fromstring(exported(capsys, "oai_dc", "--since", moment)[0].encode())
    deleted = page.findall(".//oai:header[@status='deleted']/oai:identifier", OAI)
    assert [each.text for each in deleted] == [f"oai:library.example.org:{withdrawn}"]
    collection = pymarc.parse_xml_to_array(io.StringIO(exported(capsys, "marcxml", "--since", moment)[0]))
    assert [record["001"].data for record in collection if record.leader[5] == "d"] == [withdrawn]
    _, said = exported(capsys, "lrmi", "--since", moment)
    assert "1 withdrawn resources are left out, for lrmi has no form for them" in said
    assert exported(capsys, "json", "--since", "2100-01-01")[0] == ""
    changed, printed = exported(capsys, "json", "--since", str(cursor), "--filter", "language=fr")
    assert [(each["id"], each["deleted"]) for each in map(json.loads, changed.splitlines())] == [(withdrawn, True)]
    assert printed.endswith(f"Cursor: {newest_publication(library)}\n")
    assert exported(capsys, "json", "--since", str(newest_publication(library)))[0] == ""
    unknown = "publish-20200101T000000000000"
    assert main(["export", "json", "--since", unknown, "--out", str(tmp_path / "none.jsonl")]) == 1
    assert f"does not know the publication {unknown}" in capsys.readouterr().err
    assert not (tmp_path / "none.jsonl").exists()
    with read_transaction(library):
        pass  # the export has left no transaction that would keep another from reading


def test_each_filter_of_the_search_fits_what_the_search_finds(
    library: Environment,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the index's own facets: each value that it counts gives as many resources to the export."""
    competency = [{"prefLabel": {"en": "ICT-CFT Pedagogy: Knowledge Deepening"}}]
    about = [{"prefLabel": {"en": "Mathematics"}}]
    records = [listed("books", number, keywords=["algebra"]) for number in range(3)]
    records.append(listed("books", 3, inLanguage=["fr"], competencyRequired=competency, about=about))
    night(library, "books", records)
    tasks.publish_now()
    hits = search_library(library, Wanted("", ()), limit=10)
    counted = 0
    for name, values in hits.facets.items():
        for value, count in values:
            lines, _ = exported(capsys, "json", "--filter", f"{name}={value}")
            assert len(lines.splitlines()) == count, (name, value)
            counted += 1
    assert counted >= 8 and hits.facets["competency"] and hits.facets["subject"]
    for wrong, sentence in (
        ("partner=Exmaple University", "there is no such partner here; did you mean Example University?"),
        ("feed=boks", "there is no such feed here; did you mean books?"),
    ):
        assert main(["export", "json", "--filter", wrong]) == 2
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["bibtex"], "'bibtex' is no format; use one of oai_dc, lom, lrmi, amb, marcxml, json"),
        (["json", "--since", "2026-13-01"], "'2026-13-01' is neither YYYY-MM-DD nor YYYY-MM-DDThh:mm:ssZ"),
        (["json", "--since", "yesterday"], "'yesterday' is neither"),
        (
            ["json", "--filter", "colour=red"],
            "--filter 'colour=red': use feed=…, language=…, level=…, type=…, subject=…, ",
        ),
        (["json", "--filter", "competency=ict-cft.9.9"], "--filter competency='ict-cft.9.9' is none of "),
        (["json", "--filter", "subject=isced-f:9999999"], "subject='isced-f:9999999' is no subject of the library's"),
        (["json", "--since", "publish-2026"], "nor a cursor of an earlier export or of /api/v1/changes"),
        (["json", "--filter", "language"], "--filter 'language': use feed=…"),
        (["json", "--filter", "level=12"], "--filter level='12' is none of 0, 1, 2"),
        (["json", "--filter", "type=film"], "--filter type='film' is none of application, assessment"),
        (
            ["json", "--filter", "language=french"],
            "--filter language='french' is no tag of a language in BCP 47; did you mean fr?",
        ),
        (["json", "--filter", "language=xx"], "language='xx' is no tag of a language in BCP 47, such as fr, sr"),
        (["json", "--filter", "license=cc-by-4.0"], "is no licence that the library knows; did you mean CC BY 4.0?"),
        (["json", "--filter", "license=GNU FDL 1.33"], "did you mean GNU FDL 1.3?"),
        (["json", "--filter", "feed=../x"], "--filter feed='../x' is no name of a feed"),
    ],
)
def test_wrong_words_are_reported_in_one_sentence_with_exit_code_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *words]) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err and "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("address", ["library.example.org", "http://[x", "javascript:alert(1)", "https://"])
def test_an_address_of_the_web_that_is_none_is_said(
    address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELIB_WEB_URL", address)
    assert main(["export", "json"]) == 2
    assert "is no address such as https://library.example.org" in capsys.readouterr().err


@on_sqlite
def test_a_file_that_cannot_be_written_is_named(
    library: Environment,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert main(["export", "json", "--out", str(tmp_path / "file" / "library.jsonl")]) == 1
    printed = capsys.readouterr()
    assert str(tmp_path / "file") in printed.err and "Traceback" not in printed.err
