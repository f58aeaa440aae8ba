"""Sessions, their access tokens, and logout tokens that have been used.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "secret_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the value in the cookie, which has 256 random bits",
        ),
        sa.Column("sub", sa.Uuid(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False, comment="the session at Identity"),
        sa.Column("acr", sa.Text(), nullable=True),
        sa.Column("auth_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, comment="to a minute"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="idle or absolute"),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False, comment="absolute"),
        sa.Column("browser", sa.Text(), nullable=False, comment="what the browser says it is"),
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="encrypted; tokens are bound to it"),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=False, comment="encrypted"),
        sa.Column(
            "refreshing_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a process is asking Identity for a token",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_sessions_secret_hash")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_sid", "sessions", ["sid"])
    op.create_index("ix_sessions_sub", "sessions", ["sub"])
    op.create_table(
        "access_tokens",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False, comment="encrypted"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "audience IN ('urn:zhuxue:identity', 'urn:zhuxue:office', 'urn:zhuxue:cockpit')",
            name=op.f("ck_access_tokens_audience_known"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_access_tokens_session_id_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "audience", name=op.f("pk_access_tokens")),
    )
    op.create_table(
        "used_logout_tokens",
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_used_logout_tokens")),
    )
    op.create_index(
        op.f("ix_used_logout_tokens_expires_at"), "used_logout_tokens", ["expires_at"], unique=False
    )
