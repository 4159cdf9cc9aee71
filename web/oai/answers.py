"""The XML of the answers of OAI-PMH, as string templates: rendering through lxml or Jinja takes three times as long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from loaders.browse import SourceOf
from schemas import Feed, Published, Withdrawn
from transforms.exports import OaiFormat
from transforms.exports.texts import escape
from web.oai.requests import FORMATS, OaiError

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_OAI = "http://www.openarchives.org/OAI/2.0/"
_RIGHTS, _PROVENANCE = f"{_OAI}rights/", f"{_OAI}provenance"
_IDENTIFIERS = f"{_OAI}oai-identifier"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<OAI-PMH xmlns="{_OAI}" xmlns:xsi="{_XSI}" xsi:schemaLocation="{_OAI} http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
)
_REPOSITORY_HOST = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*(?:\.[a-zA-Z][a-zA-Z0-9-]*)+")  # of the oai-identifier schema
_DATESTAMP = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?")
_RUN_TIME = "%Y%m%dT%H%M%S%f"


def document(address: str, response_date: str, arguments: Mapping[str, str], content: str) -> str:
    """Return an answer: when it was given, to which request, and its content."""
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in arguments.items())
    head = f"<responseDate>{response_date}</responseDate>\n<request{attributes}>{escape(address)}</request>\n"
    return f"{_HEAD}{head}{content}\n</OAI-PMH>\n"


def error_of(error: OaiError) -> str:
    """Return the error condition as an element."""
    return f'<error code="{error.code}">{escape(str(error))}</error>'


def identify(address: str, mail: str, earliest: str) -> str:
    """Return what the repository says of itself. `mail` is that of its administrators."""
    host = urlsplit(address).hostname or ""
    description = ""
    if _REPOSITORY_HOST.fullmatch(host):
        description = (
            f'<description><oai-identifier xmlns="{_IDENTIFIERS}"'
            f' xsi:schemaLocation="{_IDENTIFIERS} {_IDENTIFIERS}.xsd">'
            f"<scheme>oai</scheme><repositoryIdentifier>{host}</repositoryIdentifier><delimiter>:</delimiter>"
            f"<sampleIdentifier>oai:{host}:01J00000000000000000000000</sampleIdentifier>"
            "</oai-identifier></description>\n"
        )
    return (
        "<Identify>\n<repositoryName>E-library for Teachers</repositoryName>\n"
        f"<baseURL>{escape(address)}</baseURL>\n<protocolVersion>2.0</protocolVersion>\n"
        f"<adminEmail>{escape(mail)}</adminEmail>\n<earliestDatestamp>{earliest}</earliestDatestamp>\n"
        "<deletedRecord>persistent</deletedRecord>\n<granularity>YYYY-MM-DDThh:mm:ssZ</granularity>\n"
        f"<compression>gzip</compression>\n{description}</Identify>"
    )


def formats(schema_addresses: Mapping[str, str]) -> str:
    """Return the formats; `schema_addresses` has the address of the schema of each prefix."""
    entries = "".join(
        f"<metadataFormat><metadataPrefix>{prefix}</metadataPrefix><schema>{escape(schema_addresses[prefix])}</schema>"
        f"<metadataNamespace>{escape(each.namespace)}</metadataNamespace></metadataFormat>\n"
        for prefix, each in FORMATS.items()
    )
    return f"<ListMetadataFormats>\n{entries}</ListMetadataFormats>"


def sets(names: Mapping[str, str]) -> str:
    """Return the sets, by what each is called."""
    entries = "".join(
        f"<set><setSpec>{escape(spec)}</setSpec><setName>{escape(name)}</setName></set>\n"
        for spec, name in names.items()
    )
    return f"<ListSets>\n{entries}</ListSets>"


def header(published: Published, withdrawn: Withdrawn | None) -> str:
    """Return the header of a record, which is deleted where the resource is withdrawn."""
    status = ' status="deleted"' if withdrawn else ""
    specs = "".join(f"<setSpec>{escape(spec)}</setSpec>" for spec in published.sets)
    return (
        f"<header{status}><identifier>{escape(published.oai_identifier)}</identifier>"
        f"<datestamp>{published.visible_at}</datestamp>{specs}</header>"
    )


def record(
    published: Published,
    withdrawn: Withdrawn | None,
    format_: OaiFormat,
    sources: Sequence[SourceOf],
    feeds: Mapping[str, Feed],
) -> str:
    """Return a record: header, metadata, the licence of the metadata, and where they come from."""
    if withdrawn:
        return f"<record>{header(published, withdrawn)}</record>\n"
    return (
        f"<record>{header(published, None)}<metadata>\n{format_.render(published)}\n</metadata>"
        f"{_rights(published)}{''.join(_provenance(sources, feeds))}</record>\n"
    )


def _rights(published: Published) -> str:
    return (
        f'<about><rights xmlns="{_RIGHTS}" xsi:schemaLocation="{_RIGHTS} http://www.openarchives.org/OAI/2.0/rights.xsd">'
        f'<rightsReference ref="{escape(published.metadata_license)}"/></rights></about>'
    )


def _provenance(sources: Sequence[SourceOf], feeds: Mapping[str, Feed]) -> Iterable[str]:
    """Yield, for each record of a partner, where and when it was harvested, and what the partner calls it."""
    for source in sources:
        feed = feeds.get(source.feed)
        if feed is None or not feed.url.startswith(("http://", "https://")):
            continue
        date = _harvest_date(source.run_id)
        datestamp = source.datestamp if source.datestamp and _DATESTAMP.fullmatch(source.datestamp) else date
        known = FORMATS.get(source.format)
        yield (
            f'<about><provenance xmlns="{_PROVENANCE}" xsi:schemaLocation="{_PROVENANCE} {_PROVENANCE}.xsd">'
            f'<originDescription harvestDate="{date}" altered="true">'
            f"<baseURL>{escape(feed.url.partition('?')[0])}</baseURL>"
            f"<identifier>{escape(source.identifier)}</identifier><datestamp>{datestamp}</datestamp>"
            f"<metadataNamespace>{escape(known.namespace if known else source.format)}</metadataNamespace>"
            "</originDescription></provenance></about>"
        )


@lru_cache(maxsize=1024)
def _harvest_date(run_id: str) -> str:
    return f"{datetime.strptime(run_id.rsplit('-', 1)[1], _RUN_TIME):%Y-%m-%dT%H:%M:%SZ}"
