"""A small OAI-PMH 2.0 repository over a list of records: filters, pages, opaque tokens and every error."""

from __future__ import annotations

import base64
import binascii
import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from samples import oai_xml
from samples.answer import Answer, NothingStored, Request
from samples.oai_xml import NS, OaiError

DAY, SECOND = "YYYY-MM-DD", "YYYY-MM-DDThh:mm:ssZ"
_STAMP = {DAY: re.compile(r"\d{4}-\d\d-\d\d"), SECOND: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")}


@dataclass(frozen=True)
class Stored:
    """One record in one format: the values of its header, and both elements as text."""

    identifier: str
    datestamp: str
    sets: tuple[str, ...]
    header: bytes
    record: bytes

    def within(self, since: str, until: str, spec: str) -> bool:
        """Tell whether the record lies in a window of seconds and in a set or its subsets; "" sets no limit."""
        stamp = oai_xml.second(self.datestamp)
        in_set = not spec or any(own == spec or own.startswith(spec + ":") for own in self.sets)
        return in_set and (not since or stamp >= since) and (not until or stamp <= until)


@dataclass(frozen=True)
class Format:
    """A metadata format with its records."""

    prefix: str
    schema: str
    namespace: str
    records: tuple[Stored, ...]


@dataclass(frozen=True)
class Repository:
    """Records as an OAI-PMH server: answers all six verbs under one path."""

    identify: dict[str, str]
    formats: dict[str, Format]
    sets: dict[str, str] = field(default_factory=dict)
    page_size: int = 100
    path: str | None = None  # None: under any path

    def answer(self, request: Request) -> Answer:
        if self.path is not None and request.path.rstrip("/") != self.path.rstrip("/"):
            raise NothingStored(f"the repository answers {self.path} only")
        arguments: dict[str, str] = {}
        try:
            verb, arguments = oai_xml.parse_arguments(request.form)
            content = self._content(verb, arguments, request.base_url)
            return Answer(oai_xml.response(request.base_url, {"verb": verb, **arguments}, content))
        except OaiError as failure:
            echoed = {name: value for name, value in dict(request.form).items() if name in {"verb", *arguments}}
            return Answer(oai_xml.error(request.base_url, echoed, failure))

    def _content(self, verb: str, arguments: dict[str, str], base_url: str) -> str | bytes:
        if verb == "Identify":
            return oai_xml.identify(self._identify(base_url))
        if verb == "ListMetadataFormats":
            return self._list_formats(arguments.get("identifier"))
        if verb == "ListSets":
            return self._list_sets(arguments)
        if verb == "GetRecord":
            return self._get_record(arguments["identifier"], arguments["metadataPrefix"])
        return self._list(verb, arguments)

    def records(self, prefix: str) -> tuple[Stored, ...]:
        """Return every record in a format; none where the format is not known."""
        return self.formats[prefix].records if prefix in self.formats else ()

    def _identify(self, base_url: str) -> dict[str, str]:
        order = ("protocolVersion", "adminEmail", "earliestDatestamp", "deletedRecord", "granularity")
        known = {"protocolVersion": "2.0", **self.identify}
        return {"repositoryName": known["repositoryName"], "baseURL": base_url} | {name: known[name] for name in order}

    def _list_formats(self, identifier: str | None) -> str:
        rows = [row for row in self.formats.values() if identifier is None or _find(row, identifier)]
        if not rows:
            raise OaiError("idDoesNotExist", f"no record {identifier}")
        return oai_xml.formats((row.prefix, row.schema, row.namespace) for row in rows)

    def _list_sets(self, arguments: dict[str, str]) -> str:
        if "resumptionToken" in arguments:
            raise OaiError("badResumptionToken", "the list of sets has one page")
        if not self.sets:
            raise OaiError("noSetHierarchy", "this repository has no sets")
        return oai_xml.sets(self.sets)

    def _format(self, prefix: str) -> Format:
        if prefix not in self.formats:
            raise OaiError("cannotDisseminateFormat", f"{prefix} is not one of {', '.join(self.formats)}")
        return self.formats[prefix]

    def _get_record(self, identifier: str, prefix: str) -> bytes:
        stored = _find(self._format(prefix), identifier)
        if stored is None:
            raise OaiError("idDoesNotExist", f"no record {identifier}")
        return b"<GetRecord>" + stored.record + b"</GetRecord>"

    def _list(self, verb: str, arguments: dict[str, str]) -> bytes:
        list_arguments, start = arguments, 0
        if "resumptionToken" in arguments:
            list_arguments, start = _read_token(arguments["resumptionToken"])
        if start == 0:
            self._check_dates(list_arguments)
        since = oai_xml.second(list_arguments.get("from", ""))
        until = oai_xml.second(list_arguments.get("until", ""), end=True)
        records = self._format(list_arguments["metadataPrefix"]).records
        listed = [stored for stored in records if stored.within(since, until, list_arguments.get("set", ""))]
        if not listed:
            raise OaiError("noRecordsMatch", "the combination of from, until, set and metadataPrefix gives no record")
        if start >= len(listed):
            raise OaiError("badResumptionToken", "the token points past the end of the list")
        return self._page(verb, list_arguments, listed, start)

    def _page(self, verb: str, list_arguments: dict[str, str], listed: list[Stored], start: int) -> bytes:
        end = start + self.page_size
        parts = [stored.record if verb == "ListRecords" else stored.header for stored in listed[start:end]]
        if len(listed) > self.page_size:
            value = _write_token(list_arguments, end) if end < len(listed) else ""
            parts.append(oai_xml.token(value, start, len(listed)).encode("utf-8"))
        return b"<%s>" % verb.encode() + b"\n".join(parts) + b"</%s>" % verb.encode()

    def _check_dates(self, list_arguments: dict[str, str]) -> None:
        allowed = [DAY] if self.identify["granularity"] == DAY else [DAY, SECOND]
        for name in ("from", "until"):
            if name in list_arguments and not any(_STAMP[form].fullmatch(list_arguments[name]) for form in allowed):
                raise OaiError("badArgument", f"{name}={list_arguments[name]} is not {' or '.join(allowed)}")
        since, until = list_arguments.get("from"), list_arguments.get("until")
        if since and until and (len(since) != len(until) or since > until):
            raise OaiError("badArgument", f"from={since} and until={until} make no window")


def _find(format_: Format, identifier: str) -> Stored | None:
    return next((stored for stored in format_.records if stored.identifier == identifier), None)


def _write_token(list_arguments: dict[str, str], start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([list_arguments, start]).encode("utf-8")).decode("ascii")


def _read_token(value: str) -> tuple[dict[str, str], int]:
    try:
        list_arguments, start = json.loads(base64.urlsafe_b64decode(value.encode("ascii")))
        return dict(list_arguments), int(start)
    except (binascii.Error, ValueError, TypeError) as failure:
        raise OaiError("badResumptionToken", "this server did not make the token") from failure


def read_record(element: etree._Element) -> Stored:
    """Read an OAI `<record>` element. Raises ValueError when it has no header."""
    header = element.find("oai:header", NS)
    if header is None:
        raise ValueError(f"line {element.sourceline}: a record without a header")
    return Stored(
        identifier=(header.findtext("oai:identifier", "", NS)).strip(),
        datestamp=(header.findtext("oai:datestamp", "", NS)).strip(),
        sets=tuple((spec.text or "").strip() for spec in header.iterfind("oai:setSpec", NS)),
        header=etree.tostring(header, encoding="UTF-8", with_tail=False, xml_declaration=False),
        record=etree.tostring(element, encoding="UTF-8", with_tail=False, xml_declaration=False),
    )


def _read_records(path: Path) -> tuple[Stored, ...]:
    """Read every `<record>` of a file, in datestamp order (equal datestamps in the file's order)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    records = map(read_record, etree.parse(path, parser).getroot().iter(f"{{{oai_xml.OAI}}}record"))
    return tuple(sorted(records, key=lambda stored: oai_xml.second(stored.datestamp)))


def read_repository(folder: Path) -> Repository:
    """Read the repository that a folder's oai.toml declares: identify, page_size, path, sets and formats."""
    declaration = tomllib.loads((folder / "oai.toml").read_text(encoding="utf-8"))
    return Repository(
        identify=declaration["identify"],
        formats=dict(_formats(folder, declaration["formats"])),
        sets=declaration.get("sets", {}),
        page_size=declaration.get("page_size", 100),
        path=declaration.get("path"),
    )


def _formats(folder: Path, rows: dict[str, dict[str, str]]) -> Iterable[tuple[str, Format]]:
    for prefix, row in rows.items():
        yield prefix, Format(prefix, row["schema"], row["namespace"], _read_records(folder / row["file"]))
