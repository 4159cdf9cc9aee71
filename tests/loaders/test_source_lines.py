"""A value's source is found in what the partner sent, line by line."""

from __future__ import annotations

import json

import pytest

from loaders.reports import source_lines

DC = (
    '<metadata xmlns="http://www.openarchives.org/OAI/2.0/"><oai_dc:dc '
    'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<dc:title>A title</dc:title><dc:title>Un titre</dc:title><dc:language>fre</dc:language></oai_dc:dc></metadata>"
)
MARC = (
    '<record xmlns="http://www.loc.gov/MARC21/slim"><datafield tag="041"><subfield code="a">fre</subfield></datafield>'
    '<datafield tag="245"><subfield code="a">Title</subfield><subfield code="b">rest/of it</subfield>'
    "</datafield></record>"
)
AMB = json.dumps({"id": "x", "name": "T", "creator": [{"name": "A"}, {"name": "B"}], "empty": [], "n": None})


@pytest.mark.parametrize(
    ("payload", "path", "line"),
    [
        (DC, "oai_dc:dc/dc:title[2]", "<dc:title>Un titre</dc:title>"),
        (DC, "oai_dc:dc/dc:title[1]", "<dc:title>A title</dc:title>"),
        (DC, "oai_dc:dc/dc:language", "<dc:language>fre</dc:language>"),
        (MARC, "record/datafield[@tag='245']/subfield[@code='b']", '<subfield code="b">rest/of it</subfield>'),
        (MARC, "record/datafield[@tag='041']/subfield[@code='a'][1]", '<subfield code="a">fre</subfield>'),
        (AMB, "$.name", '"name": "T"'),
        (AMB, "$.creator[1].name", '"name": "B"'),
        (AMB, "$.empty", '"empty": []'),
    ],
)
def test_the_line_of_a_path_is_found(payload: str, path: str, line: str) -> None:
    lines, places = source_lines(payload, [path])
    assert lines[places[path] - 1].strip() == line


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "no source",
        "<a><b></a>",
        '{"a": 1',
        "[" * 5_000,
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
    ],
)
def test_a_source_that_cannot_be_read_is_shown_as_it_is(payload: str) -> None:
    lines, places = source_lines(payload, ["$.name", "a/b", "/", "a[99999999999]", "'"])
    assert "root:" not in "".join(lines) and (lines == payload.splitlines() or payload.endswith("</a>"))
    assert places.get("$.name") is None
