"""Reads XML payloads: every non-empty leaf once, with its path, through one table."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from lxml import etree

from transforms.crosswalks.table import MAX_LEAVES, REMEMBERED, Group, Table, Unreadable, Value
from transforms.draft import Draft

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
OAI = "{http://www.openarchives.org/OAI/2.0/}"
LANGUAGE_ATTRIBUTES = frozenset({XML_LANG, "lang", "language"})
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
MARKUP = frozenset(
    [
        "a",
        "abbr",
        "b",
        "big",
        "blockquote",
        "br",
        "cite",
        "code",
        "del",
        "div",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "italic",
        "li",
        "ol",
        "p",
        "para",
        "pre",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "tr",
        "u",
        "ul",
        "jats:p",
        "sec",
        "bold",
        "sc",
    ]
)
PLAIN = re.compile(r"[\w.:-]+")
PREDEFINED = frozenset({"amp", "lt", "gt", "quot", "apos"})

Element = etree._Element
Pairs = Sequence[tuple[str | bytes, str | bytes]]
Place = Callable[[Element], str]  # the XPath predicates that part an element from its siblings
Naming = Callable[[Element, str], "tuple[str, frozenset[str]] | None"]  # step of the key, attributes that made it


def parse(payload: str) -> Element:
    """The root element. Raises Unreadable with line and column when the text is not well-formed XML."""
    text = DECLARATION.sub("", payload, count=1).lstrip("\ufeff \t\r\n")
    if "&" in text:
        text = ENTITY.sub(_named, text)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(text.encode("utf-8"), parser)
    except UnicodeEncodeError as error:
        raise Unreadable(f"not encodable as UTF-8: {error.reason} at character {error.start}") from error
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"not well-formed XML: {error.msg}") from error


def _named(match: re.Match[str]) -> str:
    name = match.group(1)
    return match.group(0) if name in PREDEFINED else html.unescape(match.group(0))


def local(element: Element) -> str:
    """The element's lower-cased local name."""
    return _local(element.tag)


_LOCALS: dict[object, str] = {}


def _local(tag: object) -> str:
    try:
        return _LOCALS[tag]
    except KeyError:
        name = str(tag).rpartition("}")[2].lower()
        if len(_LOCALS) < REMEMBERED:
            _LOCALS[tag] = name
        return name


_STEPS: dict[tuple[object, str | None], tuple[str, str]] = {}


def _step(tag: object, prefix: str | None) -> tuple[str, str]:
    """A child's lower-cased local name and how a path shows it; an empty name for what is no element."""
    try:
        return _STEPS[(tag, prefix)]
    except KeyError:
        if not isinstance(tag, str):
            return "", ""
        shown = f"{prefix}:{_shown(tag)}" if prefix else _shown(tag)
        if len(_STEPS) < REMEMBERED:
            _STEPS[(tag, prefix)] = (_local(tag), shown)
        return _local(tag), shown


class XmlWalk:
    """Walks one tree through a table into a draft."""

    def __init__(
        self,
        table: Table,
        draft: Draft,
        naming: Naming | None = None,
        transparent: frozenset[str] = frozenset(),
        nested: Mapping[str, XmlFormat] | None = None,
        place: Place | None = None,
    ) -> None:
        self.table = table
        self.draft = draft
        self.naming = naming
        self.place = place
        self.transparent = transparent  # wrappers that add nothing to a key, such as LOM's string
        self.nested = nested or {}  # keys at which another format's table takes over
        self._special = self.nested.keys() | table.readers.keys() | table.inner
        self.group: Group | None = None
        self.seen = 0

    def root(self, element: Element, path: str) -> None:
        """Every leaf of the tree under this element; keys are relative to it."""
        self._element(element, "", path, element.get(XML_LANG) or None)

    def put(self, value: Value) -> None:
        self.seen += 1
        if self.seen > MAX_LEAVES:
            raise Unreadable(f"more than {MAX_LEAVES} values in one record, at {value.path}")
        if self.group is not None:
            self.group.values.append(value)
        else:
            self.table.put(value, self.draft)

    def _element(
        self, element: Element, key: str, path: str, language: str | None, made: frozenset[str] | None = None
    ) -> None:
        outer = self.group
        if key in self.table.readers and outer is None:
            self.group = Group(key, path, self.draft)
            self._leaves(element, key, path, language, made)
            group, self.group = self.group, None
            self.table.finish(group)
        elif outer is not None and key in self.table.inner:
            self.group = Group(key, path, self.draft)
            outer.inner.append(self.group)
            self._leaves(element, key, path, language, made)
            self.group = outer
        else:
            self._leaves(element, key, path, language, made)

    def _leaves(self, element: Element, key: str, path: str, language: str | None, made: frozenset[str] | None) -> None:
        pairs = element.items()
        beside = None
        if pairs:
            beside, language = self._attributes(pairs, key, path, language, made)
        children = list(element)
        if not children:
            text = element.text
            if text and (text := text.strip()):
                self.put(Value(key, path, text, language, beside))
        elif _local(children[0].tag) in MARKUP and self._takes_whole(key) and _is_marked_up(children):
            self._whole(element, key, path, language, beside)
        else:
            self._children(element, children, key, path, language, beside)

    def _takes_whole(self, key: str) -> bool:
        return self.group is not None or self.table.maps(key)

    def _attributes(
        self, pairs: Pairs, key: str, path: str, language: str | None, made: frozenset[str] | None
    ) -> tuple[dict[str, str], str | None]:
        """What stands beside a text, and its language; every attribute that is not structure is a leaf."""
        beside: dict[str, str] = {}
        for raw, content in pairs:
            name = str(raw)
            text = str(content).strip()
            if name in LANGUAGE_ATTRIBUTES:
                language = text or language
                continue
            if not text:
                continue
            short = _local(name)
            beside[short] = text
            if not name.startswith(XSI) and short != "schemalocation" and (made is None or short not in made):
                self.put(Value(f"{key}/@{short}" if key else f"@{short}", f"{path}/@{_shown(name)}", text, None, None))
        return beside, language

    def _children(
        self,
        element: Element,
        children: list[Element],
        key: str,
        path: str,
        language: str | None,
        beside: dict[str, str] | None,
    ) -> None:
        texts = [element.text]
        for child, (name, step) in zip(children, self._steps(children), strict=True):
            if name:
                self._child(child, name, key, f"{path}/{step}", language)
            else:  # an entity that nobody declared
                texts.append(child.text)
            texts.append(child.tail)
        if any(piece and not piece.isspace() for piece in texts):
            text = " ".join(" ".join(piece.split()) for piece in texts if piece and not piece.isspace())
            self.put(Value(key, path, text, language, beside))

    def _steps(self, children: list[Element]) -> list[tuple[str, str]]:
        """The local name and the path step of each child, numbered where several have the same."""
        steps = [_step(child.tag, child.prefix) for child in children]
        if len(steps) == 1 and self.place is None:
            return steps
        if self.place is not None:
            steps = [(name, f"{step}{self.place(child)}") for child, (name, step) in zip(children, steps, strict=True)]
        if len(set(steps)) == len(steps):
            return steps
        total = Counter(steps)
        seen: dict[tuple[str, str], int] = {}
        numbered = []
        for one in steps:
            if total[one] > 1:
                seen[one] = seen.get(one, 0) + 1
                numbered.append((one[0], f"{one[1]}[{seen[one]}]"))
            else:
                numbered.append(one)
        return numbered

    def _child(self, child: Element, name: str, key: str, path: str, language: str | None) -> None:
        if name in self.transparent:
            self._leaves(child, key, path, language, None)
            return
        made = None
        if self.naming is not None and (named := self.naming(child, name)) is not None:
            name, made = named
        inside = f"{key}/{name}" if key else name
        if inside not in self._special:
            self._leaves(child, inside, path, language, made)
        elif inside in self.nested:
            self._nested(child, self.nested[inside], path)
        else:
            self._element(child, inside, path, language, made)

    def _nested(self, element: Element, other: XmlFormat, path: str) -> None:
        walk = XmlWalk(other.table, self.draft, other.naming, other.transparent, other.nested, other.place)
        walk.seen = self.seen
        walk.root(element, path)
        self.seen = walk.seen

    def _whole(
        self, element: Element, key: str, path: str, language: str | None, beside: dict[str, str] | None
    ) -> None:
        """The text of an element with markup inside it, as one value; the markup's attributes are leaves."""
        for child in element.iterdescendants():
            if isinstance(child.tag, str) and (pairs := child.items()):
                self._attributes(pairs, f"{key}/{_local(child.tag)}", f"{path}//{_shown(child.tag)}", None, None)
        text = _inner_text(element).strip()
        if text:
            self.put(Value(key, path, text, language, beside))


def _is_marked_up(children: list[Element]) -> bool:
    """Whether everything inside is HTML: a text with markup, not a structure."""
    return all(isinstance(child.tag, str) and _local(child.tag) in MARKUP for child in children)


def _inner_text(element: Element) -> str:
    pieces = [element.text or ""]
    for child in element:
        inside = _inner_text(child) if isinstance(child.tag, str) else child.text or ""
        block = isinstance(child.tag, str) and _local(child.tag) in {"p", "div", "li", "br", "para", "title"}
        pieces += [f"\n\n{inside}\n\n" if block else inside, child.tail or ""]
    return "".join(pieces)


def by_attributes(*names: str) -> Place:
    """A place told by these attributes: `datafield[@tag='650']`."""

    def place(element: Element) -> str:
        return "".join(f"[@{name}='{text}']" for name in names if PLAIN.fullmatch(text := element.get(name) or ""))

    return place


def _shown(name: str) -> str:
    return name.rpartition("}")[2]


class XmlFormat:
    """One XML format: the names its root may have, and how its tree is read."""

    def __init__(
        self,
        roots: frozenset[str],
        table: Table,
        *,
        naming: Naming | None = None,
        transparent: frozenset[str] = frozenset(),
        nested: Mapping[str, XmlFormat] | None = None,
        place: Place | None = None,
    ) -> None:
        self.roots = roots
        self.table = table
        self.naming = naming
        self.place = place
        self.transparent = transparent
        self.nested = nested or {}

    def with_table(self, table: Table) -> XmlFormat:
        """The same format read through another table: a partner's dialect."""
        return XmlFormat(
            self.roots,
            table,
            naming=self.naming,
            transparent=self.transparent,
            nested=self.nested,
            place=self.place,
        )

    def read(self, root: Element, draft: Draft) -> None:
        """Every leaf under the format's root element, into the draft."""
        path = f"{root.prefix}:{_shown(str(root.tag))}" if root.prefix else _shown(str(root.tag))
        XmlWalk(self.table, draft, self.naming, self.transparent, self.nested, self.place).root(root, path)


ABOUT = Table({}, {"*": "the repository's statement about its metadata record, not about the resource"})


def unwrap(payload: str, draft: Draft) -> Element:
    """The format's own root inside an OAI record; its `about` goes to the draft as ignored.

    Raises Unreadable when there is no metadata.
    """
    root = parse(payload)
    if not _is_wrapper(root):
        return root
    found: Element | None = None
    for child in root:
        name = local(child) if isinstance(child.tag, str) else ""
        if name == "metadata" and found is None and len(child):
            found = child
        elif name in {"about", "header"}:
            XmlWalk(ABOUT, draft).root(child, name)
        elif isinstance(child.tag, str):
            XmlWalk(Table({}, {}), draft).root(child, name)
    inside = [] if found is None else [child for child in found if isinstance(child.tag, str)]
    if not inside:
        raise Unreadable("no metadata in the record")
    for further in inside[1:]:
        XmlWalk(Table({}, {}), draft).root(further, f"metadata/{local(further)}")
    return inside[0]


def _is_wrapper(root: Element) -> bool:
    if root.tag == f"{OAI}record":
        return True
    names = {local(child) for child in root if isinstance(child.tag, str)}
    return root.tag == "record" and (not names or bool(names & {"metadata", "header", "about"}))
