"""Hypotheses, questions, pins and narrative views; follow-ups that a person writes down."""

import sqlalchemy as sa
from alembic import op

from interlock_gateway.adapters.store.schema import Moment
from interlock_gateway.adapters.store.triggers_entries import entries

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; until now nobody but a broken glass opened a follow-up."""
    for name in ("due", "opened_by", "closing"):
        op.add_column("followups", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.create_index("followups_state", "followups", ["state"])
    op.create_table(
        "hypotheses",
        *_texts("incident", "id", "state", "confidence", "event", "last", "opened_by"),
        sa.Column("opened_at", Moment(), nullable=False),
        *_texts("closed_by", "superseded_by"),
        sa.PrimaryKeyConstraint("incident", "id"),
    )
    op.create_table(
        "questions",
        *_texts("event", "incident"),
        sa.Column("asked_at", Moment(), nullable=False),
        *_texts("answer"),
        sa.PrimaryKeyConstraint("event"),
    )
    op.create_index("questions_incident", "questions", ["incident"])
    op.create_table(
        "pins",
        *_texts("incident", "event"),
        sa.Column("pinned", sa.BigInteger(), nullable=False),
        *_texts("last"),
        sa.PrimaryKeyConstraint("incident", "event"),
    )
    op.create_table(
        "views",
        *_texts("incident", "name"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *_texts("event", "saved_by"),
        sa.Column("saved_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "name", "version"),
    )
    for statement in entries(op.get_bind().dialect.name):
        op.execute(sa.text(statement.replace(":", r"\:")))


def _texts(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
