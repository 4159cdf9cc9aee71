"""What a server answered, judged by its body: neither the status nor the Content-Type of servers can be relied on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec
from lxml import etree, html

from harvesters.client import Reply
from harvesters.documents.html_tags import has_crowded_tag
from harvesters.encodings import charset, decodes
from harvesters.strict_xml import InvalidXml, parse_xml, remove_forbidden_characters
from harvesters.web_pages import html_cause, is_html
from pipeline.detection.found import shortened
from schemas import Sentence, sentence

_MAX_BARRIER_BYTES = 15_000  # of a page that only asks to sign in
_MAX_PAGE_BYTES = 2_000_000  # of a web page, which is only searched for links
_BLANKS = b"\xef\xbb\xbf \t\r\n\x0b\x0c"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_ZIP, _GZIP, _PDF = b"PK\x03\x04", b"\x1f\x8b", b"%PDF-"
_TAR_MAGIC_AT = 257
_MAX_TITLE_CHARS = 80


# what would take gigabytes of memory once it is parsed: marks with the most of each that a document may have
_MAX_JSON = {b"{": 300_000, b"[": 300_000, b",": 3_000_000}
_MAX_XML = {b"<": 2_000_000}


def _has_too_many(body: bytes, marks: Mapping[bytes, int]) -> bool:
    return any(body.count(mark) > most for mark, most in marks.items())


class Document:
    """One response: its address after redirects, and its body as JSON, XML or a web page, whichever it is."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.url = reply.url
        self.status = reply.status
        self.body = reply.body

    @property
    def start(self) -> bytes:
        """The first bytes of the body behind white space."""
        return self.body[:1_024].lstrip(_BLANKS)

    @property
    def is_refused(self) -> bool:
        """Whether the server keeps us out, by its status or by a login or firewall page."""
        return self.has_refused_status or self._is_barrier

    @property
    def has_refused_status(self) -> bool:
        """Whether the server keeps us out by its status."""
        return self.status in (401, 403, 407, 429, 451)

    @property
    def _is_barrier(self) -> bool:
        """Whether the body is a page of a login or a firewall and of nothing else: many sites have a form for it."""
        return self.is_page and len(self.body) <= _MAX_BARRIER_BYTES and self._page_cause[0] == "blocked"

    @property
    def is_archive(self) -> bool:
        """Whether the body is a zip or a tar."""
        return self.body[:4] == _ZIP or self.body[:2] == _GZIP or self.body[_TAR_MAGIC_AT:].startswith(b"ustar")

    @property
    def is_too_large(self) -> bool:
        """Whether the body is JSON or XML of so many values that it is not parsed."""
        marks = _MAX_XML if self.start[:1] == b"<" else _MAX_JSON
        return self.start[:1] in (b"<", b"{", b"[") and not self.is_page and _has_too_many(self.body, marks)

    @cached_property
    def is_page(self) -> bool:
        """Whether the body is a web page."""
        return is_html(self.body) or (self.start[:9].lower() == b"<!doctype" and b"<html" in self.body[:4_096].lower())

    @cached_property
    def json(self) -> Any:
        """The JSON value of the body; None if it is no JSON object or list."""
        text = self.body
        if text[:2] in _UTF_16:
            text = text.decode("utf-16", "replace").encode("utf-8", "replace")
        text = text.strip(_BLANKS)
        if text[:1] not in (b"{", b"[") or _has_too_many(text, _MAX_JSON):
            return None
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._lines(text)

    def _lines(self, text: bytes) -> list[Any] | None:
        """Return the objects of newline-delimited JSON; None if it is none."""
        try:
            objects = [msgspec.json.decode(line) for line in text.split(b"\n") if line.strip()]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return objects if len(objects) > 1 and all(isinstance(each, dict) for each in objects) else None

    @cached_property
    def xml(self) -> etree._Element | None:
        """The root of an XML document; None for web pages and what is not well-formed."""
        if (self.start[:1] != b"<" and self.body[:2] not in _UTF_16) or self.is_page:
            return None
        if _has_too_many(self.body, _MAX_XML):
            return None
        for body in (self.body, remove_forbidden_characters(self.body)):
            try:
                return parse_xml(body)
            except (InvalidXml, ValueError):
                continue
        return None

    @property
    def root_name(self) -> str:
        """The local name of the XML root; empty if the body is no XML."""
        return "" if self.xml is None else etree.QName(self.xml).localname

    @cached_property
    def page(self) -> html.HtmlElement | None:
        """The tree of a web page; None for what is none, or would take too long to parse."""
        if not self.is_page:
            return None
        text = self.text(_MAX_PAGE_BYTES).replace("\0", "")
        if has_crowded_tag(text):
            return None
        try:
            return html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))
        except (ValueError, etree.ParserError):
            return None

    def text(self, max_bytes: int) -> str:
        """Return the beginning of the body as text."""
        encoding = charset(self.reply.headers.get("content-type", "")) or "utf-8"
        start = self.body[:max_bytes]
        return start.decode(encoding if decodes(start, encoding) else "utf-8", "replace")

    @cached_property
    def _page_cause(self) -> tuple[str, str]:
        return html_cause(self.body, "")

    @property
    def title(self) -> str:
        """The title of a web page, shortened."""
        title = self.page.findtext(".//title") if self.page is not None else None
        return shortened(title or "", _MAX_TITLE_CHARS)

    def described(self) -> Sentence:
        """Return what the response is, in a sentence."""
        if self.root_name == "OAI-PMH":
            return sentence("An OAI-PMH response.")
        if self.status >= 400:
            return sentence("The server answers with the status %(status)s.", status=self.status)
        return self._described_body()

    def _described_body(self) -> Sentence:
        if not self.body.strip():
            return sentence("An empty response.")
        if self.is_page:
            return self._described_page()
        return self._described_data()

    def _described_data(self) -> Sentence:
        if self.root_name:
            return sentence("An XML document: %(name)s.", name=self.root_name[:_MAX_TITLE_CHARS])
        if self.json is not None:
            return sentence("A JSON document.")
        if self.is_archive:
            return sentence("An archive of files.")
        if self.body.startswith(_PDF):
            return sentence("A PDF file.")
        return sentence("A text or file of %(bytes)s bytes.", bytes=len(self.body))

    def _described_page(self) -> Sentence:
        if self._is_barrier:
            return sentence("A page that asks to sign in, or keeps programs out.")
        return sentence("A web page: %(title)s", title=self.title) if self.title else sentence("A web page.")
