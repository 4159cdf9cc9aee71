"""Many faults at once, and kills between pages: nothing is lost, and nothing is silently short."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harvesters.oai_storm import Storm, weather


@pytest.mark.parametrize("seed", range(8))
def test_faults_and_kills_lose_nothing_but_the_record_that_cannot_be_given(tmp_path: Path, seed: int) -> None:
    weather(Storm(seed), tmp_path)
