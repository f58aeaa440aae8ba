"""Seals of the audit log are signed; exports of it; a permission to see complete phone and ID numbers.

Revision: 0027
"""

from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE audit_seals ADD COLUMN signature text")
    op.execute(
        """
        CREATE TABLE audit_exports (
            id uuid NOT NULL CONSTRAINT pk_audit_exports PRIMARY KEY,
            job_id uuid NOT NULL,
            requested_by uuid NOT NULL,
            filters jsonb NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            finished_at timestamptz,
            rows bigint,
            size bigint,
            sha256 bytea,
            manifest text
        )
        """
    )
    op.execute("CREATE INDEX ix_audit_exports_expires_at ON audit_exports (expires_at)")
    op.execute(
        """
        CREATE TABLE audit_export_parts (
            export_id uuid NOT NULL
                CONSTRAINT fk_audit_export_parts_export_id_audit_exports
                REFERENCES audit_exports (id) ON DELETE CASCADE,
            number integer NOT NULL,
            content bytea NOT NULL,
            CONSTRAINT pk_audit_export_parts PRIMARY KEY (export_id, number)
        )
        """
    )
    # Compressed already.
    op.execute("ALTER TABLE audit_export_parts ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute(
        "UPDATE roles SET permissions = array_append(permissions, 'members.unmask') WHERE code = 'unit_admin'"
    )
