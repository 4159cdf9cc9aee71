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
    token = request.params.get("resumptionToken")
    start, since, until = (token or f"0|{request.params.get('from', '')}|{request.params.get('until', '')}").split("|")
    if since and not token and repository.get("refuses_from"):
        return Answer(oai_error("badArgument"))
    records = {record["id"]: record for record in repository["records"]}
    verb = request.params["verb"]
    if verb == "GetRecord":
        answer = Answer(_envelope(date, verb, _record(records[request.params["identifier"]])))
        return _cut(answer) if repository.get("cut") == request.params["identifier"] else answer
    chosen = [name for name, record in records.items() if _is_within(record.get("stamp", STAMP), since, until)]
    if not chosen:
        return Answer(oai_error("noRecordsMatch"))
    pages = repository.get("pages") or _batches(chosen, repository.get("page", 100))
    write = _header if verb == "ListIdentifiers" else _record
    listed = "".join(write(records[name]) for name in pages[int(start)])
    tail = _token(repository.get("size", len(chosen)), int(start) + 1, len(pages), f"{since}|{until}")
    answer = Answer(_envelope(date, verb, listed + tail))
    return _cut(answer) if repository.get("cut") in pages[int(start)] else answer


def _is_within(stamp: str, since: str, until: str) -> bool:
    return stamp[: len(since)] >= since and (not until or stamp[: len(until)] <= until)


def _cut(answer: Answer) -> Answer:
    """Return the answer broken off in its middle: the connection ends before as many bytes as it announces."""
    half = answer.bytes[: len(answer.bytes) // 2]
    return Answer(half, headers={"Content-Length": str(len(answer.bytes)), "Connection": "close"})


def _batches(names: list[str], size: int) -> list[list[str]]:
    return [names[at : at + size] for at in range(0, len(names), size)]


def _token(size: Any, following: int, pages: int, dates: str) -> str:
    """Return the resumption token of a page, empty on the last one; nothing where the list is one page."""
    if pages <= 1:
        return ""
    attribute = "" if size in (False, None) else f' completeListSize="{size}"'
    token = f"{following}|{dates}" if following < pages else ""
    return f"<resumptionToken{attribute}>{token}</resumptionToken>"


def _header(record: dict[str, Any]) -> str:
    status = ' status="deleted"' if record.get("deleted") else ""
    stamp = record.get("stamp", STAMP)
    return f"<header{status}><identifier>{record['id']}</identifier><datestamp>{stamp}</datestamp></header>"


def _record(record: dict[str, Any]) -> str:
    title = escape(record.get("title", f"Title {record['id']}"))
    fields = f"<dc:title>{title}</dc:title><dc:identifier>https://example.org/{record['id']}</dc:identifier>"
    metadata = "" if record.get("deleted") else f"<metadata><oai_dc:dc {DC}>{fields}</oai_dc:dc></metadata>"
    return f"<record>{_header(record)}{metadata}</record>"


def _envelope(date: str, verb: str, inside: str) -> str:
    return f"{HEAD}<responseDate>{date}</responseDate><request>x</request><{verb}>{inside}</{verb}>{TAIL}"
