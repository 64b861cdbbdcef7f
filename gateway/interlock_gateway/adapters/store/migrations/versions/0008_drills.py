"""Incidents that are drills, in which nothing runs."""

import sqlalchemy as sa
from alembic import op

from interlock_gateway.adapters.store.triggers import drills

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say of each incident whether it is a drill, for ever; until now none was."""
    column = sa.Column("drill", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("incidents", column)
    for statement in drills(op.get_bind().dialect.name):
        op.execute(sa.text(statement.replace(":", r"\:")))
