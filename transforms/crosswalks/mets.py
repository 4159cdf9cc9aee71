"""METS (https://www.loc.gov/standards/mets/): a wrapper whose descriptive sections hold MODS, dim or Dublin Core."""

from __future__ import annotations

from transforms.crosswalks import dspace, dublin_core, mods
from transforms.crosswalks.engine import USED, Group, Table, XmlFormat

MACHINERY = "the package's own machinery"
ROWS = {
    "@objid": "identifiers",
    "dmdsec/mdwrap/@mdtype": USED,
    "dmdsec/mdwrap/@othermdtype": USED,
    "dmdsec/mdwrap/@mimetype": USED,
}
IGNORED = {
    "@*": MACHINERY,
    "@id": MACHINERY,
    "@type": MACHINERY,
    "@profile": MACHINERY,
    "@label": MACHINERY,
    "metshdr/*": "about the metadata record, not about the resource",
    "dmdsec/@id": MACHINERY,
    "dmdsec/@groupid": MACHINERY,
    "dmdsec/@created": MACHINERY,
    "amdsec/*": "about the package's administration: the depositor's licence, checksums, history",
    "structmap/*": MACHINERY,
    "structlink/*": MACHINERY,
    "behaviorsec/*": MACHINERY,
    "filesec/*": "the repository's account of its files",
}
CONTENT = frozenset({"original", "content"})


def files(group: Group) -> None:
    """The files of one use: only ORIGINAL is content, THUMBNAIL a thumbnail."""
    use = group.first("@use")
    name = use.text.lower() if use else "original"
    role = "thumbnail" if name == "thumbnail" else "content" if name in CONTENT else None
    if role is None:
        return
    for file in group.groups("file"):
        media = file.first("@mimetype")
        for value in file.take("flocat/@href"):
            file.say("links", value, f"{role}|{media.text if media else ''}")
        if role == "content":
            file.say("formats", media)


SECTION = "dmdsec/mdwrap/xmldata"
FORMAT = XmlFormat(
    frozenset({"mets"}),
    Table(ROWS, IGNORED, {"filesec/filegrp": files}, {"filesec/filegrp/file"}),
    nested={
        f"{SECTION}/mods": mods.MODS,
        f"{SECTION}/dim": dspace.DIM,
        f"{SECTION}/dc": dublin_core.FORMAT,
        f"{SECTION}/qualifieddc": dublin_core.FORMAT,
    },
)
