"""One OAI-PMH repository under test: its answers, read leniently, with what was wrong with each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import httpx
from lxml import etree

from harvesters.completeness import record_count
from harvesters.datestamps import format_datestamp, is_datestamp, parse_datestamp
from harvesters.oai_pmh import Repository
from pipeline.self_test.bounded_client import BoundedClient
from pipeline.self_test.lines import NotChecked
from schemas import HarvestFailed, sentence

Method = Literal["GET", "POST"]
_LEGAL_GRANULARITIES = {"YYYY-MM-DD": True, "YYYY-MM-DDThh:mm:ssZ": False}  # and whether it has days only


class MethodRefused(Exception):
    """The server does not take requests by this HTTP method."""


class Header(NamedTuple):
    """What a record's header says."""

    identifier: str
    datestamp: str


@dataclass(frozen=True)
class OaiAnswer:
    """The answer to one OAI-PMH request.

    invalid: why it is not well-formed XML; empty where it is. errors: the protocol's error codes
    """

    root: etree._Element
    namespace: str
    invalid: str
    reply_headers: httpx.Headers
    bytes: int
    seconds: float

    @property
    def errors(self) -> list[str]:
        return [(error.get("code") or "").strip() for error in self.root.iterchildren(f"{self.namespace}error")]

    def text(self, path: str) -> str:
        """Return the text of the first element on a path of names, such as Identify/baseURL; empty without one."""
        steps = "/".join(f"{self.namespace}{name}" for name in path.split("/"))
        return (self.root.findtext(steps) or "").strip()

    def texts(self, name: str) -> list[str]:
        """Return the texts of all elements of a name."""
        return [(element.text or "").strip() for element in self.root.iter(f"{self.namespace}{name}")]

    @property
    def token(self) -> str:
        """Return the resumption token; empty without one, or at the end of the list."""
        return next(iter(self.texts("resumptionToken")), "")


@dataclass(frozen=True)
class ListPage:
    """What matters of one page of a list; its records are not kept.

    token: of the next page, empty at the end. list_size: its completeListSize. expires: its expirationDate
    clock: the server's responseDate. bytes: of the body, decompressed. seconds: until it was there
    """

    headers: list[Header]
    token: str
    list_size: int | None
    expires: str
    clock: str
    errors: list[str]
    invalid: str
    reply_headers: httpx.Headers
    bytes: int
    seconds: float


def _list_page(answer: OaiAnswer) -> ListPage:
    ns = answer.namespace
    token = next(answer.root.iter(f"{ns}resumptionToken"), None)
    return ListPage(
        headers=[
            Header(
                (header.findtext(f"{ns}identifier") or "").strip(), (header.findtext(f"{ns}datestamp") or "").strip()
            )
            for header in answer.root.iter(f"{ns}header")
        ],
        token=answer.token,
        list_size=None if token is None else record_count(token.get("completeListSize")),
        expires="" if token is None else (token.get("expirationDate") or "").strip(),
        clock=answer.text("responseDate"),
        errors=answer.errors,
        invalid=answer.invalid,
        reply_headers=answer.reply_headers,
        bytes=answer.bytes,
        seconds=answer.seconds,
    )


@dataclass
class RepositoryUnderTest:
    """What is known of the repository so far. A check that needs what another could not get raises NotChecked."""

    client: BoundedClient
    by_method: dict[Method, OaiAnswer | HarvestFailed | MethodRefused] = field(default_factory=dict)  # Identify
    identity: OaiAnswer | None = None
    pages: list[ListPage] = field(default_factory=list)  # of the list, from its beginning
    method: Method = "GET"

    def request(self, params: Mapping[str, str], method: Method | None = None) -> OaiAnswer:
        """Send a request and read the answer. Raises HarvestFailed, NotChecked, and MethodRefused if `method` is."""
        repository = Repository(self.client, method or self.method)
        repository.retries = 0
        response = repository.harvest(**params)
        if method is not None and repository.http_method != method:
            raise MethodRefused(method)
        reply = self.client.last
        if reply is None:
            raise NotChecked(sentence("The server was not reached."))
        invalid = response.raw[0].reason if response.raw else ""
        size = len(reply.body)
        return OaiAnswer(response.xml, repository.oai_namespace, invalid, reply.headers, size, reply.seconds)

    def list_records(self, arguments: Mapping[str, str]) -> ListPage:
        """Request a page of ListRecords. Raises HarvestFailed, NotChecked."""
        return _list_page(self.request({"verb": "ListRecords", **arguments}))

    def reached(self) -> None:
        """Raise NotChecked when no answer came at all."""
        if self.client.last is None:
            raise NotChecked(sentence("The server was not reached."))

    def known_identity(self) -> OaiAnswer:
        """Return the Identify response."""
        if self.identity is None:
            raise NotChecked(sentence("The server did not identify itself."))
        return self.identity

    def first_page(self) -> ListPage:
        """Return the first page of the list."""
        if not self.pages:
            raise NotChecked(sentence("No record could be read."))
        return self.pages[0]

    def headers(self) -> list[Header]:
        """Return the headers of all pages."""
        self.first_page()
        return [header for page in self.pages for header in page.headers]

    @property
    def granularity(self) -> str:
        return self.known_identity().text("Identify/granularity")

    @property
    def has_days_only(self) -> bool | None:
        """Return whether the repository's datestamps are days; None where it declares no legal granularity."""
        return _LEGAL_GRANULARITIES.get(self.granularity)

    def at_granularity(self, datestamp: str) -> str | None:
        """Return a datestamp as the repository's granularity writes it; None when it cannot be read."""
        if not is_datestamp(datestamp):
            return None
        return format_datestamp(parse_datestamp(datestamp), days=bool(self.has_days_only))
