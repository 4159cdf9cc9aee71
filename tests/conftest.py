"""What every test may rely on: no deadline in property tests (timings belong in `make bench`), the same draws in CI.

Temporary folders are in memory where there is enough of it: our writers call fsync for every file, for which a disk
takes milliseconds. Files that took long in the last run come first, or in the first run those with slow or early
tests, so that the workers, which each take whole files, end together.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.catalogs import PostgresCatalogs

SECONDS_OF_FILES = "elib/seconds_of_files"
IN_MEMORY = Path("/dev/shm")
MIN_FREE_BYTES = 6 << 30  # the suite needs less than 2 GB at a time
if "TMPDIR" not in os.environ and IN_MEMORY.is_mount() and shutil.disk_usage(IN_MEMORY).free >= MIN_FREE_BYTES:
    os.environ["TMPDIR"] = str(IN_MEMORY)  # also for the processes that tests start
    tempfile.tempdir = None  # pytest has looked for the folder already

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("house"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    first = {
        _file(item.nodeid) for item in items if item.get_closest_marker("slow") or item.get_closest_marker("early")
    }
    seconds = dict.fromkeys(first, math.inf) | _seconds_of_files(config)
    items.sort(key=lambda item: -seconds.get(_file(item.nodeid), 0))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # in the process that hears of every worker's tests
        config.pluginmanager.register(_FileClock(config))


class _FileClock:
    """Adds up how long each file takes, and keeps it for the order of the next run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[_file(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        cache = getattr(self._config, "cache", None)
        if cache and not self._config.getoption("keyword"):
            cache.set(SECONDS_OF_FILES, _seconds_of_files(self._config) | self._seconds)


def _seconds_of_files(config: pytest.Config) -> dict[str, float]:
    cache = getattr(config, "cache", None)  # None with -p no:cacheprovider
    return dict(cache.get(SECONDS_OF_FILES, {})) if cache else {}


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


@pytest.fixture(scope="session")
def postgres_catalogs() -> Iterator[PostgresCatalogs]:
    """Catalogs on the tests' PostgreSQL; skips a test where there is none, unless ELIB_TEST_POSTGRES is required."""
    from tests.catalogs import PostgresCatalogs  # imports SQLAlchemy, which most tests do without

    try:
        catalogs = PostgresCatalogs()
    except Exception as error:  # whatever keeps it from answering is the reason
        if os.environ.get("ELIB_TEST_POSTGRES") == "required":  # CI: a skipped test would hide that nothing was tried
            raise
        pytest.skip(f"no PostgreSQL at 127.0.0.1:5432 that can make a database: {type(error).__name__}")
    yield catalogs
    catalogs.close()
