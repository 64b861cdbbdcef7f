"""Broken glass, the follow-ups it opens, and votes that were confirmed in the browser."""

import sqlalchemy as sa
from alembic import op

from interlock_gateway.adapters.store.schema import Moment
from interlock_gateway.adapters.store.triggers import breaks

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns and two tables; until now no vote was confirmed and no glass broken."""
    for table, name in (("votes", "confirmed_in"), ("approvals", "broken_by")):
        op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "breaks",
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposal_digest", sa.Text(), nullable=False),
        sa.Column("prompt_digest", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("approval"),
    )
    op.create_index("breaks_person", "breaks", ["person"], unique=False)
    op.create_table(
        "followups",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("concerns", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("followups_incident", "followups", ["incident"], unique=False)
    for statement in breaks(op.get_bind().dialect.name):
        op.execute(sa.text(statement.replace(":", r"\:")))
