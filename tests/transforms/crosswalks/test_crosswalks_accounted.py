"""No leaf is lost: every non-empty one is mapped, unmapped, ignored with a reason, or read with another."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from bench.stored import records
from transforms.crosswalks import CROSSWALKS, Unreadable, read
from transforms.crosswalks.engine import XML_LANG, XmlFormat, local_name, parse_xml
from transforms.crosswalks.engine.xmltree import MAX_REMEMBERED_LOCATIONS
from transforms.draft import Draft

STEP = re.compile(r"(?P<name>[^\[\]/]+)(?P<where>(?:\[@\w+='[^']*'\])*)(?:\[(?P<number>\d+)\])?$")
NO_LEAF = re.compile(r"\{http://www\.w3\.org/2001/XMLSchema-instance\}|.*schemalocation$", re.IGNORECASE)


def paths(draft: Draft) -> set[str]:
    """Every path that the draft accounts for."""
    added = {statement.path for statements in draft.fields.values() for statement in statements}
    leaves = (*draft.unmapped, *draft.used, *(ignored.leaf for ignored in draft.ignored))
    return added | {leaf.path for leaf in leaves}


def everything(draft: Draft) -> tuple[object, ...]:
    """All that a draft holds, in its order."""
    return draft.fields, draft.unmapped, draft.ignored, draft.used, draft.findings


def missing_json(payload: str, draft: Draft) -> list[str]:
    """The JSON paths of leaves that are neither mapped nor unmapped nor ignored nor read with another."""
    return sorted(set(_json_leaves(json.loads(payload), "$")) - paths(draft))


def _json_leaves(value: object, path: str) -> list[str]:
    if isinstance(value, dict):
        text = "value" if isinstance(value.get("value"), str) else "@value" if "@value" in value else None
        qualifiers = {"language", "@language", "@type", "key", "schema", "element", "qualifier"} if text else set()
        members = [(path + _json_step(name), member) for name, member in value.items() if name not in qualifiers]
        return [leaf for inside, member in members for leaf in _json_leaves(member, inside)]
    if isinstance(value, list):
        return [leaf for number, entry in enumerate(value) for leaf in _json_leaves(entry, f"{path}[{number}]")]
    return [path] if value is not None and str(value).strip() else []


def _json_step(name: str) -> str:
    return f".{name}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name) else f"[{name!r}]"


def missing_xml(payload: str, draft: Draft) -> list[str]:
    """The texts and attributes that are neither mapped nor unmapped nor ignored nor read with another."""
    root = parse_xml(payload)
    seen: set[tuple[etree._Element, str]] = set()
    for path in paths(draft):
        seen |= _resolve(root, path)
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    return [leaf for element in elements for leaf in _unseen(element, seen)]


def _unseen(element: etree._Element, seen: set[tuple[etree._Element, str]]) -> list[str]:
    name = local_name(element.tag)
    unseen = []
    texts = [element.text, *(child.tail for child in element)]
    marked_up = any((above, "") in seen for above in element.iterancestors())  # inside a text with markup
    if any(text and text.strip() for text in texts) and (element, "") not in seen and not marked_up:
        unseen.append(f"{name}: {element.text!r}")
    for attribute, text in element.items():
        named = {"mdschema", "element", "qualifier", "tag", "code", "lang", "language"}
        if NO_LEAF.match(str(attribute)) or not text.strip() or str(attribute) in named | {XML_LANG}:
            continue
        if name in {"element", "field"} and attribute == "name":
            continue
        if name in {"varfield", "fixfield", "subfield"} and attribute in {"id", "label"}:
            continue
        if (element, str(attribute).rpartition("}")[2]) not in seen and not _inner_attribute(element, seen):
            unseen.append(f"{name}/@{attribute!s}: {text!r}")
    return unseen


def _inner_attribute(element: etree._Element, seen: set[tuple[etree._Element, str]]) -> bool:
    return any((above, f"//{local_name(element.tag)}") in seen for above in element.iterancestors())


def _resolve(root: etree._Element, path: str) -> set[tuple[etree._Element, str]]:
    """What a path of a draft selects: elements with "" or the attribute's name."""
    path, _, attribute = path.partition("/@")
    path, deep, inner = path.partition("//")
    first, *steps = path.split("/")
    elements = [element for element in _starts(root) if _is(element, first)]
    for step in steps:
        elements = [child for element in elements for child in _children(element, step)]
    return {(element, f"//{inner.lower()}" if deep else attribute) for element in elements}


def _starts(root: etree._Element) -> list[etree._Element]:
    return [root, *(element for element in root.iter() if isinstance(element.tag, str))]


def _is(element: etree._Element, step: str) -> bool:
    prefix, _, name = step.rpartition(":")
    return element.tag.rpartition("}")[2] == name and (element.prefix or "") == prefix


def _children(element: etree._Element, step: str) -> list[etree._Element]:
    match = STEP.fullmatch(step)
    assert match is not None, step
    wanted = re.findall(r"\[@(\w+)='([^']*)'\]", match["where"])
    children = [
        child
        for child in element
        if isinstance(child.tag, str)
        and _is(child, match["name"])
        and all(child.get(name) == text for name, text in wanted)
    ]
    number = match["number"]
    return children if number is None else children[int(number) - 1 : int(number)]


def missing(payload: str, draft: Draft) -> list[str]:
    return missing_xml(payload, draft) if payload.lstrip().startswith("<") else missing_json(payload, draft)


SHARED = Path(__file__).resolve().parents[4] / "shared"
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.mark.parametrize("folder", ["corpora", "partners"])
def test_every_leaf_of_every_stored_record_is_accounted_for(folder: str) -> None:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"no {folder} here")
    lost = {}
    count = 0
    for record in records(SHARED / folder):
        count += 1
        payload = record.payload or ""
        if leaves := missing(payload, read(record.format, payload)):
            lost[record.identifier] = leaves
    assert not lost
    assert count > 50


def test_leaves_that_a_draft_leaves_out_are_counted_as_missing() -> None:
    payload = "<dc><title lang='en'>A title</title><date note='n'>2012</date><other>x</other></dc>"
    draft = read("oai_dc", payload)
    assert missing(payload, draft) == []
    draft.unmapped.clear()
    assert missing(payload, draft) == ["date/@note: 'n'", "other: 'x'"]
    del draft.fields["title"]
    assert missing(payload, draft) == ["title: 'A title'", "date/@note: 'n'", "other: 'x'"]
    payload = '{"title": "A", "lab_apps": [{"app_url": "http://a.b/c", "what": 5}]}'
    draft = read("golab_labs", payload)
    assert missing(payload, draft) == []
    draft.unmapped.clear()
    assert missing(payload, draft) == ["$.lab_apps[0].what"]


@pytest.mark.parametrize("kind", ["all_fields", "variations"])
@pytest.mark.parametrize("name", ["dim", "marcxml", "xoai"])
def test_a_path_selects_the_one_leaf_that_was_read(name: str, kind: str) -> None:
    payload = (FIXTURES / name / f"{kind}.xml").read_text(encoding="utf-8")
    root = parse_xml(payload)
    selected = {path: len(_resolve(root, path)) for path in paths(read(name, payload))}
    assert len(selected) > 3
    assert {path: number for path, number in selected.items() if number != 1} == {}


NAMES = sorted(
    {
        name
        for crosswalk in CROSSWALKS.values()
        for key in (*crosswalk.table.rows, *crosswalk.table.ignored, *crosswalk.table.readers, *crosswalk.table.inner)
        for name in key.replace("*", "x").split("/")
        if re.fullmatch(r"[A-Za-z_][\w.-]*", name)
    }
)
TEXTS = st.one_of(
    st.just(""),
    st.sampled_from(
        [
            "2012",
            "2554",
            "en",
            "sr-Latn",
            "http://a.example/b",
            "10.1000/182",
            "BEGIN:VCARD FN:A END:VCARD",
            "yes",
            "5-6",
        ]
    ),
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=30
    ),
)


def element(name: str, attributes: dict[str, str], text: str, children: list[etree._Element]) -> etree._Element:
    made = etree.Element(name)
    for key, value in attributes.items():
        made.set(key, value)
    made.text = text
    made.extend(children)
    return made


ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["type", "element", "qualifier", "mdschema", "tag", "code", "name", "rel", "href", "url", "lang", "resource"]
    ),
    st.sampled_from(["", "dc", "title", "245", "a", "alternate", "value", "http://a.example/x", "en", "#1"]),
    max_size=3,
)
TREES = st.recursive(
    st.builds(element, st.sampled_from(NAMES), ATTRIBUTES, TEXTS, st.just([])),
    lambda inner: st.builds(element, st.sampled_from(NAMES), ATTRIBUTES, TEXTS, st.lists(inner, max_size=4)),
    max_leaves=12,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*NAMES, "@id", "@type", "@value", "@language", "value", "language"]), inner)
    ),
    max_leaves=15,
)
XML_FORMATS = sorted(name for name, crosswalk in CROSSWALKS.items() if isinstance(crosswalk, XmlFormat))
ROOTS = dict.fromkeys(("marcxml", "unimarc"), "{http://www.loc.gov/MARC21/slim}record")  # another record than OAI's
PARTS = {"edm": ("ProvidedCHO", "Aggregation", "Agent")}  # below which a record of the format lies
JSON_FORMATS = sorted(set(CROSSWALKS) - set(XML_FORMATS))


@pytest.mark.parametrize("name", XML_FORMATS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees=st.lists(TREES, max_size=6))
def test_every_leaf_of_any_tree_is_accounted_for(name: str, trees: list[etree._Element]) -> None:
    crosswalk = CROSSWALKS[name]
    assert isinstance(crosswalk, XmlFormat)
    parts = [element(part, {"about": "#1"}, "", deepcopy(trees)) for part in PARTS.get(name, ())]
    root = element(ROOTS.get(name) or sorted(crosswalk.roots)[0], {}, "", parts or trees)
    payload = etree.tostring(root, encoding="unicode")
    first, *again = (read(name, payload) for _ in range(4))
    assert missing(payload, first) == []
    assert [everything(draft) for draft in again] == [everything(first)] * 3


@pytest.mark.parametrize("name", JSON_FORMATS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(members=st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1, max_size=8))
def test_every_leaf_of_any_object_is_accounted_for(name: str, members: dict[str, object]) -> None:
    payload = json.dumps(members)
    assert missing(payload, read(name, payload)) == []


@pytest.mark.parametrize("name", sorted(CROSSWALKS))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(payload=st.one_of(st.text(max_size=60), st.sampled_from(["<a/>", "{}", "[]", "<record><metadata/></record>"])))
def test_any_text_is_a_draft_or_unreadable(name: str, payload: str) -> None:
    try:
        draft = read(name, payload)
    except Unreadable as error:
        assert str(error)
    else:
        assert isinstance(draft, Draft)


EDUCATIONAL = (
    "<educational><context><value>school</value></context>"
    "<typicalAgeRange><string>8-12</string></typicalAgeRange><description><string>{}</string></description>"
    "</educational><rights><cost><value>no</value></cost><description><string>CC BY 4.0</string></description></rights>"
)


def test_a_repeated_part_is_read_in_the_language_around_it() -> None:
    for word in ("A", "B", "A", "A", "B", "A"):
        for tag in ("fr", "ru", None):
            around = f' xml:lang="{tag}"' if tag else ""
            draft = read("lom", f"<lom{around}>{EDUCATIONAL.format(word)}</lom>")
            assert [(field.value, field.language) for field in draft.fields["license"]] == [("CC BY 4.0", tag)]
            assert [(field.value, field.path) for field in draft.fields["contexts"]] == [
                ("school", "lom/educational/context/value")
            ]
            assert [leaf.value for leaf in draft.unmapped] == [word]


def test_the_memory_of_trees_read_before_is_bounded() -> None:
    crosswalk = CROSSWALKS["lom"].with_table(CROSSWALKS["lom"].table)
    assert isinstance(crosswalk, XmlFormat)
    most = 0
    for number in range(80):
        names = (f"n{number}-{position}" for position in range(500))
        tree = element("lom", {}, "", [element("general", {}, "", [element(name, {}, "x", [])]) for name in names])
        draft = Draft()
        crosswalk.read(tree, draft)
        assert len(draft.unmapped) == 500
        most = max(most, crosswalk.remembered)
    assert most <= MAX_REMEMBERED_LOCATIONS + 20 * 500  # one record adds its own before the bound is checked
