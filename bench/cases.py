"""The tables of cases in tests/cases, which the tests check and `bench.accuracy` counts."""

from __future__ import annotations

import csv
from pathlib import Path

CASES = Path(__file__).resolve().parents[1] / "tests" / "cases"


def read_cases(name: str) -> list[dict[str, str]]:
    """Return the rows of a table, by the names of its columns; FileNotFoundError where there is none."""
    with (CASES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
