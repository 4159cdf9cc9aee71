"""Add indexes that cover the counts of every night, which otherwise read every record."""

import sqlalchemy as sa
from alembic import op

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None

TABLE = "source_record"
PUBLISHED, WAITS = sa.text("resource_id IS NOT NULL"), sa.text("pending_status IS NOT NULL")
DOUBTED = sa.text("review IS NOT NULL")


def upgrade() -> None:
    """Apply this step."""
    op.drop_index("ix_source_record_feed_status", TABLE)
    op.drop_index("ix_source_record_resource_id", TABLE)
    op.create_index("ix_source_record_feed_status", TABLE, ["feed", "status", "resource_id", "score"])
    op.create_index(
        "ix_source_record_resource_id", TABLE, ["resource_id"], sqlite_where=PUBLISHED, postgresql_where=PUBLISHED
    )
    op.create_index(
        "ix_source_record_pending", TABLE, ["feed", "pending_status"], sqlite_where=WAITS, postgresql_where=WAITS
    )
    op.create_index("ix_resource_review", "resource", ["withdrawn_at"], sqlite_where=DOUBTED, postgresql_where=DOUBTED)


def downgrade() -> None:
    """Take this step back."""
    op.drop_index("ix_resource_review", "resource")
    op.drop_index("ix_source_record_pending", TABLE)
    op.drop_index("ix_source_record_resource_id", TABLE)
    op.drop_index("ix_source_record_feed_status", TABLE)
    op.create_index("ix_source_record_feed_status", TABLE, ["feed", "status"])
    op.create_index("ix_source_record_resource_id", TABLE, ["resource_id"])
