"""IEEE LOM 1484.12.1 in every binding met: 1484.12.3, loose, IMS MD 1.2.1, langstring, OBAA, LRE, misspelt cases.

Keys are lower-cased local names without the wrappers `string`, `langstring` and `vcard`.
"""

from __future__ import annotations

import re

from schemas import Leaf
from transforms.crosswalks.engine import Group, Reader, Table, Value, XmlFormat, add_contributor
from transforms.draft import IF_KNOWN

ROWS = {
    "general/title": "title",
    "title": "title",
    "general/language": "languages",
    "general/description": "description",
    "general/keyword": "keywords subjects?",
    "general/keywords": "keywords subjects?",
    "general/coverage": "coverage",
    "technical/format": "formats",
    "technical/location": "url",
    "technical/thumbnail": "links:thumbnail",
    "technical/thumbnail/url": "links:thumbnail",
    "technical/thumbnail/location": "links:thumbnail",
    "educational/typicalagerange": "age_range",
    "educational/typicallearningtime": "typical_learning_time",
    "educational/typicallearningtime/duration": "typical_learning_time",
    "educational/typicallearningtime/datetime": "typical_learning_time",
    "rights/description": "license",
    "rights/url": "license",
    "general/obaatitle": "title",
    "general/obaadescription": "description",
    "general/obaakeyword": "keywords subjects?",
    "general/obaalanguage": "languages",
    "general/obaaidentifier": "identifiers",
    "general/obaaentity": "contributors:unknown",
    "general/obaadate": "issued",
    "general/obaalearningresourcetype": "resource_types",
    "general/obaaformat": "formats",
    "general/obaarightsdescription": "license",
    "rights/license": "license",
}
IGNORED = {
    "*/@uniqueelementname": "a mark for schema validation",
    "metametadata/*": "about the metadata record, not about the resource",
    "metametadata": "about the metadata record, not about the resource",
    "metadata/*": "about the metadata record, not about the resource",
    "technical/location/@type": "whether the location is a URI or a text",
    "schema": "the name of the metadata schema",
    "schemaversion": "the version of the metadata schema",
}
_NOT_A_STATEMENT = re.compile(
    r"(?:https?://\S+/)?(?:yes|no|true|false|sim|nao|não|oui|non|si|sí)(?:_\d)?", re.IGNORECASE
)
_CHANGES = ("modif", "updat", "revis")


def _listed(field: str, also: str | None = None) -> Reader:
    """A reader of a term of a list: its value or label with its URI; which list it is of stands beside it."""

    def read(group: Group) -> None:
        uri = group.first("id")
        labels = group.take("value", "") or group.take("entry", "label") or ([uri] if uri else [])
        for value in labels:
            group.add(field, value, f"|{uri.text}" if uri else None)
            if also is not None:
                group.add(also, value, IF_KNOWN)
        group.take("source", "entry", "label")

    return read


def identifier(group: Group) -> None:
    """An identifier with its catalogue; IMS writes it as text."""
    scheme = group.first("catalog")
    for value in group.take("entry", "entry/value", ""):
        group.add("identifiers", value, scheme.text if scheme else None)


def contribute(group: Group) -> None:
    """Who, in which role, and when; the date of a publisher is the date of issue."""
    role = group.first("role/value", "role")
    group.take("role/source", "role/label", "role/id")
    said = role.text if role else "unknown"
    for value in group.take("entity", "centity", "centity/vcard", "entity/vcard", "entity/value"):
        add_contributor(group, value, said)
    note = group.first("date/description", "date/description/value")
    for value in group.take("date", "date/datetime", "date/value"):
        changed = note is not None and note.text.lower().startswith(_CHANGES)
        if changed or said.lower() in {"editor", "validator", "terminator"}:
            group.add("modified", value)
        else:
            group.add("issued", value, _qualifier(said, note))


def _qualifier(role: str, note: Value | None) -> str | None:
    if role.lower() == "publisher":
        return "issued"
    if role.lower() in {"author", "initiator", "content provider"}:
        return "created"
    return note.text if note is not None and len(note.text) < 40 else None


def classification(group: Group) -> None:
    """Taxon paths by purpose: disciplines, levels and competencies; the others stay unmapped."""
    said = [
        found for name in ("purpose/value", "purpose", "purpose/label", "purpose/id") if (found := group.first(name))
    ]
    group.take("purpose/source")
    field = next((_PURPOSES[key] for one in said if (key := _purpose(one)) in _PURPOSES), None) if said else "subjects"
    if field is None:
        return
    for path in group.groups("taxonpath"):
        source = path.first("source", "source/value")
        scheme = source.text if source else ""
        for taxon in _taxons(path):
            number = taxon.first("id", "id/value")
            entries = taxon.take("entry", "entry/value")
            for value in entries:
                taxon.add(field, value, f"{scheme}|{number.text if number else ''}")
            if number is not None and not entries:
                taxon.add(field, number, f"{scheme}|{number.text}")
    for value in group.take("keyword", "keyword/value"):
        group.add("keywords", value)


def _purpose(said: Value) -> str:
    """A purpose as PURPOSES has it: in lower case, the last part of a URI ("…/concept/educational_level")."""
    return " ".join(said.text.lower().rpartition("/")[2].replace("_", " ").split())


def _taxons(path: Group) -> list[Group]:
    """The taxons of a path from broad to narrow, listed or (in IMS 1.1) nested."""
    found = []
    for taxon in path.groups("taxon"):
        found.append(taxon)
        found.extend(_taxons(taxon))
    return found


_PURPOSES = {
    "discipline": "subjects",
    "idea": "subjects",
    "educational level": "levels",
    "school level": "levels",
    "competency": "competencies",
    # ScoLOMFR and LOM-ES, in their own words
    "domaine d'enseignement": "subjects",
    "enseignement": "subjects",
    "niveau éducatif détaillé": "levels",
    "compétence": "competencies",
    "disciplina": "subjects",
    "nivel educativo": "levels",
    "competencia": "competencies",
}


def relation(group: Group) -> None:
    """What the resource is related to; a thumbnail or preview is a link."""
    kind = group.first("kind/value", "kind")
    group.take("kind/source", "kind/label", "kind/id")
    said = "".join(kind.text.lower().split()) if kind else ""
    target = group.first(
        "resource/identifier/entry", "resource/catalogentry/entry", "resource/identifier/value", "resource/identifier"
    )
    group.take("resource/identifier/catalog", "resource/catalogentry/catalog")
    if target is None:
        target = group.first("resource/description", "resource")
    if said in {"hasthumbnail", "thumbnail", "haspreview", "preview"}:
        group.add("links", target, "thumbnail" if "thumb" in said else "preview")
    else:
        group.add("relations", target, said or "references")


def _copyright_statement(group: Group) -> None:
    """LOM's yes or no says nothing of which licence; LOM-ES and others put the licence itself here."""
    group.take("source", "label", "id")
    for value in group.take("", "value"):
        if _NOT_A_STATEMENT.fullmatch(value.text):
            group.ignore(value, "whether any restriction applies, not which")
        else:
            group.add("license", value)


def _leaf(value: Value) -> Leaf:
    return Leaf(path=value.path, value=value.text)


READERS: dict[str, Reader] = {
    "educational/interactivitytype": _listed("interactivity_type"),
    "educational/learningresourcetype": _listed("resource_types"),
    "educational/intendedenduserrole": _listed("audiences"),
    "educational/context": _listed("contexts", also="levels"),
    "educational/difficulty": _listed("difficulty"),
    "rights/cost": _listed("cost"),
    "general/identifier": identifier,
    "general/catalogentry": identifier,
    "identifier": identifier,
    "lifecycle/contribute": contribute,
    "contribute": contribute,
    "classification": classification,
    "relation": relation,
    "rights/copyrightandotherrestrictions": _copyright_statement,
}
_TAXONS = ["classification/taxonpath" + "/taxon" * depth for depth in range(16)]

_TABLE = Table(ROWS, IGNORED, READERS, _TAXONS)
FORMAT = XmlFormat(frozenset({"lom", "czp", "obaa"}), _TABLE, transparent=frozenset({"string", "langstring", "vcard"}))
