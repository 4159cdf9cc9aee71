"""Every format by name, and the other names (metadataPrefix) that partners give it."""

from __future__ import annotations

from transforms.crosswalks import (
    dublin_core,
    golab,
    lom,
    unesdoc,
)
from transforms.crosswalks.jsontree import JsonFormat
from transforms.crosswalks.xmltree import XmlFormat

Crosswalk = XmlFormat | JsonFormat

ALIASES = {
    "dc": "oai_dc",
    "dcterms": "qdc",
    "oai_dcterms": "qdc",
    "oai_lom": "lom",
    "LREv3.0": "lom",
    "oai_lre3": "lom",
    "oai_oer2": "lom",
    "lom_ims": "lom",
    "lom_ieee": "lom",
    "oai_obaa": "lom",
    "obaa": "lom",
}
CROSSWALKS: dict[str, Crosswalk] = {
    "oai_dc": dublin_core.FORMAT,
    "qdc": dublin_core.FORMAT,
    "lom": lom.FORMAT,
    "unesdoc": unesdoc.FORMAT,
    "golab_apps": golab.APPS_FORMAT,
    "golab_labs": golab.LABS_FORMAT,
    "golab_ils": golab.ILS_FORMAT,
}

# formats whose root element decides where a server announces one and sends another
FAMILIES: tuple[frozenset[str], ...] = (
    frozenset({"oai_dc", "qdc"}),
    frozenset({"dim", "xoai"}),
    frozenset({"mods", "mets"}),
    frozenset({"lom", "imscp", "imscc"}),
    frozenset({"rss", "instructables_rss", "atom"}),
)
