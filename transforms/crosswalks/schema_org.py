"""Learning resources of schema.org and LRMI as JSON-LD, and LRMI as XML.

https://schema.org/LearningResource · https://www.dublincore.org/specifications/lrmi/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas import replace
from transforms.crosswalks.engine import (
    At,
    Group,
    JsonFormat,
    NamedText,
    Reader,
    References,
    Table,
    Value,
    XmlFormat,
    add_contributor,
)
from transforms.draft import AUTHORITY, PERSONAL

ROWS = {
    "@id": "identifiers url",
    "id": "identifiers url",
    "url": "url",
    "sameas": "identifiers",
    "identifier": "identifiers",
    "isbn": "identifiers:isbn",
    "issn": "identifiers:issn",
    "name": "title",
    "headline": "title",
    "alternatename": "alternative_titles",
    "alternativeheadline": "alternative_titles",
    "description": "description",
    "abstract": "description",
    "inlanguage": "languages",
    "inlanguage/name": "languages",
    "inlanguage/alternatename": "languages",
    "genre": "keywords",
    "datepublished": "issued:issued",
    "datecreated": "issued:created",
    "uploaddate": "issued:available",
    "date": "issued",
    "datemodified": "modified",
    "license": "license",
    "license/@id": "license",
    "license/id": "license",
    "license/url": "license",
    "license/name": "license",
    "userightsurl": "license",
    "rights": "license",
    "usageinfo": "license",
    "educationallevel": "levels contexts?",
    "educationaluse": "contexts",
    "educationalrole": "audiences",
    "intendedenduserrole": "audiences",
    "audience": "audiences",
    "audience/educationalrole": "audiences",
    "audience/audiencetype": "audiences",
    "typicalagerange": "age_range",
    "timerequired": "typical_learning_time",
    "duration": "typical_learning_time",
    "interactivitytype": "interactivity_type",
    "learningresourcetype": "resource_types",
    "type": "resource_types",
    "encodingformat": "formats",
    "fileformat": "formats",
    "format": "formats",
    "image": "links:preview",
    "image/url": "links:preview",
    "image/contenturl": "links:preview",
    "thumbnailurl": "links:thumbnail",
    "thumbnail": "links:thumbnail",
    "thumbnail/url": "links:thumbnail",
    "thumbnail/contenturl": "links:thumbnail",
    "contenturl": "links:content",
    "embedurl": "links:content",
    "mainentityofpage": "url",
    "mainentityofpage/@id": "url",
    "mainentityofpage/id": "url",
    "spatialcoverage": "coverage",
    "temporalcoverage": "coverage",
    "spatialcoverage/name": "coverage",
    "location/name": "coverage",
    "difficulty": "difficulty",
}
IGNORED = {
    "@context": "the vocabulary's address",
    "@context/*": "the vocabulary's address",
    "@graph/other/*": "another object of the page, which the resource does not name",
    "@type": "the kind of thing, which the format says",
    "*/@type": "the kind of thing, which its place says",
    "provider/email": PERSONAL,
    "author/email": PERSONAL,
    "creator/email": PERSONAL,
    "contributor/email": PERSONAL,
    "*/email": PERSONAL,
    "*/telephone": PERSONAL,
}


_SCHEMES = (
    "indefinedtermset/name",
    "indefinedtermset",
    "indefinedtermset/@id",
    "indefinedtermset/url",
    "inscheme/id",
    "inscheme/@id",
)
_ALIGNMENTS = {  # the type of an alignment: our field
    "educationallevel": "levels",
    "educationalsubject": "subjects",
    "educationallevelalignment": "levels",
    "complexitylevel": "difficulty",
    "teaches": "competencies",
    "assesses": "competencies",
}
_LATER_OBJECT = re.compile(r"@graph\W{1,4}[1-9]")
_COST_BY_FREE = {"true": "no", "false": "yes", "1": "no", "0": "yes"}


def person(role: str) -> Reader:
    """Return a reader of a person or organisation: its name with its id; a bare address names nobody."""

    def read(group: Group) -> None:
        type_ = group.text("@type", "type", "person/@type").lower()
        kind = "person" if type_ == "person" else "organisation" if type_ else None
        id_ = group.text("@id", "id", "sameas", "identifier")
        names = group.take("", "name", "legalname")
        for value in names:
            add_contributor(group, value, role, kind, id_)
        for value in group.take("person/name"):
            add_contributor(group, value, role, "person", id_)
        for value in group.take("organization/name", "organization/legalname"):
            add_contributor(group, value, role, "organisation", id_)
        if not names and (parts := group.take("givenname", "familyname")):
            whole = replace(parts[0], text=" ".join(value.text for value in parts))
            add_contributor(group, whole, role, "person", id_)

    return read


def concept(field: str, also: str | None = None) -> Reader:
    """Return a reader of a term: its label with its URI; of labels in several languages the first."""

    def read(group: Group) -> None:
        scheme = group.text(*_SCHEMES)
        uri = group.first("@id", "id", "identifier", "thing/identifier", "url", "termcode", "notation")
        group.take("@type", "type", "termcode", "notation", *_SCHEMES)
        translated = [value for value in group.values if "/preflabel" in value.key]
        group.take(*{value.key.removeprefix(f"{group.key}/") for value in translated})
        plain = group.take("", "name", "thing/name", "term", "targetname")
        labels = plain or [_in_its_language(value) for value in translated[:1]]
        for value in labels or ([uri] if uri else []):
            group.add(field, value, _scheme_and_code(scheme, uri))
            if also is not None and labels:
                group.add(also, value)

    return read


def _in_its_language(label: Value) -> Value:
    """Return a label with the language that its key ends with: `about/preflabel/de`."""
    return replace(label, language=label.key.rpartition("/preflabel/")[2] or label.language)


def _scheme_and_code(scheme: str, code: Value | None) -> str | None:
    """Return the hint of a term: which scheme it is of, and its URI or code there."""
    return f"{scheme}|{code.text if code else ''}" if scheme or code else None


def _alignment(group: Group) -> None:
    """Add an AlignmentObject by its type; prerequisites and reading levels stay unmapped."""
    type_ = group.text("alignmenttype", "alignmentobject/alignmenttype")
    field = _ALIGNMENTS.get("".join(type_.lower().split()))
    if field is None:
        return
    framework = group.text("educationalframework", "alignmentobject/educationalframework")
    group.take("@type", "type")
    uri = group.first("targeturl", "alignmentobject/targeturl")
    names = group.take("targetname", "alignmentobject/targetname")
    group.take("targetdescription", "alignmentobject/targetdescription")
    for value in names or ([uri] if uri else []):
        group.add(field, value, _scheme_and_code(framework, uri))


def _keywords(group: Group) -> None:
    """Add keywords: one text separates them with commas (https://schema.org/keywords), entries of a list are whole."""
    for value in group.take("", "name"):
        is_whole = value.path.endswith("]") or value.key.endswith("/name")
        for keyword in [value.text] if is_whole else filter(None, map(str.strip, value.text.split(","))):
            group.map("keywords subjects?", value, keyword)


def _free(group: Group) -> None:
    """Add the opposite of isAccessibleForFree, which is LOM's cost."""
    for value in group.take(""):
        if cost := _COST_BY_FREE.get(value.text.lower()):
            group.add("cost", value, text=cost)


def _media(group: Group) -> None:
    """Add a file or player of the resource with its media type."""
    media_type = group.first("encodingformat", "fileformat", "format")
    group.take("@type", "type", "name", "position", "filesize", "contentsize", "inlanguage")
    for value in group.take("", "contenturl", "url", "embedurl", "@id", "id"):
        group.add("links", value, f"content|{media_type.text if media_type else ''}")
    group.add("formats", media_type)


def relation(kind: str) -> Reader:
    """Return a reader of a related work: its address, else its name."""

    def read(group: Group) -> None:
        group.take("@type", "type")
        target = group.first("", "@id", "id", "url", "name")
        group.take("name")
        group.add("relations", target, kind)

    return read


def identifier(group: Group) -> None:
    """Add an identifier: a text, or a PropertyValue with its scheme."""
    scheme = group.text("propertyid", "name") or None
    group.take("@type", "type")
    for value in group.take("", "value", "@id", "id", "url"):
        group.add("identifiers", value, scheme)


def resource_kind(group: Group) -> None:
    """Add the type of the resource itself, by schema.org's own list; in a graph the resource is the first object."""
    if _LATER_OBJECT.search(group.path):
        return
    for value in group.take(""):
        name = re.split(r"[/#:]", value.text)[-1]
        group.add("resource_types", value, f"{AUTHORITY}schema_org|{name}")


READERS: dict[str, Reader] = {
    "@type": resource_kind,
    "keywords": _keywords,
    "author": person("author"),
    "creator": person("author"),
    "contributor": person("unknown"),
    "editor": person("editor"),
    "illustrator": person("illustrator"),
    "translator": person("translator"),
    "publisher": person("publisher"),
    "provider": person("publisher"),
    "sourceorganization": person("publisher"),
    "about": concept("subjects", also="keywords"),
    "learningresourcetype": concept("resource_types"),
    "educationallevel": concept("levels"),
    "audience/educationalrole": concept("audiences"),
    "assesses": concept("competencies"),
    "teaches": concept("competencies"),
    "educationalalignment": _alignment,
    "alignmentobject": _alignment,
    "isaccessibleforfree": _free,
    "encoding": _media,
    "associatedmedia": _media,
    "video": _media,
    "audio": _media,
    "material": _media,
    "ispartof": relation("ispartof"),
    "haspart": relation("haspart"),
    "isbasedon": relation("isbasedon"),
    "isbasedonurl": relation("isbasedon"),
    "translationofwork": relation("istranslationof"),
    "worktranslation": relation("hastranslation"),
    "citation": relation("references"),
    "mentions": relation("references"),
    "requires": relation("requires"),
    "identifier": identifier,
    "interactivitytype": concept("interactivity_type"),
}


def literal(member: dict[str, object], key: str) -> NamedText | None:
    """Read a JSON-LD literal as one text with its language."""
    if not isinstance(member.get("@value"), str | int | float):
        return None
    language = member.get("@language")
    qualifiers = frozenset({"@language", "@type"})
    return NamedText(key, "@value", language if isinstance(language, str) else None, qualifiers)


_XML_IGNORED = {"id": "the repository's number, which the record's key holds", "material/*": "a file's own description"}
_XML = XmlFormat(
    frozenset({"dc", "lrmi", "learningresource", "oai_lrmi"}),
    Table({key: row for key, row in ROWS.items() if key != "id"} | {"title": "title"}, IGNORED | _XML_IGNORED, READERS),
)
# where an object of nothing but an @id is read as the Person, Organization, term or picture of the same graph
_REFERRING = frozenset({key for key in READERS if key not in ("identifier", "keywords")}) | {
    *("audience", "image", "inlanguage", "license", "spatialcoverage", "thumbnail"),
}
# types of a graph's objects that stand beside the resource, and are it only where the graph holds no other object
_BESIDE = frozenset(
    {
        *("Person", "Organization", "NGO", "CollegeOrUniversity", "EducationalOrganization", "Audience", "Place"),
        *("EducationalAudience", "DefinedTerm", "ImageObject", "Language", "WebSite", "WebPage", "CollectionPage"),
        *("BreadcrumbList", "ListItem", "SiteNavigationElement", "SearchAction", "FAQPage", "Question", "Answer"),
        *("QAPage", "Comment", "AboutPage", "ContactPage", "ProfilePage", "SearchResultsPage", "CheckoutPage"),
        *("ItemList", "WPHeader", "WPFooter", "WPSideBar", "School", "Library", "LocalBusiness", "Store", "Brand"),
        *("Offer", "AggregateOffer", "AggregateRating", "Rating", "Review", "PostalAddress", "ContactPoint"),
    }
)
_GRAPH, _OTHER = "@graph", "@graph/other"


class _PageFormat(JsonFormat):
    """JSON-LD in which a graph may hold the page's other objects beside the resource."""

    def with_table(self, table: Table) -> _PageFormat:
        """Return the same format read through another table: a partner's dialect."""
        return _PageFormat(table, naming=self.naming, transparent=self.transparent, references=self.references)

    def members(self, parent: Mapping[str, Any], at: At) -> Iterator[tuple[str, Any, At]]:
        """Yield each member; of a graph each object, those beside the resource at a key of their own."""
        for name, value, inside in super().members(parent, at):
            if name != _GRAPH or at.key or not isinstance(value, list) or all(map(_is_beside, value)):
                yield name, value, inside
                continue
            for number, node in enumerate(value):
                key = _OTHER if _is_beside(node) else inside.key
                yield name, node, At(key, f"{inside.path}[{number}]")


def _is_beside(node: Any) -> bool:
    """Tell whether an object of a graph is none that a graph is about, by its types."""
    types = node.get("@type") if isinstance(node, dict) else None
    names = types if isinstance(types, list) else [types]
    return all(isinstance(name, str) and name.rpartition("/")[2] in _BESIDE for name in names)


FORMAT = _PageFormat(
    Table(ROWS, IGNORED, READERS),
    naming=literal,
    transparent=frozenset({"@graph", "mainentity"}),
    references=References(keys=_REFERRING, reference="@id", identity="@id"),
    xml=_XML,
)
