"""The log over all events: a Merkle tree, its keys, its checkpoints and their anchors."""

import sqlalchemy as sa
from alembic import op
from interlock.proof import Frontier, leaf_hash

from interlock_gateway.adapters.store import log_triggers
from interlock_gateway.adapters.store.schema import Moment
from interlock_gateway.adapters.store.triggers import statements

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000
_BODIES = (
    "SELECT logindex, body FROM events WHERE logindex >= :first ORDER BY logindex LIMIT :most"
)


def upgrade() -> None:
    """Create the tables, and put the events that are there into the tree, in their order."""
    _tables()
    engine = op.get_bind().dialect.name
    empty = sa.text("x''") if engine == "sqlite" else sa.text("''::bytea")
    op.add_column(
        "events", sa.Column("leaf", sa.LargeBinary(), nullable=False, server_default=empty)
    )
    _plant(engine)
    for statement in log_triggers.statements(engine):
        op.execute(sa.text(statement.replace(":", r"\:")))


def _tables() -> None:
    op.create_table(
        "log",
        *_texts("id", "origin", "key"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "log_nodes",
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "place"),
    )
    op.create_table(
        "log_keys",
        *_texts("id", "text", "note"),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), nullable=False),
        *_texts("note"),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "anchorings",
        *_texts("anchor", "receipt"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("anchor", "size"),
    )


def _plant(engine: str) -> None:
    """Give each event its leaf; for that alone, events may be changed, inside this transaction."""
    connection, frontier = op.get_bind(), Frontier()
    refusing = [one for one in statements(engine) if " ON events " in one and "UPDATE" in one]
    for statement in refusing:
        name = statement.split()[2]
        op.execute(f"DROP TRIGGER {name}" + ("" if engine == "sqlite" else " ON events"))
    while found := connection.execute(
        sa.text(_BODIES).columns(logindex=sa.BigInteger, body=sa.LargeBinary),
        {"first": frontier.size, "most": _AT_ONCE},
    ).all():
        for logindex, body in found:
            leaf = leaf_hash(bytes(body))
            connection.execute(
                sa.text("UPDATE events SET leaf = :leaf WHERE logindex = :logindex"),
                {"leaf": leaf, "logindex": logindex},
            )
            for level, place, whole in frontier.push(leaf):
                connection.execute(
                    sa.text("INSERT INTO log_nodes (level, place, hash) VALUES (:l, :p, :h)"),
                    {"l": level, "p": place, "h": whole},
                )
    connection.execute(
        sa.text("INSERT INTO log (id, origin, key, size, peaks) VALUES ('log', '', '', :n, :p)"),
        {"n": frontier.size, "p": frontier.packed()},
    )
    for statement in refusing:
        op.execute(sa.text(statement.replace(":", r"\:")))


def _texts(*names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]
