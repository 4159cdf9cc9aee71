"""oai_openaire, OpenAIRE's guidelines 4, which DSpace offers too.

https://openaire-guidelines-for-literature-repository-managers.readthedocs.io/en/v4.0.0/
DataCite's elements for titles, people, dates and relations; OpenAIRE's own for kind, licence and files.
"""

from __future__ import annotations

from transforms.crosswalks import datacite
from transforms.crosswalks.engine import Element, Group, Reader, Table, Unreadable, XmlFormat

_CITATION = "where the text appeared in print"
_FUNDING = "who paid for the work, not who took part"
ROWS = {key: row for key, row in datacite.ROWS.items() if not key.startswith("rightslist")} | {
    "description": "description",
    "publisher": "publishers",
    "format": "formats",
    "source": "relations:isbasedon",
    "coverage": "coverage",
    "audience": "audiences",
    "subjects/subject": "keywords subjects?",
    "citationtitle": "relations:ispartof",
}
IGNORED = {key: reason for key, reason in datacite.IGNORED.items() if key not in ROWS} | {
    "fundingreferences/*": _FUNDING,
    "version": "whether it is a draft or the published text",
    "version/@uri": "whether it is a draft or the published text",
    "citationvolume": _CITATION,
    "citationissue": _CITATION,
    "citationstartpage": _CITATION,
    "citationendpage": _CITATION,
    "citationedition": _CITATION,
    "citationconferenceplace": _CITATION,
    "citationconferencedate": _CITATION,
    "sizes/*": "the number of pages or the size of the file",
}


def _license(group: Group) -> None:
    """Add the licence: its address, else its name."""
    group.take("@startdate")
    uri = group.first("@uri", "@rightsuri")
    names = group.take("")
    for value in [uri] if uri is not None else names:
        group.add("license", value)


def _access(group: Group) -> None:
    """Add a licence that stands where access rights belong; open or restricted access is no licence."""
    for value in group.take("@rightsuri", "@uri", ""):
        if "creativecommons.org" in value.text.lower():
            group.add("license", value)
        else:
            group.ignore(value, "who may open it, not how it may be used")


def _file(group: Group) -> None:
    """Add a file with its media type."""
    media_type = group.text("@mimetype")
    group.take("@accessrightsuri", "@objecttype")
    for value in group.take(""):
        group.add("links", value, f"content|{media_type}")


def _kind(group: Group) -> None:
    """Add the kind by its address in COAR's list (https://vocabularies.coar-repositories.org), else by name."""
    group.take("@resourcetypegeneral")
    uri = group.first("@uri")
    names = group.take("")
    for value in [uri] if uri is not None else names:
        group.add("resource_types", value)


READERS: dict[str, Reader] = datacite.READERS | {
    "resourcetype": _kind,
    "licensecondition": _license,
    "rights": _access,
    "file": _file,
}


def _check(root: Element) -> None:
    """Raise Unreadable for DataCite's format, whose root is called resource too."""
    if "datacite.org" in str(root.tag):
        raise Unreadable('the payload is <resource> of DataCite, not of OpenAIRE; set format = "oai_datacite"')


FORMAT = XmlFormat(frozenset({"resource"}), Table(ROWS, IGNORED, READERS), check=_check)
