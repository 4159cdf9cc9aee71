"""The server of a case (tests/cases): scripted answers, and an OAI-PMH repository over a list of records."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from tests.harvesters.loopback import TAIL, Answer, ReceivedRequest, identify, oai_error

HEAD = '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
DC = 'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
STAMP = "2024-01-01T00:00:00Z"
DATE = "2024-06-01T00:00:00Z"


class CaseServer:
    """Answers as `night` says: the first of `answers` that fits, else the `repository`, else `otherwise`, else 404."""

    def __init__(self, night: dict[str, Any]) -> None:
        self.night = night

    def __call__(self, request: ReceivedRequest) -> Answer:
        for answer in self.night.get("answers", ()):
            if all(_fits(request, name, value) for name, value in answer.get("when", {}).items()):
                return _answer(answer, request)
        if "repository" in self.night:
            return _repository(self.night["repository"], request)
        return _answer(self.night["otherwise"], request) if "otherwise" in self.night else Answer(status=404)


def _fits(request: ReceivedRequest, name: str, value: Any) -> bool:
    if name == "path":
        return bool(request.path == value)
    given = request.params.get(name)
    return given is not None if value is True else bool(given == value)


def _answer(answer: dict[str, Any], request: ReceivedRequest) -> Answer:
    text = answer["body"] if "body" in answer else answer.get("before", "") + json.dumps(answer.get("json"))
    base = f"http://{request.headers.get('host', '')}"
    body = text.replace("{base}", base).replace("{query}", urlencode(request.params))
    usual = "application/json" if "json" in answer else "text/xml"
    headers = {"Content-Type": answer.get("type", usual), **answer.get("headers", {})}
    return Answer(body, answer.get("status", 200), headers)


def _repository(repository: dict[str, Any], request: ReceivedRequest) -> Answer:
    verb, deleted = request.params.get("verb", ""), repository.get("deleted", "persistent")
    date = repository.get("date", DATE)
    if verb == "Identify":
        body = identify(deleted=deleted, url=f"http://{request.headers.get('host', '')}{request.path}")
        return Answer(body.replace("2026-03-01T00:00:00Z", date))
    if verb == "ListMetadataFormats":
        return Answer(_envelope(date, verb, "<metadataFormat><metadataPrefix>oai_dc</metadataPrefix></metadataFormat>"))
    return _list(repository, request, date)


def _list(repository: dict[str, Any], request: ReceivedRequest, date: str) -> Answer:
    since, start = request.params.get("from", ""), 0
    if "resumptionToken" in request.params:
        number, since = request.params["resumptionToken"].split("|")
        start = int(number)
    elif since and repository.get("refuses_from"):
        return Answer(oai_error("badArgument"))
    records = {record["id"]: record for record in repository["records"]}
    chosen = [name for name, record in records.items() if record.get("stamp", STAMP)[: len(since)] >= since]
    size = repository.get("page", 100)
    pages = repository.get("pages") or [chosen[at : at + size] for at in range(0, len(chosen), size)]
    if not chosen:
        return Answer(oai_error("noRecordsMatch"))
    promised = repository.get("size", len(chosen))
    size_said = "" if promised in (False, None) else f' completeListSize="{promised}"'
    token = f"{start + 1}|{since}" if start + 1 < len(pages) else ""
    tail = f"<resumptionToken{size_said}>{token}</resumptionToken>" if len(pages) > 1 else ""
    listed = "".join(_record(records[name]) for name in pages[start])
    return Answer(_envelope(date, request.params["verb"], listed + tail))


def _record(record: dict[str, Any]) -> str:
    status = ' status="deleted"' if record.get("deleted") else ""
    header = f"<identifier>{record['id']}</identifier><datestamp>{record.get('stamp', STAMP)}</datestamp>"
    title = escape(record.get("title", f"Title {record['id']}"))
    fields = f"<dc:title>{title}</dc:title><dc:identifier>https://example.org/{record['id']}</dc:identifier>"
    metadata = "" if record.get("deleted") else f"<metadata><oai_dc:dc {DC}>{fields}</oai_dc:dc></metadata>"
    return f"<record><header{status}>{header}</header>{metadata}</record>"


def _envelope(date: str, verb: str, inside: str) -> str:
    return f"{HEAD}<responseDate>{date}</responseDate><request>x</request><{verb}>{inside}</{verb}>{TAIL}"
