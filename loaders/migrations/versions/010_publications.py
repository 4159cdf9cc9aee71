"""Know when each publication could be read, and find the resources of a set without reading every record."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "010"
down_revision = "009"
branch_labels = None
depends_on = None


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    """Apply this step. The sets are filled by the next publication, which derives columns by a new version."""
    op.create_table(
        "publication",
        _text("changed_at"),
        _text("run_id"),
        _text("visible_at", nullable=True),
        sa.PrimaryKeyConstraint("changed_at", name=op.f("pk_publication")),
        sa.UniqueConstraint("run_id", name=op.f("uq_publication_run_id")),
    )
    op.create_index(op.f("ix_publication_visible_at"), "publication", ["visible_at"])
    op.execute(
        "INSERT INTO publication (changed_at, run_id, visible_at) "
        "SELECT updated_at, 'before-' || updated_at, updated_at FROM resource GROUP BY updated_at"
    )
    op.add_column("resource", _text("sets", nullable=True))
    op.create_table(
        "resource_set",
        _text("spec"),
        _text("resource_id"),
        sa.PrimaryKeyConstraint("spec", "resource_id", name=op.f("pk_resource_set")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_resource_id_updated_at"), "resource", ["id", "updated_at"])


def downgrade() -> None:
    """Take this step back."""
    op.drop_index(op.f("ix_resource_id_updated_at"), "resource")
    op.drop_table("resource_set")
    op.drop_column("resource", "sets")
    op.drop_table("publication")
