"""MODS 3 (https://www.loc.gov/standards/mods/), alone or inside METS."""

from __future__ import annotations

from schemas import replace
from transforms.crosswalks.engine import USED, Group, Reader, Table, XmlFormat, add_contributor
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


def title(group: Group) -> None:
    """The parts of a title in order; an abbreviated or translated one is an alternative."""
    kind = group.first("@type")
    main = group.first("title", "")
    parts = [value.text for value in group.take("nonsort")]
    parts += [main.text] if main else []
    for value in group.take("subtitle"):
        parts.append(f": {value.text}")
    for value in group.take("partnumber", "partname"):
        parts.append(f". {value.text}")
    if main is not None:
        whole = " ".join(parts).replace(" : ", ": ").replace(" . ", ". ")
        group.add("title" if kind is None else "alternative_titles", main, text=whole)


def name(group: Group) -> None:
    """A person or body with its roles; the parts of a name are joined family first."""
    stated = group.first("@type")
    kinds = {"personal": "person", "corporate": "organisation", "conference": "organisation"}
    roles = group.take("role/roleterm", "role")
    group.take("role/roleterm/@type", "role/roleterm/@authority", "role/roleterm/@authorityuri", "@usage", "@authority")
    id_ = group.first("nameidentifier", "@valueuri")
    kept = [
        value
        for value in group.take("namepart", "")
        if (value.beside or {}).get("type") not in {"date", "termsOfAddress"}
    ]
    group.take("namepart/@type", "displayform")
    if kept:
        family = [one.text for one in kept if (one.beside or {}).get("type") == "family"]
        given = [one.text for one in kept if (one.beside or {}).get("type") == "given"]
        whole = f"{family[0]}, {' '.join(given)}" if family and given else " ".join(one.text for one in kept)
        said = replace(kept[0], text=whole)
        role = next((one.text for one in roles if len(one.text) > 3), roles[0].text if roles else "author")
        add_contributor(group, said, role, kinds.get(stated.text if stated else ""), id_.text if id_ else None)


_RELATED = {
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


def _related(group: Group) -> None:
    """What the resource is related to, by title or else by identifier."""
    kind = group.first("@type")
    target = group.first("titleinfo/title", "identifier", "location/url", "")
    group.add("relations", target, _RELATED.get(kind.text.lower() if kind else "", "references"))


_OPENS = {"preview": "thumbnail", "raw object": "content"}  # https://www.loc.gov/standards/mods/userguide/location.html


def _address(group: Group) -> None:
    """An address by what @access says it opens: a small picture, the file itself, else the page."""
    access, usage = group.first("@access"), group.first("@usage")
    opens = " ".join(access.text.lower().split()) if access else ""
    chief = opens == "object in context" or (usage is not None and usage.text.lower().startswith("primary"))
    for value in group.take(""):
        if opens in _OPENS:
            group.add("links", value, _OPENS[opens])
        else:
            group.add("url", value, PRIMARY if chief else None)


READERS: dict[str, Reader] = {
    "titleinfo": title,
    "name": name,
    "relateditem": _related,
    "location/url": _address,
}
_TABLE = Table(ROWS | _BESIDE, IGNORED, READERS)
MODS = XmlFormat(frozenset({"mods"}), _TABLE)
