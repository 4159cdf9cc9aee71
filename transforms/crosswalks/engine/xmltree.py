"""Reads XML payloads: every non-empty leaf once, with its path, through one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from transforms.crosswalks.engine.table import MAX_LEAVES, Group, Table, Unreadable, Value, add, dispose
from transforms.crosswalks.engine.xmllocation import Location, Locations, Naming
from transforms.crosswalks.engine.xmlparse import MARKUP, Element, inner_text, is_marked_up, local_name, shown
from transforms.crosswalks.engine.xmlpart import Part, Parts
from transforms.crosswalks.engine.xmlplace import Place
from transforms.draft import Draft

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_LANGUAGE_ATTRIBUTES = frozenset({"lang", "language"})  # in any case, besides xml:lang

_Pairs = Sequence[tuple[str | bytes, str | bytes]]


class XmlWalk:
    """Walks trees into a draft."""

    def __init__(self, draft: Draft, parts: Parts) -> None:
        self.draft = draft
        self.parts = parts
        self.group: Group | None = None
        self.seen = 0

    def element(self, element: Element, at: Location, language: str | None) -> None:
        """Every leaf of the tree under this element."""
        if at.nested is not None:
            outer, self.group = self.group, None
            self.element(element, at.nested.locations.root(at.path), element.get(XML_LANG) or None)
            self.group = outer
        elif at.plain:
            self._leaves(element, at, language)
        elif at.repeats:
            self._part(element, at, language, lambda: self._group(element, at, language))
        else:
            self._group(element, at, language)

    def put(self, at: Location, text: str, language: str | None, beside: dict[str, str] | None) -> None:
        """One leaf, into the group that is open or by its row."""
        self._count(at, 1)
        value = Value(at.key, at.path, text, language, beside)
        if self.group is None:
            dispose(at.targets, value, self.draft)
        else:
            self.group.values.append(value)

    def _count(self, at: Location, leaves: int) -> None:
        self.seen += leaves
        if self.seen > MAX_LEAVES:
            raise Unreadable(f"more than {MAX_LEAVES} values in one record, at {at.path}")

    def attributes(self, pairs: _Pairs, at: Location, language: str | None) -> tuple[dict[str, str], str | None]:
        """What stands beside a text, and its language; every attribute that is not structure is a leaf."""
        beside: dict[str, str] = {}
        for raw, content in pairs:
            name = str(raw)
            text = str(content).strip()
            if name == XML_LANG or name.lower() in _LANGUAGE_ATTRIBUTES:
                language = text or language
                continue
            if not text:
                continue
            short = local_name(name)
            beside[short] = text
            if not name.startswith(_XSI) and short != "schemalocation" and short not in at.made:
                self.put(at.attribute(name), text, None, None)
        return beside, language

    def _group(self, element: Element, at: Location, language: str | None) -> None:
        outer = self.group
        self.group = group = Group(at.key, at.path, self.draft)
        if outer is not None:
            outer.inner.append(group)
        self._leaves(element, at, language)
        self.group = outer
        if outer is None:
            at.holder.table.finish(group)

    def _leaves(self, element: Element, at: Location, language: str | None) -> None:
        beside = None
        if pairs := element.items():
            beside, language = self.attributes(pairs, at, language)
        children = list(element)
        if not children:
            if (text := element.text) and (text := text.strip()):
                self.put(at, text, language, beside)
        elif at.whole and local_name(children[0].tag) in MARKUP and is_marked_up(children):
            self._whole(element, at, language, beside)
        elif at.repeats and at.plain and (len(children) > 1 or len(children[0])):
            self._part(element, at, language, lambda: self._below(element, children, at, language, beside))
        else:
            self._below(element, children, at, language, beside)

    def _part(self, element: Element, at: Location, language: str | None, read: Callable[[], None]) -> None:
        """What a part of the tree says: read, or as its exact copy said before."""
        parts = self.parts
        copy = parts.copy(element, at, language)
        if copy is None or ((part := parts.known(copy)) is None and not parts.comes_again(copy)):
            read()
            return
        if part is None:
            outer, before = self.draft, self.seen
            self.draft = Draft()
            read()
            part = Part(self.draft, self.seen - before)
            self.draft = outer
            parts.keep(copy, part)
        else:
            self._count(at, part.leaves)
        add(part.draft, self.draft)

    def _below(
        self,
        element: Element,
        children: list[Element],
        at: Location,
        language: str | None,
        beside: dict[str, str] | None,
    ) -> None:
        texts = [text] if (text := element.text) and not text.isspace() else []
        for child, below in zip(children, at.below(children), strict=True):
            if below is None:  # an entity that nobody declared
                texts.append(child.text or "")
            elif below.plain:
                self._leaves(child, below, language)
            else:
                self.element(child, below, language)
            if (tail := child.tail) and not tail.isspace():
                texts.append(tail)
        if texts and (text := " ".join(" ".join(texts).split())):
            self.put(at, text, language, beside)

    def _whole(self, element: Element, at: Location, language: str | None, beside: dict[str, str] | None) -> None:
        """The text of an element with markup inside it, as one value; the markup's attributes are leaves."""
        for child in element.iterdescendants():
            if isinstance(child.tag, str) and (pairs := child.items()):
                inside = Location(at.holder, f"{at.key}/{local_name(child.tag)}", f"{at.path}//{shown(child.tag)}")
                self.attributes(pairs, inside, None)
        text = inner_text(element).strip()
        if text:
            self.put(at, text, language, beside)


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
        self.locations = Locations(table, naming, transparent, nested, place)
        self.parts = Parts()

    @property
    def transparent(self) -> frozenset[str]:
        """Wrappers that add nothing to a key."""
        return self.locations.transparent

    @property
    def nested(self) -> Mapping[str, XmlFormat]:
        """Keys at which another format's table takes over."""
        return self.locations.nested

    def with_table(self, table: Table) -> XmlFormat:
        """The same format read through another table: a partner's dialect."""
        known = self.locations
        return XmlFormat(
            self.roots,
            table,
            naming=known.naming,
            transparent=known.transparent,
            nested=known.nested,
            place=known.place,
        )

    def read(self, root: Element, draft: Draft, path: str | None = None) -> None:
        """Every leaf under the format's root element, into the draft; `path` is the root's, its own name if None."""
        if path is None:
            path = f"{root.prefix}:{shown(str(root.tag))}" if root.prefix else shown(str(root.tag))
        XmlWalk(draft, self.parts).element(root, self.locations.root(path), root.get(XML_LANG) or None)
