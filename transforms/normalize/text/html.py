"""HTML to plain text by blocks, and whether a text is HTML at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

# Tags that are always markup, and tags that are only when they are closed or have attributes: "Learn the <table>
# element" is a sentence.
_ALWAYS_MARKUP = (
    "a abbr acronym b big blockquote br center dd div dl dt em font h1 h2 h3 h4 h5 h6 hr i img li ol p s small span \
strike strong sub sup u ul"
)
_PAIRED = "address article aside audio body button caption cite code col colgroup del dfn details embed fieldset \
figcaption figure footer form head header html iframe input ins kbd label legend link main map mark meta nav noscript \
object option param picture pre q samp script section select source style summary svg table tbody td template \
textarea tfoot th thead time title tr tt var video wbr"
_ATTRIBUTE = r"""\s+[\w:@.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)"""
_UNTIDY_ATTRIBUTE = r"""\s+[\w:.-]+\s*=\s*["'][^<>]*"""  # quotes within quotes
_NAMES = "|".join(sorted((_ALWAYS_MARKUP + " " + _PAIRED).split(), key=len, reverse=True))
_TAG = re.compile(
    rf"<!--.*?(?:-->|\Z)|<!doctype[^<>]*>|<!\[CDATA\[|\]\]>"
    rf"|<(?P<close>/?)(?P<name>{_NAMES}|[a-z]\w*:[a-z]\w*)(?P<attributes>(?:{_ATTRIBUTE})*(?:{_UNTIDY_ATTRIBUTE})?)\s*/?>",
    re.IGNORECASE | re.DOTALL,
)
_CLOSING = re.compile(r"</([a-z0-9]+)")
_ALWAYS_MARKUP_NAMES = frozenset(_ALWAYS_MARKUP.split())
_WITHOUT_TEXT = frozenset(("script", "style", "template", "head", "iframe", "svg", "object", "noscript"))
_LINES = frozenset(("li", "dt", "dd", "tr", "caption", "option", "summary", "figcaption"))
_BLOCKS = "address article aside blockquote body center details div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 \
header hr main nav ol p pre section table ul"
_PARAGRAPHS = frozenset(_BLOCKS.split())
_CELLS = frozenset(("td", "th"))
_SPACES = re.compile(r"[ \t\r\n\f]+")


def is_html(text: str) -> bool:
    """Return whether the text holds HTML tags; a lone "<table>" in a sentence, or "a < b", is not one."""
    return "<" in text and next(_tags(text), None) is not None


def html_to_text(html: str) -> str:
    """Return the text of an HTML fragment: a blank line between blocks, a line end between rows and list entries."""
    root = LexborHTMLParser(_escape_stray_brackets(html)).root
    return _Writer().write(root) if root is not None else ""


def _tags(text: str) -> Iterator[re.Match[str]]:
    closed: frozenset[str] | None = None
    for tag in _TAG.finditer(text):
        name = (tag["name"] or "").lower()
        if not name or name in _ALWAYS_MARKUP_NAMES or ":" in name or tag["close"] or tag["attributes"]:
            yield tag
            continue
        closed = frozenset(_CLOSING.findall(text.lower())) if closed is None else closed
        if name in closed:
            yield tag


def _escape_stray_brackets(html: str) -> str:
    """Escape every "<" that begins no tag, so that the parser does not take it for one."""
    parts: list[str] = []
    end = 0
    for tag in _tags(html):
        parts.append(html[end : tag.start()].replace("<", "&lt;"))
        parts.append("" if tag[0] in ("<![CDATA[", "]]>") else tag[0])
        end = tag.end()
    return "".join((*parts, html[end:].replace("<", "&lt;")))


class _Writer:
    """Write the text of a tree with the line ends and bullets of the blocks around it."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.breaks = 0  # line ends before the next word
        self.bullet = False  # whether a bullet comes before the next word
        self.depth = 0  # of nested list entries
        self.cell = False  # whether a space comes before the next word: it is in another table cell

    def write(self, root: LexborNode) -> str:
        """Return the text of a tree."""
        pending: list[tuple[LexborNode, bool]] = [(root, False)]  # nodes to enter, or to leave
        while pending:
            node, leaving = pending.pop()
            if leaving:
                self._leave(node.tag or "")
            elif node.tag == "-text":
                self._text(node.text_content or "")
            elif node.tag not in _WITHOUT_TEXT:
                self._enter(node.tag or "")
                pending.append((node, True))
                pending.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
        return "".join(self.words)

    def _enter(self, name: str) -> None:
        self._break(name)
        if name == "br":
            self.breaks = max(self.breaks, 1)
        elif name == "li":
            self.bullet = True
            self.depth += 1
        elif name in _CELLS:
            self.cell = True

    def _leave(self, name: str) -> None:
        if name == "li":
            self.bullet = False
            self.depth -= 1
        self._break(name)

    def _break(self, name: str) -> None:
        if name in _LINES:
            self.breaks = max(self.breaks, 1)
        elif name in _PARAGRAPHS:
            self.breaks = max(self.breaks, 1 if self.depth else 2)

    def _text(self, text: str) -> None:
        words = _SPACES.sub(" ", text)
        if not words.strip():
            self.cell = self.cell or bool(words)
            return
        if self.words and self.breaks:
            self.words.append("\n" * self.breaks)
        elif self.words and self.cell:
            self.words.append(" ")
        self.words.append(("– " if self.bullet else "") + (words.lstrip() if self.breaks or self.bullet else words))
        self.breaks, self.bullet, self.cell = 0, False, False
