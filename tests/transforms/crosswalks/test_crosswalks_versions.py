"""What a format says of translations, editions and versions of a work stands in the record's relations."""

from __future__ import annotations

import json

import msgspec
import pytest

from schemas import Feed, Relation, SourceRecord
from transforms import transform

FEED = Feed(name="cases", title="Cases", partner="Sample Partner", protocol="files", url="inbox:cases")
OTHER = "10.54675/abc"
_MARC = (
    '<record xmlns="http://www.loc.gov/MARC21/slim"><leader>00000nam a2200000 a 4500</leader>'
    '<datafield tag="{0}" ind1="1" ind2="0"><subfield code="a">Fractions at school</subfield></datafield>'
    '<datafield tag="{1}" ind1="0" ind2="8">{2}</datafield></record>'
)
_BOTH = '<subfield code="t">Les fractions</subfield><subfield code="{}">9789230001025</subfield>'
_DATACITE = (
    '<resource xmlns="http://datacite.org/schema/kernel-4"><titles><title>Fractions at school</title></titles>'
    '<relatedIdentifiers><relatedIdentifier relatedIdentifierType="DOI" relationType="{}">10.54675/abc'
    "</relatedIdentifier></relatedIdentifiers></resource>"
)
_MODS = (
    '<mods xmlns="http://www.loc.gov/mods/v3"><titleInfo><title>Fractions at school</title></titleInfo>'
    '<relatedItem type="{}"><titleInfo><title>Les fractions</title></titleInfo>'
    '<identifier type="doi">10.54675/abc</identifier></relatedItem></mods>'
)
_LOM = (
    '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string language="en">Fractions at school</string>'
    "</title></general><relation><kind><source>LOMv1.0</source><value>{}</value></kind><resource><identifier>"
    "<catalog>DOI</catalog><entry>10.54675/abc</entry></identifier></resource></relation></lom>"
)
_DIM = (
    '<dim:dim xmlns:dim="http://www.dspace.org/xmlns/dspace/dim"><dim:field mdschema="dc" element="title">Fractions'
    " at school</dim:field>"
    '<dim:field mdschema="dc" element="relation" qualifier="{}">10.54675/abc</dim:field></dim:dim>'
)
_QDC = (
    '<qdc xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"><dc:title>Fractions'
    " at school</dc:title><dcterms:{0}>10.54675/abc</dcterms:{0}></qdc>"
)


def _schema_org(name: str) -> str:
    work = {"@type": "Book", "@id": f"https://doi.org/{OTHER}", "name": "Les fractions"}
    return json.dumps({"@context": "https://schema.org", "@type": "Book", "name": "Fractions at school", name: work})


def _datacite_json(kind: str) -> str:
    related = [{"relatedIdentifier": OTHER, "relatedIdentifierType": "DOI", "relationType": kind}]
    attributes = {"titles": [{"title": "Fractions at school"}], "relatedIdentifiers": related}
    return json.dumps({"id": "10.54675/x", "type": "dois", "attributes": attributes})


CASES = {
    "marc-765": ("marcxml", _MARC.format(245, 765, _BOTH.format("z")), "isversionof", "translation"),
    "marc-767": ("marcxml", _MARC.format(245, 767, _BOTH.format("z")), "hasversion", "translation"),
    "marc-775": ("marcxml", _MARC.format(245, 775, _BOTH.format("z")), "hasversion", "edition"),
    "marc-776": ("marcxml", _MARC.format(245, 776, _BOTH.format("z")), "hasformat", None),
    "unimarc-451": ("unimarc", _MARC.format(200, 451, _BOTH.format("y")), "hasversion", "edition"),
    "unimarc-452": ("unimarc", _MARC.format(200, 452, _BOTH.format("y")), "hasformat", None),
    "unimarc-453": ("unimarc", _MARC.format(200, 453, _BOTH.format("y")), "hasversion", "translation"),
    "unimarc-454": ("unimarc", _MARC.format(200, 454, _BOTH.format("y")), "isversionof", "translation"),
    "datacite-version": ("oai_datacite", _DATACITE.format("IsVersionOf"), "isversionof", None),
    "datacite-newer": ("oai_datacite", _DATACITE.format("IsNewVersionOf"), "isversionof", None),
    "datacite-older": ("oai_datacite", _DATACITE.format("IsPreviousVersionOf"), "hasversion", None),
    "datacite-translation": ("oai_datacite", _DATACITE.format("IsTranslationOf"), "isversionof", "translation"),
    "datacite-translated": ("oai_datacite", _DATACITE.format("HasTranslation"), "hasversion", "translation"),
    "datacite-variant": ("oai_datacite", _DATACITE.format("IsVariantFormOf"), "isformatof", None),
    "datacite_json": ("datacite_json", _datacite_json("IsTranslationOf"), "isversionof", "translation"),
    "mods-version": ("mods", _MODS.format("otherVersion"), "hasversion", None),
    "mods-format": ("mods", _MODS.format("otherFormat"), "hasformat", None),
    "mods-preceding": ("mods", _MODS.format("preceding"), "isversionof", None),
    "lom-version": ("lom", _LOM.format("isversionof"), "isversionof", None),
    "lom-translation": ("lom", _LOM.format("istranslationof"), "isversionof", "translation"),
    "lom-translated": ("lom", _LOM.format("has translation"), "hasversion", "translation"),
    "dim-version": ("dim", _DIM.format("isversionof"), "isversionof", None),
    "dim-translation": ("dim", _DIM.format("istranslationof"), "isversionof", "translation"),
    "qdc-version": ("qdc", _QDC.format("isVersionOf"), "isversionof", None),
    "qdc-has-version": ("qdc", _QDC.format("hasVersion"), "hasversion", None),
    "qdc-format": ("qdc", _QDC.format("isFormatOf"), "isformatof", None),
    "schema-translation": ("schema_org", _schema_org("translationOfWork"), "isversionof", "translation"),
    "schema-translated": ("schema_org", _schema_org("workTranslation"), "hasversion", "translation"),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_declared_version_becomes_a_relation_to_what_identifies_it(name: str) -> None:
    format_, payload, kind, variant = CASES[name]
    record = SourceRecord(
        feed="cases", identifier="1", format=format_, payload=payload, harvested_at="2026-01-01T00:00:00Z"
    )
    resource = transform(record, FEED).resource
    assert resource is not None
    (relation,) = resource.relations
    assert (relation.kind, relation.variant) == (kind, variant)
    assert relation.target in (OTHER, f"https://doi.org/{OTHER}", "9789230001025")


def test_a_variant_that_nothing_tells_is_left_out_of_the_record() -> None:
    plain = msgspec.json.encode(Relation(kind="isversionof", target=OTHER))
    assert plain == b'{"kind":"isversionof","target":"10.54675/abc"}'
