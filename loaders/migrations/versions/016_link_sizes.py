"""Remember how large the file at a published address is, so that its page tells it."""

import sqlalchemy as sa
from alembic import op

revision = "016"
down_revision = "015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step. The next check of each address fills the column."""
    op.add_column("link_check", sa.Column("size_bytes", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take this step back."""
    op.drop_column("link_check", "size_bytes")
