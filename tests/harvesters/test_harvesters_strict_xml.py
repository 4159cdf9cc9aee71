"""The strict XML parser: exact text, no declared entities, InvalidXml for everything else."""

from __future__ import annotations

from html.entities import html5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from harvesters.strict_xml import InvalidXml, parse_xml, remove_forbidden_characters, replace_named_entities

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"))
NAMES = sorted(name[:-1] for name in html5 if name.endswith(";"))


@given(TEXT)
def test_text_is_parsed_exactly(text: str) -> None:
    root = etree.Element("a")
    root.text = text
    written = etree.tostring(root, encoding="UTF-8")
    assert (parse_xml(written).text or "") == text


@given(st.sampled_from(NAMES))
def test_every_named_entity_of_html_becomes_its_characters(name: str) -> None:
    assert parse_xml(f"<a>&{name};</a>".encode()).text == html5[f"{name};"]


@pytest.mark.parametrize("kept", ["<![CDATA[&eacute;]]>", "<!--&eacute;-->", "<?x &eacute;?>", "&amp;eacute;"])
def test_what_only_looks_like_an_entity_is_kept(kept: str) -> None:
    assert replace_named_entities(kept.encode()) == kept.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"<a>",
        b"<a>&nosuch;</a>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<a>\xff</a>",
    ],
)
def test_invalid_documents_and_declared_entities_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidXml):
        parse_xml(body)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_invalid_xml(body: bytes) -> None:
    try:
        parse_xml(b"<a>" + body + b"</a>")
    except InvalidXml as error:
        assert str(error)


@given(st.text(max_size=100))
def test_characters_that_xml_can_hold_stay(text: str) -> None:
    body = etree.tostring(etree.Element("a", n="".join(c for c in text if c.isprintable())), encoding="UTF-8")
    assert remove_forbidden_characters(body) == body


@pytest.mark.parametrize(
    "illegal", ["\x00", "\x07", "\x1f", "&#0;", "&#x1F;", "&#31;", "&#xFFFE;", "&#xD800;", "\uffff"]
)
def test_characters_that_xml_forbids_are_removed(illegal: str) -> None:
    assert parse_xml(remove_forbidden_characters(f"<a>x{illegal}y</a>".encode())).text == "xy"


@pytest.mark.parametrize(
    "legal", ["&#9;", "&#10;", "&#13;", "&#x9;", "&#xD;", "&#32;", "&#x1F600;", "&#100;", "&#x20;"]
)
def test_references_that_xml_can_hold_stay(legal: str) -> None:
    assert remove_forbidden_characters(legal.encode()) == legal.encode()


def test_a_document_that_declares_latin_and_is_utf_8_is_parsed_as_utf_8() -> None:
    assert parse_xml('<?xml version="1.0" encoding="ISO-8859-1"?><a>Ћирилица</a>'.encode()).text == "Ћирилица"
    assert parse_xml('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1")).text == "é"


def test_white_space_and_a_byte_order_mark_before_the_document_do_no_harm() -> None:
    assert parse_xml(b"\xef\xbb\xbf\n <?xml version='1.0'?><a/>").tag == "a"
