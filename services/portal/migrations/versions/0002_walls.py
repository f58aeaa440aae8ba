"""Wall displays: sessions without a person, and displays that wait to be allowed.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.alter_column("sessions", "sub", nullable=True, comment="none: a wall display")
    op.alter_column("sessions", "sid", nullable=True)
    op.create_check_constraint(
        op.f("ck_sessions_person_with_session"), "sessions", "(sub IS NULL) = (sid IS NULL)"
    )
    op.create_table(
        "wall_requests",
        sa.Column(
            "secret_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the value in the cookie, which has 256 random bits",
        ),
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="encrypted; tokens will be bound to it"),
        sa.Column("device_code", sa.LargeBinary(), nullable=False, comment="encrypted"),
        sa.Column("user_code", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="where a person enters the code"),
        sa.Column("link", sa.Text(), nullable=False, comment="the address with the code"),
        sa.Column(
            "interval", sa.Integer(), nullable=False, comment="seconds between two questions to Identity"
        ),
        sa.Column("poll_at", sa.DateTime(timezone=True), nullable=False, comment="no question before"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_wall_requests")),
    )
    op.create_index(op.f("ix_wall_requests_expires_at"), "wall_requests", ["expires_at"])
