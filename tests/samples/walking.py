"""Plain clients of the sample servers, written without the harvesters: what a stranger would receive."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from lxml import etree

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
SHARED = ROOT.parent / "shared"
A_OAI = SHARED / "corpora" / "A_oai"
NS = {"oai": "http://www.openarchives.org/OAI/2.0/"}


@dataclass
class Walked:
    """What a walk of one OAI-PMH list gave."""

    elements: list[etree._Element] = field(default_factory=list)  # records or headers
    bodies: list[bytes] = field(default_factory=list)
    error: str | None = None

    @property
    def identifiers(self) -> list[str]:
        path = "descendant-or-self::oai:header/oai:identifier"
        return [
            str(identifier.text).strip()
            for element in self.elements
            for identifier in element.xpath(path, namespaces=NS)
        ]

    @property
    def deleted(self) -> int:
        path = "descendant-or-self::oai:header[@status='deleted']"
        return sum(len(element.xpath(path, namespaces=NS)) for element in self.elements)


def ask(client: httpx.Client, url: str, **arguments: str) -> etree._Element:
    """One response as XML; `from_` stands for from."""
    params = {name.rstrip("_"): value for name, value in arguments.items()}
    return etree.fromstring(client.get(url, params=params).content)


def error_of(root: etree._Element) -> str | None:
    error = root.find("oai:error", NS)
    return None if error is None else error.get("code")


def walk(client: httpx.Client, url: str, verb: str = "ListRecords", **arguments: str) -> Walked:
    """Every record (or header) of a list, following the resumption tokens; stops at 100 pages."""
    walked = Walked()
    params = {"verb": verb, **{name.rstrip("_"): value for name, value in arguments.items()}}
    child = "record" if verb == "ListRecords" else "header"
    for _ in range(100):
        body = client.get(url, params=params).content
        root = etree.fromstring(body, etree.XMLParser(huge_tree=True))
        walked.bodies.append(body)
        walked.error = error_of(root)
        walked.elements += root.findall(f"oai:{verb}/oai:{child}", NS)
        token = (root.findtext(f"oai:{verb}/oai:resumptionToken", "", NS) or "").strip()
        if not token:
            return walked
        params = {"verb": verb, "resumptionToken": token}
    raise AssertionError("the tokens never end")


def rows_by_offset(client: httpx.Client, url: str, path: str, offset: str, limit: str, size: int) -> list[Any]:
    """Every row of a JSON list that is paged by an offset."""
    rows: list[Any] = []
    while True:
        page = client.get(url, params={offset: len(rows), limit: size}).json()[path]
        rows += page
        if len(page) < size:
            return rows
