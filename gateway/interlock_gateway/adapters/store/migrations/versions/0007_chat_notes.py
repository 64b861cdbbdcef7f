"""Messages of a chat that are notes, and the room that an incident has in a chat."""

import sqlalchemy as sa
from alembic import op

from interlock_gateway.adapters.store.schema import Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and find a message by where it stands."""
    op.create_table(
        "chat_notes",
        *_texts("incident", "room", "ts", "event", "entry", "shown", "edited", "since"),
        sa.Column("noted_at", Moment(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("incident", "room", "ts"),
    )
    op.create_index("chat_notes_message", "chat_notes", ["room", "ts"])
    op.create_table(
        "rooms",
        *_texts("incident", "name", "room", "topic", "invited"),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("again_at", Moment(), nullable=True),
        sa.Column("lost_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("incident"),
    )
    op.create_index("rooms_room", "rooms", ["room"])
    op.create_index("posts_message", "posts", ["room", "ts"])


def _texts(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
