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
    """Serves one file at a time, in the place where a server would have sent it."""

    def __init__(self) -> None:
        self.body, self.verb, self.namespace = b"", "", ""

    def show(self, body: bytes) -> str:
        """Take a file; gives the verb that it answers, error for a protocol error, nothing for what is not OAI-PMH."""
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
        file = Answer(self.body)
        if self.verb in ("", "error"):
            return Answer(identify()) if verb == "Identify" and self.verb == "error" else file
        if verb == self.verb:
            return Answer(listing("", verb=verb)) if "resumptionToken" in request.params else file
        if verb == "Identify":
            return Answer(identify())
        if self.verb == "GetRecord" and verb == "ListIdentifiers":
            header = etree.tostring(self.all("header")[0], encoding="unicode")
            return Answer(listing(header, verb="ListIdentifiers"))
        if self.verb == "ListIdentifiers" and verb == "GetRecord":
            return Answer(listing(record(1), verb="GetRecord"))
        if self.verb in ("GetRecord", "ListIdentifiers"):
            return Answer(oai_error("badVerb"))
        return Answer(listing(record(1)))


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Stage, str]]:
    shown = Stage()
    with serving(shown) as loopback:
        yield shown, loopback.url


def ending(url: str, env: Environment) -> tuple[str, int, int]:
    """How the harvest ends, and how many records it gives and skips."""
    given = skipped = 0
    of = feed(url, request={"trust_list_size": False, "retries": 0})
    try:
        for page in harvest(of, Ask(), env):
            given += len(page.records)
            skipped += len(page.skipped)
    except HarvestFailed as failed:
        assert failed.sentence
        return failed.cause, given, skipped
    return "whole", given, skipped


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(CORPUS)) for path in FILES])
def test_every_stored_response_lands_or_is_diagnosed(path: Path, stage: tuple[Stage, str], tmp_path: Path) -> None:
    shown, url = stage
    verb, env = shown.show(path.read_bytes()), open_environment(tmp_path)
    name = str(path.relative_to(CORPUS))
    if verb in ("ListSets", "ListMetadataFormats"):
        with Client(feed(url), Ask(), env) as client:
            repository = Repository(client, "GET")
            listed = sets(repository) if verb == "ListSets" else formats(repository)
        assert listed == [
            element.text.strip() for element in shown.all("setSpec" if verb == "ListSets" else "metadataPrefix")
        ]
        return
    how, given, skipped = ending(url, env)
    if verb in ("ListRecords", "ListIdentifiers", "GetRecord"):
        named = [bool((h.findtext(f"{shown.namespace}identifier") or "").strip()) for h in shown.all("header")]
        assert (how, given, skipped) == ("whole", named.count(True), named.count(False))
    elif verb == "Identify":
        assert (how, given) == ("whole", 1)
    elif name in UNDECLARED:
        assert how == UNDECLARED[name]
    elif verb == "error":
        assert how == ENDINGS.get(shown.all("error")[0].get("code"), "bad_format")
    elif name in BROKEN:
        assert (how, given) == ("malformed", 0)
    else:
        assert how == "not_oai_pmh"
        assert given == 0
