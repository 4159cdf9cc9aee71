"""What every test may rely on: no deadline in property tests (timings belong in `make bench`), the same draws in CI.

Files with slow or early tests come first, so that the workers, which each take whole files, end together.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("house"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("early")}
    items.sort(key=lambda item: item.path not in long)
