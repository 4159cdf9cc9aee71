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
from samples.answer import Answer, Asked, NothingStored
from samples.oai_xml import NS, OaiError

DAY, SECOND = "YYYY-MM-DD", "YYYY-MM-DDThh:mm:ssZ"
_STAMP = {DAY: re.compile(r"\d{4}-\d\d-\d\d"), SECOND: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")}


@dataclass(frozen=True)
class Stored:
    """One record in one format: its header's values and both elements as text."""

    identifier: str
    datestamp: str
    sets: tuple[str, ...]
    header: bytes
    record: bytes

    def within(self, since: str, until: str, spec: str) -> bool:
        stamp = oai_xml.second(self.datestamp)
        in_set = not spec or any(one == spec or one.startswith(spec + ":") for one in self.sets)
        return in_set and (not since or stamp >= since) and (not until or stamp <= until)


@dataclass(frozen=True)
class Format:
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

    def answer(self, asked: Asked) -> Answer:
        if self.path is not None and asked.path.rstrip("/") != self.path.rstrip("/"):
            raise NothingStored(f"the repository answers {self.path} only")
        said: dict[str, str] = {}
        try:
            verb, said = oai_xml.arguments(asked.form)
            content = self._content(verb, said, asked.base_url)
            return Answer(oai_xml.response(asked.base_url, {"verb": verb, **said}, content))
        except OaiError as failure:
            echoed = {name: value for name, value in dict(asked.form).items() if name in {"verb", *said}}
            return Answer(oai_xml.error(asked.base_url, echoed, failure))

    def _content(self, verb: str, said: dict[str, str], base_url: str) -> str | bytes:
        if verb == "Identify":
            return oai_xml.identify(self._identify(base_url))
        if verb == "ListMetadataFormats":
            return self._list_formats(said.get("identifier"))
        if verb == "ListSets":
            return self._list_sets(said)
        if verb == "GetRecord":
            return self._get_record(said["identifier"], said["metadataPrefix"])
        return self._list(verb, said)

    def records(self, prefix: str) -> tuple[Stored, ...]:
        """Every record in a format; none where the format is not known."""
        return self.formats[prefix].records if prefix in self.formats else ()

    def _identify(self, base_url: str) -> dict[str, str]:
        order = ("protocolVersion", "adminEmail", "earliestDatestamp", "deletedRecord", "granularity")
        known = {"protocolVersion": "2.0", **self.identify}
        return {"repositoryName": known["repositoryName"], "baseURL": base_url} | {name: known[name] for name in order}

    def _list_formats(self, identifier: str | None) -> str:
        rows = [one for one in self.formats.values() if identifier is None or _find(one, identifier)]
        if not rows:
            raise OaiError("idDoesNotExist", f"no record {identifier}")
        return oai_xml.formats((one.prefix, one.schema, one.namespace) for one in rows)

    def _list_sets(self, said: dict[str, str]) -> str:
        if "resumptionToken" in said:
            raise OaiError("badResumptionToken", "the list of sets has one page")
        if not self.sets:
            raise OaiError("noSetHierarchy", "this repository has no sets")
        return oai_xml.sets(self.sets)

    def _format(self, prefix: str) -> Format:
        if prefix not in self.formats:
            raise OaiError("cannotDisseminateFormat", f"{prefix} is not one of {', '.join(self.formats)}")
        return self.formats[prefix]

    def _get_record(self, identifier: str, prefix: str) -> bytes:
        found = _find(self._format(prefix), identifier)
        if found is None:
            raise OaiError("idDoesNotExist", f"no record {identifier}")
        return b"<GetRecord>" + found.record + b"</GetRecord>"

    def _list(self, verb: str, said: dict[str, str]) -> bytes:
        ask, start = _read_token(said["resumptionToken"]) if "resumptionToken" in said else (said, 0)
        if start == 0:
            self._check_dates(ask)
        since = oai_xml.second(ask.get("from", ""))
        until = oai_xml.second(ask.get("until", ""), end=True)
        records = self._format(ask["metadataPrefix"]).records
        listed = [one for one in records if one.within(since, until, ask.get("set", ""))]
        if not listed:
            raise OaiError("noRecordsMatch", "the combination of from, until, set and metadataPrefix gives no record")
        if start >= len(listed):
            raise OaiError("badResumptionToken", "the token points past the end of the list")
        return self._page(verb, ask, listed, start)

    def _page(self, verb: str, ask: dict[str, str], listed: list[Stored], start: int) -> bytes:
        end = start + self.page_size
        parts = [one.record if verb == "ListRecords" else one.header for one in listed[start:end]]
        if len(listed) > self.page_size:
            value = _write_token(ask, end) if end < len(listed) else ""
            parts.append(oai_xml.token(value, start, len(listed)).encode("utf-8"))
        return b"<%s>" % verb.encode() + b"\n".join(parts) + b"</%s>" % verb.encode()

    def _check_dates(self, ask: dict[str, str]) -> None:
        allowed = [DAY] if self.identify["granularity"] == DAY else [DAY, SECOND]
        for name in ("from", "until"):
            if name in ask and not any(_STAMP[one].fullmatch(ask[name]) for one in allowed):
                raise OaiError("badArgument", f"{name}={ask[name]} is not {' or '.join(allowed)}")
        since, until = ask.get("from"), ask.get("until")
        if since and until and (len(since) != len(until) or since > until):
            raise OaiError("badArgument", f"from={since} and until={until} make no window")


def _find(one: Format, identifier: str) -> Stored | None:
    return next((stored for stored in one.records if stored.identifier == identifier), None)


def _write_token(ask: dict[str, str], start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([ask, start]).encode("utf-8")).decode("ascii")


def _read_token(value: str) -> tuple[dict[str, str], int]:
    try:
        ask, start = json.loads(base64.urlsafe_b64decode(value.encode("ascii")))
        return dict(ask), int(start)
    except (binascii.Error, ValueError, TypeError) as failure:
        raise OaiError("badResumptionToken", "this server did not make the token") from failure


def stored(element: etree._Element) -> Stored:
    """One OAI `<record>` element as the repository keeps it. Raises ValueError when it has no header."""
    header = element.find("oai:header", NS)
    if header is None:
        raise ValueError(f"line {element.sourceline}: a record without a header")
    return Stored(
        identifier=(header.findtext("oai:identifier", "", NS)).strip(),
        datestamp=(header.findtext("oai:datestamp", "", NS)).strip(),
        sets=tuple((one.text or "").strip() for one in header.iterfind("oai:setSpec", NS)),
        header=etree.tostring(header, encoding="UTF-8", with_tail=False, xml_declaration=False),
        record=etree.tostring(element, encoding="UTF-8", with_tail=False, xml_declaration=False),
    )


def _read_records(path: Path) -> tuple[Stored, ...]:
    """Every `<record>` of a file of records, in datestamp order (equal datestamps in the file's order)."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    found = [stored(one) for one in etree.parse(path, parser).getroot().iter(f"{{{oai_xml.OAI}}}record")]
    return tuple(sorted(found, key=lambda one: oai_xml.second(one.datestamp)))


def read_repository(folder: Path) -> Repository:
    """The repository that a folder's oai.toml declares: identify, page_size, path, sets and formats."""
    said = tomllib.loads((folder / "oai.toml").read_text(encoding="utf-8"))
    return Repository(
        identify=said["identify"],
        formats=dict(_formats(folder, said["formats"])),
        sets=said.get("sets", {}),
        page_size=said.get("page_size", 100),
        path=said.get("path"),
    )


def _formats(folder: Path, said: dict[str, dict[str, str]]) -> Iterable[tuple[str, Format]]:
    for prefix, row in said.items():
        yield prefix, Format(prefix, row["schema"], row["namespace"], _read_records(folder / row["file"]))
