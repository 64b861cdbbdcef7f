"""Artifacts, tombstones, and what is to become of an incident's evidence."""

import sqlalchemy as sa
from alembic import op

from interlock_gateway.adapters.store.evidence_triggers import statements
from interlock_gateway.adapters.store.schema import Moment

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and triggers, and forget what was heard and is dealt with."""
    op.create_table(
        "artifacts",
        *_texts("id", "event"),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *_texts("mediatype", "preview"),
        sa.ForeignKeyConstraint(["event"], ["events.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_artifacts_event"), "artifacts", ["event"])
    op.create_table(
        "tombstones",
        *_texts("part", "event", "incident", "kind", "by"),
        sa.Column("at", Moment(), nullable=False),
        *_texts("reason", "covers"),
        sa.PrimaryKeyConstraint("part"),
    )
    op.create_index("tombstones_event", "tombstones", ["event"])
    op.create_table(
        "retention",
        *_texts("incident", "held_by", "reason"),
        sa.Column("held_at", Moment(), nullable=True),
        sa.Column("expired_to", sa.BigInteger(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("incident"),
    )
    dialect = op.get_bind().dialect.name
    for statement in statements(dialect):
        op.execute(sa.text(statement.replace(":", r"\:")))
    inbox = sa.table(
        "inbox", sa.column("content", sa.LargeBinary()), sa.column("handled_at", Moment())
    )
    op.execute(inbox.update().where(inbox.c.handled_at.is_not(None)).values(content=b""))


def _texts(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
