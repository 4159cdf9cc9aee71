"""oai_dc and qualified Dublin Core: http://purl.org/dc/elements/1.1/ and http://purl.org/dc/terms/.

ETD-MS (https://ndltd.org/metadata/) and UKETD_DC are read by it too.

One table for all, since simple records carry qualified elements and qualified ones simple elements. The syntax of a
row is that of `engine.table.Table`: `keywords subjects?`, for instance, makes every value a keyword, and a subject too
if a vocabulary knows it; an unknown one is then no term without a code, and is not counted.
"""

from __future__ import annotations

from transforms.crosswalks.engine import USED, Element, Table, Unreadable, XmlFormat
from transforms.draft import PERSONAL

ROWS = {
    "title": "title",
    "alternative": "alternative_titles",
    "creator": "contributors:author",
    "contributor": "contributors:@role",
    "contributor/@role": USED,
    "advisor": "contributors:advisor",
    "publisher": "publishers",
    "subject": "keywords subjects?",
    "description": "description",
    "abstract": "description",
    "tableofcontents": "description",
    "date": "issued",
    "issued": "issued:issued",
    "created": "issued:created",
    "available": "issued:available",
    "dateaccepted": "issued:accepted",
    "datesubmitted": "issued:submitted",
    "datecopyrighted": "issued:copyright",
    "valid": "issued:valid",
    "modified": "modified",
    "type": "resource_types",
    "format": "formats",
    "medium": "formats",
    "identifier": "identifiers",
    "language": "languages",
    "coverage": "coverage",
    "spatial": "coverage",
    "temporal": "coverage",
    "rights": "license",
    "right": "license",
    "permaddress": "url",
    "isshownat": "url",
    "isshownby": "links:content",
    "preview": "links:thumbnail",
    "license": "license",
    "audience": "audiences",
    "educationlevel": "levels contexts?",
    "conformsto": "competencies",
    "source": "relations:isbasedon",
    "relation": "relations:references",
    "ispartof": "relations:ispartof",
    "haspart": "relations:haspart",
    "isversionof": "relations:isversionof",
    "hasversion": "relations:hasversion",
    "isformatof": "relations:isformatof",
    "hasformat": "relations:hasformat",
    "references": "relations:references",
    "isreferencedby": "relations:isreferencedby",
    "requires": "relations:requires",
    "isrequiredby": "relations:isrequiredby",
    "replaces": "relations:isversionof",
    "isreplacedby": "relations:hasversion",
}
_DEGREE = "the degree that a thesis earned, not the work"
IGNORED = {
    "degree/*": _DEGREE,
    "qualificationname": _DEGREE,
    "qualificationlevel": _DEGREE,
    "sponsor": "who paid for the work, not who took part",
    "provenance": PERSONAL,
    "*/@type": "the list or kind of a value",
    "dateaccessioned": "when the repository took the record in, not a date of the resource",
}

_ROOTS = {"dc", "qualifieddc", "qdc", "dcterms", "simpledc", "dcx", "oai_dc", "dublin_core", "dublincore", "metadata"}
_THESES = {"thesis", "uketddc"}  # ETD-MS and UKETD_DC: Dublin Core with what theses need beside


def _check(root: Element) -> None:
    """Raise Unreadable for xoai, whose root is called metadata too."""
    if "lyncode.com" in str(root.tag):
        raise Unreadable('the payload is xoai (<metadata> of http://www.lyncode.com/xoai); set format = "xoai"')


FORMAT = XmlFormat(frozenset(_ROOTS | _THESES), Table(ROWS, IGNORED), check=_check)
