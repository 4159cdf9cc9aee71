"""Every export is well-formed and of its format's structure, whatever stands in the record."""

from __future__ import annotations

import importlib.metadata
import io
import json
import re
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pymarc
import pytest
from jsonschema import Draft7Validator, FormatChecker
from lxml import etree
from rdflib import Graph, URIRef
from rdflib.namespace import RDF, SDO
from referencing import Registry
from referencing import Resource as Schema

from docs.generate.exports import document
from schemas import (
    AgeRange,
    Concept,
    Contributor,
    Identifier,
    Language,
    License,
    Link,
    Published,
    Relation,
    Resource,
    Subject,
    Text,
    Withdrawn,
    replace,
)
from tests.fixtures.exports.regenerate import goldens, resources
from transforms.exports import EXPORTS

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared"
LOM = "{http://ltsc.ieee.org/xsd/LOM}"
DC = "{http://purl.org/dc/elements/1.1/}"
DC_ELEMENTS = re.findall(
    r"\w+",
    "title creator subject description publisher contributor date type format identifier source language relation"
    " coverage rights",
)
NASTY = (
    "\x00\x0b\x1b\x85\x9f\ud800\udfff\ufffe\uffff ]]> <script>alert('&\"')</script> &amp; \u202eabc\u2066\r\n\U0001f600"
)
XML = [name for name, export in EXPORTS.items() if export.suffix.endswith(".xml")]
IN_OAI = [name for name, export in EXPORTS.items() if export.oai]
PUBLISHED = [msgspec.json.decode(path.read_bytes(), type=Published) for path in resources()]


def hostile() -> Published:
    """A record whose every text holds what breaks documents."""
    record = PUBLISHED[0].record
    return Published(
        id="01J8Z3K4M5N6P7Q8R9S0T1V2W7",
        visible_at="2026-03-01T02:15:00Z",
        site='https://library.example.org/"&<',
        partners=(NASTY,),
        feeds=("books",),
        record=replace(
            record,
            key=f"books:{NASTY}",
            identifiers=(Identifier(scheme="other", value=NASTY), Identifier(scheme="uri", value=NASTY)),
            title={"en": NASTY, 'fr" onload="x': NASTY, "und": NASTY},
            description={"ar": NASTY},
            alternative_titles=(Text(language="<b>", text=NASTY),),
            keywords=(Text(language="en-", text=NASTY),),
            languages=(Language(tag='x">', origin="declared", confidence=1.0),),
            contributors=tuple(
                Contributor(name=f"{NASTY}\nEND:VCARD", role=NASTY, kind=kind, id=NASTY)
                for kind in ("person", "organisation")
            ),
            publishers=(NASTY,),
            issued=NASTY,
            modified=NASTY,
            resource_types=(Concept(code=NASTY, label=NASTY, source=NASTY),),
            formats=(NASTY,),
            url=f"https://example.org/{NASTY}",
            links=(Link(url=NASTY, media_type=NASTY), Link(url=NASTY, role="preview")),
            license=License(uri=NASTY, spdx=None, label=NASTY, statement=NASTY, origin="record", open=None),
            levels=(NASTY,),
            contexts=(NASTY,),
            audiences=(NASTY,),
            age_range=AgeRange(min=None, max=None),
            difficulty=NASTY,
            typical_learning_time=NASTY,
            interactivity_type=NASTY,
            subjects=(
                Subject(scheme="source", code=NASTY, label=NASTY),
                Subject(scheme="unesco", code=None, label=NASTY),
            ),
            coverage=(Text(language="und", text=NASTY),),
            relations=(Relation(kind=NASTY, target=NASTY), Relation(kind="ispartof", target=NASTY)),
        ),
    )


def of_record(record: Resource) -> Published:
    return msgspec.structs.replace(PUBLISHED[0], record=record)


@pytest.mark.parametrize("path", resources(), ids=lambda path: path.stem)
def test_a_resource_becomes_its_golden_files(path: Path) -> None:
    for _, golden, text in goldens(path):
        assert golden.read_text(encoding="utf-8") == text, golden.name


def test_every_format_has_a_golden_of_every_resource_and_none_is_left_over() -> None:
    written = {golden for path in resources() for _, golden, _ in goldens(path)}
    assert written == set((ROOT / "tests" / "fixtures" / "exports" / "goldens").iterdir())


def test_the_page_on_exports_is_current() -> None:
    assert (ROOT / "docs" / "exports.md").read_text(encoding="utf-8") == document()


# ------------------------------------------------------------------ hostile and empty records


def characters(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from characters(each)
    elif isinstance(value, list):
        for each in value:
            yield from characters(each)
    elif isinstance(value, str):
        yield from value


@pytest.mark.parametrize("name", list(EXPORTS))
def test_hostile_text_is_text_in_every_format(name: str) -> None:
    text = EXPORTS[name].render(hostile())
    text.encode("utf-8")
    if name in XML:
        tree = etree.fromstring(text.encode())
        assert not [element for element in tree.iter() if str(element.tag).rpartition("}")[2].lower() == "script"]
        assert "<script>alert('&\"')</script> &amp;" in "".join(tree.itertext())
    else:
        shown = set(characters(json.loads(text)))
        assert not shown & set("\x00\x0b\x1b\x9f\ud800\udfff\ufffe\uffff")
        assert "<" in shown


@pytest.mark.parametrize("name", IN_OAI)
def test_hostile_text_is_text_in_oai_pmh(name: str) -> None:
    oai = EXPORTS[name].oai
    assert oai is not None
    tree = etree.fromstring(oai.render(hostile()).encode())
    assert str(tree.tag).startswith(f"{{{oai.namespace}}}")
    assert not [element for element in tree.iter() if str(element.tag).rpartition("}")[2].lower() == "script"]


@pytest.mark.parametrize("name", list(EXPORTS))
def test_a_record_of_nothing_is_still_a_record(name: str) -> None:
    text = EXPORTS[name].render(Published(id="0" * 26, record=Resource(key="a:1"), visible_at="2026-03-01T02:15:00Z"))
    if name in XML:
        etree.fromstring(text.encode())
    else:
        assert isinstance(json.loads(text), dict)


@pytest.mark.parametrize("name", list(EXPORTS))
def test_a_file_of_many_records_is_one_document(name: str) -> None:
    export = EXPORTS[name]
    gone = Withdrawn(id="0" * 26, visible_at="2026-03-04T00:00:00Z", redirect="1" * 26)
    entries = [export.file.entry(each, export.render(each)) for each in PUBLISHED]
    if export.file.deletion is not None:
        entries.append(export.file.deletion(gone))
    text = export.file.head + "".join(entries) + export.file.tail
    if export.file.suffix == ".xml":
        assert len(etree.fromstring(text.encode())) == 4
    else:
        lines = [json.loads(line) for line in text.splitlines()]
        assert len(lines) == len(entries)
        assert name != "json" or lines[-1]["redirect"] == "1" * 26


# ------------------------------------------------------------------ the formats' own structures


@pytest.mark.parametrize("published", [*PUBLISHED, hostile()], ids=lambda published: published.id)
def test_oai_dc_has_the_structure_of_its_schema(published: Published) -> None:
    """oai_dc.xsd: a root <oai_dc:dc> with any of the fifteen elements, each a text with an optional xml:lang."""
    tree = etree.fromstring(EXPORTS["oai_dc"].render(published).encode())
    assert tree.tag == "{http://www.openarchives.org/OAI/2.0/oai_dc/}dc"
    for element in tree.iterchildren(tag=etree.Element):
        assert element.tag.removeprefix(DC) in DC_ELEMENTS and len(element) == 0
        assert set(element.attrib) <= {"{http://www.w3.org/XML/1998/namespace}lang"}


# The elements of each element in order; `*` may be repeated. IEEE 1484.12.3, common/elementTypes.xsd.
STRUCTURE = {
    "lom": "general lifeCycle metaMetadata technical educational* rights relation* annotation* classification*",
    "general": "identifier* title language* description* keyword* coverage* structure aggregationLevel",
    "identifier": "catalog entry",
    "lifeCycle": "version status contribute*",
    "contribute": "role entity* date",
    "date": "dateTime description",
    "metaMetadata": "identifier* contribute* metadataSchema* language",
    "technical": "format* size location* requirement* installationRemarks otherPlatformRequirements duration",
    "educational": "interactivityType learningResourceType* interactivityLevel semanticDensity intendedEndUserRole*"
    " context* typicalAgeRange* difficulty typicalLearningTime description* language*",
    "typicalLearningTime": "duration description",
    "rights": "cost copyrightAndOtherRestrictions description",
    "relation": "kind resource",
    "resource": "identifier* description*",
    "classification": "purpose taxonPath* description keyword*",
    "taxonPath": "source taxon*",
    "taxon": "id entry",
} | dict.fromkeys(
    (
        *("role", "interactivityType", "learningResourceType", "intendedEndUserRole", "context", "difficulty", "cost"),
        *("copyrightAndOtherRestrictions", "kind", "purpose"),
    ),
    "source value",
)
LANGUAGE_STRINGS = {"title", "description", "keyword", "coverage", "typicalAgeRange"}
DATE_TIME = r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d+(Z|[+-]\d\d:\d\d)?)?)?)?)?)?)?"


@pytest.mark.parametrize("published", [*PUBLISHED, hostile()], ids=lambda published: published.id)
def test_lom_has_the_structure_of_the_ieee_schema(published: Published) -> None:
    tree = etree.fromstring(EXPORTS["lom"].render(published).encode())
    for element in tree.iter(tag=etree.Element):
        name = element.tag.removeprefix(LOM)
        children = [child.tag.removeprefix(LOM) for child in element]
        if name in LANGUAGE_STRINGS or children == ["string"] * len(children):
            assert set(children) <= {"string"} and all(set(child.attrib) <= {"language"} for child in element)
            continue
        allowed = STRUCTURE.get(name, "").split()
        order = [each.rstrip("*") for each in allowed]
        assert [order.index(child) for child in children] == sorted(order.index(child) for child in children), name
        assert not [each for each in set(children) if children.count(each) > 1 and f"{each}*" not in allowed], name


def test_lom_dates_are_those_of_its_schema() -> None:
    for published in (*PUBLISHED, hostile()):
        tree = etree.fromstring(EXPORTS["lom"].render(published).encode())
        for element in tree.iter(f"{LOM}dateTime"):
            assert re.fullmatch(DATE_TIME, element.text or ""), element.text


@pytest.mark.parametrize("published", [*PUBLISHED, hostile()], ids=lambda published: published.id)
def test_pymarc_reads_marcxml_without_a_warning(published: Published, caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (record,) = pymarc.parse_xml_to_array(io.StringIO(EXPORTS["marcxml"].render(published)))
        (again,) = pymarc.MARCReader(record.as_marc(), hide_utf8_warnings=False)
    assert not caplog.records
    assert again is not None and again.as_dict()["fields"] == record.as_dict()["fields"]
    assert len(str(record.leader)) == 24
    assert str(record.leader)[5] == "n" and str(record.leader)[9:12] == "a22" and str(record.leader)[20:] == "4500"
    assert len(record["008"].data) == 40
    assert [field.tag for field in record if field.tag < "700"] == sorted(
        field.tag for field in record if field.tag < "700"
    )
    assert {"336", "337", "338"} <= {field.tag for field in record}


def test_a_name_has_the_field_of_its_kind_and_its_relator() -> None:
    (record,) = pymarc.parse_xml_to_array(io.StringIO(EXPORTS["marcxml"].render(PUBLISHED[0])))
    names = {field["a"]: (field.tag, field.get("e")) for field in record.get_fields("100", "110", "700", "710")}
    assert names == {
        "Amina Example": ("100", None),
        "Institute of Samples": ("710", "author"),
        "Ivo Sample": ("700", "editor"),
        "Nadia Test": ("700", "graphical designer"),
    }


def members(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from members(each)
    elif isinstance(value, list):
        for each in value:
            yield from members(each)


@pytest.mark.parametrize("published", [*PUBLISHED, hostile()], ids=lambda published: published.id)
def test_lrmi_names_only_properties_and_types_of_schema_org(published: Published) -> None:
    document_ = json.loads(EXPORTS["lrmi"].render(published))
    assert document_["@context"] == "https://schema.org" or document_["@context"][0] == "https://schema.org"
    assert "LearningResource" in document_["@type"]
    del document_["@context"]
    for member in members(document_):
        for name in member:
            assert name.startswith("@") or name in SDO, name
        types = member.get("@type", [])
        for type_ in [types] if isinstance(types, str) else types:
            assert type_ in SDO, type_


def test_lrmi_is_json_ld_in_the_languages_of_its_texts() -> None:
    """A processor makes triples of it; schema.org's own context, which is on the web, is here only its vocabulary."""
    document_ = json.loads(EXPORTS["lrmi"].render(PUBLISHED[0]))
    document_["@context"] = [{"@vocab": "http://schema.org/"}, document_["@context"][1]]
    graph = Graph().parse(data=json.dumps(document_), format="json-ld")
    resource = graph.value(predicate=RDF.type, object=URIRef("http://schema.org/LearningResource"))
    names = {(str(name), name.language) for name in graph.objects(resource, URIRef("http://schema.org/name"))}
    assert names == {(title, language) for language, title in PUBLISHED[0].record.title.items()}
    authors = list(graph.objects(resource, URIRef("http://schema.org/author")))
    assert URIRef("https://orcid.org/0000-0002-1825-0097") in authors


def amb_validator() -> Draft7Validator:
    """AMB's JSON Schema with its references, and both formats of dates checked, of which one must hold."""
    folder = SHARED / "corpora" / "C_json" / "amb" / "draft" / "schemas"
    if not folder.is_dir():
        pytest.skip("../shared/corpora/C_json/amb is not here")
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    checker = FormatChecker()

    @checker.checks("date-time", raises=ValueError)
    def _is_date_time(value: object) -> bool:
        return not isinstance(value, str) or ("T" in value and bool(datetime.fromisoformat(value)))

    registry = Registry().with_resources([(each["$id"], Schema.from_contents(each)) for each in schemas])
    root = next(each for each in schemas if each["$id"].endswith("/schema.json"))
    return Draft7Validator(root, registry=registry, format_checker=checker)


def test_amb_validates_against_its_json_schema() -> None:
    validator = amb_validator()
    wrong = dict(json.loads(EXPORTS["amb"].render(PUBLISHED[0])), license={"id": "https://example.org/ours"})
    assert list(validator.iter_errors(wrong)), "the validator finds a mistake"
    records = [*PUBLISHED, replace(PUBLISHED[0], site=None), of_record(Resource(key="a:1"))]
    for path in sorted((ROOT / "tests" / "fixtures").glob("*/*.golden.json")):
        record = msgspec.json.decode(path.read_bytes(), type=Resource | None)
        records += [of_record(record)] if record else []
    for published in records:
        errors = list(validator.iter_errors(json.loads(EXPORTS["amb"].render(published))))
        assert not errors, (published.record.key, [error.message for error in errors])


def test_labels_of_the_unesco_thesaurus_stand_beside_their_attribution() -> None:
    for name, export in EXPORTS.items():
        renderers = [export.render, *([export.oai.render] if export.oai else [])]
        for render in renderers:
            assert "© UNESCO, CC BY-SA 3.0 IGO" in render(PUBLISHED[0]), name
            without = of_record(replace(PUBLISHED[0].record, subjects=()))
            assert "UNESCO," not in render(without), name


def test_pymarc_is_the_version_that_the_goldens_are_of() -> None:
    assert importlib.metadata.version("pymarc").startswith("5.4")
