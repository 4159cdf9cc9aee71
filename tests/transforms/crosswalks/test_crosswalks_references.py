"""A part that is referred to is read where the reference stands, and every leaf is accounted for all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.crosswalks.engine import (
    Group,
    JsonFormat,
    References,
    Table,
    XmlFormat,
    add_contributor,
    parse_json,
    parse_xml,
)
from transforms.draft import Draft


def _creator(group: Group) -> None:
    """A made-up format's creator: the name and number of the agent that it refers to."""
    number = group.text("agent-number")
    group.take("@resource", "@about", "@id")
    for value in group.take("name"):
        add_contributor(group, value, "author", "person", number)


ROWS = {"title": "title", "place/name": "coverage", "name": "alternative_titles", "agent/name": "alternative_titles"}
KEYS = frozenset({"creator", "creator/teacher", "place"})
TABLE = Table(ROWS, {}, {"creator": _creator})
XML = XmlFormat(frozenset({"book"}), TABLE, references=References(keys=KEYS, reference="resource", identity="about"))
JSON = JsonFormat(
    TABLE, transparent=frozenset({"@graph"}), references=References(keys=KEYS, reference="@id", identity="@id")
)


def read_xml(inside: str) -> Draft:
    draft = Draft()
    XML.read(parse_xml(f'<book xmlns:r="http://a.example/r">{inside}</book>'), draft)
    return draft


def read_json(record: dict[str, Any]) -> Draft:
    draft = Draft()
    JSON.read(parse_json(json.dumps(record)), draft)
    return draft


def statements(draft: Draft, field: str) -> list[tuple[str, str, str | None]]:
    return [(statement.value, statement.path, statement.hint) for statement in draft.get(field)]


AGENT = "<agent r:about='#ana'><name>Ana Example</name><agent-number>7</agent-number></agent>"


@pytest.mark.parametrize("agent_comes_first", [True, False])
def test_an_xml_element_is_read_where_it_is_referred_to(agent_comes_first: bool) -> None:
    creator = "<title>Rain</title><creator r:resource='#ana'/>"
    draft = read_xml(AGENT + creator if agent_comes_first else creator + AGENT)
    assert statements(draft, "contributors") == [("Ana Example", "book/agent/name", "author|person|7")]
    assert statements(draft, "alternative_titles") == []
    assert [leaf.path for leaf in draft.used] == [
        "book/agent/agent-number",
        "book/creator/@resource",
        "book/agent/@about",
    ]
    assert draft.unmapped == []


def test_a_row_reads_what_a_reference_leads_to_without_a_reader() -> None:
    draft = read_xml("<place r:resource='#oslo'/><town r:about='#oslo'><name>Oslo</name></town>")
    assert statements(draft, "coverage") == [("Oslo", "book/town/name", None)]
    assert {leaf.path for leaf in draft.unmapped} == {"book/place/@resource", "book/town/@about"}


def test_two_references_read_the_same_element_twice() -> None:
    draft = read_xml(f"<creator r:resource='#ana'/><creator r:resource='#ana'/>{AGENT}")
    assert [statement.value for statement in draft.get("contributors")] == ["Ana Example", "Ana Example"]


def test_an_element_that_nothing_refers_to_is_read_where_it_stands() -> None:
    draft = read_xml(f"<creator r:resource='#nobody'/><editor r:resource='#ana'/>{AGENT}")
    assert statements(draft, "alternative_titles") == [("Ana Example", "book/agent/name", None)]
    assert {leaf.path for leaf in draft.unmapped} == {
        "book/editor/@resource",  # an address at a key where references are not followed
        "book/agent/@about",
        "book/agent/agent-number",
    }


def test_elements_that_refer_to_one_another_are_read_once_each() -> None:
    draft = read_xml(
        "<creator r:resource='#ana'/>"
        "<agent r:about='#ana'><name>Ana</name><teacher r:resource='#mia'/></agent>"
        "<agent r:about='#mia'><name>Mia</name><teacher r:resource='#ana'/></agent>"
    )
    assert [statement.value for statement in draft.get("contributors")] == ["Ana"]
    assert {leaf.path for leaf in draft.unmapped} == {
        "book/agent[1]/teacher/@resource",
        "book/agent[2]/@about",
        "book/agent[2]/name",
        "book/agent[2]/teacher/@resource",
    }


def test_an_element_that_only_refers_to_itself_is_not_lost() -> None:
    draft = read_xml("<place r:about='#a'><name>Oslo</name><x><place r:resource='#a'/></x></place>")
    assert statements(draft, "coverage") == [("Oslo", "book/place/name", None)]


@pytest.mark.parametrize("person_comes_first", [True, False])
def test_a_json_node_is_read_where_it_is_referred_to(person_comes_first: bool) -> None:
    person = {"@id": "#ana", "name": "Ana Example", "agent-number": 7}
    book = {"@id": "#book", "title": "Rain", "creator": [{"@id": "#ana"}]}
    draft = read_json({"@graph": [person, book] if person_comes_first else [book, person]})
    node = "$['@graph'][0]" if person_comes_first else "$['@graph'][1]"
    assert statements(draft, "contributors") == [("Ana Example", f"{node}.name", "author|person|7")]
    assert statements(draft, "alternative_titles") == []
    assert [leaf.value for leaf in draft.unmapped] == ["#book"]


def test_json_nodes_that_refer_to_one_another_are_read_once_each() -> None:
    ana = {"@id": "#ana", "name": "Ana", "teacher": {"@id": "#mia"}}
    mia = {"@id": "#mia", "name": "Mia", "teacher": {"@id": "#ana"}}
    draft = read_json({"@graph": [{"title": "Rain", "creator": {"@id": "#ana"}}, ana, mia]})
    assert [statement.value for statement in draft.get("contributors")] == ["Ana"]
    assert "Mia" in [leaf.value for leaf in draft.unmapped]


def test_a_dialect_follows_references_too() -> None:
    draft = Draft()
    dialect = XML.with_table(TABLE.extended({"headline": "title"}, {}))
    dialect.read(parse_xml("<book><creator resource='#a'/><agent about='#a'><name>Ana</name></agent></book>"), draft)
    assert [statement.value for statement in draft.get("contributors")] == ["Ana"]


def texts(draft: Draft) -> set[str]:
    """Every text that the draft holds."""
    leaves = (*draft.unmapped, *draft.used, *(ignored.leaf for ignored in draft.ignored))
    return {statement.value for field in draft.fields.values() for statement in field} | {leaf.value for leaf in leaves}


Part = tuple[str, str, str, list[Any]]  # name, identity, reference, inner parts
NAMES = st.sampled_from(["creator", "place", "teacher", "agent"])
IDS = st.sampled_from(["", "#a", "#b", "#c"])
PARTS: st.SearchStrategy[Part] = st.recursive(
    st.tuples(NAMES, IDS, IDS, st.just([])),
    lambda inner: st.tuples(NAMES, IDS, IDS, st.lists(inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(PARTS, min_size=1, max_size=4))
def test_no_text_is_lost_whatever_refers_to_what(parts: list[Part]) -> None:
    written: list[str] = []

    def number() -> str:
        written.append(f"text {len(written)}")
        return written[-1]

    def as_xml(part: Part) -> str:
        name, identity, reference, inner = part
        return f"<{name} about='{identity}' resource='{reference}'>{number()}{''.join(map(as_xml, inner))}</{name}>"

    draft = read_xml("".join(map(as_xml, parts)))
    assert set(written) <= texts(draft)

    def as_json(part: Part) -> dict[str, Any]:
        name, identity, reference, inner = part
        node: dict[str, Any] = {"@id": identity, "label": number(), name: [as_json(part) for part in inner]}
        if reference:
            node.setdefault("creator", []).append({"@id": reference})
        return node

    written.clear()
    draft = read_json({"@graph": [as_json(part) for part in parts]})
    assert set(written) <= texts(draft)
