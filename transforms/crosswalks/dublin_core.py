"""oai_dc and qualified Dublin Core: http://purl.org/dc/elements/1.1/ and http://purl.org/dc/terms/.

One table for both, since simple records carry qualified elements and qualified ones simple elements. The syntax of a
row is that of `engine.table.Table`: `keywords subjects?`, for instance, makes every value a keyword, and a subject too
if a vocabulary knows it; an unknown one is then no term without a code, and is not counted.
"""

from __future__ import annotations

from transforms.crosswalks.engine import Table, XmlFormat
from transforms.draft import PERSONAL

ROWS = {
    "title": "title",
    "alternative": "alternative_titles",
    "creator": "contributors:author",
    "contributor": "contributors:unknown",
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
IGNORED = {
    "provenance": PERSONAL,
    "*/@type": "the list or kind of a value",
    "dateaccessioned": "when the repository took the record in, not a date of the resource",
}

FORMAT = XmlFormat(
    frozenset(
        {"dc", "qualifieddc", "qdc", "dcterms", "simpledc", "dcx", "oai_dc", "dublin_core", "dublincore", "metadata"}
    ),
    Table(ROWS, IGNORED),
)
