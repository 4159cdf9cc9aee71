"""The written book of rules is the registry's."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docs.generate.rules import document
from transforms.rules import RULES, WEIGHTS, rule_texts
from transforms.rules.registry import TRANSLATIONS

DOCS = Path(__file__).parents[3] / "docs"


def test_the_book_of_rules_is_current() -> None:
    written = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert written == document(), "write it again: python -m docs.generate.rules > docs/rules.md"


def test_every_rule_is_in_the_book_and_has_its_texts() -> None:
    for code in RULES:
        assert f"\n## {code}\n" in document()
        assert rule_texts()[code]["mend"]


@pytest.mark.parametrize("language", ["fr", "ru", "ar"])
def test_every_rule_is_translated_and_nothing_else(language: str) -> None:
    translations = tomllib.loads((TRANSLATIONS / f"{language}.toml").read_text(encoding="utf-8"))
    assert list(translations) == list(RULES)
    for code, (wrong, mend) in translations.items():
        assert wrong.strip() and mend.strip() and wrong != RULES[code].wrong, code
        kept = re.findall(r"https?://[\w.]*|LOM \d\.\d|dc:\w+|BCP 47|ISO 8601", RULES[code].mend)
        assert [term for term in kept if term not in mend] == [], code


def test_the_page_on_quality_names_every_part_with_its_points() -> None:
    written = (DOCS / "quality.md").read_text(encoding="utf-8")
    for part, points in WEIGHTS.items():
        assert f"| {part} | {points} |" in written
