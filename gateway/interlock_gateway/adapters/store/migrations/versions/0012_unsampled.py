"""PostgreSQL samples no values of what may have to be destroyed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLES = (
    *("parts", "artifacts", "calls", "approvals", "steps", "runs", "incidents", "votes"),
    *("breaks", "followups", "deeds", "outbox", "chat_notes", "rooms", "tombstones", "retention"),
)


def upgrade() -> None:
    """Keep content out of `pg_statistic`, where ANALYZE puts values of up to 1 KB.

    An index needs to know how its columns are spread; nothing else here does.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    inspector = sa.inspect(op.get_bind())
    for table in _TABLES:
        indexed = {
            name for index in inspector.get_indexes(table) for name in index["column_names"]
        }
        indexed |= {*inspector.get_pk_constraint(table)["constrained_columns"]}
        for column in inspector.get_columns(table):
            if column["name"] not in indexed:
                op.execute(f'ALTER TABLE {table} ALTER "{column["name"]}" SET STATISTICS 0')
