"""Add what the console needs: mapped terms, accounts, notes on tasks, applications, and decisions made as one batch."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "005"
down_revision = "004"
branch_labels = None
depends_on = None

BATCHED = ("judgement", "curation")
OPEN = sa.text("mapped_to IS NULL AND count > 0")
UNDONE = ("undone_at", "undone_by", "undone_reason")


def _text(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer(), autoincrement=True, nullable=False)


def upgrade() -> None:
    """Apply this step."""
    for table in BATCHED:
        op.add_column(table, _text("batch_id"))
        op.create_index(op.f(f"ix_{table}_batch_id"), table, ["batch_id"])
    for name in UNDONE:
        op.add_column("judgement", _text(name))
    op.create_table(
        "term_mapping",
        _number(),
        _text("field", nullable=False),
        _text("value", nullable=False),
        _text("feed"),
        _text("scheme"),
        _text("code"),
        _text("by", nullable=False),
        _text("at", nullable=False),
        _text("reason", nullable=False),
        _text("batch_id"),
        *(_text(name) for name in UNDONE),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term_mapping")),
    )
    op.create_index(op.f("ix_term_mapping_batch_id"), "term_mapping", ["batch_id"])
    op.create_index(op.f("ix_term_mapping_term"), "term_mapping", ["field", "value"])
    columns = ["count", "field", "value", "feed"]
    name = op.f("ix_unmapped_value_open")
    op.create_index(name, "unmapped_value", columns, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index(op.f("ix_unmapped_value_facets"), "unmapped_value", ["field", "feed", "mapped_to", "count"])
    op.create_table(
        "account",
        _number(),
        _text("name", nullable=False),
        _text("role", nullable=False),
        _text("feeds"),
        _text("password"),
        _text("subject"),
        _text("created_at", nullable=False),
        _text("disabled_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
    )
    op.create_table(
        "task_note",
        _number(),
        _text("object", nullable=False),
        _text("kind", nullable=False),
        _text("who", nullable=False),
        _text("at", nullable=False),
        _text("until"),
        _text("note"),
        _text("ended_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_note")),
    )
    op.create_index(op.f("ix_task_note_object"), "task_note", ["object"])
    op.create_table(
        "application",
        _text("id", nullable=False),
        _text("partner", nullable=False),
        _text("contact", nullable=False),
        _text("feed"),
        _text("declaration", nullable=False),
        _text("status", nullable=False),
        _text("test"),
        _text("created_at", nullable=False),
        _text("decided_by"),
        _text("decided_at"),
        _text("reason"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
    )


def downgrade() -> None:
    """Take this step back."""
    for name in ("open", "facets"):
        op.drop_index(op.f(f"ix_unmapped_value_{name}"), table_name="unmapped_value")
    for table in ("application", "task_note", "account", "term_mapping"):
        op.drop_table(table)
    for name in UNDONE:
        op.drop_column("judgement", name)
    for table in reversed(BATCHED):
        op.drop_index(op.f(f"ix_{table}_batch_id"), table_name=table)
        op.drop_column(table, "batch_id")
