"""Who disabled a client, when and why: who is above them decides whether it is enabled again.

Processes of before disable clients without saying who, and enable them whoever disabled them.

Revision: 0064
"""

from alembic import op

revision: str = "0064"
down_revision: str | None = "0063"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "ALTER TABLE clients"
        " ADD COLUMN disabled_by text"
        " CONSTRAINT ck_clients_disabled_by_known CHECK (disabled_by IN ('centre', 'unit', 'closing')),"
        " ADD COLUMN disabled_by_unit_id uuid"
        " CONSTRAINT fk_clients_disabled_by_unit_id_units REFERENCES units (id),"
        " ADD COLUMN disabled_at timestamp with time zone,"
        " ADD COLUMN disabled_reason text"
    )
