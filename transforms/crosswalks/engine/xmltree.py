"""Reads XML trees: every non-empty leaf once, with its XPath, through one table.

`XmlFormat` says how a format's tree is read. A `Location` is what its table knows of one place in such trees; each
is worked out once, since the records of a feed have the same few shapes. `XmlWalk` reads one record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from sys import intern
from typing import Any, NamedTuple

from lxml import etree

from transforms.crosswalks.engine.paths import (
    Element,
    Predicates,
    Step,
    bare_name,
    local_name,
    step_of,
    with_predicates,
)
from transforms.crosswalks.engine.references import Links, References
from transforms.crosswalks.engine.table import (
    MAX_RECORD_LEAVES,
    Disposition,
    Group,
    Table,
    Unreadable,
    Value,
    merge_drafts,
    route,
)
from transforms.draft import Draft, Statement

MAX_REMEMBERED_LOCATIONS = 50_000  # of one format; beyond, all are forgotten and worked out again
_LOCATION_CHARS = 200  # of names that take about the memory of a location
_MAX_COPIES = 1_000  # of one location; beyond, all are forgotten
_MAX_COPY_BYTES = 4_000
_COPIES_TRIALS = 256  # elements after which it is known whether copies come
_COPIES_MIN_SHARE = 0.2
_COPY_WEIGHT = 10  # locations, whose memory a copy takes
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_LANGUAGE_ATTRIBUTES = frozenset({"lang", "language"})  # in any case, besides xml:lang
_MARKUP = (  # of HTML, and of JATS in abstracts
    frozenset({"a", "abbr", "b", "big", "br", "cite", "code", "del", "em", "font", "i", "img", "ins", "q", "s"})
    | {"small", "span", "strong", "sub", "sup", "u", "bold", "italic", "sc"}
    | {"blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
    | {"table", "tbody", "td", "th", "tr", "para", "jats:p", "sec"}
)
_BLOCKS = frozenset({"p", "div", "li", "br", "para", "title"})
_NO_NAMES: frozenset[str] = frozenset()


class Named(NamedTuple):
    """The name of an element that its attributes give, such as `field[@element='title']`."""

    name: str
    attributes: frozenset[str]  # that gave it, and are no leaves of their own


Naming = Callable[[Element, str], Named | None]  # names an element by its attributes; None: its local name stays


class _Part(NamedTuple):
    """What an element and all below it say, and how many leaves that are."""

    draft: Draft
    leaves: int


class _Copies:
    """Remembers what one element says, for its exact copies in later records.

    The records of a feed repeat whole sections, such as LOM's `rights`. Without this memory the transform of LOM takes
    about 30 % more processor time (measured in pairs over the records of `bench.transform`); oai_dc, which has no
    sections, takes the same.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[str | None, bytes], _Part] = {}
        self._asked = self._recalled = 0

    def recall(self, text: bytes, language: str | None) -> _Part | None:
        """Return what a copy of this text said before, with the same language around it."""
        part = self._parts.get((language, text))
        self._asked += 1
        self._recalled += part is not None
        return part

    def keep(self, text: bytes, language: str | None, part: _Part) -> None:
        """Remember what a text says, within the bounds."""
        if len(text) <= _MAX_COPY_BYTES:
            if len(self._parts) >= _MAX_COPIES:
                self._parts.clear()
            self._parts[(language, text)] = part

    def are_rare(self) -> bool:
        """Tell whether so few copies came that looking for them is not worth its time."""
        return self._asked > _COPIES_TRIALS and self._recalled < _COPIES_MIN_SHARE * self._asked


_Mark = tuple[Any, ...]  # a child's tag and prefix and, where the format asks for them, its name and predicates


class Location:
    """Where an element or attribute lies: its key in the table, its XPath, and what the table does with it."""

    __slots__ = (
        "_attributes",
        "_children",
        "_shapes",
        "_splits",
        "copies",
        "disposition",
        "format",
        "grouped",
        "key",
        "naming_attributes",
        "nested",
        "opens_group",
        "path",
        "plain",
        "whole",
    )

    def __init__(self, format_: XmlFormat, key: str, path: str, *, grouped: bool = False) -> None:
        self.format = format_
        self.key = key
        self.path = path
        self.grouped = grouped  # whether a reader takes the leaves here
        self.whole = grouped or format_.table.maps(key)  # whether a text with markup is one value here
        self.disposition: Disposition = format_.table.disposition(key)
        self.naming_attributes = _NO_NAMES  # that gave the key, and are no leaves
        self.nested: XmlFormat | None = None  # the format that takes over here
        self.opens_group = False
        self.copies: _Copies | None = None  # of sections and of groups
        self.plain = True  # whether neither a group nor another format begins here, nor can a reference
        self._splits = False  # whether copies of the elements below are looked for
        self._attributes: dict[str, Location] = {}
        self._children: dict[Step, Location] = {}
        self._shapes: dict[tuple[_Mark, ...], list[Location | None]] = {}

    def prepare(self) -> Location:
        """Return the location of an element, knowing what begins there."""
        table, has_references = self.format.table, self.format.references is not None
        self.nested = self.format.nested.get(self.key) if self.key else None
        if self.nested is None and self.grouped:
            self.opens_group = self.key in table.inner
        elif self.nested is None and self.key in table.readers:
            self.opens_group = self.grouped = self.whole = True
            self.copies = None if has_references else _Copies()
        self.plain = self.nested is None and not self.opens_group and not has_references
        return self

    def split(self) -> Location:
        """Look for copies of the elements below, and no longer of the whole element."""
        self.copies, self._splits = None, not self.grouped and self.format.references is None
        for child in self._children.values():
            self._watch(child)
        return self

    def _watch(self, child: Location) -> None:
        if self._splits and child.nested is None and child.copies is None:
            child.copies = _Copies()

    def attribute(self, raw: str) -> Location:
        """Return the location of an attribute of the element."""
        try:
            return self._attributes[raw]
        except KeyError:
            name = f"@{local_name(raw)}"
            key = f"{self.key}/{name}" if self.key else name
            self.format.remembered += _weight(self.path, raw)
            location = self._attributes[raw] = Location(self.format, key, f"{self.path}/@{bare_name(raw)}")
            return location

    def below(self, children: list[Element]) -> list[Location | None]:
        """Return the location of each child; None for one that is no element, such as an undeclared entity."""
        if self.format.naming is not None or self.format.predicates is not None:
            shape = tuple([self.format.mark(child) for child in children])
        elif len(children) == 1:
            shape = ((children[0].tag, children[0].prefix),)
        else:
            shape = tuple([(child.tag, child.prefix) for child in children])
        try:
            return self._shapes[shape]
        except KeyError:
            locations = list(self._located(shape))
            self.format.remembered += len(locations)
            self._shapes[_interned(shape)] = locations
            return locations

    def _located(self, shape: tuple[_Mark, ...]) -> Iterator[Location | None]:
        marks = [(*mark, None, ())[:4] for mark in shape]
        steps = with_predicates([step_of(tag, prefix) for tag, prefix, _, _ in marks], [mark[3] for mark in marks])
        for (name, step), (_, _, named, _) in zip(steps, marks, strict=True):
            yield self._child(name, f"{self.path}/{step}", named) if name else None

    def _child(self, name: str, path: str, named: Named | None) -> Location:
        step = (named.name if named else name, path)
        if step not in self._children:
            self.format.remembered += _weight(path)
            if name in self.format.transparent:
                child = Location(self.format, self.key, path, grouped=self.grouped)
                child.plain = self.format.references is None
            else:
                key = f"{self.key}/{step[0]}" if self.key else step[0]
                child = Location(self.format, key, path, grouped=self.grouped).prepare()
                child.naming_attributes = named.attributes if named else _NO_NAMES
                self._watch(child)
            self._children[step] = child
        return self._children[step]

    def target(self, path: str) -> Location:
        """Return the location of an element that a reference here leads to."""
        step = ("", path)
        if step not in self._children:
            self.format.remembered += _weight(path)
            self._children[step] = Location(self.format, self.key, path, grouped=self.grouped)
        return self._children[step]


def _weight(*names: str) -> int:
    """Return as how many locations one counts: its names, which a partner may make long, take the memory of several."""
    return 1 + sum(map(len, names)) // _LOCATION_CHARS


def _interned(shape: tuple[_Mark, ...]) -> tuple[_Mark, ...]:
    """Return the shape with one string for all names that are alike: lxml makes new ones for every element."""
    return tuple([tuple([intern(part) if type(part) is str else part for part in mark]) for mark in shape])


class XmlFormat:
    """One XML format: the names that its root may have, and how its tree is read."""

    def __init__(
        self,
        roots: frozenset[str],
        table: Table,
        *,
        naming: Naming | None = None,
        transparent: frozenset[str] = _NO_NAMES,
        nested: Mapping[str, XmlFormat] | None = None,
        predicates: Predicates | None = None,
        references: References | None = None,
        root_language: bool = False,
        check: Callable[[Element], None] | None = None,
    ) -> None:
        self.roots = roots
        self.table = table
        self.naming = naming
        self.transparent = transparent  # wrappers that add nothing to a key, such as LOM's string
        self.nested = nested or {}  # keys at which another format's table takes over
        self.predicates = predicates
        self.references = references
        self.root_language = root_language  # the root's xml:lang is the resource's language where nothing else says it
        self.check = check  # raises Unreadable for a record of another format with the same root
        self.remembered = 0  # locations
        self._roots: dict[str, Location] = {}

    def with_table(self, table: Table) -> XmlFormat:
        """Return the same format read through another table: a partner's dialect."""
        return XmlFormat(
            self.roots,
            table,
            naming=self.naming,
            transparent=self.transparent,
            nested=self.nested,
            predicates=self.predicates,
            references=self.references,
            root_language=self.root_language,
            check=self.check,
        )

    def read(self, root: Element, draft: Draft, path: str | None = None) -> None:
        """Read every leaf under the format's root element into the draft; the root's path is its name by default."""
        if self.check is not None:
            self.check(root)
        walk = XmlWalk(draft)
        path = path or step_of(root.tag, root.prefix)[1]
        walk.tree(root, self.root(path))
        if self.root_language and (language := root.get(XML_LANG)) and not draft.get("languages"):
            draft.add("languages", Statement(language, f"{path}/@xml:lang"))

    def root(self, path: str) -> Location:
        """Return the location of a tree's root."""
        if self.remembered > MAX_REMEMBERED_LOCATIONS:
            self._roots, self.remembered = {}, 0
        if path not in self._roots:
            self.remembered += 1
            self._roots[path] = Location(self, "", path).prepare().split()
        return self._roots[path]

    def mark(self, child: Element) -> _Mark:
        """Return what tells a child's location: its tag and prefix, and what the format reads from its attributes."""
        tag, naming = child.tag, self.naming
        named = naming(child, local_name(tag)) if naming is not None and isinstance(tag, str) else None
        return tag, child.prefix, named, self.predicates(child) if self.predicates is not None else ()


def _links(root: Element, at: Location) -> Links[Element, Location] | None:
    """Return what refers to one another in a tree, if its format has references."""
    references = at.format.references
    if references is None:
        return None

    def attribute(name: str) -> Callable[[Element], str]:
        return lambda element: next((str(text) for raw, text in element.items() if local_name(raw) == name), "")

    links = Links(references, attribute(references.identity), attribute(references.reference), _elements_below)
    links.collect(root, at)
    return links


def _elements_below(element: Element, at: Location) -> Iterator[tuple[Element, Location]]:
    children = list(element)
    for child, below in zip(children, at.below(children), strict=True):
        if below is not None and below.nested is None:
            yield child, below
            yield from _elements_below(child, below)


class XmlWalk:
    """Reads one record's trees into a draft."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.group: Group | None = None
        self._leaves_read = 0
        self._links: Links[Element, Location] | None = None

    def tree(self, root: Element, at: Location) -> None:
        """Read a whole tree in its own format, outside of any group that is open."""
        outer = self.group, self._links
        self.group, self._links = None, _links(root, at)
        self.element(root, at, root.get(XML_LANG) or None)
        if self._links is not None:
            for left_over in self._links.left_over():
                self.element(*left_over)
        self.group, self._links = outer

    def element(self, element: Element, at: Location, language: str | None) -> None:
        """Read every leaf of an element and below."""
        if at.nested is not None:
            self.tree(element, at.nested.root(at.path))
            return
        if self._links is not None and self._links.is_read_elsewhere(element, at, language):
            return
        if at.copies is not None and len(element):
            self._copied(element, at, at.copies, language)
        else:
            self._read(element, at, language)

    def _copied(self, element: Element, at: Location, copies: _Copies, language: str | None) -> None:
        """Read an element, unless an exact copy of it was read before."""
        text = etree.tostring(element, encoding="utf-8", xml_declaration=False, with_tail=False)
        part = copies.recall(text, language)
        if part is None:
            outer, leaves_before = self.draft, self._leaves_read
            self.draft = Draft()
            self._read(element, at, language)
            part = _Part(self.draft, self._leaves_read - leaves_before)
            self.draft = outer
            copies.keep(text, language, part)
            at.format.remembered += _COPY_WEIGHT
            if copies.are_rare():
                at.split()
        else:
            self._count(part.leaves, at)
        merge_drafts(part.draft, self.draft)

    def _read(self, element: Element, at: Location, language: str | None) -> None:
        outer = self.group
        if at.opens_group:
            self.group = Group(at.key, at.path, self.draft, outer)
        self._leaves(element, at, language)
        if self._links is not None:
            self._links.follow(element, at, lambda target, there: self._leaves(target, there, language))
        group, self.group = self.group, outer
        if at.opens_group and outer is None and group is not None:
            at.format.table.finish(group)

    def put(self, at: Location, text: str, language: str | None, attributes_by_name: dict[str, str] | None) -> None:
        """Put one leaf into the group that is open, or where its row says."""
        self._count(1, at)
        value = Value(at.key, at.path, text, language, attributes_by_name)
        if self.group is None:
            route(at.disposition, value, self.draft)
        else:
            self.group.values.append(value)

    def _count(self, leaves: int, at: Location) -> None:
        self._leaves_read += leaves
        if self._leaves_read > MAX_RECORD_LEAVES:
            raise Unreadable(f"more than {MAX_RECORD_LEAVES} values in one record, at {at.path}")

    def attributes(
        self, attributes: Sequence[tuple[str | bytes, str | bytes]], at: Location, language: str | None
    ) -> tuple[dict[str, str], str | None]:
        """Return the attributes by name, and the language; every attribute that is not structure is a leaf."""
        attributes_by_name: dict[str, str] = {}
        for raw, content in attributes:
            name = str(raw)
            text = str(content).strip()
            if name == XML_LANG or name.lower() in _LANGUAGE_ATTRIBUTES:
                language = text or language
                continue
            if not text:
                continue
            short = local_name(name)
            attributes_by_name[short] = text
            if not name.startswith(_XSI) and short != "schemalocation" and short not in at.naming_attributes:
                self.put(at.attribute(name), text, None, None)
        return attributes_by_name, language

    def _leaves(self, element: Element, at: Location, language: str | None) -> None:
        attributes_by_name = None
        if attributes := element.items():
            attributes_by_name, language = self.attributes(attributes, at, language)
        children = list(element)
        if not children:
            if (text := element.text) and (text := text.strip()):
                self.put(at, text, language, attributes_by_name)
        elif at.whole and local_name(children[0].tag) in _MARKUP and _is_marked_up(children):
            self._marked_up(element, at, language, attributes_by_name)
        else:
            self._children(element, children, at, language, attributes_by_name)

    def _children(
        self,
        element: Element,
        children: list[Element],
        at: Location,
        language: str | None,
        attributes_by_name: dict[str, str] | None,
    ) -> None:
        """Read the children, and the text between them as one leaf."""
        texts = [element.text]
        for child, below in zip(children, at.below(children), strict=True):
            if below is None:  # an entity that nobody declared
                texts.append(child.text)
            elif not below.plain:
                self.element(child, below, language)
            elif below.copies is None or not len(child):
                self._leaves(child, below, language)
            else:
                self._copied(child, below, below.copies, language)
            if (tail := child.tail) and not tail.isspace():
                texts.append(tail)
        if text := " ".join(" ".join(filter(None, texts)).split()):
            self.put(at, text, language, attributes_by_name)

    def _marked_up(
        self, element: Element, at: Location, language: str | None, attributes_by_name: dict[str, str] | None
    ) -> None:
        """Read a text with markup inside as one value; the markup's attributes are leaves."""
        for child in element.iterdescendants():
            if isinstance(child.tag, str) and (attributes := child.items()):
                inside = Location(at.format, f"{at.key}/{local_name(child.tag)}", f"{at.path}//{bare_name(child.tag)}")
                self.attributes(attributes, inside, None)
        text = _text_inside(element).strip()
        if text:
            self.put(at, text, language, attributes_by_name)


def _is_marked_up(children: list[Element]) -> bool:
    """Tell whether everything inside is HTML: a text with markup, not a structure."""
    return all(isinstance(child.tag, str) and local_name(child.tag) in _MARKUP for child in children)


def _text_inside(element: Element) -> str:
    """Return the text inside, block elements as paragraphs."""
    pieces = [element.text or ""]
    for child in element:
        inside = _text_inside(child) if isinstance(child.tag, str) else child.text or ""
        is_block = isinstance(child.tag, str) and local_name(child.tag) in _BLOCKS
        pieces += [f"\n\n{inside}\n\n" if is_block else inside, child.tail or ""]
    return "".join(pieces)
