"""The device flow; what clients say about logout and about sign-in that others initiate.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "device_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("resources", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("denied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_device_codes_client_id_clients")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_codes")),
        postgresql_partition_by="RANGE (id)",
    )
    op.execute("CREATE TABLE device_codes_part_rest PARTITION OF device_codes DEFAULT")
    op.create_index("ix_device_codes_user_code_hash", "device_codes", ["user_code_hash"], unique=False)
    op.create_table(
        "device_tries",
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_device_tries")),
    )
    op.add_column(
        "clients",
        sa.Column(
            "backchannel_logout_session_required", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
    )
    op.add_column(
        "clients",
        sa.Column(
            "frontchannel_logout_session_required", sa.Boolean(), server_default=sa.false(), nullable=False
        ),
    )
    op.add_column("clients", sa.Column("initiate_login_uri", sa.Text(), nullable=True))
