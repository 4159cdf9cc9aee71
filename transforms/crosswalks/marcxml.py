"""MARC 21 (https://www.loc.gov/marc/bibliographic/) in MARCXML (https://www.loc.gov/standards/marcxml/).

Keys are `tag/code`; those of control fields are `tag`. Field 880 has the key of the field that it holds in the original
script, and the field in Latin script that it belongs to has `romanised/` before its own (appendix A of the format).
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
    Unreadable,
    Value,
    XmlFormat,
    add_contributor,
    by_attributes,
    local_name,
)
from transforms.draft import AUTHORITY, PERSONAL, PRIMARY, WHOLE

ROWS = {
    "020/a": "identifiers:isbn",
    "022/a": "identifiers:issn",
    "046/j": "modified",
    "500/a": "description",
    "505/a": "description",
    "520/a": "description",
    "506/u": "license",
    "540/a": "license",
    "540/u": "license",
    "648/a": "coverage",
    "653/a": "keywords subjects?",
    "655/a": "resource_types",
    "658/a": "competencies",
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
    "romanised/*": "the Latin transcription of a name, which field 880 holds in its own script",
    "*/6": "links a field with field 880, its original script",
    "040/*": "who catalogued the metadata record",
    "042/*": "who catalogued the metadata record",
    "035/*": "the library system's number",
    "856/x": "a note of the library's staff",
}
_OAI_IGNORED = {
    "*/@i1": "an indicator",
    "*/@i2": "an indicator",
    "@status": "the library system's coding",
    "@level": "the library system's coding",
    "@enclvl": "the library system's coding",
    "@catform": "the library system's coding",
}
_RECORD_TYPE = f"{AUTHORITY}marc_record_type|"
_NAMED = frozenset({"tag", "code"})
_TRANSCRIBED = "und-Latn"  # the language of a transcription: the record's, which its field does not say
_OAI_NAMED = frozenset({"id", "label"})
_NAMING_ATTRIBUTES = {  # of an element in MARCXML, and in OAI's older oai_marc
    "datafield": "tag",
    "controlfield": "tag",
    "subfield": "code",
    "varfield": "id",
    "fixfield": "id",
}
_FIELDS = frozenset({"datafield", "varfield"})
_MARC_NAMESPACE = re.compile(r"marc|openarchives\.org", re.IGNORECASE)
_MAX_NAMESPACE_CHARS = 200  # in a sentence
_LINK = re.compile(r"(\d{3})-(\d{2})")  # of subfield 6: the tag of the other field, and the number of the pair
# fields of which one form is enough: the original script's; every other one is read in both
_ONE_FORM = frozenset({"100", "110", "111", "700", "710", "711", "720", "245", "246", "260", "264", "490", "830"})
_ONCE = frozenset({"100", "110", "111", "245"})  # fields that are not repeatable


def marc_field(element: Element, name: str) -> Named | None:
    """Name a field by its tag, a subfield by its code."""
    if name not in _NAMING_ATTRIBUTES:
        return None
    attribute = _NAMING_ATTRIBUTES[name]
    if name == "subfield" and attribute not in element.attrib:
        attribute = "label"
    tag = (element.get(attribute) or "").strip().lower()
    named = _NAMED if attribute in _NAMED else _OAI_NAMED
    if name not in _FIELDS:
        return Named(tag, named) if tag else None
    return Named(_field_name(element, tag), named)


def _field_name(element: Element, tag: str) -> str:
    """Return the name of a field: of an original script that of the field it is for."""
    if tag == "880":
        link = _link(element)
        return tag if link is None else link[0]
    return f"romanised/{tag}" if tag in _ONE_FORM and _is_transcription(element, tag) else tag


def _is_transcription(element: Element, tag: str) -> bool:
    """Tell whether a field 880 holds the original script of this field, which subfield 6 links it with.

    A field that a record has once needs no number to be linked.
    """
    parent, link = element.getparent(), _link(element)
    if parent is None or (link is None and tag not in _ONCE):
        return False
    originals = [_link(other) for other in parent if _tag(other) == "880"]
    if tag in _ONCE:
        return any(original is not None and original[0] == tag for original in originals)
    return link is not None and (tag, link[1]) in originals


def _tag(element: Element) -> str:
    return element.get("tag") or element.get("id") or ""


def _link(field: Element) -> tuple[str, str] | None:
    """Return the tag and number in a field's subfield 6, which is its first one."""
    if not len(field) or "6" not in (field[0].get("code"), field[0].get("label")):
        return None
    match = _LINK.match((field[0].text or "").strip())
    return (match[1], match[2]) if match else None


_SORTING_MARKS = re.compile("[\x88\x89\x98\x9c]")  # around an article that is not filed
_ABBREVIATIONS = frozenset(
    {
        "etc",
        "inc",
        "ltd",
        "vol",
        "dept",
        "corp",
        "sen",
        "esq",
        "rev",
        "bros",
        "assoc",
        "univ",
        "abt",
        "hrsg",
        "ed",
        "eds",
    }
)


def without_isbd(text: str) -> str:
    """Return a text without the punctuation of ISBD that leads to the next subfield, and without a last full stop.

    The full stop of an initial or an abbreviation stays.
    """
    text = _SORTING_MARKS.sub("", text).strip().rstrip(" /:;,=")
    if not text.endswith(".") or text.endswith(".."):
        return text
    word = re.split(r"[\s.,\-]", text[:-1])[-1]
    is_short = len(word) < 3 and word.lower() != word.upper()  # of letters with case: other scripts have no initials
    return text if is_short or "." in text.split()[-1][:-1] or word.lower() in _ABBREVIATIONS else text[:-1]


def title(group: Group) -> None:
    """Add a title with its remainder, and parallel titles; its statement of responsibility repeats the names."""
    _titles(group, "title")


def _transcribed_title(group: Group) -> None:
    """Add the Latin transcription of a title as an alternative title."""
    group.values = [replace(value, language=_TRANSCRIBED) for value in group.values]
    _titles(group, "alternative_titles")


def _titles(group: Group, field: str) -> None:
    named = group.take("a", "b", "h")
    numbers = group.take("n", "p")
    numbered = [value.text for value in numbers]
    first, *parallel = re.split(r"\s=\s", " ".join(filter(None, map(_title_part, named))))
    if text := without_isbd(" ".join(filter(None, [without_isbd(first) if numbered else first, *numbered]))):
        group.add(field, (named or numbers)[0], text=text)
    for title_ in filter(None, map(without_isbd, parallel)):
        group.add("alternative_titles", named[0], text=title_)


def _title_part(value: Value) -> str:
    """Return the text of a subfield; of the medium ($h, "[electronic resource] :") what leads to the next one."""
    if not value.key.endswith("/h"):
        return value.text
    return value.text[-1] if value.text[-1] in ":=" else ""


def _clean(row: str, code: str = "a") -> Reader:
    """Return a reader of a subfield without the punctuation of ISBD."""

    def read(group: Group) -> None:
        for value in group.take(code):
            group.map(row, value, without_isbd(value.text))

    return read


def _varying_title(group: Group) -> None:
    """Add another title with its remainder."""
    parts = group.take("a", "b", "n", "p")
    if text := without_isbd(" ".join(value.text for value in parts)):
        group.add("alternative_titles", parts[0], text=text)


_DATES_BY_FUNCTION = {"": "issued", "1": "issued", "4": "copyright"}  # second indicator of field 264


def _publication(group: Group) -> None:
    """Add publisher and date; of field 264 those of publication and copyright, not of printing and distribution."""
    date_type = _DATES_BY_FUNCTION.get(group.text("@ind2", "@i2") if group.key.endswith("264") else "")
    if date_type is None:
        return
    for value in group.take("b"):
        group.add("publishers", value, text=without_isbd(value.text))
    for value in group.take("c"):
        group.add("issued", value, date_type)


def heading(row: str) -> Reader:
    """Return a reader of a subject heading: the term, the whole with its subdivisions, places and periods, the form."""

    def read(group: Group) -> None:
        group.take("2", "0", "1", "3", "d")
        names = group.take("a", "b", "c", "t", "n", "p")
        topics, places, periods, forms = (group.take(code) for code in "xzyv")
        term = without_isbd(" ".join(value.text for value in names))
        if names and term:
            group.map(row, names[0], term)
        if topics:
            parts = [term, *(value.text for value in topics)]
            group.add("keywords", topics[0], WHOLE, _subdivided(parts))
        for value in (*places, *periods):
            group.add("coverage", value, text=without_isbd(value.text))
        for value in forms:
            group.map("resource_types?", value, without_isbd(value.text))

    return read


def _subdivided(parts: list[str]) -> str:
    """Return a heading with its subdivisions, as catalogues show it."""
    return " -- ".join(text for part in parts if (text := without_isbd(part)))


def _person(role: str, kind: str | None) -> Reader:
    """Return a reader of a name field with its relator and its authority."""

    def read(group: Group) -> None:
        if (works := group.take("t")) and (names := group.take("a")):
            _contained_work(group, names[0], works[0])
            return
        relator = group.text("e", "4", "j").rstrip(" .,") or role
        id_ = group.text("0", "1")
        for value in group.take("a")[:1]:
            units = [unit.text for unit in group.take("b", "c")]
            if kind is None:
                name = without_isbd(value.text)
            else:  # "UNESCO." "Executive Board" keeps its full stop
                name = " ".join([value.text.rstrip(" ,") if units else without_isbd(value.text), *units])
            add_contributor(group, replace(value, text=name), relator, kind, id_)

    return read


def _contained_work(group: Group, name: Value, work: Value) -> None:
    """Add a work that a name with a title calls: a part of this one (second indicator 2), or a related one."""
    relation = "haspart" if group.text("@ind2", "@i2") == "2" else "references"
    group.add("relations", work, relation, f"{without_isbd(name.text)}. {without_isbd(work.text)}")


def _meeting(role: str) -> Reader:
    """Return a reader of a meeting's name with its unit ($e), and its relator ($j); number, date and place stay."""

    def read(group: Group) -> None:
        relator = group.text("j", "4").rstrip(" .,") or role
        units = [without_isbd(unit.text) for unit in group.take("e")]
        for value in group.take("a")[:1]:
            name = ". ".join([without_isbd(value.text.rstrip(" (")), *units])
            add_contributor(group, replace(value, text=name), relator, "organisation", None)

    return read


def _other_identifier(group: Group) -> None:
    """Add field 024, an identifier, with its source."""
    source = group.text("2") or None
    for value in group.take("a"):
        group.add("identifiers", value, source)


_MONTH_AND_DAY = re.compile(r"(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?")
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
            group.add("issued", value, "issued", text=year + _day_in_008(value.text))
        if language.isalpha() and language not in {"und", "zxx"}:
            group.add("languages", value, text=language)


def _day_in_008(field: str) -> str:
    """Return month and day of a detailed date (position 6 is e), which are in the place of date 2: "-06-02"."""
    day = _MONTH_AND_DAY.match(field[11:15]) if field[6:7] == "e" else None
    return "".join(f"-{part}" for part in day.groups() if part) if day else ""


def _quoted_fixed(group: Group) -> None:
    """Add what field 008 says; oai_marc writes it in quotation marks."""
    group.values = [replace(value, text=value.text.strip('"')) for value in group.values]
    _fixed(group)


def languages(group: Group) -> None:
    """Add the codes of field 041: three letters each, in old records one after the other in one subfield.

    Those of another list, which subfield 2 names (rfc5646), are each as they are.
    """
    is_of_marc = not group.text("2")
    for value in group.take("a"):
        text = value.text.strip()
        codes = re.findall("...", text, re.DOTALL) if is_of_marc and len(text) % 3 == 0 else [text]
        for code in codes:
            group.add("languages", value, text=code)


def _audience(group: Group) -> None:
    """Add field 521: an age (first indicator 1), or whom the resource is for and at which level."""
    row = "age_range" if group.text("@ind1", "@i1") == "1" else "audiences levels?"
    for value in group.take("a"):
        group.map(row, value)


def _host(group: Group) -> None:
    """Add the work that this one is part of: its title, else its address."""
    titles = group.take("t")
    addresses = [] if titles else group.take("u")
    for value in titles:
        group.map("relations:ispartof", value, without_isbd(value.text))
    for value in addresses:
        group.map("relations:ispartof", value)


_RELATED_CAPTION = re.compile(  # of an address that leads to a part or a review of the resource
    r"table of contents|contributor biograph|publisher description|cover|review|inhalt|umschlag|rezension|sommaire"
    r"|table des mati|couverture|compte rendu|índice|indice|sumario|sumário|portada|обложка|оглавление|рецензия"
    r"|غلاف|المحتويات|目次|目录",
    re.IGNORECASE,
)


def address(group: Group) -> None:
    """Add the addresses of field 856: the resource's, those of another version, and what it is related to.

    The second indicator says which; a caption such as "Table of contents" says so where it does not. The first
    indicator 0 marks an e-mail address.
    """
    access, relation = group.text("@ind1", "@i1"), group.text("@ind2", "@i2")
    captions = group.take("3", "y", "z")
    is_related = relation == "2" or any(_RELATED_CAPTION.search(caption.text) for caption in captions)
    for value in group.take("u"):
        if access == "0" or value.text.lower().startswith("mailto:"):
            group.ignore(value, PERSONAL)
        elif is_related:
            group.add("relations", value, "references")
        else:
            group.add("url", value, PRIMARY if relation == "0" else None)


def other_form(kind: str, *codes: str) -> Reader:
    """Return a reader of a linking entry for another form of the work: its identifier, else its title.

    `codes` are the subfields, the surest first.
    """

    def read(group: Group) -> None:
        value = group.first(*codes)
        group.add("relations", value, kind, text=without_isbd(value.text) if value else None)

    return read


_LINKING = ("u", "z", "o", "t", "w")  # address, ISBN, other number, title, control number


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
    "242": _varying_title,
    "245": title,
    "romanised/245": _transcribed_title,
    "romanised/246": _varying_title,
    "246": _varying_title,
    "247": _varying_title,
    "260": _publication,
    "264": _publication,
    "490": _clean("relations:ispartof"),
    "600": heading("keywords:whole"),
    "610": heading("keywords:whole"),
    "611": heading("keywords:whole"),
    "630": heading("keywords:whole"),
    "647": heading("keywords:whole"),
    "650": heading("keywords:whole subjects?"),
    "651": heading("coverage"),
    "521": _audience,
    "773": _host,
    "765": other_form("istranslationof", *_LINKING),
    "767": other_form("hastranslation", *_LINKING),
    "774": other_form("haspart", *_LINKING),
    "775": other_form("otheredition", *_LINKING),
    "776": other_form("hasformat", *_LINKING),
    "787": other_form("references", *_LINKING),
    "830": _clean("relations:ispartof"),
    "100": _person("author", None),
    "110": _person("author", "organisation"),
    "111": _meeting("author"),
    "700": _person("unknown", None),
    "710": _person("unknown", "organisation"),
    "711": _meeting("unknown"),
    "720": _person("unknown", None),
    "856": address,
}


def _check(root: Element) -> None:
    """Raise Unreadable for UNIMARC, which has the same elements with other meanings, and for what check_root names."""
    check_root(root)
    tags = tags_of(root)
    if "200" in tags and "245" not in tags:
        raise Unreadable(
            "the record is UNIMARC (its title is in field 200, and none in 245), not MARC 21; "
            'set format = "unimarc" in the feed file'
        )


def check_root(root: Element) -> None:
    """Raise Unreadable for another schema's record, and for one that its leader (position 5) marks as deleted."""
    namespace = str(root.tag).rpartition("}")[0].lstrip("{")
    if namespace and not _MARC_NAMESPACE.search(namespace):
        raise Unreadable(
            f"the payload is <{local_name(root.tag)}> of {namespace[:_MAX_NAMESPACE_CHARS]}, which is no MARC"
        )
    if root.get("status") == "d" or (root.findtext("{*}leader") or "").strip()[5:6] == "d":
        raise Unreadable("the record is marked as deleted (its status, position 5 of the leader, is d)")


def tags_of(root: Element) -> set[str]:
    """Return the tags of a record's fields."""
    return {_tag(child) for child in root if isinstance(child.tag, str) and local_name(child.tag) in _FIELDS}


_TABLE = Table(ROWS, IGNORED, READERS)
FORMAT = XmlFormat(
    frozenset({"record"}), _TABLE, naming=marc_field, predicates=by_attributes("tag", "code"), check=_check
)
OAI_MARC = XmlFormat(  # http://www.openarchives.org/OAI/1.1/oai_marc.xsd
    frozenset({"oai_marc"}),
    Table(
        ROWS | {"@type": f"resource_types:{_RECORD_TYPE}"},
        {key: reason for key, reason in IGNORED.items() if key != "@type"} | _OAI_IGNORED,
        READERS | {"008": _quoted_fixed},
    ),
    naming=marc_field,
    predicates=by_attributes("id", "label"),
    check=_check,
)
