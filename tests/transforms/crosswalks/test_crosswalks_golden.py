"""Every fixture of every format becomes exactly what its golden file says."""

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


@pytest.mark.parametrize("name", sorted(CROSSWALKS))
def test_every_format_has_its_four_fixtures(name: str) -> None:
    assert {path.stem for path in (FIXTURES / name).iterdir() if ".golden" not in path.name} == KINDS


@pytest.mark.parametrize("path", regenerate.fixtures(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_fixture_becomes_its_golden_file(path: Path) -> None:
    wanted = path.with_name(f"{path.stem}.golden.json").read_text(encoding="utf-8")
    assert json.loads(regenerate.golden(path)) == json.loads(wanted)


@pytest.mark.parametrize("name", sorted(CROSSWALKS))
def test_a_full_record_fills_the_main_fields_with_their_origin(name: str) -> None:
    path = next((FIXTURES / name).glob("all_fields.golden.json"))
    resource = json.loads(path.read_text(encoding="utf-8"))["resource"]
    for field in ("title", "languages"):
        assert resource[field], field
    filled = {
        field
        for field, value in resource.items()
        if value and field not in {"key", "issued_year", "terms", "provenance", "unmapped"}
    }
    assert filled <= resource["provenance"].keys()
