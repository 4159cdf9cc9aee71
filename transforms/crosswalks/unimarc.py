"""UNIMARC bibliographic records (https://www.ifla.org/unimarc/) in MARCXML: its tags have meanings of their own."""

from __future__ import annotations

from schemas import replace
from transforms.crosswalks import marcxml
from transforms.crosswalks.engine import (
    Element,
    Group,
    Reader,
    Table,
    Unreadable,
    XmlFormat,
    add_contributor,
    by_attributes,
)
from transforms.draft import AUTHORITY

ROWS = {
    "003": "identifiers url",
    "010/a": "identifiers:isbn",
    "011/a": "identifiers:issn",
    "017/a": "identifiers",
    "073/a": "identifiers",
    "101/a": "languages",
    "210/c": "publishers",
    "214/c": "publishers",
    "219/c": "publishers",
    "210/d": "issued:issued",
    "214/d": "issued:issued",
    "219/d": "issued:issued",
    "225/a": "relations:ispartof",
    "300/a": "description",
    "327/a": "description",
    "330/a": "description",
    "333/a": "audiences levels?",
    "371/a": "license",
    "371/u": "license",
    "410/t": "relations:ispartof",
    "461/t": "relations:ispartof",
    "463/t": "relations:ispartof",
    "464/t": "relations:haspart",
    "510/a": "alternative_titles",
    "512/a": "alternative_titles",
    "517/a": "alternative_titles",
    "541/a": "alternative_titles",
    "608/a": "resource_types",
    "610/a": "keywords subjects?",
    "856/q": "formats",
}
IGNORED = {
    "001": "the library system's number",
    "005": "when the metadata record was changed",
    "100/*": "the library system's coding",
    "105/*": "the library system's coding",
    "106/*": "the library system's coding",
    "*/@ind1": "an indicator",
    "*/@ind2": "an indicator",
    "@type": "bibliographic or not, and whose MARC",
    "@format": "whose MARC",
    "@id": "a mark inside the document",
    "801/*": "who catalogued the metadata record",
    "035/*": "the library system's number",
    "856/x": "a note of the library's staff",
    "200/f": "a statement of responsibility, which repeats the names",
    "200/g": "a statement of responsibility, which repeats the names",
}
_RELATORS = {  # UNIMARC's code (appendix C): MARC's, which our list of roles has
    "010": "adp",
    "070": "aut",
    "080": "aui",
    "205": "ctb",
    "220": "com",
    "300": "drt",
    "340": "edt",
    "440": "ill",
    "600": "pht",
    "650": "pbl",
    "651": "edt",
    "727": "ths",
    "730": "trl",
}


_BEFORE = {"200/e": " : ", "200/h": ". ", "200/i": ". "}  # what ISBD writes before a part of the title


def _title(group: Group) -> None:
    """Add a title with its remainder and part, and its parallel titles."""
    parallel = group.take("d")
    parts = group.take("a", "e", "h", "i")
    whole = "".join(f"{_BEFORE.get(value.key, ' ')}{marcxml.without_isbd(value.text)}" for value in parts)
    if text := marcxml.without_isbd(whole):
        group.add("title", parts[0], text=text)
    for value in parallel:
        group.add("alternative_titles", value, text=marcxml.without_isbd(value.text))


_MARC_TYPES = frozenset("acdefgijk")  # types of record (position 6 of the leader) that mean what they do in MARC 21


def _leader(group: Group) -> None:
    """Add the type of record where MARC 21 has the same; the rest is the library system's coding."""
    for value in group.take(""):
        if (code := value.text[6:7]) in _MARC_TYPES:
            group.add("resource_types", value, f"{AUTHORITY}marc_record_type|{code}", text=f"leader/06 {code}")


def _date(group: Group) -> None:
    """Add date 1 of the coded data (positions 9 to 12 of field 100); the rest is the library system's coding."""
    for value in group.take("a"):
        year = value.text[9:13]
        if year.isdigit() and year != "9999" and value.text[:8].isdigit():
            group.add("issued", value, "issued", text=year)


def _person(role: str, kind: str | None) -> Reader:
    """Return a reader of a name field: the entry, the rest of a person's name or the units of an organisation."""

    def read(group: Group) -> None:
        code = group.text("4")
        id_ = group.text("3", "o")
        rest = [value.text for value in group.take("b")]
        group.take("f", "c")
        for value in group.take("a")[:1]:
            between = ", " if kind == "person" else " "
            name = between.join(filter(None, [marcxml.without_isbd(value.text), *rest]))
            text = marcxml.without_isbd(name)
            add_contributor(group, replace(value, text=text), _RELATORS.get(code, code) or role, kind, id_)

    return read


def _other_form(kind: str) -> Reader:
    """Return a reader of a linking entry: the address, ISBN, title or record of another form of the work."""
    return marcxml.other_form(kind, "u", "y", "t", "0", "3")


def _check(root: Element) -> None:
    """Raise Unreadable for MARC 21, which has the same elements with other meanings, and for what check_root names."""
    marcxml.check_root(root)
    tags = marcxml.tags_of(root)
    if "245" in tags and "200" not in tags:
        raise Unreadable(
            "the record is MARC 21 (its title is in field 245, and none in 200), not UNIMARC; "
            'set format = "marcxml" in the feed file'
        )


READERS: dict[str, Reader] = {
    "leader": _leader,
    "100": _date,
    "200": _title,
    "451": _other_form("otheredition"),  # in the same medium
    "452": _other_form("hasformat"),  # in another medium
    "453": _other_form("hastranslation"),
    "454": _other_form("istranslationof"),
    "600": marcxml.heading("keywords:whole"),
    "601": marcxml.heading("keywords:whole"),
    "604": marcxml.heading("keywords:whole"),
    "605": marcxml.heading("keywords:whole"),
    "606": marcxml.heading("keywords:whole subjects?"),
    "607": marcxml.heading("coverage"),
    "700": _person("author", "person"),
    "701": _person("author", "person"),
    "702": _person("unknown", "person"),
    "710": _person("author", "organisation"),
    "711": _person("author", "organisation"),
    "712": _person("unknown", "organisation"),
    "856": marcxml.address,
}
FORMAT = XmlFormat(
    frozenset({"record"}),
    Table(ROWS, IGNORED, READERS),
    naming=marcxml.marc_field,
    predicates=by_attributes("tag", "code"),
    check=_check,
)
