"""sickle, asking over our own client and reading through our own strict parse: the one place that extends it.

sickle's own parser recovers, strips white space and parses each page twice, so its response is replaced; its verbs,
its following of tokens and its errors are used as they are. https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from sickle import Sickle, oaiexceptions
from sickle.iterator import OAIResponseIterator

from harvesters.causes import RequestFailed, failed, unreadable_response
from harvesters.client import Client, Reply
from harvesters.oai_pmh.recovery import Torn, identity, recover
from harvesters.strict_xml import Refused, Unreadable, parse
from harvesters.web_pages import html_cause
from schemas import RawResponse, Skipped

OAI = re.compile(rb"<(?:[\w.-]+:)?OAI-PMH\b")
OTHER = {"GET": "POST", "POST": "GET"}
_BOM_AND_SPACE = b"\xef\xbb\xbf \t\r\n"
# sickle's errors, which have no base of their own
ERRORS: tuple[type[Exception], ...] = tuple([one for one in vars(oaiexceptions).values() if isinstance(one, type)])
_METHOD_REFUSED = frozenset({405, 411, 413, 414, 501})


@dataclass
class Response:
    """What sickle calls a response: the parsed page, with what could not be parsed of it beside it."""

    url: str
    xml: etree._Element
    raw: tuple[RawResponse, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


class Pages(OAIResponseIterator):  # type: ignore[misc]  # sickle has no types
    """The pages of one list; sickle follows the tokens, one page each time it is asked for the next."""

    def _get_resumption_token(self) -> object:
        """sickle's reading of the token, without white space around it, and as it may be landed."""
        token = super()._get_resumption_token()
        if token is not None:
            token.token = self.sickle.client.credentials.mask_token((token.token or "").strip()) or None
        return token


class Repository(Sickle):  # type: ignore[misc]  # sickle has no types
    """One OAI-PMH server. `retries` is how often a failing request is tried again; None is the feed's own number."""

    def __init__(self, client: Client, method: str) -> None:
        super().__init__(client.feed.url, http_method=method, iterator=Pages)
        self.http_method: str = method
        self.client = client
        self.retries: int | None = None

    def harvest(self, **params: str) -> Response:
        """The response to one OAI request. Raises HarvestFailed, RequestFailed when only this request fails."""
        try:
            return self._read(self._ask(params), params)
        except Torn:
            pass  # the page ended in its middle: once more, then it counts as the server's failure
        reply = self._ask(params)
        try:
            return self._read(reply, params)
        except Torn as torn:
            raise unreadable_response("malformed", f"{self.endpoint}: {torn}", self.endpoint, reply.body) from torn

    def _ask(self, params: dict[str, str]) -> Reply:
        try:
            return self._by(self.http_method, params)
        except RequestFailed as error:
            if error.status not in _METHOD_REFUSED:
                raise
            reply = self._by(OTHER[self.http_method], params)
        self.http_method = OTHER[self.http_method]
        self.client.notes.append(f"the server wants {self.http_method}")
        return reply

    def _by(self, method: str, params: Mapping[str, Any]) -> Reply:
        params = {**self.client.feed.request.params, **params}
        if method == "GET":
            return self.client.send(self.endpoint, params=params, retries=self.retries, readable=_is_oai)
        return self.client.send(self.endpoint, method="POST", form=params, retries=self.retries, readable=_is_oai)

    def _read(self, reply: Reply, params: dict[str, str]) -> Response:
        try:
            root = parse(reply.body)
            response = Response(url=reply.url, xml=root)
        except Refused as error:
            raise failed("malformed", f"{self.endpoint}: {error}") from error
        except Unreadable as error:
            response = self._recovered(reply, params, str(error))
            root = response.xml
        if etree.QName(root).localname != "OAI-PMH":
            raise self._foreign(reply, params, f"<{etree.QName(root).localname}>")
        namespace = etree.QName(root).namespace
        self.oai_namespace = f"{{{namespace}}}" if namespace else ""
        for nameless in root.iterchildren(f"{self.oai_namespace}error"):
            if not nameless.get("code"):
                nameless.set("code", "OAIError")
        return response

    def _behind_noise(self, reply: Reply, params: dict[str, str], reason: str) -> Response:
        """The page behind a warning that a server prints first; whatever else there is, is not OAI-PMH."""
        start = reply.body.find(b"<?xml")
        try:
            root = parse(reply.body[start:]) if start > 0 else None
        except Unreadable:
            root = None
        if root is None:
            raise self._foreign(reply, params, "what is not XML")
        raw = RawResponse(url=self.endpoint, body=reply.body, reason=reason)
        return Response(url=reply.url, xml=root, raw=(raw,), notes=("the server prints a message before its page",))

    def _recovered(self, reply: Reply, params: dict[str, str], reason: str) -> Response:
        """What can be saved of a page that is not well-formed; the page itself is kept as it came."""
        if not _is_oai(reply) or not reply.body.lstrip(_BOM_AND_SPACE).startswith(b"<"):
            return self._behind_noise(reply, params, reason)
        if params.get("verb") == "Identify":
            found = identity(reply.body)
        else:
            found = recover(reply.body, reply.headers.get("content-type", ""))
        raw = RawResponse(url=self.endpoint, body=reply.body, reason=reason)
        return Response(url=reply.url, xml=found.root, raw=(raw,), skipped=found.skipped, notes=found.notes)

    def _foreign(self, reply: Reply, params: dict[str, str], seen: str) -> Exception:
        """What an answer that is not OAI-PMH means: someone in the way, the wrong address, or a server's mishap."""
        cause, what = html_cause(reply.body, "not_oai_pmh")
        sentence = f"{self.endpoint} answers with {what or seen} instead of OAI-PMH"
        if cause == "blocked" or params.get("verb") == "Identify":
            return failed(cause, sentence)
        return unreadable_response(cause, sentence, self.endpoint, reply.body)


def _is_oai(reply: Reply) -> bool:
    """Whether a reply, whatever its status, is OAI-PMH's own: servers send protocol errors with 4xx and 5xx."""
    return OAI.search(reply.body[:4096]) is not None
