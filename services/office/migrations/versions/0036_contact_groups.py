"""Groups of contacts, favourites, and groups that a notice addresses.

Revision: 0036
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: None = None
depends_on: None = None

_NOBODY = sa.text("coalesce(sub, '00000000-0000-0000-0000-000000000000'::uuid)")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "contact_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("scope IN ('own', 'unit')", name=op.f("ck_contact_groups_scope")),
        sa.CheckConstraint("(scope = 'own') = (owner IS NOT NULL)", name=op.f("ck_contact_groups_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_groups")),
    )
    op.create_index(
        "uq_contact_groups_own",
        "contact_groups",
        ["unit_id", "owner", "name"],
        unique=True,
        postgresql_where=sa.text("owner IS NOT NULL"),
    )
    op.create_index(
        "uq_contact_groups_shared",
        "contact_groups",
        ["unit_id", "name"],
        unique=True,
        postgresql_where=sa.text("owner IS NULL"),
    )
    op.create_table(
        "contact_group_members",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("sub", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["contact_groups.id"],
            name=op.f("fk_contact_group_members_group_id_contact_groups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_id", "position", name=op.f("pk_contact_group_members")),
    )
    op.create_index(
        "uq_contact_group_members",
        "contact_group_members",
        ["group_id", "unit_id", _NOBODY],
        unique=True,
    )
    op.create_table(
        "contact_favourites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("acting_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("sub", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_favourites")),
    )
    op.create_index(
        "uq_contact_favourites",
        "contact_favourites",
        ["by", "acting_id", "unit_id", _NOBODY],
        unique=True,
    )
    op.add_column(
        "notices",
        sa.Column("picked_groups", ARRAY(sa.Uuid()), server_default="{}", nullable=False),
    )
