"""What every test may rely on: no deadline in property tests (timings belong in `make bench`), the same draws in CI.

Temporary folders are in memory where there is enough of it: our writers call fsync for every file, for which a disk
takes milliseconds. Files with slow or early tests come first, so that the workers, which each take whole files, end
together.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.catalogs import PostgresCatalogs

IN_MEMORY = Path("/dev/shm")
MIN_FREE_BYTES = 6 << 30  # the suite needs less than 2 GB at a time
if "TMPDIR" not in os.environ and IN_MEMORY.is_mount() and shutil.disk_usage(IN_MEMORY).free >= MIN_FREE_BYTES:
    os.environ["TMPDIR"] = str(IN_MEMORY)  # also for the processes that tests start
    tempfile.tempdir = None  # pytest has looked for the folder already

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("house"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("early")}
    items.sort(key=lambda item: item.path not in long)


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
