"""MODS 3 (https://www.loc.gov/standards/mods/), alone or inside METS."""

from __future__ import annotations

from schemas import replace
from transforms.crosswalks.engine import USED, Group, Reader, Table, Value, XmlFormat, add_contributor
from transforms.draft import PRIMARY

ROWS = {
    "typeofresource": "resource_types",
    "genre": "resource_types",
    "origininfo/publisher": "publishers",
    "origininfo/agent/namepart": "publishers",
    "origininfo/dateissued": "issued:issued",
    "origininfo/datecreated": "issued:created",
    "origininfo/datecaptured": "issued:captured",
    "origininfo/datevalid": "issued:valid",
    "origininfo/datemodified": "modified",
    "origininfo/copyrightdate": "issued:copyright",
    "origininfo/dateother": "issued:@type",
    "extension/dateaccessioned": "issued:accessioned",
    "extension/dateavailable": "issued:available",
    "language/languageterm": "languages",
    "language": "languages",
    "physicaldescription/internetmediatype": "formats",
    "abstract": "description",
    "tableofcontents": "description",
    "note": "description",
    "targetaudience": "audiences levels?",
    "subject/topic": "keywords subjects?",
    "subject/genre": "keywords",
    "subject/geographic": "coverage",
    "subject/temporal": "coverage",
    "subject/hierarchicalgeographic/country": "coverage",
    "subject/name/namepart": "keywords",
    "subject/titleinfo/title": "keywords",
    "subject": "keywords",
    "classification": "subjects:@authority",
    "identifier": "identifiers:@type",
    "accesscondition": "license",
    "accesscondition/@href": "license",
}
IGNORED = {
    "@version": "the version of the metadata schema",
    "@id": "a mark inside the document",
    "recordinfo/*": "about the metadata record, not about the resource",
    "*/@usage": "which of several is shown first",
    "*/@access": "what an address opens, which is read where the resource itself lies",
    "*/@displaylabel": "a caption for display",
    "*/@encoding": "the spelling of a date",
    "*/@keydate": "which of several dates is sorted by",
    "*/@authority": "the list a term is from",
    "*/@authorityuri": "the list a term is from",
    "*/@note": "a note on the element",
    "titleinfo/title/@type": "the markup of a text",
    "accesscondition/@type": "the kind of a condition, which its text says",
}
_BESIDE = {
    "identifier/@type": USED,
    "classification/@authority": USED,
    "language/languageterm/@type": USED,
    "origininfo/dateother/@type": USED,
}


_NAME_TYPES = {"personal": "person", "corporate": "organisation", "conference": "organisation"}
_NOT_A_NAME = frozenset({"date", "termsOfAddress"})  # types of name parts


def title(group: Group) -> None:
    """Add the parts of a title in order; an abbreviated, translated or other one is an alternative title."""
    field = "alternative_titles" if group.text("@type") else "title"
    main = group.first("title", "")
    parts = [value.text for value in group.take("nonsort")]
    parts += [main.text] if main else []
    parts += [f": {value.text}" for value in group.take("subtitle")]
    parts += [f". {value.text}" for value in group.take("partnumber", "partname")]
    group.add(field, main, text=" ".join(parts).replace(" : ", ": ").replace(" . ", ". "))


def name(group: Group) -> None:
    """Add a person or body with a role; a family name comes before the given names."""
    kind = _NAME_TYPES.get(group.text("@type"))
    roles = [value.text for value in group.take("role/roleterm", "role")]
    group.take("role/roleterm/@type", "role/roleterm/@authority", "role/roleterm/@authorityuri", "@usage", "@authority")
    id_ = group.text("nameidentifier", "@valueuri")
    parts = [part for part in group.take("namepart", "") if _part_type(part) not in _NOT_A_NAME]
    group.take("namepart/@type", "displayform")
    if parts:
        code = roles[0] if roles else "author"
        role = next((role for role in roles if len(role) > 3), code)  # a word rather than a code
        add_contributor(group, replace(parts[0], text=_whole_name(parts)), role, kind, id_)


def _whole_name(parts: list[Value]) -> str:
    family = [part.text for part in parts if _part_type(part) == "family"]
    given = [part.text for part in parts if _part_type(part) == "given"]
    return f"{family[0]}, {' '.join(given)}" if family and given else " ".join(part.text for part in parts)


def _part_type(part: Value) -> str | None:
    return (part.attributes or {}).get("type")


_RELATIONS = {  # the type of a related item: our relation
    "host": "ispartof",
    "series": "ispartof",
    "constituent": "haspart",
    "original": "isbasedon",
    "otherversion": "hasversion",
    "otherformat": "hasformat",
    "preceding": "isversionof",
    "succeeding": "hasversion",
    "isreferencedby": "isreferencedby",
    "references": "references",
    "reviewof": "references",
}


_FORMS_OF_ONE_WORK = frozenset({"isversionof", "hasversion", "hasformat"})  # which are linked by what identifies them


def _related(group: Group) -> None:
    """Add what the resource is related to: its title, or else its identifier or address; of a version the other way."""
    relation = _RELATIONS.get(group.text("@type").lower(), "references")
    names = ("identifier", "location/url", "titleinfo/title")
    if relation not in _FORMS_OF_ONE_WORK:
        names = ("titleinfo/title", "identifier", "location/url")
    group.add("relations", group.first(*names, ""), relation)


_ROLES = {"preview": "thumbnail", "raw object": "content"}  # https://www.loc.gov/standards/mods/userguide/location.html


def _address(group: Group) -> None:
    """Add an address by what @access says: a small picture, the file itself, else the page."""
    access = " ".join(group.text("@access").lower().split())
    is_primary = group.text("@usage").lower().startswith("primary") or access == "object in context"
    for value in group.take(""):
        if access in _ROLES:
            group.add("links", value, _ROLES[access])
        else:
            group.add("url", value, PRIMARY if is_primary else None)


READERS: dict[str, Reader] = {
    "titleinfo": title,
    "name": name,
    "relateditem": _related,
    "location/url": _address,
}
_TABLE = Table(ROWS | _BESIDE, IGNORED, READERS)
MODS = XmlFormat(frozenset({"mods"}), _TABLE)
