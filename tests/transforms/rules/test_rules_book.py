"""The written book of rules is the registry's."""

from __future__ import annotations

from pathlib import Path

from transforms.rules import RULES, WEIGHTS
from transforms.rules.book import book, texts

DOCS = Path(__file__).parents[3] / "docs"


def test_the_book_of_rules_is_current() -> None:
    written = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert written == book(), "write it again: python -m transforms.rules.book > docs/rules.md"


def test_every_rule_is_in_the_book_and_has_its_texts() -> None:
    for code in RULES:
        assert f"\n## {code}\n" in book()
        assert texts()[code]["mend"]


def test_the_page_on_quality_names_every_part_with_its_points() -> None:
    written = (DOCS / "quality.md").read_text(encoding="utf-8")
    for part, points in WEIGHTS.items():
        assert f"| {part} | {points} |" in written
