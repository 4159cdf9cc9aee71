"""The migrations make exactly the tables that the models say."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import event, inspect, text

from loaders import migrations
from loaders.migrations import VERSION_TABLE, migrate
from loaders.reports.night_facts import standings
from loaders.store import BadCatalogUrl, Table, engine, read_transaction, write_transaction
from loaders.store.database import open_engine
from schemas import Environment

PROMISED = {
    "harvest_run": "id feed kind status started_at ended_at listed landed added changed unchanged deleted rejected "
    "quarantined error",
    "source_record": "key feed identifier datestamp format status payload_sha256 record pending_sha256 pending_record "
    "pending_reason run_id resource_id",
    "resource": "id title language license_uri resource_type url issued issued_year quality record created_at "
    "updated_at withdrawn_at",
    "resource_version": "resource_id version run_id changed_at changes",
    "redirect": "old_id id at",
    "issue": "key feed run_id code severity path value first_run_id resolved_run_id",
    "unmapped_value": "field value feed count first_seen mapped_to",
    "match": "left_key right_key probability evidence verdict",
    "judgement": "left_key right_key verdict by at reason left_sha256 right_sha256",
    "feed_declaration": "feed version declaration sha256 seen_at source",
    "curation": "key resource_id path value action by at reason undone_at",
}


def test_the_migrated_catalog_is_what_the_models_say(env: Environment) -> None:
    migrate(env)
    with read_transaction(env) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Table.metadata) == []
        for table, columns in PROMISED.items():
            there = {column["name"] for column in inspect(connection).get_columns(table)}
            assert set(columns.split()) <= there, table


def test_a_writer_that_fails_leaves_nothing(env: Environment) -> None:
    try:
        with write_transaction(env) as connection:
            connection.execute(text("INSERT INTO redirect (old_id, id, at) VALUES ('a', 'b', 'now')"))
            raise RuntimeError("in the middle")
    except RuntimeError:
        pass
    with read_transaction(env) as connection:
        assert connection.scalar(text("SELECT count(*) FROM redirect")) == 0


def test_a_reader_sees_one_moment_while_others_write(env: Environment) -> None:
    with read_transaction(env) as before:
        assert before.scalar(text("SELECT count(*) FROM redirect")) == 0
        with write_transaction(env) as connection:
            connection.execute(text("INSERT INTO redirect (old_id, id, at) VALUES ('a', 'b', 'now')"))
        assert before.scalar(text("SELECT count(*) FROM redirect")) == 0
    with read_transaction(env) as after:
        assert after.scalar(text("SELECT count(*) FROM redirect")) == 1


def test_another_database_is_refused_by_name() -> None:
    with pytest.raises(BadCatalogUrl, match="'mysql' is not supported"):
        open_engine("mysql://example.org/elib")


def test_a_catalog_of_before_is_brought_up_with_what_is_in_it(env: Environment) -> None:
    with write_transaction(env) as connection:
        steps = Config()
        steps.set_main_option("script_location", str(Path(migrations.__file__).parent))
        steps.attributes["connection"] = connection
        command.downgrade(steps, "001")
        connection.execute(
            text(
                "INSERT INTO source_record (key, feed, identifier, format, status, has_title, has_language,"
                " has_license, run_id, resource_id, pending_status) VALUES"
                " ('a:1', 'a', '1', 'oai_dc', 'live', true, true, true, 'a-1', 'r1', 'quarantined'),"
                " ('a:2', 'a', '2', 'oai_dc', 'live', true, true, true, 'a-1', 'r1', NULL),"
                " ('b:1', 'b', '1', 'oai_dc', 'rejected', true, true, true, 'b-1', NULL, 'rejected')"
            )
        )
    migrate(env)
    b = {"records": 1, "readable": 0, "live": 0, "unique": 0, "quarantined": 0, "rejected": 1}
    with read_transaction(env) as connection:
        assert standings(connection) == {
            "a": {"records": 2, "readable": 2, "live": 2, "unique": 1, "quarantined": 1, "rejected": 0},
            "b": b,
        }
        assert standings(connection, "b") == {"b": b}


def test_what_is_counted_every_night_is_counted_without_reading_the_records(lite: Environment) -> None:
    queries: list[tuple[str, object]] = []
    event.listen(engine(lite), "after_cursor_execute", lambda *arguments: queries.append(arguments[2:4]))
    with read_transaction(lite) as connection:
        standings(connection)
        plans = [
            step[3]
            for statement, values in queries[:]
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            if "source_record" in step[3]
        ]
    assert len(plans) == 2
    assert all("INDEX ix_source_record" in plan for plan in plans), plans
    assert "COVERING" in plans[0], plans
