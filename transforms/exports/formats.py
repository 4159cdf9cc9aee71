"""Every format that the library gives its records out in, one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from schemas import Published
from transforms.exports import amb, lom, marcxml, oai_dc, schema_org, shared_record
from transforms.exports.files import OAI_LIST, FileForm, collection, lines


class OaiFormat(NamedTuple):
    """A format of OAI-PMH, as ListMetadataFormats describes it.

    `schema` is None where no other host has an XML Schema: `schema_text` is one for the provider to serve.
    """

    prefix: str
    namespace: str
    schema: str | None
    render: Callable[[Published], str]
    schema_text: str | None = None


class Export(NamedTuple):
    """One format: what it is called, how a resource is written in it, and what it cannot carry.

    `oai` is how OAI-PMH gives it out; None for a format that is no XML. `crosswalk` is the format by which transforms
    reads it back; None for the shared record. `cannot_carry` is the field or part of one: why. `whole`: it carries
    provenance, terms and unmapped values too.
    """

    name: str
    title: str
    media_type: str
    suffix: str
    render: Callable[[Published], str]
    file: FileForm
    cannot_carry: Mapping[str, str]
    crosswalk: str | None
    oai: OaiFormat | None = None
    whole: bool = False


EXPORTS: dict[str, Export] = {
    export.name: export
    for export in (
        Export(
            name="oai_dc",
            title="Dublin Core",
            media_type="application/xml",
            suffix=".oai_dc.xml",
            render=oai_dc.render,
            file=OAI_LIST,
            cannot_carry=oai_dc.CANNOT_CARRY,
            crosswalk="oai_dc",
            oai=OaiFormat("oai_dc", oai_dc.NAMESPACE, oai_dc.SCHEMA, oai_dc.render),
        ),
        Export(
            name="lom",
            title="IEEE LOM",
            media_type="application/xml",
            suffix=".lom.xml",
            render=lom.render,
            file=OAI_LIST,
            cannot_carry=lom.CANNOT_CARRY,
            crosswalk="lom",
            oai=OaiFormat("lom", lom.NAMESPACE, lom.SCHEMA, lom.render),
        ),
        Export(
            name="lrmi",
            title="LRMI (schema.org)",
            media_type="application/ld+json",
            suffix=".lrmi.jsonld",
            render=schema_org.render,
            file=lines(".jsonl"),
            cannot_carry=schema_org.CANNOT_CARRY,
            crosswalk="schema_org",
            oai=OaiFormat("lrmi", schema_org.NAMESPACE, None, schema_org.render_xml, schema_org.XSD),
        ),
        Export(
            name="amb",
            title="AMB",
            media_type='application/ld+json; profile="https://w3id.org/kim/amb/latest/"',
            suffix=".amb.jsonld",
            render=amb.render,
            file=lines(".jsonl"),
            cannot_carry=amb.CANNOT_CARRY,
            crosswalk="amb",
        ),
        Export(
            name="marcxml",
            title="MARC 21",
            media_type="application/marcxml+xml",
            suffix=".marc.xml",
            render=marcxml.render,
            file=collection(
                f'<?xml version="1.0" encoding="UTF-8"?>\n<collection xmlns="{marcxml.NAMESPACE}">\n',
                "</collection>\n",
                marcxml.render_deletion,
            ),
            cannot_carry=marcxml.CANNOT_CARRY,
            crosswalk="marcxml",
            oai=OaiFormat("marcxml", marcxml.NAMESPACE, marcxml.SCHEMA, marcxml.render),
        ),
        Export(
            name="json",
            title="The shared record",
            media_type="application/json",
            suffix=".json",
            render=shared_record.render,
            file=lines(".jsonl", shared_record.render_deletion),
            cannot_carry=shared_record.CANNOT_CARRY,
            crosswalk=None,
            whole=True,
        ),
    )
}
