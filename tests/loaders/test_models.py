"""The migrations make exactly the tables that the models say."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from loaders.database import open_engine, reading, writing
from loaders.migrations import VERSION_TABLE, migrate
from loaders.models import Table
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
    "curation": "key resource_id path value action by at reason undone_at",
}


def test_the_migrated_catalog_is_what_the_models_say(env: Environment) -> None:
    migrate(env)
    with reading(env) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Table.metadata) == []
        for table, columns in PROMISED.items():
            there = {column["name"] for column in inspect(connection).get_columns(table)}
            assert set(columns.split()) <= there, table


def test_a_writer_that_fails_leaves_nothing(env: Environment) -> None:
    try:
        with writing(env) as connection:
            connection.execute(text("INSERT INTO redirect (old_id, id, at) VALUES ('a', 'b', 'now')"))
            raise RuntimeError("in the middle")
    except RuntimeError:
        pass
    with reading(env) as connection:
        assert connection.scalar(text("SELECT count(*) FROM redirect")) == 0


def test_a_reader_sees_one_moment_while_others_write(env: Environment) -> None:
    with reading(env) as before:
        assert before.scalar(text("SELECT count(*) FROM redirect")) == 0
        with writing(env) as connection:
            connection.execute(text("INSERT INTO redirect (old_id, id, at) VALUES ('a', 'b', 'now')"))
        assert before.scalar(text("SELECT count(*) FROM redirect")) == 0
    with reading(env) as after:
        assert after.scalar(text("SELECT count(*) FROM redirect")) == 1


def test_another_database_is_refused_by_name() -> None:
    try:
        open_engine("mysql://example.org/elib")
    except ValueError as error:
        assert "'mysql' is not served" in str(error)
    else:
        raise AssertionError("it was taken")
