"""xoai, DSpace's own dump of an item: nested `element` and `field`, the last element being the language."""

from __future__ import annotations

from collections.abc import Iterator

from transforms.crosswalks.dspace import BESIDE, FIELDS, KEPT_OUT
from transforms.crosswalks.engine import (
    NONE,
    Element,
    Group,
    Location,
    Locations,
    Parts,
    Step,
    Table,
    XmlFormat,
    XmlWalk,
    by_attributes,
    placed,
    shown,
)
from transforms.draft import Draft

ROWS = FIELDS | BESIDE | {"others/handle": "identifiers:handle", "others/identifier": "identifiers:oai"}
_NAMED = frozenset({"name"})
_PLACE = by_attributes("name")
IGNORED = KEPT_OUT | {
    "others/*": "the repository's own machinery",
    "repository/*": "about the repository, not about the resource",
    "bundles/*": "the repository's account of its files",
    "license/*": "the depositor's licence to the repository, not the reader's",
}


def _bitstream(group: Group) -> None:
    """A file: its address and media type; only the bundle ORIGINAL is content."""
    bundle = next((value.text for value in group.values if value.key == "bundles/bundle/name"), "ORIGINAL")
    role = {"ORIGINAL": "content", "THUMBNAIL": "thumbnail"}.get(bundle)
    media = group.first("bitstreams/bitstream/format")
    address = group.first("bitstreams/bitstream/url")
    if role is not None:
        group.add("links", address, f"{role}|{media.text if media else ''}")
    if role == "content":
        group.add("formats", media)


class _XoaiWalk(XmlWalk):
    """Walks the nested elements by their names."""

    def __init__(self, locations: Locations, draft: Draft) -> None:
        super().__init__(draft, Parts())
        self.locations = locations

    def fields(self, element: Element, names: tuple[str, ...], path: str) -> None:
        """Every field below an element that these names lead to."""
        loose = " ".join("".join([element.text or "", *(child.tail or "" for child in element)]).split())
        if loose and len(element):
            self.put(self._at("/".join(names), path), loose, None, None)
        authorities = _authorities(element)
        for child, (tag, step) in _steps(element):
            inside = f"{path}/{step}"
            name = (child.get("name") or tag).strip().lower()
            at = self._at("/".join((*names, name)), inside)
            at.made = _NAMED if tag in {"element", "field"} else NONE
            self.attributes(child.items(), at, None)
            if tag == "element" and (len(child) or not child.text):
                self._inner(child, (*names, name), inside)
            elif len(child):
                self.fields(child, (*names, name), inside)
            elif text := "".join(map(str, child.itertext())).strip():
                key, language = _key(names, name)
                authority = authorities.get(child)
                self.put(self._at(key, inside), text, language, {"authority": authority} if authority else None)

    def _inner(self, element: Element, names: tuple[str, ...], path: str) -> None:
        if names == ("bundles", "bundle") and self.group is None:
            self.group = Group("bundles/bundle", path, self.draft)
            self.fields(element, names, path)
            group, self.group = self.group, None
            self._files(group)
        else:
            self.fields(element, names, path)

    def _files(self, group: Group) -> None:
        """A bundle holds several files: each ends where its first field comes again."""
        bundle = [value for value in group.values if value.key == "bundles/bundle/name"]
        files: dict[str, Group] = {}
        for value in group.values:
            if value not in bundle:
                place = value.path.rpartition("/")[0]
                one = files.setdefault(place, Group(group.key, place, self.draft))
                if not one.values:
                    one.values.extend(bundle)
                one.values.append(value)
        for one in files.values() or [group]:
            self.locations.table.finish(one)

    def _at(self, key: str, path: str) -> Location:
        return Location(self.locations, key, path)


def _steps(element: Element) -> Iterator[tuple[Element, Step]]:
    """The children with their local name and path step."""
    children = [child for child in element if isinstance(child.tag, str)]
    names = [shown(str(child.tag)) for child in children]
    return zip(children, placed([(name, name) for name in names], list(map(_PLACE, children))), strict=True)


def _authorities(element: Element) -> dict[Element, str]:
    """The authority of each value: the field of that name that follows before the next value."""
    found: dict[Element, str] = {}
    value = None
    for child in element:
        if child.get("name") == "value":
            value = child
        elif child.get("name") == "authority" and value is not None:
            found[value] = (child.text or "").strip()
    return found


def _key(names: tuple[str, ...], name: str) -> tuple[str, str | None]:
    if not names or names[0] in {"bundles", "others", "repository", "license"}:
        return "/".join((*names, name)), None
    language = names[-1] if len(names) > 2 else None
    field = ".".join(names[:-1] if len(names) > 2 else names)
    return (field if name == "value" else f"{field}/@{name}"), None if language == "none" else language


class _XoaiFormat(XmlFormat):
    """xoai is read by the names of its elements."""

    def with_table(self, table: Table) -> _XoaiFormat:
        """The same format read through another table: a partner's dialect."""
        return _XoaiFormat(self.roots, table)

    def read(self, root: Element, draft: Draft, path: str | None = None) -> None:
        """Every field under the root, into the draft."""
        _XoaiWalk(self.locations, draft).fields(root, (), path or root.tag.rpartition("}")[2])


FORMAT = _XoaiFormat(frozenset({"metadata"}), Table(ROWS, IGNORED, {"bundles/bundle": _bitstream}))
