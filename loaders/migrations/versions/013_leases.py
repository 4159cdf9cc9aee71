"""Keep who holds a lock, and which DAG carries a run on."""

import sqlalchemy as sa
from alembic import op

revision = "013"
down_revision = "012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "lease",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "holder")),
        sa.Column("token", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("since", "until")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.add_column("harvest_run", sa.Column("dag", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take this step back."""
    op.drop_column("harvest_run", "dag")
    op.drop_table("lease")
