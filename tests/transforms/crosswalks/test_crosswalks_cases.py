"""MARC records, and records that repositories offer under names of their own, become what is right for them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from schemas import Assessment, Feed, Resource, SourceRecord
from transforms import transform
from transforms.crosswalks.marcxml import without_isbd

CASES = Path(__file__).resolve().parents[2] / "cases"
FEED = Feed(name="cases", title="Cases", partner="Sample Partner", protocol="files", url="inbox:cases")


def rows(name: str) -> list[dict[str, str]]:
    with (CASES / name).open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t"))


def assessed(format_: str, path: Path) -> Assessment:
    record = SourceRecord(
        feed="cases",
        identifier=path.name,
        format=format_,
        payload=path.read_text(encoding="utf-8"),
        harvested_at="2026-01-01T00:00:00Z",
    )
    return transform(record, FEED)


def texts_of(resource: Resource, field: str) -> str:
    """Everything that fields joined by bars hold, as one text."""
    return " / ".join(str(getattr(resource, name)) for name in field.split("|"))


def holds(resource: Resource | None, test: str, field: str, expected: str) -> bool:
    if resource is None:
        return test == "refused_or_has"
    value: Any = getattr(resource, field.partition("|")[0])
    if test == "key":
        return expected in value
    if test == "starts":
        return str(value).startswith(expected)
    return (expected in texts_of(resource, field)) != (test == "hasnt")


MARC_ROWS = rows("marc/marc.tsv")


@pytest.mark.parametrize("row", MARC_ROWS, ids=lambda row: f"{row['file']}-{row['expected']}")
def test_a_marc_record_becomes_what_its_fields_mean(row: dict[str, str]) -> None:
    resource = assessed("marcxml", CASES / "marc" / row["file"]).resource
    assert holds(resource, row["test"], row["field"], row["expected"]), resource


@pytest.mark.parametrize("row", rows("formats/formats.tsv"), ids=lambda row: row["prefix"])
def test_the_root_element_and_not_the_prefix_decides_how_a_record_is_read(row: dict[str, str]) -> None:
    format_ = {"dc.xml": "oai_dc", "oai_marc.xml": "marcxml"}.get(row["file"], row["file"].removesuffix(".xml"))
    resource = assessed(format_, CASES / "formats" / row["file"]).resource
    assert resource is not None
    assert row["expected"] in resource.title.values()


@pytest.mark.parametrize("row", rows("formats/formats.tsv"), ids=lambda row: row["prefix"])
def test_a_record_of_another_format_is_refused_with_what_came_and_what_to_set(row: dict[str, str]) -> None:
    path = CASES / "formats" / row["file"]
    rejection = assessed("xoai", path).rejection
    assert rejection is not None
    root = path.read_text(encoding="utf-8").partition(" ")[0].rpartition(":")[2].strip("<")
    assert rejection.reason.startswith(f"the payload is <{root}> of http://")
    assert 'format = "' in rejection.reason
    assert rejection.reason.count(" or prefix asks for others") == 1


@pytest.mark.parametrize(
    ("format_", "record", "advice"),
    [
        (
            "marcxml",
            '<record><datafield tag="200"><subfield code="a">Chimie</subfield></datafield></record>',
            "unimarc",
        ),
        ("unimarc", '<record><datafield tag="245"><subfield code="a">Maps</subfield></datafield></record>', "marcxml"),
    ],
)
def test_marc_21_and_unimarc_are_not_read_for_each_other(
    tmp_path: Path, format_: str, record: str, advice: str
) -> None:
    path = tmp_path / "record.xml"
    path.write_text(record.replace("<record>", '<record xmlns="http://www.loc.gov/MARC21/slim">'), encoding="utf-8")
    rejection = assessed(format_, path).rejection
    assert rejection is not None
    assert f'set format = "{advice}" in the feed file' in rejection.reason


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("Algebra.", "Algebra"),
        ("Weaver, Robert J.,", "Weaver, Robert J."),
        ("Иванова, Анна П.", "Иванова, Анна П."),
        ("王伟.", "王伟"),
        ("Sample Press,", "Sample Press"),
        ("Problems, exercises, etc.", "Problems, exercises, etc."),
        ("United States. Office of Sample Studies in the U.S.", "United States. Office of Sample Studies in the U.S."),
        ("What comes next ...", "What comes next ..."),
        ("Jean-J.", "Jean-J."),
        ("1999.", "1999"),
    ],
)
def test_the_punctuation_of_isbd_goes_and_that_of_initials_stays(written: str, clean: str) -> None:
    assert without_isbd(written) == clean


@pytest.mark.parametrize(
    "elements",
    [
        "<dc:title>Rain in the garden</dc:title><dcterms:issued>2024</dcterms:issued>",
        "<dcterms:issued>2024</dcterms:issued><dcterms:title>Rain in the garden</dcterms:title>",
        '<x:degree xmlns:x="http://x.example/">PhD</x:degree><dc:title>Rain in the garden</dc:title>'
        "<dc:date>2024</dc:date>",
    ],
)
def test_qualified_dublin_core_without_a_root_is_read(tmp_path: Path, elements: str) -> None:
    path = tmp_path / "record.xml"
    path.write_text(
        '<record xmlns="http://www.openarchives.org/OAI/2.0/"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:dcterms="http://purl.org/dc/terms/">{elements}</metadata></record>',
        encoding="utf-8",
    )
    resource = assessed("qdc", path).resource
    assert resource is not None
    assert (resource.title, resource.issued) == ({"en": "Rain in the garden"}, "2024")


@pytest.mark.parametrize(
    ("format_", "record"),
    [
        ("oai_dc", '<dc status="deleted"><title>Rain</title></dc>'),
        ("marcxml", "<record><leader>00714dam a2200205 a 4500</leader></record>"),
        ("unimarc", "<record><leader>00714dam  2200205   4500</leader></record>"),
        (
            "oai_marc",
            '<oai_marc status="d"><varfield id="245"><subfield label="a">Rain</subfield></varfield></oai_marc>',
        ),
    ],
)
def test_a_record_that_is_marked_as_deleted_is_not_published(tmp_path: Path, format_: str, record: str) -> None:
    path = tmp_path / "record.xml"
    path.write_text(record.replace("<record>", '<record xmlns="http://www.loc.gov/MARC21/slim">'), encoding="utf-8")
    rejection = assessed(format_, path).rejection
    assert rejection is not None
    assert rejection.reason.startswith("the record is marked as deleted")


OAI_RECORD = '<record xmlns="http://www.openarchives.org/OAI/2.0/"><metadata>{}</metadata></record>'
XOAI = '<metadata xmlns="http://www.lyncode.com/xoai"><element name="dc"/></metadata>'
ESE = '<record xmlns="http://www.europeana.eu/schemas/ese/"><title>Rain</title></record>'
OPENAIRE = '<resource xmlns="http://namespace.openaire.eu/schema/oaire/"/>'
DATACITE = '<resource xmlns="http://datacite.org/schema/kernel-4"/>'
MARC = '<record xmlns="http://www.loc.gov/MARC21/slim"><leader>01234nam</leader></record>'


@pytest.mark.parametrize(
    ("format_", "payload", "reason"),
    [
        ("oai_dc", XOAI, 'the payload is xoai (<metadata> of http://www.lyncode.com/xoai); set format = "xoai"'),
        ("marcxml", ESE, "the payload is <record> of http://www.europeana.eu/schemas/ese/, which is no MARC"),
        ("oai_datacite", OPENAIRE, "the payload is <resource> of OpenAIRE, not of DataCite"),
        ("oai_openaire", DATACITE, "the payload is <resource> of DataCite, not of OpenAIRE"),
        ("oai_dc", MARC, "the payload is <record> of http://www.loc.gov/MARC21/slim, not <dc> or"),
        ("mods_no_ocr", MARC, "no crosswalk for format 'mods_no_ocr'; known are amb"),
    ],
)
def test_a_root_of_another_format_with_the_same_name_is_told_apart(
    tmp_path: Path, format_: str, payload: str, reason: str
) -> None:
    path = tmp_path / "record.xml"
    path.write_text(OAI_RECORD.format(payload), encoding="utf-8")
    rejection = assessed(format_, path).rejection
    assert rejection is not None
    assert rejection.reason.startswith(reason)


@pytest.mark.parametrize(
    ("format_", "payload"),
    [
        (
            "etdms",
            '<thesis xmlns="http://www.ndltd.org/standards/metadata/etdms/1.0/"><title>Rain in the garden</title>'
            '<contributor role="advisor">Example, Ana</contributor><date>2024</date>'
            "<degree><name>PhD</name></degree></thesis>",
        ),
        (
            "uketd_dc",
            '<u:uketddc xmlns:u="http://naca.central.cranfield.ac.uk/ethos-oai/2.0/"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:t="http://x.example/terms/">'
            "<dc:title>Rain in the garden</dc:title><dc:date>2024</dc:date><t:advisor>Example, Ana</t:advisor>"
            "<t:qualificationname>PhD</t:qualificationname></u:uketddc>",
        ),
    ],
)
def test_a_thesis_is_read_with_its_advisor(tmp_path: Path, format_: str, payload: str) -> None:
    path = tmp_path / "record.xml"
    path.write_text(OAI_RECORD.format(payload), encoding="utf-8")
    resource = assessed(format_, path).resource
    assert resource is not None
    assert (resource.title, resource.issued) == ({"en": "Rain in the garden"}, "2024")
    assert [(person.name, person.role) for person in resource.contributors] == [
        ("Ana Example", "subject matter expert")
    ]
    assert not resource.unmapped
