"""Keep the published addresses, what their checks found, and which resources have none that lives."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "011"
down_revision = "010"
branch_labels = None
depends_on = None

DEAD, ENDING = sa.text("dead_at IS NOT NULL"), sa.text("certificate_until IS NOT NULL")


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    """Apply this step."""
    optional = (
        "checked_at",
        "status",
        "final_url",
        "first_failed_at",
        "last_failed_at",
        "dead_at",
        "certificate_until",
    )
    op.create_table(
        "link_check",
        *(_text(name) for name in ("url", "host", "detail", "next_due")),
        *(_text(name, nullable=True) for name in optional),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_link_check")),
    )
    op.create_index(op.f("ix_link_check_due"), "link_check", ["host", "next_due", "url"])
    op.create_index(op.f("ix_link_check_counts"), "link_check", ["host", "checked_at", "dead_at"])
    name = op.f("ix_link_check_dead")
    op.create_index(name, "link_check", ["dead_at", "url"], sqlite_where=DEAD, postgresql_where=DEAD)
    name, columns = op.f("ix_link_check_certificate"), ["certificate_until", "host"]
    op.create_index(name, "link_check", columns, sqlite_where=ENDING, postgresql_where=ENDING)
    op.create_table(
        "published_link",
        *(_text(name) for name in ("resource_id", "url")),
        sa.Column("is_content", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", "url", name=op.f("pk_published_link")),
    )
    op.create_index(op.f("ix_published_link_url"), "published_link", ["url", "resource_id"])
    op.create_table(
        "dead_resource",
        _text("resource_id"),
        _text("since", nullable=True),
        _text("changed_at"),
        sa.PrimaryKeyConstraint("resource_id", name=op.f("pk_dead_resource")),
    )
    op.create_index(op.f("ix_dead_resource_changed_at"), "dead_resource", ["changed_at"])


def downgrade() -> None:
    """Take this step back."""
    for table in ("dead_resource", "published_link", "link_check"):
        op.drop_table(table)
