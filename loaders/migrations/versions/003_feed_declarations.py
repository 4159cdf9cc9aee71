"""Add the table that keeps the last good declaration of every feed."""

import sqlalchemy as sa
from alembic import op

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None

TABLE = "feed_declaration"


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        TABLE,
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("declaration", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_feed_declaration")),
    )


def downgrade() -> None:
    """Take this step back."""
    op.drop_table(TABLE)
