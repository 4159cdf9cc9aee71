"""Remember what each resource was merged from, so that only those are merged again of which something changed."""

import sqlalchemy as sa
from alembic import op

revision = "015"
down_revision = "014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step. The next publication merges every resource once more, and fills the column."""
    op.add_column("resource", sa.Column("merged_from", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take this step back."""
    op.drop_column("resource", "merged_from")
