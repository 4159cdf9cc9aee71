"""MARC 21 (https://www.loc.gov/marc/bibliographic/) in MARCXML (https://www.loc.gov/standards/marcxml/).

Keys are `tag/code`; those of control fields are `tag`.
"""

from __future__ import annotations

import re

from schemas import replace
from transforms.crosswalks.engine import (
    Element,
    Group,
    Named,
    Reader,
    Table,
    Value,
    XmlFormat,
    add_contributor,
    by_attributes,
)
from transforms.draft import AUTHORITY

ROWS = {
    "020/a": "identifiers:isbn",
    "022/a": "identifiers:issn",
    "246/a": "alternative_titles",
    "247/a": "alternative_titles",
    "242/a": "alternative_titles",
    "260/b": "publishers",
    "264/b": "publishers",
    "260/c": "issued:issued",
    "264/c": "issued:issued",
    "490/a": "relations:ispartof",
    "500/a": "description",
    "505/a": "description",
    "520/a": "description",
    "521/a": "audiences levels?",
    "506/u": "license",
    "540/a": "license",
    "540/u": "license",
    "600/a": "keywords",
    "610/a": "keywords",
    "611/a": "keywords",
    "630/a": "keywords",
    "647/a": "keywords",
    "648/a": "coverage",
    "650/a": "keywords subjects?",
    "651/a": "coverage",
    "653/a": "keywords subjects?",
    "655/a": "resource_types",
    "773/t": "relations:ispartof",
    "830/a": "relations:ispartof",
    "856/q": "formats",
}
IGNORED = {
    "001": "the library system's number",
    "003": "the library system's code",
    "005": "when the metadata record was changed",
    "006": "the library system's coding",
    "007": "the library system's coding",
    "*/@ind1": "an indicator",
    "*/@ind2": "an indicator",
    "@type": "bibliographic or not",
    "@id": "a mark inside the document",
    "040/*": "who catalogued the metadata record",
    "042/*": "who catalogued the metadata record",
    "035/*": "the library system's number",
    "856/x": "a note of the library's staff",
    "856/z": "a caption of the address",
    "856/y": "a caption of the address",
    "856/3": "a caption of the address",
}
_RECORD_TYPE = f"{AUTHORITY}marc_record_type|"
_NAMED = frozenset({"tag", "code"})


def _marc_field(element: Element, name: str) -> Named | None:
    """Name a field by its tag, a subfield by its code."""
    if name not in {"datafield", "controlfield", "subfield"}:
        return None
    tag = (element.get("tag") or element.get("code") or "").strip().lower()
    return Named(tag, _NAMED) if tag else None


def title(group: Group) -> None:
    """Add field 245, the title with its remainder; its statement of responsibility repeats the names."""
    parts = group.take("a", "b", "n", "p")
    if parts:
        group.add("title", parts[0], text=" ".join(value.text for value in parts).rstrip(" /:;,"))


def _person(role: str, kind: str | None) -> Reader:
    """Return a reader of a name field with its relator and its authority."""

    def read(group: Group) -> None:
        relator = group.text("e", "4", "j").rstrip(" .,") or role
        id_ = group.text("0", "1")
        for value in group.take("a")[:1]:
            units = [unit.text for unit in group.take("b", "c")]
            if kind is None:
                name = value.text.rstrip(" ,")
            else:  # "UNESCO." "Executive Board" keeps its full stop
                name = " ".join([value.text.rstrip(" ," if units else " ,."), *units])
            add_contributor(group, replace(value, text=name), relator, kind, id_)

    return read


def _other_identifier(group: Group) -> None:
    """Add field 024, an identifier, with its source."""
    source = group.text("2") or None
    for value in group.take("a"):
        group.add("identifiers", value, source)


_KINDS_IN_008 = {"m": ("marc_computer_file", 26)} | dict.fromkeys("gkor", ("marc_visual_material", 33))


def _leader(group: Group) -> None:
    """Add the type of record, position 6 of the leader."""
    for value in group.take(""):
        group.add("resource_types", value, f"{_RECORD_TYPE}{value.text[6:7]}", text=f"leader/06 {value.text[6:7]}")


def _kind_in_008(group: Group, value: Value) -> None:
    """Add the kind of a computer file (position 26) or of visual material (33), as the leader before it says."""
    hints = [statement.hint or "" for statement in group.draft.get("resource_types")]
    record_type = next((hint[-1] for hint in hints if hint.startswith(_RECORD_TYPE)), "")
    if record_type in _KINDS_IN_008:
        authority, position = _KINDS_IN_008[record_type]
        code = value.text[position : position + 1]
        group.add("resource_types", value, f"{AUTHORITY}{authority}|{code}", text=f"008/{position} {code}")


def _fixed(group: Group) -> None:
    """Add date 1 (positions 7 to 10), language (35 to 37) and kind of field 008; the rest is the system's coding."""
    for value in group.take(""):
        _kind_in_008(group, value)
        year, language = value.text[7:11], value.text[35:38]
        if year.isdigit() and year != "9999":
            group.add("issued", value, "issued", text=year)
        if language.isalpha() and language not in {"und", "zxx"}:
            group.add("languages", value, text=language)


def languages(group: Group) -> None:
    """Add the codes of field 041: three letters each, in old records one after the other in one subfield."""
    for value in group.take("a"):
        text = value.text.strip()
        codes = re.findall("...", text, re.DOTALL) if len(text) % 3 == 0 else [text]
        for code in codes:
            group.add("languages", value, text=code)


def _address(group: Group) -> None:
    """Add the addresses of field 856; the second indicator 2 marks a related resource, and 1 another version."""
    field = "links" if group.text("@ind2") == "2" else "url"
    for value in group.take("u"):
        group.add(field, value)


def _content_type(group: Group) -> None:
    """Add the content type of field 336 by its code, else by its term."""
    codes = group.take("b")
    terms = group.take("a")
    for value in codes:
        group.add("resource_types", value, f"{AUTHORITY}rda_content|{value.text}")
    for value in terms if not codes else ():
        group.add("resource_types", value)
    group.take("2")


READERS: dict[str, Reader] = {
    "leader": _leader,
    "336": _content_type,
    "008": _fixed,
    "024": _other_identifier,
    "041": languages,
    "245": title,
    "100": _person("author", None),
    "110": _person("author", "organisation"),
    "111": _person("author", "organisation"),
    "700": _person("unknown", None),
    "710": _person("unknown", "organisation"),
    "711": _person("unknown", "organisation"),
    "720": _person("unknown", None),
    "856": _address,
}
FORMAT = XmlFormat(
    frozenset({"record"}), Table(ROWS, IGNORED, READERS), naming=_marc_field, predicates=by_attributes("tag", "code")
)
