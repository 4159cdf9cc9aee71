"""Every fixture of every format becomes exactly the resource in its golden file."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from transforms.crosswalks import CROSSWALKS

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
spec = importlib.util.spec_from_file_location("regenerate", FIXTURES / "regenerate.py")
assert spec is not None and spec.loader is not None
regenerate: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(regenerate)

KINDS = {"all_fields", "missing_fields", "blank_fields", "variations"}
OF_THE_LIBRARY = {"key", "issued_year", "terms", "provenance", "unmapped"}  # fields that no partner fills


def read_golden(fixture: Path) -> dict[str, Any]:
    golden: dict[str, Any] = json.loads(regenerate.golden_path(fixture).read_text(encoding="utf-8"))
    return golden


@pytest.mark.parametrize("name", sorted(CROSSWALKS))
def test_every_format_has_its_four_fixtures(name: str) -> None:
    assert {path.stem for path in (FIXTURES / name).iterdir() if ".golden" not in path.name} == KINDS


@pytest.mark.parametrize("path", regenerate.fixtures(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_fixture_becomes_its_golden_file(path: Path) -> None:
    assert json.loads(regenerate.golden(path)) == read_golden(path)


@pytest.mark.parametrize("path", regenerate.fixtures(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_golden_file_holds_the_resource_alone(path: Path) -> None:
    golden = read_golden(path)
    assert golden["key"] == f"fixtures:{path.parent.name}/{path.stem}"
    assert not golden.keys() & {"issues", "score"}


@pytest.mark.parametrize("name", sorted(CROSSWALKS))
def test_a_full_record_fills_the_main_fields_with_their_origin(name: str) -> None:
    golden = read_golden(FIXTURES / name / "all_fields")
    for field in ("title", "languages"):
        assert golden[field], field
    filled = {field for field, value in golden.items() if value and field not in OF_THE_LIBRARY}
    assert filled <= golden["provenance"].keys()
