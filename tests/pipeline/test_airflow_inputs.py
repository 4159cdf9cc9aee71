"""What Airflow hands to a task: the configuration that a run of a feed's DAG is triggered with."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.airflow_inputs import wants_full


@pytest.mark.parametrize(
    ("conf", "full"),
    [
        (None, False),
        ({}, False),
        ({"full": True}, True),
        ({"full": False}, False),
        ({"full": "false"}, False),
        ({"full": " True "}, True),
    ],
)
def test_a_full_harvest_happens_only_when_requested(conf: dict[str, Any] | None, full: bool) -> None:
    assert wants_full(conf) is full


@pytest.mark.parametrize("value", ["maybe", "", 1, 0, None, [True], {"full": True}])
def test_a_value_that_is_neither_true_nor_false_is_rejected(value: object) -> None:
    with pytest.raises(ValueError, match=r"full = .*; write"):
        wants_full({"full": value})


@pytest.mark.parametrize("name", ["Full", "fulll", "since"])
def test_a_name_that_nothing_reads_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"has {name}; it may only have"):
        wants_full({name: True})
