"""Add what partners need: all of an application, and the links that were used."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "006"
down_revision = "005"
branch_labels = None
depends_on = None

ADDED = (
    *("contact_name", "language", "name", "detection", "messages", "version", "changed_at", "submitted_at"),
    "accepting",
)
REQUIRED = {"language": "en", "version": "1", "changed_at": ""}  # what applications of before, and of backups, get
INDEXED = ("status", "contact")


def _column(name: str) -> sa.Column[Any]:
    kind = sa.Integer() if name == "version" else sa.Text()
    return sa.Column(name, kind, nullable=name not in REQUIRED, server_default=REQUIRED.get(name))


def upgrade() -> None:
    """Apply this step."""
    for name in ADDED:
        op.add_column("application", _column(name))
    op.execute("UPDATE application SET changed_at = created_at")
    for name in INDEXED:
        op.create_index(op.f(f"ix_application_{name}"), "application", [name])
    op.create_table(
        "used_link",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_used_link")),
    )


def downgrade() -> None:
    """Take this step back."""
    op.drop_table("used_link")
    for name in INDEXED:
        op.drop_index(op.f(f"ix_application_{name}"), table_name="application")
    for name in reversed(ADDED):
        op.drop_column("application", name)
