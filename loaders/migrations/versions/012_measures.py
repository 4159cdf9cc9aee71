"""Keep what is measured of a run: seconds by step, requests, the server's own count, and shares of the records."""

import sqlalchemy as sa
from alembic import op

revision = "012"
down_revision = "011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column("harvest_run", sa.Column("measures", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take this step back."""
    op.drop_column("harvest_run", "measures")
