"""Tables as partners export them: columns of the same name, long rows, escapes, and lines before the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harvesters import harvest
from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import Answer, feed, identifiers, open_environment, pages, serving


def run(body: str | bytes, home: Path, **request: Any) -> list[Page]:
    with serving(lambda _: Answer(body)) as loopback:
        table = feed(f"{loopback.url}/t.csv", "csv", format="oercommons_csv", identifier="id", request=request)
        return pages(table, open_environment(home))


def payloads(harvested: list[Page]) -> list[dict[str, Any]]:
    return [json.loads(record.payload or "") for page in harvested for record in page.records]


def notes(harvested: list[Page]) -> list[str]:
    return [note for page in harvested for note in page.notes]


@pytest.mark.parametrize("header", ["id.type,id", "id,id.type", "id.2,id", "id.1.2,id"])
def test_columns_with_dots_keep_their_names(tmp_path: Path, header: str) -> None:
    harvested = run(f"{header}\n1,1\n", tmp_path)
    assert identifiers(harvested) == ["1"]
    assert list(payloads(harvested)[0]) == header.split(",")


def test_columns_of_the_same_name_are_a_list_of_their_cells(tmp_path: Path) -> None:
    (payload,) = payloads(run("id,subject,title,subject,subject\n1,Physics,A,,Optics\n", tmp_path))
    assert payload == {"id": "1", "subject": ["Physics", "", "Optics"], "title": "A"}
    assert list(payload) == ["id", "subject", "title"]


def test_rows_longer_than_the_header_are_counted_and_their_cells_kept(tmp_path: Path) -> None:
    rows = "".join(f"{n},A title,Book{',Map' if n % 4 == 0 else ''}\n" for n in range(1, 9))
    harvested = run(f"id,title,type\n{rows}", tmp_path)
    assert len(identifiers(harvested)) == 8
    assert payloads(harvested)[3][""] == ["Map"]
    (note,) = notes(harvested)
    assert note.startswith("2 of 8 rows have more cells than the 3 columns of the header (the first: line 5)")


def test_delimiters_at_the_end_of_rows_are_no_long_rows(tmp_path: Path) -> None:
    harvested = run("id,title\n1,A,,\n2,B,\n", tmp_path)
    assert identifiers(harvested) == ["1", "2"]
    assert notes(harvested) == []


def test_cells_below_an_unnamed_column_stay_beside_those_beyond_the_header(tmp_path: Path) -> None:
    (payload,) = payloads(run("id,title,\n1,A,b,c\n", tmp_path))
    assert payload == {"id": "1", "title": "A", "": ["b", "c"]}


@pytest.mark.parametrize("begin", ["\n", "\n\n ,\n", "\r\n", "\ufeff\n"])
def test_blank_lines_before_the_header_are_skipped(tmp_path: Path, begin: str) -> None:
    assert identifiers(run(f"{begin}id,title\n1,A\n", tmp_path)) == ["1"]


@pytest.mark.parametrize(
    ("begin", "delimiter"), [("sep=;", ";"), ('"sep=;"', ";"), ("SEP=\t", "\t"), ("\ufeffsep=|", "|"), ("sep=^", "^")]
)
def test_the_separator_line_of_a_spreadsheet_is_no_header(tmp_path: Path, begin: str, delimiter: str) -> None:
    harvested = run(f"{begin}\r\nid{delimiter}title\r\n1{delimiter}A, b\r\n", tmp_path)
    assert payloads(harvested) == [{"id": "1", "title": "A, b"}]


def test_lines_before_the_header_are_skipped_as_the_feed_file_says(tmp_path: Path) -> None:
    body = "Export of 2026-03-01\nAll rights, reserved\n\nid,title\n1,A\n,nameless\n"
    harvested = run(body, tmp_path, skip_lines=2)
    assert identifiers(harvested) == ["1"]
    assert "line 6" in harvested[0].skipped[0].reason


def test_an_escaped_quotation_mark_ends_no_cell(tmp_path: Path) -> None:
    body = 'id,title\n1,"The \\"new\\" maths, part 1"\n2,B\n'
    assert payloads(run(body, tmp_path, escape="\\")) == [
        {"id": "1", "title": 'The "new" maths, part 1'},
        {"id": "2", "title": "B"},
    ]


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ('id,"title\n1,A\n', "malformed"),
        ("title\n1\n", "bad_format"),
        ("\n\n", "bad_format"),
        ("sep=;\n", "bad_format"),
    ],
)
def test_a_table_without_a_usable_header_fails_with_its_cause(tmp_path: Path, body: str, cause: str) -> None:
    with pytest.raises(HarvestFailed) as caught:
        run(body, tmp_path)
    assert caught.value.cause == cause


@pytest.mark.parametrize("encoding", ["undefined", "no-such", "base64", "idna"])
def test_an_encoding_that_is_none_fails_with_a_sentence(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(HarvestFailed, match="encoding") as caught:
        run("id,title\n1,Ä\n", tmp_path, encoding=encoding)
    assert caught.value.cause == "bad_format"


def test_a_table_that_cannot_be_read_is_kept_in_landing_as_its_sentence_says(tmp_path: Path) -> None:
    body = b'id,"title\n\x31,A\n'
    with serving(lambda _: Answer(body)) as loopback:
        table = feed(f"{loopback.url}/t.csv", "csv", format="oercommons_csv", identifier="id")
        kept: list[Page] = []
        with pytest.raises(HarvestFailed, match="kept in landing"):
            for page in harvest(table, Ask(), open_environment(tmp_path)):
                kept += [page]
    assert [raw.body for page in kept for raw in page.raw] == [body]


def test_rows_that_share_an_identifier_and_differ_are_counted_in_a_note(tmp_path: Path) -> None:
    harvested = run("id,title\n1.2E+15,a\n1.2E+15,b\n2,c\n2,c\n", tmp_path)
    assert [note for note in notes(harvested) if note.startswith("1 of 4 records have the identifier of another")]


@pytest.mark.parametrize("end", ['5,"other" one,g', '5,g,"quoted"', '5,x "y" z,g'])
def test_a_stray_quotation_mark_swallows_no_rows(tmp_path: Path, end: str) -> None:
    harvested = run(f'id,title,x\n1,a,b\n2,"open title,b\n3,c,d\n4,e,f\n{end}\n6,h,i\n', tmp_path)
    assert identifiers(harvested) == ["1", "2", "3", "4", "5", "6"]
    assert payloads(harvested)[1]["title"] == '"open title'
    assert [note for note in notes(harvested) if "amid another row (the first: line 3)" in note]


@pytest.mark.parametrize("cell", ['"a, b\nc, d\ne, f"', '"a ""b""\nc, ""d"", e\n"'])
def test_a_cell_of_several_lines_stays_one(tmp_path: Path, cell: str) -> None:
    harvested = run(f"id,title,x\n1,{cell},b\n2,c,d\n", tmp_path)
    assert identifiers(harvested) == ["1", "2"]
    assert notes(harvested) == []
