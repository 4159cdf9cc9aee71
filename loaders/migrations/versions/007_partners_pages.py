"""Add what the partners' own pages need: findings that came back, lists by rule, and wishes for a weekly mail.

Of the findings that are in the catalog already it is not known whether they had been resolved before: none counts as
come back.
"""

import sqlalchemy as sa
from alembic import op

revision = "007"
down_revision = "006"
branch_labels = None
depends_on = None

TABLE = "issue"
OPEN, RESOLVED = "ix_issue_open", "ix_issue_resolved_run_id"
IS_OPEN = sa.text("resolved_run_id IS NULL")
IS_RESOLVED = sa.text("resolved_run_id IS NOT NULL")
RECORDS, PENDING = "source_record", "ix_source_record_pending"
IS_PENDING = sa.text("pending_status IS NOT NULL")


def upgrade() -> None:
    """Apply this step."""
    op.add_column(TABLE, sa.Column("came_back", sa.Boolean(), nullable=False, server_default=sa.false()))
    columns = ["feed", "code", "severity", "first_run_id", "finding", "came_back", "resolved_run_id"]
    op.create_index(OPEN, TABLE, columns, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
    op.drop_index(RESOLVED, table_name=TABLE)
    columns = ["resolved_run_id", "feed", "code", "severity", "finding"]
    op.create_index(RESOLVED, TABLE, columns, sqlite_where=IS_RESOLVED, postgresql_where=IS_RESOLVED)
    op.drop_index(PENDING, table_name=RECORDS)
    columns = ["feed", "pending_status", "run_id", "key"]
    op.create_index(PENDING, RECORDS, columns, sqlite_where=IS_PENDING, postgresql_where=IS_PENDING)
    op.create_table(
        "fix_mail",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("chosen_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.Column("told_run_id", sa.Text(), nullable=True),
        sa.Column("begun_at", sa.Text(), nullable=True),
        sa.Column("told_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("feed", "account", name=op.f("pk_fix_mail")),
    )


def downgrade() -> None:
    """Take this step back."""
    op.drop_table("fix_mail")
    op.drop_index(PENDING, table_name=RECORDS)
    columns = ["feed", "pending_status"]
    op.create_index(PENDING, RECORDS, columns, sqlite_where=IS_PENDING, postgresql_where=IS_PENDING)
    op.drop_index(RESOLVED, table_name=TABLE)
    op.create_index(RESOLVED, TABLE, ["resolved_run_id"])
    op.drop_index(OPEN, table_name=TABLE)
    op.drop_column(TABLE, "came_back")
