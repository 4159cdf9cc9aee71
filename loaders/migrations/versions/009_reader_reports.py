"""Keep what readers report about resources, and what stewards decide on it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "009"
down_revision = "008"
branch_labels = None
depends_on = None

OPEN = sa.text("decision_id IS NULL")


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "reader_report",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        _text("resource_id"),
        _text("kind"),
        _number("count"),
        _text("first_at"),
        _text("last_at"),
        _text("due_at", nullable=True),
        _text("messages"),
        _number("decision_id", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader_report")),
    )
    columns = ["kind", "first_at", "id"]
    name = op.f("ix_reader_report_open")
    op.create_index(name, "reader_report", columns, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index(op.f("ix_reader_report_resource_id"), "reader_report", ["resource_id"])
    op.create_table(
        "reader_report_decision",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        _number("report_id"),
        *(_text(name) for name in ("resource_id", "action")),
        _text("answer", nullable=True),
        *(_text(name) for name in ("by", "at", "reason", "batch_id")),
        *(_text(name, nullable=True) for name in ("undone_at", "undone_by", "undone_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader_report_decision")),
    )
    for column in ("batch_id", "report_id"):
        op.create_index(op.f(f"ix_reader_report_decision_{column}"), "reader_report_decision", [column])


def downgrade() -> None:
    """Take this step back."""
    op.drop_table("reader_report_decision")
    op.drop_table("reader_report")
