"""sickle with our own HTTP client and our own strict parser; the only module that extends it.

sickle's parser recovers from errors, strips white space and parses each page twice, so its response is replaced. Its
verbs, its resumption and its errors are used as they are. https://sickle.readthedocs.io/
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree
from sickle import Sickle, oaiexceptions
from sickle.iterator import OAIResponseIterator

from harvesters.causes import RequestFailed, failed, unreadable_response
from harvesters.client import Client, Reply
from harvesters.oai_pmh.recovery import PageTruncated, RecoveredPage, recover, recover_identify
from harvesters.strict_xml import EntitiesDeclared, InvalidXml, parse_xml
from harvesters.unexpected import is_of_the_system, unexpected_response
from harvesters.web_pages import html_cause
from schemas import Base, HarvestFailed, RawResponse, Skipped

OTHER_METHOD = {"GET": "POST", "POST": "GET"}
# sickle's errors, which have no common base class
ERRORS: tuple[type[Exception], ...] = tuple([cls for cls in vars(oaiexceptions).values() if isinstance(cls, type)])
_METHOD_REFUSED_STATUSES = frozenset({405, 411, 413, 414, 501})
_ROOT_TAG = re.compile(rb"<(?:[\w.-]+:)?OAI-PMH\b")
_ROOT_TAG_MAX_OFFSET = 4096  # bytes
_BOM_AND_SPACE = b"\xef\xbb\xbf \t\r\n"


class Response(Base, frozen=True, kw_only=True):
    """What sickle calls a response: the parsed page, and what could not be parsed of it."""

    url: str
    xml: Any  # the root, an lxml element
    raw: tuple[RawResponse, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


class Pages(OAIResponseIterator):  # type: ignore[misc]  # sickle has no types
    """The pages of one list; each is requested when it is asked for. The first one is requested at once."""

    def _get_resumption_token(self) -> object:
        """Return sickle's resumption token, without white space around it and without credentials."""
        token = super()._get_resumption_token()
        if token is not None:
            token.token = self.sickle.client.credentials.mask_token((token.token or "").strip()) or None
        return token


class Repository(Sickle):  # type: ignore[misc]  # sickle has no types
    """One OAI-PMH server. `retries` is how often a failing request is retried; None means as the feed says."""

    def __init__(self, client: Client, method: str) -> None:
        super().__init__(client.feed.url, http_method=method, iterator=Pages)
        self.http_method: str = method
        self.client = client
        self.retries: int | None = None

    def harvest(self, **params: str) -> Response:
        """Send one OAI-PMH request and parse the response; a truncated page is requested a second time.

        sickle calls this method. Raises HarvestFailed; RequestFailed when only this request fails.
        """
        try:
            return self._parse(self._send(params), params)
        except PageTruncated:
            reply = self._send(params)
        try:
            return self._parse(reply, params)
        except PageTruncated as error:
            raise unreadable_response("malformed", f"{self.endpoint}: {error}", self.endpoint, reply.body) from error

    def _send(self, params: dict[str, str]) -> Reply:
        """Send a request, and once more with the other HTTP method if the server refuses this one."""
        try:
            return self._send_by(self.http_method, params)
        except RequestFailed as error:
            if error.status not in _METHOD_REFUSED_STATUSES:
                raise
            reply = self._send_by(OTHER_METHOD[self.http_method], params)
        self.http_method = OTHER_METHOD[self.http_method]
        self.client.notes.append(f"the server accepts {self.http_method} only")
        return reply

    def _send_by(self, method: str, oai_params: dict[str, str]) -> Reply:
        params = {**self.client.feed.request.params, **oai_params}
        query, form = (params, None) if method == "GET" else (None, params)
        return self.client.send(
            self.endpoint, method=method, params=query, form=form, retries=self.retries, readable=_is_oai_pmh
        )

    def _parse(self, reply: Reply, params: dict[str, str]) -> Response:
        try:
            response = Response(url=reply.url, xml=parse_xml(reply.body))
        except EntitiesDeclared as error:
            raise failed("malformed", f"{self.endpoint}: {error}") from error
        except InvalidXml as error:
            response = self._recover(reply, params, str(error))
        root = etree.QName(response.xml)
        if root.localname != "OAI-PMH":
            raise self._not_oai_pmh(reply, params, f"<{root.localname}>")
        self.oai_namespace = f"{{{root.namespace}}}" if root.namespace else ""
        _normalize_token(response.xml, self.oai_namespace)
        for error_element in response.xml.iterchildren(f"{self.oai_namespace}error"):
            if not error_element.get("code"):  # sickle needs one
                error_element.set("code", "OAIError")
        return response

    def _recover(self, reply: Reply, params: dict[str, str], reason: str) -> Response:
        """Return what can be recovered of a page that is not well-formed, with the page itself."""
        if not _is_oai_pmh(reply) or not reply.body.lstrip(_BOM_AND_SPACE).startswith(b"<"):
            return self._parse_after_message(reply, params, reason)
        try:
            page = self._recovered(reply, params)
        except InvalidXml as error:
            what = f"{self.endpoint} sends a page that is not well-formed XML ({error})"
            raise unreadable_response("malformed", what, self.endpoint, reply.body) from error
        except (PageTruncated, HarvestFailed):
            raise
        except Exception as error:
            if is_of_the_system(error):
                raise
            raise unexpected_response(error, self.endpoint, reply.body) from error
        raw = RawResponse(url=self.endpoint, body=reply.body, reason=reason)
        return Response(url=reply.url, xml=page.root, raw=(raw,), skipped=page.skipped, notes=page.notes)

    def _recovered(self, reply: Reply, params: dict[str, str]) -> RecoveredPage:
        if params.get("verb") == "Identify":
            return recover_identify(reply.body)
        return recover(reply.body, reply.headers.get("content-type", ""))

    def _parse_after_message(self, reply: Reply, params: dict[str, str], reason: str) -> Response:
        """Parse a page before which the server prints something, such as a PHP warning."""
        start = reply.body.find(b"<?xml")
        try:
            root = parse_xml(reply.body[start:]) if start > 0 else None
        except InvalidXml:
            root = None
        if root is None:
            raise self._not_oai_pmh(reply, params, "what is not XML")
        raw = RawResponse(url=self.endpoint, body=reply.body, reason=reason)
        return Response(url=reply.url, xml=root, raw=(raw,), notes=("the server prints a message before its page",))

    def _not_oai_pmh(self, reply: Reply, params: dict[str, str], content: str) -> Exception:
        """Return what another response means: a login or firewall, a wrong url, or a failure of this request."""
        cause, page = html_cause(reply.body, "not_oai_pmh")
        sentence = f"{self.endpoint} answers with {page or content} instead of OAI-PMH"
        if cause == "blocked" or params.get("verb") == "Identify":
            return failed(cause, sentence)
        return unreadable_response(cause, sentence, self.endpoint, reply.body)


def _is_oai_pmh(reply: Reply) -> bool:
    """Return whether a reply of any status is OAI-PMH: servers send protocol errors with 4xx and 5xx, too."""
    return _ROOT_TAG.search(reply.body[:_ROOT_TAG_MAX_OFFSET]) is not None


def _normalize_token(root: etree._Element, ns: str) -> None:
    """Write the page's resumption token as the protocol does, so that no list ends for its spelling.

    Some servers write it in other capitals or without the namespace, or with a comment inside.
    """
    children = [root, *root.iterchildren(etree.Element)]
    tokens = (child for parent in children for child in parent.iterchildren(etree.Element) if _is_token(child))
    for token in tokens:
        token.tag = f"{ns}resumptionToken"
        for name, value in token.attrib.items():
            if name.lower() == "completelistsize" and name != "completeListSize":
                token.set("completeListSize", value)
        if len(token):
            text = str(token.xpath("string()"))
            del token[:]
            token.text = text


def _is_token(element: etree._Element) -> bool:
    return etree.QName(element).localname.lower() == "resumptiontoken"
