"""The documentation names what is there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
DECISIONS = ROOT / "docs" / "decisions"


def test_every_decision_is_listed() -> None:
    listed = (DECISIONS / "index.md").read_text(encoding="utf-8")
    missing = [page.name for page in sorted(DECISIONS.glob("[0-9]*.md")) if f"({page.name})" not in listed]
    assert not missing, f"add to docs/decisions/index.md: {', '.join(missing)}"


def test_every_room_is_in_the_contributors_table() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert not [room for room in sorted(rooms) if f"`{room}/`" not in text]
