"""xoai, DSpace's own dump of an item (http://www.lyncode.com/xoai).

Nested `element` and `field`, named by their attribute `name`; the last element of a metadata field is its language.
"""

from __future__ import annotations

from collections.abc import Iterator

from transforms.crosswalks.dspace import BESIDE, FIELDS, IGNORED_FIELDS, ROLES_BY_BUNDLE
from transforms.crosswalks.engine import (
    Element,
    Group,
    Location,
    Table,
    XmlFormat,
    XmlWalk,
    bare_name,
    by_attributes,
    with_predicates,
)
from transforms.draft import Draft

ROWS = FIELDS | BESIDE | {"others/handle": "identifiers:handle", "others/identifier": "identifiers:oai"}
IGNORED = IGNORED_FIELDS | {
    "others/*": "internal to the repository",
    "repository/*": "about the repository, not about the resource",
    "bundles/*": "the repository's account of its files",
    "license/*": "the depositor's licence to the repository, not the reader's",
}
_NAME = frozenset({"name"})
_predicates = by_attributes("name")


def _bitstream(group: Group) -> None:
    """Add a file with its media type; only the bundle ORIGINAL is content."""
    bundle = next((value.text for value in group.values if value.key == "bundles/bundle/name"), "ORIGINAL")
    role = ROLES_BY_BUNDLE.get(bundle)
    media = group.first("bitstreams/bitstream/format")
    address = group.first("bitstreams/bitstream/url")
    if role is not None:
        group.add("links", address, f"{role}|{media.text if media else ''}")
    if role == "content":
        group.add("formats", media)


class _XoaiWalk(XmlWalk):
    """Reads the nested elements by their names."""

    def __init__(self, format_: XmlFormat, draft: Draft) -> None:
        super().__init__(draft)
        self._format = format_

    def fields(self, element: Element, names: tuple[str, ...], path: str) -> None:
        """Read every field below an element; `names` are those of the elements that lead to it."""
        self._text_between(element, names, path)
        authorities = _authorities(element)
        for child, tag, step in _steps(element):
            inside = (*names, (child.get("name") or tag).strip().lower())
            at = self._at(inside, f"{path}/{step}")
            if tag in {"element", "field"}:
                at.naming_attributes = _NAME
            self.attributes(child.items(), at, None)
            if tag == "element" and (len(child) or not child.text):
                self._nested(child, inside, at.path)
            elif len(child):
                self.fields(child, inside, at.path)
            else:
                self._field(child, inside, at.path, authorities.get(child))

    def _text_between(self, element: Element, names: tuple[str, ...], path: str) -> None:
        """Put the text between an element's children, which has no field of its own, as one leaf."""
        text = " ".join("".join([element.text or "", *(child.tail or "" for child in element)]).split())
        if text and len(element):
            self.put(self._at(names, path), text, None, None)

    def _field(self, element: Element, names: tuple[str, ...], path: str, authority: str | None) -> None:
        if text := "".join(map(str, element.itertext())).strip():
            key, language = _key(names[:-1], names[-1])
            beside = {"authority": authority} if authority else None
            self.put(Location(self._format, key, path), text, language, beside)

    def _nested(self, element: Element, names: tuple[str, ...], path: str) -> None:
        if names == ("bundles", "bundle") and self.group is None:
            self.group = Group("bundles/bundle", path, self.draft)
            self.fields(element, names, path)
            group, self.group = self.group, None
            self._files(group)
        else:
            self.fields(element, names, path)

    def _files(self, bundle: Group) -> None:
        """Read each file of a bundle as a group of its own, with the bundle's name."""
        names = [value for value in bundle.values if value.key == "bundles/bundle/name"]
        files: dict[str, Group] = {}
        for value in bundle.values:
            if value not in names:
                path = value.path.rpartition("/")[0]
                if path not in files:
                    files[path] = Group(bundle.key, path, self.draft)
                    files[path].values.extend(names)
                files[path].values.append(value)
        for file in files.values() or [bundle]:
            self._format.table.finish(file)

    def _at(self, names: tuple[str, ...], path: str) -> Location:
        return Location(self._format, "/".join(names), path)


def _steps(element: Element) -> Iterator[tuple[Element, str, str]]:
    """Yield the children with their local name and path step."""
    children = [child for child in element if isinstance(child.tag, str)]
    names = [bare_name(str(child.tag)) for child in children]
    steps = with_predicates([(name, name) for name in names], list(map(_predicates, children)))
    for child, (name, step) in zip(children, steps, strict=True):
        yield child, name, step


def _authorities(element: Element) -> dict[Element, str]:
    """Return the authority of each value: the field of that name that follows before the next value."""
    authorities: dict[Element, str] = {}
    value = None
    for child in element:
        if child.get("name") == "value":
            value = child
        elif child.get("name") == "authority" and value is not None:
            authorities[value] = (child.text or "").strip()
    return authorities


def _key(names: tuple[str, ...], name: str) -> tuple[str, str | None]:
    """Return the key and language of a field: `dc.title` and `en` for `dc/title/en` and the name `value`."""
    if not names or names[0] in {"bundles", "others", "repository", "license"}:
        return "/".join((*names, name)), None
    language = names[-1] if len(names) > 2 else None
    field = ".".join(names[:-1] if len(names) > 2 else names)
    return (field if name == "value" else f"{field}/@{name}"), None if language == "none" else language


class _XoaiFormat(XmlFormat):
    """xoai is read by the names of its elements."""

    def with_table(self, table: Table) -> _XoaiFormat:
        """Return the same format read through another table: a partner's dialect."""
        return _XoaiFormat(self.roots, table)

    def read(self, root: Element, draft: Draft, path: str | None = None) -> None:
        """Read every field under the root into the draft."""
        _XoaiWalk(self, draft).fields(root, (), path or bare_name(str(root.tag)))


FORMAT = _XoaiFormat(frozenset({"metadata"}), Table(ROWS, IGNORED, {"bundles/bundle": _bitstream}))
