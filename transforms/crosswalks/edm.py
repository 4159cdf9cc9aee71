"""The Europeana Data Model as RDF/XML: one `edm:ProvidedCHO` (the work) and its `ore:Aggregation` (its addresses).

https://pro.europeana.eu/page/edm-documentation
What the work names by `rdf:resource` (an edm:Agent, skos:Concept, edm:TimeSpan, edm:Place, edm:WebResource) is read
where it is named. Keys of the provider's `ore:Proxy`, in which Europeana hands a work on, are those of the work.
"""

from __future__ import annotations

from transforms.crosswalks import dublin_core
from transforms.crosswalks.engine import (
    Element,
    Group,
    Named,
    Reader,
    References,
    Table,
    Unreadable,
    Value,
    XmlFormat,
    add_contributor,
    local_name,
)
from transforms.draft import AUTHORITY, PRIMARY

_EDM = "{http://www.europeana.eu/schemas/edm/}"
_WORK = "providedcho"
_TEXTS = frozenset({"title", "alternative", "description", "abstract", "tableofcontents", "identifier", "language"})
_TERMS = frozenset({"format", "medium", "modified", "rights", "license", "audience", "educationlevel", "conformsto"})
_RELATED = {
    name: row.removeprefix("relations:") for name, row in dublin_core.ROWS.items() if row.startswith("relations:")
} | {
    "isderivativeof": "isbasedon",
    "issuccessorof": "isversionof",
    "isrelatedto": "references",
    "isnextinsequence": "references",
}
_DATES = {"date": None, "issued": "issued", "created": "created"}
_NO_FURTHER_LABELS = "a further label of what the work names"
_UNNAMED = "another object of the record, which the work does not name"
ROWS = {f"{_WORK}/{name}": dublin_core.ROWS[name] for name in _TEXTS | _TERMS} | {
    f"{_WORK}/rights/@resource": "license",
    f"{_WORK}/license/@resource": "license",
    f"{_WORK}/language/@resource": "languages",
    "europeanaaggregation/preview/@resource": "links:thumbnail",
}
IGNORED = {
    f"{_WORK}/@about": "the record's own name for the work; dc:identifier and the aggregation say what others call it",
    f"{_WORK}/proxyfor/*": "which work a proxy stands for",
    f"{_WORK}/proxyin/*": "which aggregation a proxy is of",
    f"{_WORK}/europeanaproxy": "who says what follows",
    f"{_WORK}/extent": "how large the work is",
    f"{_WORK}/currentlocation/*": "where the object is kept, not what it is about",
    "aggregation/@about": "the record's own name for the aggregation",
    "aggregation/aggregatedcho/*": "which work the aggregation is of",
    "aggregation/dataprovider": "who hands the record on, not who published the work",
    "aggregation/dataprovider/*": "who hands the record on, not who published the work",
    "aggregation/intermediateprovider": "who hands the record on, not who published the work",
    "aggregation/intermediateprovider/*": "who hands the record on, not who published the work",
    "aggregation/provider": "who hands the record on, not who published the work",
    "aggregation/provider/*": "who hands the record on, not who published the work",
    "aggregation/ugc": "whether users made it",
    "europeanaproxy/*": "what Europeana's machines added, not what the partner says",
    "europeanaaggregation/*": "Europeana's own page and account of the work",
    "agent/*": _UNNAMED,
    "concept/*": _UNNAMED,
    "place/*": _UNNAMED,
    "timespan/*": _UNNAMED,
    "license/*": _UNNAMED,
    "service/*": "how pictures are served",
    "webresource/*": _UNNAMED,
    "*/altlabel": _NO_FURTHER_LABELS,
    "*/hiddenlabel": _NO_FURTHER_LABELS,
    "*/notation": _NO_FURTHER_LABELS,
}
# what stands between a property and the text of the part that it names, where the part stands inside the property
_INSIDE = ("", "agent/", "concept/", "place/", "timespan/", "webresource/", "license/", "description/")


def _take(group: Group, *names: str) -> list[Value]:
    """Take the values of a part that is named by a reference, or stands inside its property."""
    return group.take(*(f"{inside}{name}".removesuffix("/") for inside in _INSIDE for name in names))


def _resource(group: Group) -> Value | None:
    """Take and return the address of the part that a property names."""
    values = _take(group, "@resource", "@about")
    return values[0] if values else None


def _labels(group: Group) -> list[Value]:
    """Take the text of a property, or the preferred labels of the part that it names."""
    texts = _take(group, "")
    labels = _take(group, "preflabel", "name")
    return texts or labels


def _names(group: Group) -> tuple[list[Value], str]:
    """Take the name of an agent, place or period with its address; an address alone stays.

    Of labels in several languages it is that in the work's language where it is known by now, else the first.
    """
    languages = [statement.value for statement in group.draft.get("languages")]
    texts, labels = _take(group, ""), _take(group, "preflabel", "name")
    names = texts or sorted(labels, key=lambda label: label.language not in languages)[:1]
    address = _resource(group) if names else None
    return names, address.text if address else ""


def _person(role: str) -> Reader:
    """Return a reader of an agent: its name with its address; an address alone names nobody."""

    def read(group: Group) -> None:
        names, address = _names(group)
        is_web = address.startswith(("http://", "https://"))
        for value in names:
            add_contributor(group, value, role, None, address if is_web else None)

    return read


def _concept(row: str) -> Reader:
    """Return a reader of a concept: its labels, else its address where our list knows it."""

    def read(group: Group) -> None:
        address, labels = _resource(group), _labels(group)
        for value in labels:
            group.map(row, value)
        if address is not None and not labels:
            group.map(row.partition(" ")[2] or row, address)

    return read


def _general_type(group: Group) -> None:
    """Add edm:type, which is one of TEXT, IMAGE, SOUND, VIDEO and 3D."""
    for value in _take(group, ""):
        group.add("resource_types", value, f"{AUTHORITY}edm|")


def _place(group: Group) -> None:
    """Add the name of a place or period."""
    names, _ = _names(group)
    for value in names:
        group.add("coverage", value)


def _date(kind: str | None) -> Reader:
    """Return a reader of a date: its text, else the beginning and end of the time span, else the span's label."""

    def read(group: Group) -> None:
        texts, begin, end = _take(group, ""), _take(group, "begin"), _take(group, "end")
        labels = _take(group, "preflabel")
        if texts or begin or labels:
            _resource(group)
        if begin and not texts:
            group.add("issued", begin[0], kind, text=_span(begin[0].text, end[0].text if end else ""))
        for value in texts or ([] if begin else labels[:1]):
            group.add("issued", value, kind)

    return read


def _span(begin: str, end: str) -> str:
    """Return a date or, between two years, an interval (https://www.loc.gov/standards/datetime/)."""
    if end in ("", begin):
        return begin
    return begin[:4] if begin[:4] == end[:4] and begin[4:5] in ("", "-") else f"{begin}/{end}"


def _temporal(group: Group) -> None:
    """Add the period that the work is about, else its beginning."""
    names, _ = _names(group)
    begin = _take(group, "begin")
    for value in names or begin[:1]:
        group.add("coverage", value)


def _relation(kind: str) -> Reader:
    """Return a reader of a related work: its address, else its title."""

    def read(group: Group) -> None:
        texts, address = _labels(group), _resource(group)
        for value in texts or ([address] if address else []):
            group.add("relations", value, kind)

    return read


def _page(group: Group) -> None:
    """Add the page at the provider's that shows the work."""
    texts, address = _take(group, ""), _resource(group)
    for value in texts or ([address] if address else []):
        group.add("url", value, PRIMARY)


def _file(role: str, *, is_work: bool) -> Reader:
    """Return a reader of an address of the work itself, or of a picture of it, with media type and licence."""

    def read(group: Group) -> None:
        texts, address = _take(group, ""), _resource(group)
        media = _take(group, "hasmimetype", "format")
        for value in texts or ([address] if address else []):
            group.add("links", value, f"{role}|{media[0].text if media else ''}")
        if is_work:
            for value in media[:1]:
                group.add("formats", value)
            _license(group)

    return read


def _license(group: Group) -> None:
    """Add the licence of a file: its address, else its text."""
    for value in _take(group, "rights", "rights/@resource"):
        group.add("license", value)


def _rights(group: Group) -> None:
    """Add the licence by its address; a cc:License of the record holds the address of what it inherits from."""
    texts, inherited = _take(group, ""), _take(group, "inheritfrom/@resource")
    address = _resource(group)
    for value in inherited or texts or ([address] if address else []):
        group.add("license", value)


READERS: dict[str, Reader] = (
    {f"{_WORK}/{name}": _relation(kind) for name, kind in _RELATED.items()}
    | {f"{_WORK}/{name}": _date(kind) for name, kind in _DATES.items()}
    | {
        f"{_WORK}/creator": _person("author"),
        f"{_WORK}/contributor": _person("unknown"),
        f"{_WORK}/publisher": _person("publisher"),
        f"{_WORK}/subject": _concept("keywords subjects?"),
        f"{_WORK}/type": _concept("resource_types"),
        f"{_WORK}/edm_type": _general_type,
        f"{_WORK}/hastype": _concept("resource_types"),
        f"{_WORK}/coverage": _place,
        f"{_WORK}/spatial": _place,
        f"{_WORK}/temporal": _temporal,
        "aggregation/isshownat": _page,
        "aggregation/isshownby": _file("content", is_work=True),
        "aggregation/hasview": _file("content", is_work=False),
        "aggregation/object": _file("thumbnail", is_work=False),
        "aggregation/rights": _rights,
    }
)


def _name(element: Element, name: str) -> Named | None:
    """Name the provider's proxy as the work, Europeana's as its own, and edm:type apart from dc:type."""
    if name == "proxy":
        return Named("europeanaproxy" if _is_europeana(element) else _WORK, frozenset())
    if name == "type" and str(element.tag).startswith(_EDM):
        return Named("edm_type", frozenset())
    return None


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if isinstance(child.tag, str) and local_name(child.tag) == name]


def _is_europeana(proxy: Element) -> bool:
    return any((child.text or "").strip().lower() == "true" for child in _children(proxy, "europeanaproxy"))


def _check(root: Element) -> None:
    """Raise Unreadable for RDF without a work, or with more than one: two works are never one record."""
    works = {_about(work) or number for number, work in enumerate(_children(root, _WORK))}
    if len(works) > 1:
        raise Unreadable(f"the RDF holds {len(works)} works (edm:ProvidedCHO); a record is about one")
    if not works and not _children(root, "proxy"):
        raise Unreadable("the RDF holds no edm:ProvidedCHO; format edm reads the Europeana Data Model only")


def _about(element: Element) -> str:
    return next((str(text) for raw, text in element.items() if local_name(raw) == "about"), "")


FORMAT = XmlFormat(
    frozenset({"rdf"}),
    Table(ROWS, IGNORED, READERS),
    naming=_name,
    references=References(
        keys=frozenset({key for key in READERS if key.count("/") == 1}), reference="resource", identity="about"
    ),
    check=_check,
)
