"""What schema.org and LRMI say in terms of a list: concepts with their labels, alignments, keywords."""

from __future__ import annotations

from schemas import replace
from transforms.crosswalks.engine import Group, Reader, Value

_SCHEMES = (
    "indefinedtermset/name",
    "indefinedtermset",
    "indefinedtermset/@id",
    "indefinedtermset/url",
    "inscheme/id",
    "inscheme/@id",
)


def _hint(scheme: Value | None, number: Value | None) -> str | None:
    """Which scheme a term is of, and its URI or code there."""
    return f"{scheme.text if scheme else ''}|{number.text if number else ''}" if scheme or number else None


def concept(field: str, also: str | None = None) -> Reader:
    """A reader of a term: its label with its URI; the labels in other languages say the same."""

    def read(group: Group) -> None:
        scheme = group.first(*_SCHEMES)
        uri = group.first("@id", "id", "identifier", "thing/identifier", "url", "termcode", "notation")
        group.take("@type", "type", "termcode", "notation", *_SCHEMES)
        labels = [value for value in group.values if "/preflabel" in value.key]
        group.take(*{value.key.removeprefix(f"{group.key}/") for value in labels})
        plain = group.take("", "name", "thing/name", "term", "targetname")
        found = plain or labels[:1]
        for value in found or ([uri] if uri else []):
            language = value.key.rpartition("/preflabel/")[2] if value in labels else ""
            said = replace(value, language=language or value.language)
            group.add(field, said, _hint(scheme, uri))
            if also is not None and found:
                group.add(also, said)

    return read


_ALIGNED = {
    "educationallevel": "levels",
    "educationalsubject": "subjects",
    "educationallevelalignment": "levels",
    "complexitylevel": "difficulty",
    "teaches": "competencies",
    "assesses": "competencies",
}


def alignment(group: Group) -> None:
    """An AlignmentObject by its type; prerequisites and reading levels stay unmapped."""
    kind = group.first("alignmenttype", "alignmentobject/alignmenttype")
    field = _ALIGNED.get("".join(kind.text.lower().split()) if kind else "")
    if field is None:
        return
    framework = group.first("educationalframework", "alignmentobject/educationalframework")
    group.take("@type", "type")
    uri = group.first("targeturl", "alignmentobject/targeturl")
    names = group.take("targetname", "alignmentobject/targetname")
    group.take("targetdescription", "alignmentobject/targetdescription")
    for value in names or ([uri] if uri else []):
        group.add(field, value, _hint(framework, uri))


def keywords(group: Group) -> None:
    """One text parts its keywords with commas (https://schema.org/keywords); the entries of a list are whole."""
    for value in group.take("", "name"):
        whole = value.path.endswith("]") or value.key.endswith("/name")
        for word in [value.text] if whole else filter(None, map(str.strip, value.text.split(","))):
            group.add("keywords", value, text=word)
            group.add("subjects", value, "?", text=word)
