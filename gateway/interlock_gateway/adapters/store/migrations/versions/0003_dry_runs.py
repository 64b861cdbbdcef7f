"""Runs whose actions are previewed and never asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say of each run what becomes of its actions; until now all were asked for."""
    column = sa.Column("actions", sa.Text(), nullable=False, server_default="ask")
    op.add_column("runs", column)
