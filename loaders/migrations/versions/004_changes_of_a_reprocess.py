"""Add what a reprocess changed, by kind, to its run."""

import sqlalchemy as sa
from alembic import op

revision = "004"
down_revision = "003"
branch_labels = None
depends_on = None

TABLE = "harvest_run"


def upgrade() -> None:
    """Apply this step."""
    op.add_column(TABLE, sa.Column("changes", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take this step back."""
    op.drop_column(TABLE, "changes")
