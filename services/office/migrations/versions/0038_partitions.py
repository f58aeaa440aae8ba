"""Receipts and answers in partitions by the year of the notice.

Revision: 0038
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from servicekit.migrations import validate_constraint
from servicekit.partitions import ByYear

revision: str = "0038"
down_revision: str | None = "0037"
branch_labels: None = None
depends_on: None = None

_TABLES = ("signatures", "reads", "answers", "answer_revisions")


def upgrade() -> None:
    """Apply. The tables become the partitions of this year, with all that is in them, also of earlier years.

    Nothing is copied. An earlier release goes on: names, columns and keys stay.
    """
    start = ByYear.start(datetime.now(UTC))
    tables = [ByYear(name, "notice_id", keep=None, ids=True) for name in _TABLES]
    low, end = tables[0].bound(start), tables[0].bound(ByYear.following(start))
    older = op.get_bind().scalar(sa.text(f"SELECT EXISTS (SELECT FROM notices WHERE id < {low})"))  # nosec B608 - our names
    inside = f"notice_id < {end}" if older else f"notice_id >= {low} AND notice_id < {end}"
    for table in tables:
        # With this constraint, attaching reads no rows.
        op.execute(f"ALTER TABLE {table.table} DROP CONSTRAINT IF EXISTS of_this_year")
        op.execute(f"ALTER TABLE {table.table} ADD CONSTRAINT of_this_year CHECK ({inside}) NOT VALID")
    for table in tables:
        validate_constraint(table.table, "of_this_year")
    for table in tables:
        _divide(table, start, "MINVALUE" if older else low, end)


def _divide(table: ByYear, start: datetime, low: str, end: str) -> None:
    name, part = table.table, table.part(start)
    following = ByYear.following(start)
    connection = op.get_bind()
    op.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
    key = connection.scalar(
        sa.text(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = to_regclass(:name) AND contype = 'p'"
        ),
        {"name": name},
    )
    indexes = connection.execute(
        sa.text(
            "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = to_regclass(:name) AND NOT i.indisprimary ORDER BY 1"
        ),
        {"name": name},
    ).all()
    op.execute(f"ALTER TABLE {name} RENAME TO {part}")
    op.execute(f"ALTER TABLE {part} RENAME CONSTRAINT pk_{name} TO {part}_pkey")
    for index, _ in indexes:
        op.execute(f"ALTER INDEX {index} RENAME TO {part}_{index.removeprefix(f'ix_{name}_')}")
    op.execute(
        f"CREATE TABLE {name} (LIKE {part} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        " PARTITION BY RANGE (notice_id)"
    )
    op.execute(f"ALTER TABLE {name} DROP CONSTRAINT of_this_year")
    op.execute(f"ALTER TABLE {name} ADD CONSTRAINT pk_{name} {key}")
    for _, definition in indexes:
        op.execute(definition)
    op.execute(f"ALTER TABLE {name} ATTACH PARTITION {part} FOR VALUES FROM ({low}) TO ({end})")
    op.execute(f"ALTER TABLE {part} DROP CONSTRAINT of_this_year")
    later = table.bound(ByYear.following(following))
    op.execute(
        f"CREATE TABLE {table.part(following)} PARTITION OF {name} FOR VALUES FROM ({end}) TO ({later})"
    )
    op.execute(f"CREATE TABLE {table.rest} PARTITION OF {name} DEFAULT")
