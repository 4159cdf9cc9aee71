"""Completeness of a feed from night to night: as if every record was read, though only those are that changed."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, delete, insert, update

from loaders.reports import completeness, kept_fields
from loaders.store import CurationRow, HarvestRunRow, SourceRecordRow, snapshot
from loaders.store.database import open_engine
from schemas import Environment, Resource

RECORDS: Any = SourceRecordRow.__table__
RUNS: Any = HarvestRunRow.__table__
CURATIONS: Any = CurationRow.__table__
TEXTS: dict[str, Any] = {
    "title": {"en": "Plants"},
    "description": {"en": "About plants"},
    "url": "https://example.org/1",
    "issued": "2020",
}


@pytest.fixture
def engine(env: Environment) -> Engine:
    return open_engine(env.catalog_url)


def record_json(key: str, fields: set[str]) -> str:
    return msgspec.json.encode(Resource(key=key, **{name: TEXTS[name] for name in fields})).decode()


def some_fields(rng: random.Random) -> set[str]:
    return {name for name in TEXTS if rng.random() < 0.5}


def run(engine: Engine, number: int, kind: str = "harvest") -> str:
    """Add a loaded run of the feed; return its id."""
    run_id = f"col-20260314T{number:012}"
    row = {"id": run_id, "feed": "col", "kind": kind, "status": "loaded", "started_at": "2026-03-14T01:00:00Z"}
    with engine.begin() as connection:
        connection.execute(insert(RUNS).values(row))
    return run_id


def write(engine: Engine, run_id: str, number: int, fields: set[str], status: str = "live") -> None:
    key = f"col:{number}"
    row = {"key": key, "feed": "col", "identifier": str(number), "format": "oai_dc", "status": status, "run_id": run_id}
    with engine.begin() as connection:
        connection.execute(delete(RECORDS).where(RECORDS.c.key == key))
        connection.execute(insert(RECORDS).values(**row, record=record_json(key, fields)))


def shares(engine: Engine, path: Path) -> completeness.Shares:
    with snapshot(engine) as connection:
        return kept_fields.read_field_shares(connection, path, "col")


def shares_of_all(engine: Engine, folder: Path) -> completeness.Shares:
    """Return the shares as they are measured where nothing is kept."""
    path = folder / "nothing-kept.db"
    path.unlink(missing_ok=True)
    return shares(engine, path)


@pytest.mark.parametrize("seed", range(3))
def test_nights_of_changes_measure_what_reading_every_record_measures(
    engine: Engine, tmp_path: Path, seed: int
) -> None:
    rng, kept = random.Random(seed), tmp_path / "col.fields.db"
    first = run(engine, 1)
    for number in range(60):
        write(engine, first, number, some_fields(rng))
    for night in range(2, 8):
        assert shares(engine, kept) == shares_of_all(engine, tmp_path)
        run_id = run(engine, night)
        for number in rng.sample(range(80), 7):
            write(engine, run_id, number, some_fields(rng), rng.choice(["live", "live", "deleted", "quarantined"]))
    assert shares(engine, kept) == shares_of_all(engine, tmp_path)


def test_records_that_did_not_change_are_not_read_again(engine: Engine, tmp_path: Path) -> None:
    kept, first = tmp_path / "col.fields.db", run(engine, 1)
    for number in range(4):
        write(engine, first, number, {"title"})
    assert shares(engine, kept)["title"] == 1.0
    with engine.begin() as connection:
        connection.execute(update(RECORDS).where(RECORDS.c.key == "col:0").values(record="cannot be read"))
    write(engine, run(engine, 2), 1, {"url"})
    assert shares(engine, kept)["title"] == 0.75
    with pytest.raises(msgspec.DecodeError):
        shares_of_all(engine, tmp_path)


def test_an_undone_run_is_measured_as_it_was_before(engine: Engine, tmp_path: Path) -> None:
    kept, first = tmp_path / "col.fields.db", run(engine, 1)
    for number in range(4):
        write(engine, first, number, {"title"})
    write(engine, run(engine, 2), 0, {"url"})
    assert shares(engine, kept)["title"] == 0.75
    write(engine, first, 0, {"title"})
    run(engine, 3, "undo")
    assert shares(engine, kept)["title"] == 1.0


def test_a_stewards_decision_on_a_record_or_its_resource_is_measured(engine: Engine, tmp_path: Path) -> None:
    kept, first = tmp_path / "col.fields.db", run(engine, 1)
    for number in range(4):
        write(engine, first, number, {"title"})
    assert shares(engine, kept)["issued"] == 0.0
    signature = {"action": "accept", "by": "a steward", "at": "2026-03-14T05:00:00Z", "reason": "complete"}
    with engine.begin() as connection:
        connection.execute(insert(CURATIONS).values(key="col:0", **signature))
        connection.execute(insert(CURATIONS).values(resource_id="A1", **signature))
        for key, resource_id in (("col:0", None), ("col:1", "A1")):
            changed = {"record": record_json(key, {"title", "issued"}), "resource_id": resource_id}
            connection.execute(update(RECORDS).where(RECORDS.c.key == key).values(**changed))
    assert shares(engine, kept)["issued"] == 0.5


def test_the_file_may_be_damaged_or_of_another_catalog(engine: Engine, tmp_path: Path) -> None:
    kept, first = tmp_path / "col.fields.db", run(engine, 1)
    for number in range(4):
        write(engine, first, number, {"title"})
    kept.write_bytes(b"this is no database, as everybody can see" * 100)
    assert shares(engine, kept) == shares_of_all(engine, tmp_path)
    with sqlite3.connect(kept) as connection:
        connection.execute("UPDATE record SET key = 'col:90', fields = 0 WHERE key = 'col:0'")
        connection.execute("DELETE FROM record WHERE key = 'col:1'")
    assert shares(engine, kept)["title"] == 1.0


def test_more_changes_than_are_held_in_memory_make_all_records_be_read(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_fields, "_MAX_CHANGED_RECORDS", 5)
    kept = tmp_path / "col.fields.db"
    for night in (1, 2):
        run_id = run(engine, night)
        for number in range(20):
            write(engine, run_id, number, {"title"} if night == 1 or number < 5 else {"url"})
        assert shares(engine, kept) == shares_of_all(engine, tmp_path)
    assert shares(engine, kept)["title"] == 0.25
