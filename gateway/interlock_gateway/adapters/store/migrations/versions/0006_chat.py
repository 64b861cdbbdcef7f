"""A chat: its messages, what people do in it, and which accounts are whose."""

import sqlalchemy as sa
from alembic import op

from interlock_gateway.adapters.store.schema import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and say of the outbox what kept an entry from being told."""
    trouble = sa.Column("trouble", sa.Text(), nullable=False, server_default="")
    op.add_column("outbox", trouble)
    op.add_column("outbox", sa.Column("set_aside_at", Moment(), nullable=True))
    op.create_table("claims", *_texts("name", "holder"), *_moments("until"), _key("name"))
    op.create_table(
        "posts",
        *_texts("key", "room", "thread", "ts", "shown"),
        *_moments("begun_at"),
        _key("key"),
    )
    op.create_table(
        "inbox",
        *_texts("id", "proof", "outcome"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *_moments("received_at"),
        sa.Column("handled_at", Moment(), nullable=True),
        _key("id"),
    )
    op.create_index("inbox_open", "inbox", ["handled_at", "received_at"])
    op.create_table(
        "links",
        *_texts("team", "account", "person", "how"),
        *_moments("linked_at"),
        sa.Column("ended_at", Moment(), nullable=True),
        _key("team", "account"),
    )
    op.create_index("links_person", "links", ["person"])
    op.create_table(
        "link_codes",
        *_texts("hash", "person"),
        *_moments("expires_at"),
        sa.Column("used_at", Moment(), nullable=True),
        _key("hash"),
    )


def _texts(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _moments(*names: str) -> "list[sa.Column[object]]":
    return [sa.Column(name, Moment(), nullable=False) for name in names]


def _key(*names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*names)
