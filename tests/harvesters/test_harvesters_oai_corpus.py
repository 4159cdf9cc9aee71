"""Every stored response of the OAI-PMH corpus: what is OAI-PMH lands, everything else is diagnosed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from harvesters import harvest
from harvesters.client import Client
from harvesters.oai_pmh import Repository, formats, sets
from schemas import Ask, Environment, HarvestFailed
from tests.harvesters.loopback import (
    Answer,
    ReceivedRequest,
    feed,
    identify,
    listing,
    oai_error,
    open_environment,
    record,
    serving,
)

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "A_oai"
FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file()) if CORPUS.is_dir() else []
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FILES, reason="../shared/corpora/A_oai is not here")]

# protocol error → how the harvest ends
ENDINGS = {
    "noRecordsMatch": "whole",
    "badResumptionToken": "token_expired",
    "badVerb": "not_oai_pmh",
}
# OAI-PMH that is not well-formed and holds no record that could be saved
BROKEN = ("pyoai/fake3/00001.xml", "pyoai/fake4/00001.xml")
# a prefix that every page uses, not declared: read all the same
UNDECLARED = {"feb-inroa/metadata/oai_norecords2.xml": "whole"}


class Stage:
    """Serves one file at a time, as the response to the request that it belongs to."""

    def __init__(self) -> None:
        self.body, self.verb, self.namespace = b"", "", ""

    def show(self, body: bytes) -> str:
        """Serve a file; return the verb that it answers, "error" for a protocol error, "" if it is not OAI-PMH."""
        self.body = body
        self.verb = self.namespace = ""
        try:
            root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError:
            if b"<error" in body and b"xmlns:xsi" not in body:
                self.verb = "error"
            return self.verb
        if etree.QName(root).localname == "OAI-PMH":
            self.namespace = f"{{{etree.QName(root).namespace}}}" if etree.QName(root).namespace else ""
            kinds = [etree.QName(child).localname for child in root if isinstance(child.tag, str)]
            self.verb = next(kind for kind in kinds if kind not in ("responseDate", "request"))
        return self.verb

    def all(self, name: str) -> list[etree._Element]:
        return list(etree.fromstring(self.body).iter(f"{self.namespace}{name}"))

    def __call__(self, request: ReceivedRequest) -> Answer:
        verb = request.params.get("verb", "")
        if self.verb in ("", "error") and not (verb == "Identify" and self.verb == "error"):
            return Answer(self.body)
        if verb == self.verb:
            return Answer(listing("", verb=verb) if "resumptionToken" in request.params else self.body)
        return Answer(identify() if verb == "Identify" else self.other_list(verb))

    def other_list(self, verb: str) -> str:
        """Answer a verb that leads the harvest to the file's own."""
        if self.verb == "GetRecord" and verb == "ListIdentifiers":
            return listing(etree.tostring(self.all("header")[0], encoding="unicode"), verb="ListIdentifiers")
        if self.verb == "ListIdentifiers" and verb == "GetRecord":
            return listing(record(1), verb="GetRecord")
        return oai_error("badVerb") if self.verb in ("GetRecord", "ListIdentifiers") else listing(record(1))


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    shown = Stage()
    with serving(shown) as loopback:
        yield shown, loopback.url


def ending(url: str, env: Environment) -> dict[str, str | int]:
    """Harvest and return how that ends ("whole" or the cause), and the number of records and of skipped ones."""
    records = skipped = 0
    stored = feed(url, request={"trust_list_size": False, "retries": 0})
    try:
        for page in harvest(stored, Ask(), env):
            records += len(page.records)
            skipped += len(page.skipped)
    except HarvestFailed as failed:
        assert failed.sentence
        return {"ends": failed.cause, "records": records, "skipped": skipped}
    return {"ends": "whole", "records": records, "skipped": skipped}


def expected_ending(stage: Stage, name: str) -> dict[str, str | int]:
    """Return what is expected of `ending` for the file that the stage shows."""
    if stage.verb in ("ListRecords", "ListIdentifiers", "GetRecord"):
        named = [bool((h.findtext(f"{stage.namespace}identifier") or "").strip()) for h in stage.all("header")]
        return {"ends": "whole", "records": named.count(True), "skipped": named.count(False)}
    if stage.verb == "Identify":
        return {"ends": "whole", "records": 1}
    if name in UNDECLARED:
        return {"ends": UNDECLARED[name]}
    if stage.verb == "error":
        return {"ends": ENDINGS.get(stage.all("error")[0].get("code"), "bad_format")}
    return {"ends": "malformed" if name in BROKEN else "not_oai_pmh", "records": 0}


def offered(url: str, verb: str, env: Environment) -> list[str]:
    with Client(feed(url), Ask(), env) as client:
        repository = Repository(client, "GET")
        return sets(repository) if verb == "ListSets" else formats(repository)


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(CORPUS)) for path in FILES])
def test_every_stored_response_lands_or_is_diagnosed(path: Path, stage: tuple[Stage, str], tmp_path: Path) -> None:
    shown, url = stage
    verb, env = shown.show(path.read_bytes()), open_environment(tmp_path)
    if verb in ("ListSets", "ListMetadataFormats"):
        elements = shown.all("setSpec" if verb == "ListSets" else "metadataPrefix")
        assert offered(url, verb, env) == [element.text.strip() for element in elements]
        return
    expected = expected_ending(shown, str(path.relative_to(CORPUS)))
    actual = ending(url, env)
    assert {key: actual[key] for key in expected} == expected
