"""Reads XML payloads: every non-empty leaf once, with its path, through one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from transforms.crosswalks.table import MAX_LEAVES, Group, Table, Unreadable, Value
from transforms.crosswalks.xmlparse import (
    MARKUP,
    Element,
    inner_text,
    is_marked_up,
    local_name,
    shown,
    step_of,
    steps_of,
)
from transforms.crosswalks.xmlplace import Place, placed
from transforms.draft import Draft

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
LANGUAGE_ATTRIBUTES = frozenset({"lang", "language"})  # in any case, besides xml:lang

Pairs = Sequence[tuple[str | bytes, str | bytes]]
Naming = Callable[[Element, str], "tuple[str, frozenset[str]] | None"]  # step of the key, attributes that made it


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
        if self.group is None:
            self.table.put(value, self.draft)
        else:
            self.group.values.append(value)

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
        if not len(element):
            text = element.text
            if text and (text := text.strip()):
                self.put(Value(key, path, text, language, beside))
            return
        children = list(element)
        if local_name(children[0].tag) in MARKUP and self._takes_whole(key) and is_marked_up(children):
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
            if name == XML_LANG or name.lower() in LANGUAGE_ATTRIBUTES:
                language = text or language
                continue
            if not text:
                continue
            short = local_name(name)
            beside[short] = text
            if not name.startswith(XSI) and short != "schemalocation" and (made is None or short not in made):
                self.put(Value(f"{key}/@{short}" if key else f"@{short}", f"{path}/@{shown(name)}", text, None, None))
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
        texts = [text] if (text := element.text) and not text.isspace() else []
        for child, (name, step) in zip(children, self._steps(children), strict=True):
            if name:
                self._child(child, name, key, f"{path}/{step}", language)
            else:  # an entity that nobody declared
                texts.append(child.text or "")
            if (tail := child.tail) and not tail.isspace():
                texts.append(tail)
        if texts and (text := " ".join(" ".join(texts).split())):
            self.put(Value(key, path, text, language, beside))

    def _steps(self, children: list[Element]) -> list[tuple[str, str]]:
        """The local name and the path step of each child, numbered where several have the same."""
        if self.place is None:
            return steps_of(children)
        return placed([step_of(child.tag, child.prefix) for child in children], list(map(self.place, children)))

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
                self._attributes(pairs, f"{key}/{local_name(child.tag)}", f"{path}//{shown(child.tag)}", None, None)
        text = inner_text(element).strip()
        if text:
            self.put(Value(key, path, text, language, beside))


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
        path = f"{root.prefix}:{shown(str(root.tag))}" if root.prefix else shown(str(root.tag))
        XmlWalk(self.table, draft, self.naming, self.transparent, self.nested, self.place).root(root, path)
