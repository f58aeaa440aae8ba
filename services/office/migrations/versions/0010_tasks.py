"""Tasks, their shares, their history, and the changes for connected browsers; memberships of people.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: None = None
depends_on: None = None

_TEXTS = ARRAY(sa.Text())
_INSTANT = sa.DateTime(timezone=True)
_STATES = "state IN ('open', 'done', 'withdrawn')"


def upgrade() -> None:
    """Apply."""
    op.add_column("people", sa.Column("memberships", JSONB(), server_default="[]", nullable=False))
    # Read the snapshot again at the next start: the rows lack their memberships.
    op.execute("DELETE FROM replica_snapshots")
    _tasks()
    _shares()
    _feed()


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_pairs", _TEXTS, nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("urgency_rank", sa.SmallInteger(), nullable=False),
        sa.Column("deadline", _INSTANT, nullable=True),
        sa.Column("clock", sa.Text(), nullable=True),
        sa.Column("clock_count", sa.Integer(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("roles", _TEXTS, nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=True),
        sa.Column("owner_unit_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("withdrawn_at", _INSTANT, nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("subject_gone", sa.Boolean(), nullable=False),
        sa.CheckConstraint("urgency IN ('normal', 'urgent', 'extra_urgent')", name=op.f("ck_tasks_urgency")),
        sa.CheckConstraint("clock IN ('workdays', 'days')", name=op.f("ck_tasks_clock")),
        sa.CheckConstraint(
            "(cause IS NOT NULL) = (withdrawn_at IS NOT NULL)", name=op.f("ck_tasks_withdrawn")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_tasks_source_key")),
    )
    op.create_index("ix_tasks_subject", "tasks", ["subject", "kind"])
    op.create_index("ix_tasks_owner", "tasks", ["owner", "id"], postgresql_where=sa.text("owner IS NOT NULL"))
    op.create_index("ix_tasks_title_pairs", "tasks", ["title_pairs"], postgresql_using="gin")
    op.create_index(
        "ix_tasks_provisional",
        "tasks",
        ["id"],
        postgresql_where=sa.text("provisional AND withdrawn_at IS NULL"),
    )


def _shares() -> None:
    op.create_table(
        "task_shares",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("addressee", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.Column("taken_at", _INSTANT, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("done_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint(_STATES, name=op.f("ck_task_shares_state")),
        sa.CheckConstraint("personal OR unit_id = addressee", name=op.f("ck_task_shares_addressee")),
        sa.CheckConstraint("NOT personal OR holder IS NOT NULL", name=op.f("ck_task_shares_personal")),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_task_shares_done")),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_task_shares_task_id_tasks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "addressee", name=op.f("pk_task_shares")),
    )
    for name, columns, where in (
        ("unit", ["unit_id", "task_id"], "state = 'open' AND NOT personal"),
        ("holder", ["holder", "task_id"], "state = 'open'"),
        ("unit_ended", ["unit_id", "ended_at"], "state <> 'open' AND NOT personal"),
        ("holder_ended", ["holder", "ended_at"], "state <> 'open' AND holder IS NOT NULL"),
    ):
        op.create_index(f"ix_task_shares_{name}", "task_shares", columns, postgresql_where=sa.text(where))
    op.create_table(
        "task_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("addressee", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("to", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "action IN ('opened', 'taken', 'released', 'delegated', 'handed_over', 'returned', 'done', "
            "'withdrawn')",
            name=op.f("ck_task_history_action"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_task_history_task_id_tasks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_history")),
    )
    op.create_index("ix_task_history_task", "task_history", ["task_id", "addressee", "id"])


def _feed() -> None:
    def concerned() -> list[sa.Column[sa.types.TypeEngine[object]]]:
        return [
            sa.Column("sub", sa.Uuid(), nullable=True),
            sa.Column("unit_id", sa.Uuid(), nullable=True),
            sa.Column("dispatched", sa.Uuid(), nullable=True),
            sa.Column("roles", _TEXTS, nullable=False),
            sa.Column("data", JSONB(), nullable=False),
            sa.Column("created_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        ]

    op.create_table(
        "task_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        *concerned(),
        sa.CheckConstraint(
            "num_nonnulls(sub, unit_id, dispatched) = 1", name=op.f("ck_task_changes_names_one")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_changes")),
    )
    op.create_table(
        "task_feed",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *concerned(),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_task_feed")),
    )
    for name, columns, where in (
        ("sub", ["sub", "position"], "sub IS NOT NULL"),
        ("unit", ["unit_id", "position"], "unit_id IS NOT NULL"),
        ("dispatched", ["position"], "dispatched IS NOT NULL"),
    ):
        op.create_index(f"ix_task_feed_{name}", "task_feed", columns, postgresql_where=sa.text(where))
    op.create_index("ix_task_feed_created_at", "task_feed", ["created_at"])
