"""What partners write never makes a line of its own, and never hides or turns round what stands beside it."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from schemas import HarvestFailed, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nbooks-1 LOADED", "a␊books-1 LOADED"),
        ("a\r\x0b\x0c\x1c\x85\u2028\u2029b", "a␍␋␌␜���b"),
        ("\x1b[2J\x1b]0;title\x07", "␛[2J␛]0;title␇"),
        ("\x9b31m", "�31m"),
        ("safe\u202egpj.exe\u2066", "safe�gpj.exe�"),
        ("lone \ud800", "lone �"),
        ("عربي\u200f، ‌نیم‌فاصله 👩\u200d🏫", "عربي\u200f، ‌نیم‌فاصله 👩\u200d🏫"),
    ],
)
def test_what_could_forge_or_hide_a_line_becomes_a_visible_sign(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_no_character_of_unicode_ends_a_line_or_controls_a_terminal() -> None:
    every = one_line("".join(map(chr, range(sys.maxunicode + 1))))
    assert len(every.splitlines()) == 1
    assert not {character for character in every if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")}
    assert not {character for character in every if unicodedata.bidirectional(character) in (
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    )}  # fmt: skip


def test_the_sentence_of_a_failed_harvest_is_one_line() -> None:
    failed = HarvestFailed("malformed", "the server says \x1b[1mOK\nbooks: loaded")
    assert failed.sentence == "the server says ␛[1mOK␊books: loaded"
    assert str(failed) == "malformed: the server says ␛[1mOK␊books: loaded"
