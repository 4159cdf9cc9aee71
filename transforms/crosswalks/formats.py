"""Every format by name, and the other names (metadataPrefix) that partners give it."""

from __future__ import annotations

from transforms.crosswalks import (
    amb,
    datacite,
    dspace,
    dublin_core,
    golab,
    graasp,
    imscp,
    instructables,
    lom,
    marcxml,
    mets,
    mods,
    oercommons,
    schema_org,
    syndication,
    unesdoc,
    unimarc,
    wordpress,
    xoai,
)
from transforms.crosswalks.engine import JsonFormat, XmlFormat

Crosswalk = XmlFormat | JsonFormat

ALIASES = {
    "dc": "oai_dc",
    "dcterms": "qdc",
    "oai_dcterms": "qdc",
    "oai_qdc": "qdc",
    "oai_lom": "lom",
    "LREv3.0": "lom",
    "oai_lre3": "lom",
    "oai_oer2": "lom",
    "lom_ims": "lom",
    "lom_ieee": "lom",
    "oai_obaa": "lom",
    "obaa": "lom",
    "marc": "marcxml",
    "marc21": "marcxml",
    "datacite": "oai_datacite",
    "datacite3": "oai_datacite",
    "datacite4": "oai_datacite",
    "oai_mods": "mods",
    "lrmi": "schema_org",
    "oai_lrmi": "schema_org",
    "scorm": "imscp",
}
CROSSWALKS: dict[str, Crosswalk] = {
    "oai_dc": dublin_core.FORMAT,
    "qdc": dublin_core.FORMAT,
    "dim": dspace.DIM,
    "xoai": xoai.FORMAT,
    "mods": mods.MODS,
    "mets": mets.FORMAT,
    "marcxml": marcxml.FORMAT,
    "oai_marc": marcxml.OAI_MARC,
    "unimarc": unimarc.FORMAT,
    "oai_datacite": datacite.FORMAT,
    "lom": lom.FORMAT,
    "imscp": imscp.FORMAT,
    "imscc": imscp.FORMAT,
    "schema_org": schema_org.FORMAT,
    "amb": amb.FORMAT,
    "dspace6": dspace.DSPACE6,
    "dspace7": dspace.DSPACE7,
    "unesdoc": unesdoc.FORMAT,
    "golab_apps": golab.APPS_FORMAT,
    "golab_labs": golab.LABS_FORMAT,
    "golab_ils": golab.ILS_FORMAT,
    "graasp": graasp.FORMAT,
    "oercommons_xml": oercommons.XML_FORMAT,
    "oercommons_csv": oercommons.CSV_FORMAT,
    "instructables": instructables.FORMAT,
    "instructables_rss": instructables.RSS,
    "wordpress": wordpress.FORMAT,
    "rss": syndication.RSS,
    "atom": syndication.ATOM,
}

# formats that servers mistake for one another: the root element of the payload decides
FAMILIES: tuple[frozenset[str], ...] = (
    frozenset({"oai_dc", "qdc"}),
    frozenset({"dim", "xoai"}),
    frozenset({"marcxml", "oai_marc"}),
    frozenset({"mods", "mets"}),
    frozenset({"lom", "imscp", "imscc"}),
    frozenset({"rss", "instructables_rss", "atom"}),
)
