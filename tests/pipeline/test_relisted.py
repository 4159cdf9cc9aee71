"""A record that was deleted and listed again is a new one, in a catalog that is made from landing too."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from loaders.store import write_transaction
from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.pipeline.feeds import night
from tests.pipeline.test_judging import NC, of_first, reprocessed, works

LICENCE = {"license": {"id": NC}}
STATE = "status, record, pending_status, pending_reason, payload_sha256, pending_sha256"


@pytest.mark.parametrize("lists", [[None], [None, None], [{}, None], [LICENCE, None, LICENCE]])
def test_a_record_that_comes_back_after_an_absence_narrows_nothing(
    library: Environment, lists: list[dict[str, Any] | None]
) -> None:
    night(library, "books", works())
    for more in [*lists, LICENCE]:
        night(library, "books", works()[1:] if more is None else works(**more))
    assert of_first(library, "status, pending_status") == ("live", None)
    tasks_catalog.publish_now()
    before = of_first(library, STATE)
    with write_transaction(library) as connection:
        for table in ("source_record", "issue", "unmapped_value", "harvest_run", "resource", "resource_version"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    shutil.rmtree(library.staging, ignore_errors=True)
    shutil.rmtree(library.home / "match", ignore_errors=True)
    reprocessed(library)
    assert of_first(library, STATE) == before
