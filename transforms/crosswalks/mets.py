"""METS (https://www.loc.gov/standards/mets/): a wrapper whose descriptive sections hold MODS, dim or Dublin Core."""

from __future__ import annotations

from transforms.crosswalks import dspace, dublin_core, mods
from transforms.crosswalks.engine import USED, Group, Table, XmlFormat

_INTERNAL = "internal to the package"
ROWS = {
    "@objid": "identifiers",
    "dmdsec/mdwrap/@mdtype": USED,
    "dmdsec/mdwrap/@othermdtype": USED,
    "dmdsec/mdwrap/@mimetype": USED,
}
IGNORED = {
    "@*": _INTERNAL,
    "@id": _INTERNAL,
    "@type": _INTERNAL,
    "@profile": _INTERNAL,
    "@label": _INTERNAL,
    "metshdr/*": "about the metadata record, not about the resource",
    "dmdsec/@id": _INTERNAL,
    "dmdsec/@groupid": _INTERNAL,
    "dmdsec/@created": _INTERNAL,
    "amdsec/*": "about the package's administration: the depositor's licence, checksums, history",
    "structmap/*": _INTERNAL,
    "structlink/*": _INTERNAL,
    "behaviorsec/*": _INTERNAL,
    "filesec/*": "the repository's account of its files",
}
_ROLES = {"original": "content", "content": "content", "thumbnail": "thumbnail"}  # by the use of a file group


def _files(group: Group) -> None:
    """Add the files of one use: ORIGINAL is content, THUMBNAIL a thumbnail; others are the repository's own."""
    role = _ROLES.get(group.text("@use").lower() or "original")
    if role is None:
        return
    for file in group.groups("file"):
        media = file.first("@mimetype")
        for value in file.take("flocat/@href"):
            file.add("links", value, f"{role}|{media.text if media else ''}")
        if role == "content":
            file.add("formats", media)


_SECTION = "dmdsec/mdwrap/xmldata"
FORMAT = XmlFormat(
    frozenset({"mets"}),
    Table(ROWS, IGNORED, {"filesec/filegrp": _files}, {"filesec/filegrp/file"}),
    nested={
        f"{_SECTION}/mods": mods.MODS,
        f"{_SECTION}/dim": dspace.DIM,
        f"{_SECTION}/dc": dublin_core.FORMAT,
        f"{_SECTION}/qualifieddc": dublin_core.FORMAT,
    },
)
