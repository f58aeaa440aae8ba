"""Documents that people agree to, exports of their data, requests to close accounts.

Revision: 0037
"""

from alembic import op

revision: str = "0037"
down_revision: str | None = "0036"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE TABLE policy_versions (
            kind text NOT NULL,
            version text NOT NULL,
            text text NOT NULL,
            published_at timestamptz NOT NULL,
            CONSTRAINT pk_policy_versions PRIMARY KEY (kind, version),
            CONSTRAINT ck_policy_versions_kind_known
                CHECK (kind IN ('privacy_policy', 'terms', 'id_number'))
        )
        """
    )
    op.execute(
        """
        CREATE TABLE agreements (
            account_id uuid NOT NULL
                CONSTRAINT fk_agreements_account_id_accounts REFERENCES accounts (id),
            kind text NOT NULL,
            version text NOT NULL,
            at timestamptz NOT NULL,
            CONSTRAINT ck_agreements_kind_known
                CHECK (kind IN ('privacy_policy', 'terms', 'id_number')),
            CONSTRAINT pk_agreements PRIMARY KEY (account_id, kind, version),
            CONSTRAINT fk_agreements_kind_policy_versions
                FOREIGN KEY (kind, version) REFERENCES policy_versions (kind, version)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE data_exports (
            id uuid NOT NULL CONSTRAINT pk_data_exports PRIMARY KEY,
            account_id uuid NOT NULL
                CONSTRAINT fk_data_exports_account_id_accounts REFERENCES accounts (id),
            status text NOT NULL,
            requested_at timestamptz NOT NULL,
            finished_at timestamptz,
            file_sealed bytea,
            CONSTRAINT ck_data_exports_status_known CHECK (status IN ('running', 'done', 'failed'))
        )
        """
    )
    op.execute("CREATE INDEX ix_data_exports_account_id ON data_exports (account_id)")
    op.execute("CREATE INDEX ix_data_exports_requested_at ON data_exports (requested_at)")
    op.execute(
        """
        CREATE TABLE account_closings (
            id uuid NOT NULL CONSTRAINT pk_account_closings PRIMARY KEY,
            account_id uuid NOT NULL
                CONSTRAINT fk_account_closings_account_id_accounts REFERENCES accounts (id),
            requested_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            finished_at timestamptz,
            outcome text
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_account_closings_account_id_open ON account_closings (account_id)"
        " WHERE finished_at IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_account_closings_due_at ON account_closings (due_at) WHERE finished_at IS NULL"
    )
