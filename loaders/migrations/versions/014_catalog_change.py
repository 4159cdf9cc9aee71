"""Know whether anything changed that a publication depends on: the catalog counts it, whoever writes."""

import sqlalchemy as sa
from alembic import op

revision = "014"
down_revision = "013"
branch_labels = None
depends_on = None

# What a match or a publication reads. Of an update only these columns count; without any, every one does.
WATCHED = {
    "source_record": (
        "feed",
        "status",
        "record_sha256",
        "score",
        "resource_id",
        "pending_status",
        "pending_reason",
    ),
    "resource": ("record_sha256", "quality", "members", "review", "created_at", "withdrawn_at", "sets"),
    "redirect": (),
    "match": (),
    "judgement": (),
    "curation": (),
    "publish_state": ("value",),
}
PUBLISHED_STATES = "('derivation', 'feed_terms', 'matched')"  # rows of publish_state that a publication reads
COUNT = "UPDATE catalog_change SET number = number + 1 WHERE number % 2 = 0"
EVENTS = {"insert": ("NEW",), "update": ("OLD", "NEW"), "delete": ("OLD",)}


def _condition(table: str, event: str, differs: str) -> str:
    """Return the WHEN clause of a trigger, with a blank before it; empty when every row counts."""
    parts = []
    if event == "update" and WATCHED[table]:
        parts.append("(" + " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in WATCHED[table]) + ")")
    if table == "publish_state":
        parts.append(f"{EVENTS[event][-1]}.name IN {PUBLISHED_STATES}")
    return f" WHEN ({' AND '.join(parts)})" if parts else ""


def _create_sqlite(table: str, event: str) -> None:
    condition = _condition(table, event, "IS NOT")
    op.execute(
        f'CREATE TRIGGER change_of_{table}_{event} AFTER {event.upper()} ON "{table}" FOR EACH ROW{condition} '
        f"BEGIN {COUNT}; END"
    )


def _create_postgres(table: str, event: str) -> None:
    condition = _condition(table, event, "IS DISTINCT FROM")
    op.execute(
        f'CREATE TRIGGER change_of_{table}_{event} AFTER {event.upper()} ON "{table}" FOR EACH ROW{condition} '
        "EXECUTE FUNCTION count_catalog_change()"
    )


def upgrade() -> None:
    """Apply this step. The number is odd: the next publication does all of its work."""
    op.create_table(
        "catalog_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_change")),
    )
    op.execute("INSERT INTO catalog_change (id, number) VALUES (1, 1)")
    is_postgres = op.get_bind().dialect.name == "postgresql"
    if is_postgres:
        op.execute(
            "CREATE OR REPLACE FUNCTION count_catalog_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {COUNT}; RETURN NULL; END $$"
        )
    create = _create_postgres if is_postgres else _create_sqlite
    for table in WATCHED:
        for event in EVENTS:
            create(table, event)


def downgrade() -> None:
    """Take this step back."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for table in WATCHED:
        for event in EVENTS:
            op.execute(f"DROP TRIGGER change_of_{table}_{event}" + (f' ON "{table}"' if is_postgres else ""))
    if is_postgres:
        op.execute("DROP FUNCTION count_catalog_change()")
    op.drop_table("catalog_change")
