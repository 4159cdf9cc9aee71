"""Find without reading every row what changed and which pair waits; keep every declaration that a feed had."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "008"
down_revision = "007"
branch_labels = None
depends_on = None

WAITING = sa.text("verdict = 'review' OR review IS NOT NULL")
ORDER = ["probability", "left_key", "right_key"]
COLUMNS: dict[str, Any] = {
    "feed": sa.Text(),
    "version": sa.Integer(),
    "declaration": sa.Text(),
    "sha256": sa.Text(),
    "seen_at": sa.Text(),
    "source": sa.Text(),
}


def upgrade() -> None:
    """Apply this step."""
    if op.get_bind().dialect.name == "postgresql":  # counts writes (SQLite does itself); may outlive dropped tables
        op.execute("CREATE SEQUENCE IF NOT EXISTS catalog_write")
    op.create_index(op.f("ix_resource_updated_at"), "resource", ["updated_at", "id"])
    name = op.f("ix_match_waiting")
    op.create_index(name, "match", ORDER, sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_table(
        "feed_declaration_version",
        *(sa.Column(column, kind, nullable=False) for column, kind in COLUMNS.items()),
        sa.PrimaryKeyConstraint("feed", "version", name=op.f("pk_feed_declaration_version")),
    )
    names = ", ".join(COLUMNS)
    op.execute(f"INSERT INTO feed_declaration_version ({names}) SELECT {names} FROM feed_declaration")  # noqa: S608


def downgrade() -> None:
    """Take this step back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE IF EXISTS catalog_write")
    op.drop_table("feed_declaration_version")
    op.drop_index(op.f("ix_match_waiting"), "match")
    op.drop_index(op.f("ix_resource_updated_at"), "resource")
