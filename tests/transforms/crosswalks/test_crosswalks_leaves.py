"""Leaves that no row of a table names are listed, also those that a wildcard ignores."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.coverage import main, unnamed_leaves
from schemas import SourceRecord
from transforms.crosswalks.engine import Table, XmlFormat, parse_xml
from transforms.draft import Draft

METS = """<mets><amdSec><rightsMD><note>kept until 2030</note></rightsMD></amdSec>
<dmdSec><mdWrap><xmlData><mods><titleInfo><title>Rain</title></titleInfo><colour>blue</colour></mods></xmlData></mdWrap>
</dmdSec></mets>"""


def test_an_ignored_leaf_knows_the_row_that_took_it() -> None:
    draft = Draft()
    table = Table({"title": "title"}, {"admin/*": "the repository's own", "admin/owner": "who keeps the file"})
    payload = "<a><title>Rain</title><admin><owner>Ana</owner><licence>CC BY</licence></admin></a>"
    XmlFormat(frozenset({"a"}), table).read(parse_xml(payload), draft)
    assert [(ignored.leaf.path, ignored.row) for ignored in draft.ignored] == [
        ("a/admin/owner", "admin/owner"),
        ("a/admin/licence", "admin/*"),
    ]


def test_leaves_without_a_row_are_counted_with_the_wildcard_that_took_them() -> None:
    record = SourceRecord(feed="f", identifier="1", format="mets", payload=METS, harvested_at="2026-01-01T00:00:00Z")
    assert unnamed_leaves([record, record]) == {
        ("mets", "mets/amdSec/rightsMD/note", "amdsec/*"): 2,
        ("mets", "mets/dmdSec/mdWrap/xmlData/mods/colour", ""): 2,
    }


@pytest.mark.parametrize(("option", "column"), [("--leaves", "ignored by"), (None, "rejected")])
def test_the_table_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str | None, column: str
) -> None:
    (tmp_path / "a.xml").write_text('<dim xmlns="http://www.dspace.org/xmlns/dspace/dim"><x>1</x></dim>')
    assert main([*([option] if option else []), str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert column in printed and "dim" in printed
