"""Find without reading every row: the resources that changed since a time, and the next pair that waits."""

import sqlalchemy as sa
from alembic import op

revision = "008"
down_revision = "007"
branch_labels = None
depends_on = None

WAITING = sa.text("verdict = 'review' OR review IS NOT NULL")
ORDER = ["probability", "left_key", "right_key"]


def upgrade() -> None:
    """Apply this step."""
    op.create_index(op.f("ix_resource_updated_at"), "resource", ["updated_at", "id"])
    name = op.f("ix_match_waiting")
    op.create_index(name, "match", ORDER, sqlite_where=WAITING, postgresql_where=WAITING)


def downgrade() -> None:
    """Take this step back."""
    op.drop_index(op.f("ix_match_waiting"), "match")
    op.drop_index(op.f("ix_resource_updated_at"), "resource")
