"""Recognize an OAI-PMH repository, and choose what to ask it for: a metadata format that one of our crosswalks reads.

https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from lxml import etree

from pipeline.detection.documents import Document
from pipeline.detection.found import OfferedFormat, OfferedSet, Proposal, Trouble, shortened
from pipeline.detection.probing import BoundsReached, Prober
from pipeline.detection.sites import with_query, without_query
from schemas import Sentence, sentence
from transforms.crosswalks import ALIASES, CROSSWALKS

_ROOT = "OAI-PMH"
_MAX_TEXT_CHARS = 200
_ARGUMENTS = frozenset({"verb", "metadataPrefix", "resumptionToken", "set", "from", "until", "identifier"})
_MAX_SETS = 500
_MAX_NAMED_FORMATS = 20
_MAX_FORMATS_TRIED = 3
# a part of a format's namespace, or of its schema's address, in small letters: the crosswalk that reads it
_NAMESPACES = (
    ("openarchives.org/oai/2.0/oai_dc", "oai_dc"),
    ("dspace.org/xmlns/dspace/dim", "dim"),
    ("lyncode.com/xoai", "xoai"),
    ("loc.gov/mods", "mods"),
    ("loc.gov/mets", "mets"),
    ("openarchives.org/oai/1.1/oai_marc", "oai_marc"),
    ("loc.gov/marc21/slim", "marcxml"),
    ("marcxchange", "marcxml"),
    ("datacite.org", "oai_datacite"),
    ("namespace.openaire.eu/schema/oaire", "oai_openaire"),
    ("europeana.eu/schemas/edm", "edm"),
    ("imsglobal.org/xsd/imscp", "imscp"),
    ("imsglobal.org/xsd/imsmd", "lom"),
    ("ltsc.ieee.org", "lom"),
    ("fire.eun.org/xsd", "lom"),
    ("obaa", "lom"),
    ("lrmi", "schema_org"),
    ("ndltd.org/standards/metadata/etdms", "oai_dc"),
    ("ethos-oai/2.0", "oai_dc"),
    ("dspace.org/qualifieddc", "qdc"),
    ("purl.org/dc/terms", "qdc"),
    ("epubs.cclrc.ac.uk/xmlns/qdc", "qdc"),
)
_UNIMARC = "unimarc"
# the fullest first: what describes teaching, then what keeps the repository's own fields apart, plain Dublin Core last
_PREFERRED = (
    *("lom", "schema_org", "oai_openaire", "dim", "xoai", "oai_datacite", "mods", "marcxml", "unimarc", "qdc", "edm"),
    *("imscp", "oai_dc", "mets", "oai_marc"),
)
_EPRINTS_PATHS = ("/cgi/oai2", "/cgi/oai")  # where EPrints answers: its oai_dc is a dialect of its own


def is_oai_pmh(document: Document) -> bool:
    """Return whether a response is one of OAI-PMH, be it an error."""
    return document.root_name == _ROOT


class TypedRequest(NamedTuple):
    """A base URL as it was typed: with the query that the server needs beside OAI-PMH's own, and the set."""

    base: str
    params: dict[str, str]
    sets: tuple[str, ...]


def typed_request(url: str) -> TypedRequest:
    """Return what an address of an OAI-PMH request names beside the verb."""
    pairs = [(name, value) for name, value in parse_qsl(urlsplit(url).query) if f"{name}{value}".isprintable()]
    params = {name: value for name, value in pairs if name not in _ARGUMENTS}
    return TypedRequest(without_query(url), params, tuple(value for name, value in pairs if name == "set"))


def identify(prober: Prober, base: str) -> Document | None:
    """Return the response to Identify of what may be a base URL; None if no OAI-PMH repository answers there."""
    document = prober.get(with_query(base, "verb=Identify"))
    return document if document is not None and is_oai_pmh(document) else None


def identify_by_post(prober: Prober, base: str) -> Document | None:
    """Return the response to Identify by POST, for servers that refuse GET."""
    document = prober.post(base, form={"verb": "Identify"})
    return document if document is not None and is_oai_pmh(document) else None


def propose_repository(
    prober: Prober, base: str, identity: Document, *, method: str = "GET", typed: TypedRequest | None = None
) -> Iterator[Proposal]:
    """Yield the proposal for a repository that identified itself; none if it offers nothing that can be read.

    It is asked where its answer came from, unless that address holds a session.
    """
    final = without_query(identity.url)
    repository = _Repository(prober, base if ";" in final else final, identity, method, typed)
    repository.ask()
    proposal = repository.proposal()
    if proposal is not None:
        yield proposal
        return
    offered = ", ".join(each.code for each in repository.formats[:_MAX_NAMED_FORMATS]) or "-"
    prober.obstacle = Trouble(
        what=sentence(
            "An OAI-PMH repository answers, but in no metadata format that we read: %(formats)s", formats=offered
        ),
        advice=sentence("Offer Dublin Core, which every repository must have, or tell the library's staff."),
    )


@dataclass
class _Repository:
    """A repository, and what it offers as far as it was asked."""

    prober: Prober
    base: str
    identity: Document
    method: str
    typed: TypedRequest | None = None
    formats: list[OfferedFormat] = field(default_factory=list)
    sets: list[OfferedSet] = field(default_factory=list)
    chosen: OfferedFormat | None = None
    records: int = 0
    total: int | None = None
    warnings: list[Sentence] = field(default_factory=list)

    def ask(self) -> None:
        """Ask for formats, for records in the best of them, and for sets; what cannot be asked any more is left out."""
        try:
            listed = self._request(verb="ListMetadataFormats")
            self.formats = [] if listed is None else [_offered(each) for each in _elements(listed, "metadataFormat")]
            self._choose()
            self._ask_sets()
        except BoundsReached:
            self.warnings.append(sentence("Not everything could be asked in the time of one detection."))

    @property
    def _params(self) -> dict[str, str]:
        return self.typed.params if self.typed is not None else {}

    def _request(self, **params: str) -> etree._Element | None:
        """Return the root of a response; None if it is not OAI-PMH."""
        if self.method == "POST":
            document = self.prober.post(self.base, form={**self._params, **params})
        else:
            document = self.prober.get(with_query(self.base, urlencode({**self._params, **params})))
        return document.xml if document is not None and is_oai_pmh(document) else None

    def _choose(self) -> None:
        """Choose the best format in which records come."""
        readable = sorted((each for each in self.formats if each.crosswalk), key=_preference)
        for offered in readable[:_MAX_FORMATS_TRIED]:
            listed = self._request(verb="ListRecords", metadataPrefix=offered.code)
            count = 0 if listed is None else len(_elements(listed, "record"))
            if listed is not None and (count or _error(listed) == "noRecordsMatch"):
                self.chosen, self.records = offered, count
                self.total = _list_size(listed) if count else 0
                return

    def _ask_sets(self) -> None:
        listed = self._request(verb="ListSets")
        for each in [] if listed is None else _elements(listed, "set")[:_MAX_SETS]:
            if spec := _text(each, "setSpec"):
                self.sets.append(OfferedSet(code=spec, name=_text(each, "setName")))

    def proposal(self) -> Proposal | None:
        """Return the proposal; None if no format can be read."""
        chosen = self.chosen or (min(filter(_is_read, self.formats), key=_preference, default=None))
        if chosen is None or chosen.crosswalk is None:
            return None
        if self.chosen is None:
            self.warnings.append(sentence("No record came in any format; ask the repository's staff."))
        elif not self.records:
            self.warnings.append(sentence("The repository holds no record yet."))
        name = _name(self.identity)
        return Proposal(
            declaration=self._declaration(chosen),
            protocol="oai_pmh",
            recognised=sentence("OAI-PMH repository “%(name)s”", name=name or urlsplit(self.base).netloc),
            name=name,
            formats=tuple(self.formats),
            sets=tuple(self.sets),
            records=self.records,
            total=self.total,
            warnings=tuple(self.warnings),
        )

    def _declaration(self, chosen: OfferedFormat) -> dict[str, Any]:
        declaration: dict[str, Any] = {"protocol": "oai_pmh", "url": self.base, "format": chosen.crosswalk}
        if chosen.code != chosen.crosswalk:
            declaration["prefix"] = chosen.code
        if chosen.crosswalk == "oai_dc" and urlsplit(self.base).path.rstrip("/").endswith(_EPRINTS_PATHS):
            declaration["dialect"] = "eprints"
        if self.typed is not None and self.typed.sets:
            declaration["sets"] = list(self.typed.sets)
        request = {
            **({"method": self.method} if self.method != "GET" else {}),
            **({"params": self._params} if self._params else {}),
        }
        return {**declaration, "request": request} if request else declaration


def _offered(element: etree._Element) -> OfferedFormat:
    prefix = _text(element, "metadataPrefix")
    namespace, schema = _text(element, "metadataNamespace"), _text(element, "schema")
    return OfferedFormat(code=prefix, name=namespace or schema, crosswalk=crosswalk_for(prefix, namespace, schema))


def crosswalk_for(prefix: str, namespace: str, schema: str) -> str | None:
    """Return the crosswalk that reads a format: by its namespace, then by its schema, then by the prefix alone.

    A repository may use any prefix for any format.
    """
    for address in (namespace.lower(), schema.lower()):
        for part, crosswalk in _NAMESPACES:
            if part in address:
                return _UNIMARC if crosswalk == "marcxml" and _UNIMARC in prefix.lower() else crosswalk
    name = ALIASES.get(prefix, ALIASES.get(prefix.lower(), prefix.lower()))
    return name if name in _PREFERRED and name in CROSSWALKS else None


def _is_read(offered: OfferedFormat) -> bool:
    return offered.crosswalk is not None


def _preference(offered: OfferedFormat) -> tuple[int, bool, str]:
    """Return where a format stands in the order of preference: the crosswalk, then its own prefix before others."""
    crosswalk = offered.crosswalk or ""
    return _PREFERRED.index(crosswalk), offered.code != crosswalk, offered.code


def _elements(root: etree._Element, name: str) -> Sequence[etree._Element]:
    return [each for each in root.iter(etree.Element) if etree.QName(each).localname == name]


def _text(element: etree._Element, name: str) -> str:
    """Return the text of the first element of a name inside another one, on one line and shortened."""
    element_of_name = next((each for each in _elements(element, name)), None)
    return shortened(element_of_name.text or "", _MAX_TEXT_CHARS) if element_of_name is not None else ""


def _name(identity: Document) -> str:
    return "" if identity.xml is None else _text(identity.xml, "repositoryName")


def _error(root: etree._Element) -> str:
    return next((str(each.get("code")) for each in _elements(root, "error")), "")


def _list_size(root: etree._Element) -> int | None:
    """Return how many records a list says that it has; those that came, where it is one page."""
    for token in _elements(root, "resumptionToken"):
        size = token.get("completeListSize", "")
        if size.isascii() and size.isdigit() and len(size) <= 12:
            return int(size)
        if (token.text or "").strip():
            return None
    return len(_elements(root, "record"))
