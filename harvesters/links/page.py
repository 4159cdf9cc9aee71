"""What a web page shows: its title, headings and text, whether it asks for a password, and where its parts are from."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree, html

from harvesters.documents.html_tags import has_crowded_tag
from harvesters.encodings import charset, is_known
from schemas import Base, read_toml

_HTML_TYPES = ("text/html", "application/xhtml")
_MAX_HEAD_BYTES = 4_096  # of a page, in which its tags say an encoding
_MAX_HEADINGS = 3
_MAX_TEXT_CHARS = 20_000
_MAX_HEADING_CHARS = 300
_MAX_HOSTS = 50
_NOT_SHOWN = ("script", "style", "noscript", "template", "svg")
_NOT_WORDS = re.compile(r"[\W_]+")


class PageFacts(Base, frozen=True, kw_only=True):
    """What a page shows.

    text: what people see of it, with single spaces; hosts: from which its scripts and frames are loaded
    """

    title: str = ""
    headings: tuple[str, ...] = ()
    text: str = ""
    has_password: bool = False
    hosts: tuple[str, ...] = ()


@cache
def word_lists() -> dict[str, list[str]]:
    """Return the lists of words.toml, of texts as `plain_words` returns them, of hosts and paths as they are."""
    lists: dict[str, list[str]] = read_toml(Path(__file__).with_name("words.toml"))
    names = ("not_found", "not_found_phrases", "login", "parked", "firewall")
    return lists | {name: [plain_words(text) for text in lists[name]] for name in names}


def plain_words(text: str) -> str:
    """Return a text's words, without case, accents, vowel signs and punctuation, with single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")
    return _NOT_WORDS.sub(" ", letters).strip()


def is_page(content_type: str) -> bool:
    """Return whether a media type is that of a web page; a server that names none may send one."""
    return not content_type or content_type.lower().startswith(_HTML_TYPES)


def read_page(body: bytes, content_type: str) -> PageFacts | None:
    """Return what a page shows, of which only the beginning may be there; None of what is not a web page."""
    if not is_page(content_type):
        return None
    text = _decode(body, content_type).replace("\0", "\ufffd")
    if "<" not in text or has_crowded_tag(text):
        return None
    try:
        root = html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8", remove_comments=True))
    except (ValueError, etree.ParserError):
        return None
    shown = " ".join(" ".join(_shown_texts(root)).split())
    return PageFacts(
        title=_one_line(next(root.iter("title"), None)),
        headings=tuple(filter(None, map(_one_line, _first(root.iter("h1", "h2"), _MAX_HEADINGS)))),
        text=shown[:_MAX_TEXT_CHARS],
        has_password=any(field.get("type", "").lower() == "password" for field in root.iter("input")),
        hosts=tuple(
            dict.fromkeys(filter(None, map(_host, _first(root.iter("script", "iframe", "frame"), _MAX_HOSTS))))
        ),
    )


def _decode(body: bytes, content_type: str) -> str:
    """Return the page as text: UTF-8 where it is valid as far as it came, else as its header or its tags say."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        declared = (charset(content_type), charset(body[:_MAX_HEAD_BYTES].decode("ascii", "replace")))
        encoding = next((each for each in declared if each and is_known(each)), "windows-1252")
        return body.decode(encoding, "replace")


def _first(elements: Iterator[html.HtmlElement], most: int) -> Iterator[html.HtmlElement]:
    return (element for _, element in zip(range(most), elements, strict=False))


def _shown_texts(root: html.HtmlElement) -> Iterator[str]:
    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        is_hidden = element.tag in (*_NOT_SHOWN, "title")
        if event == "start":
            hidden += is_hidden
            if not hidden and element.text:
                yield element.text
        else:
            hidden -= is_hidden
            if not hidden and element.tail:
                yield element.tail


def _one_line(element: html.HtmlElement | None) -> str:
    return "" if element is None else " ".join(str(element.text_content()).split())[:_MAX_HEADING_CHARS]


def _hosts(root: html.HtmlElement) -> Iterable[str]:
    loaded = _first(root.iter("script", "iframe", "frame"), _MAX_HOSTS)
    return dict.fromkeys(filter(None, map(_host, loaded)))


def _host(element: html.HtmlElement) -> str:
    try:
        return urlsplit(element.get("src", "")).hostname or ""
    except ValueError:
        return ""
