"""HTML to plain text by blocks, and the question whether a text is HTML at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

# Tags that nobody writes about without escaping them, and tags that count only when closed, or with attributes:
# "Learn the <table> element" is a sentence.
_SURE = (
    "a abbr acronym b big blockquote br center dd div dl dt em font h1 h2 h3 h4 h5 h6 hr i img li ol p s small span \
strike strong sub sup u ul"
)
_PAIRED = "address article aside audio body button caption cite code col colgroup del dfn details embed fieldset \
figcaption figure footer form head header html iframe input ins kbd label legend link main map mark meta nav noscript \
object option param picture pre q samp script section select source style summary svg table tbody td template \
textarea tfoot th thead time title tr tt var video wbr"
_ATTRIBUTE = r"""\s+[\w:@.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)"""
_UNTIDY = r"""\s+[\w:.-]+\s*=\s*["'][^<>]*"""  # quotes within quotes
_NAMES = "|".join(sorted((_SURE + " " + _PAIRED).split(), key=len, reverse=True))
_TAG = re.compile(
    rf"<!--.*?(?:-->|\Z)|<!doctype[^<>]*>|<!\[CDATA\[|\]\]>"
    rf"|<(?P<close>/?)(?P<name>{_NAMES}|[a-z]\w*:[a-z]\w*)(?P<attributes>(?:{_ATTRIBUTE})*(?:{_UNTIDY})?)\s*/?>",
    re.IGNORECASE | re.DOTALL,
)
_CLOSING = re.compile(r"</([a-z0-9]+)")
_SURE_NAMES = frozenset(_SURE.split())
_UNREAD = frozenset(("script", "style", "template", "head", "iframe", "svg", "object", "noscript"))
_LINES = frozenset(("li", "dt", "dd", "tr", "caption", "option", "summary", "figcaption"))
_BLOCKS = "address article aside blockquote body center details div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 \
header hr main nav ol p pre section table ul"
_PARAGRAPHS = frozenset(_BLOCKS.split())
_CELLS = frozenset(("td", "th"))
_SPACES = re.compile(r"[ \t\r\n\f]+")


def marked_up(text: str) -> bool:
    """Whether the text holds HTML tags; a lone "<table>" in a sentence, or "a < b", is none."""
    return "<" in text and next(_tags(text), None) is not None


def to_text(html: str) -> str:
    """The words of an HTML fragment: blocks parted by a blank line, rows and list entries by a line end."""
    root = LexborHTMLParser(_guarded(html)).root
    return _Writer().write(root) if root is not None else ""


def _tags(text: str) -> Iterator[re.Match[str]]:
    """Everything that looks like a tag and is one."""
    closed: frozenset[str] | None = None
    for found in _TAG.finditer(text):
        name = (found["name"] or "").lower()
        if not name or name in _SURE_NAMES or ":" in name or found["close"] or found["attributes"]:
            yield found
            continue
        closed = frozenset(_CLOSING.findall(text.lower())) if closed is None else closed
        if name in closed:
            yield found


def _guarded(html: str) -> str:
    """The fragment with every "<" that begins no tag escaped, so that no parser takes it for one."""
    parts: list[str] = []
    end = 0
    for found in _tags(html):
        parts.append(html[end : found.start()].replace("<", "&lt;"))
        parts.append("" if found[0] in ("<![CDATA[", "]]>") else found[0])
        end = found.end()
    return "".join((*parts, html[end:].replace("<", "&lt;")))


class _Writer:
    """Writes words with the breaks and bullets that the blocks around them ask for."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.breaks = 0  # line ends due before the next word
        self.bullet = False
        self.depth = 0  # of list entries
        self.cell = False

    def write(self, root: LexborNode) -> str:
        todo: list[tuple[LexborNode, bool]] = [(root, False)]
        while todo:
            node, leaving = todo.pop()
            if leaving:
                self._leave(node.tag or "")
            elif node.tag == "-text":
                self._text(node.text_content or "")
            elif node.tag not in _UNREAD:
                self._enter(node.tag or "")
                todo.append((node, True))
                todo.extend((child, False) for child in reversed(list(node.iter(include_text=True))))
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
