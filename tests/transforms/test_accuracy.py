"""Strings written down before any was tried (tests/cases/afterwards): nothing more goes wrong, nearly all is right."""

from __future__ import annotations

import pytest

from bench.accuracy import RIGHT, TABLES, WRONG, answers

MIN_RIGHT = {"licences": 1.0, "dates": 1.0, "kinds": 0.99, "levels": 1.0, "names": 1.0, "subjects": 0.98}


@pytest.mark.parametrize("area", MIN_RIGHT)
def test_strings_written_afterwards_are_read_right(area: str) -> None:
    read = [answer for table in TABLES[1:] for answer in answers(area, table)]
    assert len(read) >= 90
    assert {answer.value for answer in read if answer.verdict == WRONG} == set()
    assert sum(answer.verdict == RIGHT for answer in read) / len(read) >= MIN_RIGHT[area]
