"""Whom a vCard names, in every form in which LOM carries vCards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.crosswalks.engine.vcard import read_vcards

FORMS = [
    ("BEGIN:VCARD\nVERSION:3.0\nN:Petrović;Marko\nFN:Marko Petrović\nEND:VCARD", ["Petrović, Marko"]),
    ("BEGIN:VCARD VERSION:3.0 FN:Marko Petrović ORG:UNESCO END:VCARD", ["Marko Petrović"]),
    ("BEGIN:VCARD\\nVERSION:3.0\\nFN:Marko Petrović\\nEND:VCARD", ["Marko Petrović"]),
    ("BEGIN:VCARD&#13;&#10;FN:Marko Petrović&#13;&#10;END:VCARD", ["Marko Petrović"]),
    ("BEGIN:VCARD;VERSION:3.0;FN:Marko Petrović;ORG:UNESCO;END:VCARD", ["Marko Petrović"]),
    ("begin:vcard\nfn:marko petrović\nend:vcard", ["marko petrović"]),
    ("BEGIN:VCARD\nFN:Ministry of Education\\, Science\nEND:VCARD", ["Ministry of Education, Science"]),
    ("BEGIN:VCARD\nFN:Marko\n  Petrović\nEND:VCARD", ["Marko Petrović"]),
    (f"BEGIN:VCARD\nORG:{'Institute of ' * 5}Tech\n nology\nEND:VCARD", [f"{'Institute of ' * 5}Technology"]),
    ("BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=D0=90=\n=D0=BD=D0=B0\nEND:VCARD", ["Ана"]),
    ("BEGIN:VCARD\nFN:N/A\nORG:UNESCO;IITE\nEND:VCARD", ["UNESCO IITE"]),
    ("BEGIN:VCARD FN:Ana Example END:VCARD BEGIN:VCARD FN:Mia Example END:VCARD", ["Ana Example", "Mia Example"]),
    ("BEGIN:VCARD\nEMAIL:a@example.org\nEND:VCARD", []),
    ("BEGIN:VCARD", []),
]


@pytest.mark.parametrize(("text", "names"), FORMS)
def test_a_vcard_names_whom_it_names(text: str, names: list[str]) -> None:
    assert [card.name for card in read_vcards(text)] == names


@given(st.text(max_size=200))
def test_any_text_in_a_vcard_has_an_answer(text: str) -> None:
    for card in read_vcards(f"BEGIN:VCARD\n{text}\nEND:VCARD"):
        assert card.name.strip()


def test_a_megabyte_of_blanks_is_read() -> None:
    assert [card.name for card in read_vcards(f"BEGIN:VCARD FN:Ana{' ' * 1_000_000}Example END:VCARD")] == ["Ana"]
