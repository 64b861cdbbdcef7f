"""Deeds: what was done before its COMMIT, and one action at a time on a target."""

import sqlalchemy as sa
from alembic import op

from interlock_gateway.adapters.store.schema import Moment
from interlock_gateway.adapters.store.triggers import deeds

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and its triggers."""
    op.create_table(
        "deeds",
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("transaction", sa.Text(), nullable=False),
        sa.Column("affected", sa.BigInteger(), nullable=False),
        sa.Column("undo", sa.LargeBinary(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("prepared_at", Moment(), nullable=True),
        sa.Column("provable", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("approval"),
    )
    for statement in deeds(op.get_bind().dialect.name):
        op.execute(sa.text(statement.replace(":", r"\:")))
