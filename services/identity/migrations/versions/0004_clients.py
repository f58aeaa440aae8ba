"""Keys with a life of their own; clients that have a state, tokens to register with.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("signing_keys", sa.Column("activates_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE signing_keys SET activates_at = created_at")
    op.alter_column("signing_keys", "activates_at", nullable=False)
    op.add_column("signing_keys", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "signing_keys",
        sa.Column("compromised", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("clients", sa.Column("application_type", sa.Text(), server_default="web", nullable=False))
    op.add_column("clients", sa.Column("tos_uri", sa.Text(), nullable=True))
    op.add_column("clients", sa.Column("userinfo_signed_response_alg", sa.Text(), nullable=True))
    op.add_column("clients", sa.Column("status", sa.Text(), server_default="active", nullable=False))
    op.add_column("clients", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("clients", sa.Column("registration_token_hash", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(
        op.f("ck_clients_status_known"), "clients", "status IN ('active','disabled','deleted')"
    )
    op.create_index("ix_clients_owner_unit_id", "clients", ["owner_unit_id"], unique=False)
    op.create_table(
        "initial_access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("owner_unit_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.CheckConstraint("uses <= max_uses", name=op.f("ck_initial_access_tokens_uses_within")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["accounts.id"], name=op.f("fk_initial_access_tokens_created_by_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["owner_unit_id"], ["units.id"], name=op.f("fk_initial_access_tokens_owner_unit_id_units")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_initial_access_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_initial_access_tokens_token_hash")),
    )
