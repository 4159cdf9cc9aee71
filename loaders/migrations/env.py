"""Run by Alembic, with the connection of loaders.migrations.migrate."""

from alembic import context

from loaders.migrations import VERSION_TABLE
from loaders.store import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
