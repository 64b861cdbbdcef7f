"""Plans: several approval requests that are asked for, and voted on, as one."""

import sqlalchemy as sa
from alembic import op

from interlock_gateway.adapters.store.schema import Moment
from interlock_gateway.adapters.store.triggers import plans

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, what approvals know of their plan, and the triggers."""
    op.create_table(
        "plans",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("requested_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("approvals", sa.Column("plan", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "approvals", sa.Column("place", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("approvals", sa.Column("wish", sa.Text(), nullable=False, server_default=""))
    op.create_index("plans_run", "plans", ["run"], unique=False)
    op.create_index(
        "approvals_plan",
        "approvals",
        ["plan", "place"],
        unique=True,
        sqlite_where=sa.text("plan != ''"),
        postgresql_where=sa.text("plan != ''"),
    )
    for statement in plans(op.get_bind().dialect.name):
        op.execute(sa.text(statement.replace(":", r"\:")))
