"""IEEE LOM (1484.12.1) in the bindings that partners use: 1484.12.3 strict and loose, IMS MD 1.2.1, OBAA, LRE.

https://standards.ieee.org/ieee/1484.12.1/7699/ · https://www.imsglobal.org/metadata/

Keys are lower-cased local names without the wrappers `string`, `langstring` and `vcard`.
"""

from __future__ import annotations

import re

from transforms.crosswalks.engine import Group, Reader, Table, XmlFormat, add_contributor
from transforms.draft import ABOVE, IF_KNOWN

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
_YES_OR_NO = re.compile(r"(?:https?://\S+/)?(?:yes|no|true|false|sim|nao|não|oui|non|si|sí)(?:_\d)?", re.IGNORECASE)
_CHANGES = ("modif", "updat", "revis")  # how the description of a date of modification begins
_ROLES_OF_CHANGES = frozenset({"editor", "validator", "terminator"})
_MAX_QUALIFIER_CHARS = 40


def _listed(field: str, also: str | None = None) -> Reader:
    """Return a reader of a term of a list: its value or label with its URI."""

    def read(group: Group) -> None:
        uri = group.first("id")
        labels = group.take("value", "") or group.take("entry", "label") or ([uri] if uri else [])
        if uri is None and len(labels) == 1 and "://" in labels[0].text:  # ScoLOMFR: the URI, and a label beside it
            uri, labels = labels[0], group.take("label") or labels
        for value in labels:
            group.add(field, value, f"|{uri.text}" if uri else None)
            if also is not None:
                group.add(also, value, IF_KNOWN)
        group.take("source", "entry", "label")

    return read


def identifier(group: Group) -> None:
    """Add an identifier with its catalogue; IMS writes it as text."""
    scheme = group.text("catalog") or None
    for value in group.take("entry", "entry/value", ""):
        group.add("identifiers", value, scheme)


def contribute(group: Group) -> None:
    """Add who took part in which role, and when; the date of a publisher is the date of issue."""
    role = group.text("role/value", "role") or "unknown"
    group.take("role/source", "role/label", "role/id")
    for value in group.take("entity", "centity", "centity/vcard", "entity/vcard", "entity/value"):
        add_contributor(group, value, role)
    note = group.text("date/description", "date/description/value")
    is_change = note.lower().startswith(_CHANGES) or role.lower() in _ROLES_OF_CHANGES
    for value in group.take("date", "date/datetime", "date/value"):
        if is_change:
            group.add("modified", value)
        else:
            group.add("issued", value, _qualifier(role, note))


def _qualifier(role: str, note: str) -> str | None:
    if role.lower() == "publisher":
        return "issued"
    if role.lower() in {"author", "initiator", "content provider"}:
        return "created"
    return note if note and len(note) < _MAX_QUALIFIER_CHARS else None


def classification(group: Group) -> None:
    """Add taxon paths by purpose: disciplines, levels and competencies; others stay unmapped."""
    texts = [group.text(name) for name in ("purpose/value", "purpose", "purpose/label", "purpose/id")]
    group.take("purpose/source")
    fields = [_FIELDS.get(_purpose(text)) for text in texts if text] or ["subjects"]
    field = next(filter(None, fields), None)
    if field is None:
        return
    for path in group.groups("taxonpath"):
        _add_path(path, field)
    for value in group.take("keyword", "keyword/value"):
        group.add("keywords", value)


def _add_path(path: Group, field: str) -> None:
    """Add the taxons of a path; of subjects, those above the narrowest say where it stands."""
    scheme = path.text("source", "source/value")
    taxons = _taxons(path)
    for taxon in taxons:
        is_above = field == "subjects" and taxon is not taxons[-1]
        _add_taxon(taxon, field, f"{ABOVE if is_above else ''}{scheme}")


def _purpose(text: str) -> str:
    """Return a purpose as _FIELDS has it: in lower case, of a URI its last part ("…/concept/educational_level")."""
    return " ".join(text.lower().rpartition("/")[2].replace("_", " ").split())


def _taxons(path: Group) -> list[Group]:
    """Return the taxons of a path from broad to narrow, listed or (in IMS 1.1) nested."""
    return [inner for taxon in path.groups("taxon") for inner in (taxon, *_taxons(taxon))]


def _add_taxon(taxon: Group, field: str, scheme: str) -> None:
    """Add a taxon's entries, or else its number."""
    number = taxon.first("id", "id/value")
    entries = taxon.take("entry", "entry/value") or ([number] if number else [])
    for value in entries:
        taxon.add(field, value, f"{scheme}|{number.text if number else ''}")


_FIELDS = {  # the purpose of a classification: our field
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
    """Add what the resource is related to; a thumbnail or preview is a link."""
    kind = "".join(group.text("kind/value", "kind").lower().split())
    group.take("kind/source", "kind/label", "kind/id")
    target = group.first(
        "resource/identifier/entry", "resource/catalogentry/entry", "resource/identifier/value", "resource/identifier"
    )
    group.take("resource/identifier/catalog", "resource/catalogentry/catalog")
    if target is None:
        target = group.first("resource/description", "resource")
    if kind in {"hasthumbnail", "thumbnail", "haspreview", "preview"}:
        group.add("links", target, "thumbnail" if "thumb" in kind else "preview")
    else:
        group.add("relations", target, kind or "references")


def _restrictions(group: Group) -> None:
    """Add the licence that LOM-ES and others put here; LOM's own yes or no does not tell which licence it is."""
    group.take("source", "label", "id")
    for value in group.take("", "value"):
        if _YES_OR_NO.fullmatch(value.text):
            group.ignore(value, "whether any restriction applies, not which")
        else:
            group.add("license", value)


READERS: dict[str, Reader] = {
    "educational/interactivitytype": _listed("interactivity_type"),
    "educational/learningresourcetype": _listed("resource_types"),
    "general/documenttype": _listed("resource_types"),  # LOM-FR
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
    "rights/copyrightandotherrestrictions": _restrictions,
}
_TAXONS = ["classification/taxonpath" + "/taxon" * depth for depth in range(16)]

_TABLE = Table(ROWS, IGNORED, READERS, _TAXONS)
FORMAT = XmlFormat(frozenset({"lom", "czp", "obaa"}), _TABLE, transparent=frozenset({"string", "langstring", "vcard"}))
