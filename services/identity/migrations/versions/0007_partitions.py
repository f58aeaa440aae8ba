"""What only matters while somebody is signed in is partitioned by day, so that it is pruned by dropping days.

Rows are not carried over: everybody signs in again once.

Revision: 0007
"""

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: None = None
depends_on: None = None

_TABLES = (
    "refresh_tokens",
    "authorization_codes",
    "pushed_requests",
    "once_only",
    "grants",
    "sessions",
    "sms_codes",
)


def upgrade() -> None:
    """Apply."""
    for table in _TABLES:
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute(
        """
        CREATE TABLE sessions (
            id uuid NOT NULL CONSTRAINT pk_sessions PRIMARY KEY,
            account_id uuid NOT NULL CONSTRAINT fk_sessions_account_id_accounts REFERENCES accounts (id),
            secret_hash bytea NOT NULL,
            authenticated_at timestamptz NOT NULL,
            last_seen_at timestamptz NOT NULL,
            acr text NOT NULL,
            amr text[] NOT NULL,
            ended_at timestamptz,
            ended_because text
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX ix_sessions_account_id_live ON sessions (account_id) WHERE ended_at IS NULL")
    op.execute(
        """
        CREATE TABLE grants (
            id uuid NOT NULL CONSTRAINT pk_grants PRIMARY KEY,
            client_id text NOT NULL CONSTRAINT fk_grants_client_id_clients REFERENCES clients (client_id),
            account_id uuid CONSTRAINT fk_grants_account_id_accounts REFERENCES accounts (id),
            session_id uuid,
            scope text NOT NULL,
            resources text[] NOT NULL,
            auth_time bigint,
            acr text,
            amr text[] NOT NULL,
            dpop_jkt text,
            claims jsonb,
            created_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX ix_grants_account_id_client_id ON grants (account_id, client_id)")
    op.execute("CREATE INDEX ix_grants_session_id ON grants (session_id)")
    op.execute(
        """
        CREATE TABLE authorization_codes (
            id uuid NOT NULL CONSTRAINT pk_authorization_codes PRIMARY KEY,
            code_hash bytea NOT NULL,
            grant_id uuid NOT NULL,
            redirect_uri text NOT NULL,
            nonce text,
            code_challenge text NOT NULL,
            issued_at timestamptz NOT NULL,
            used_at timestamptz
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute(
        """
        CREATE TABLE refresh_tokens (
            id uuid NOT NULL CONSTRAINT pk_refresh_tokens PRIMARY KEY,
            token_hash bytea NOT NULL,
            issued_at timestamptz NOT NULL,
            grant_id uuid NOT NULL,
            expires_at timestamptz NOT NULL,
            dpop_jkt text,
            used_at timestamptz,
            successor_id uuid,
            revoked_at timestamptz
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute(
        """
        CREATE TABLE pushed_requests (
            id uuid NOT NULL CONSTRAINT pk_pushed_requests PRIMARY KEY,
            reference_hash bytea NOT NULL,
            client_id text NOT NULL
                CONSTRAINT fk_pushed_requests_client_id_clients REFERENCES clients (client_id),
            parameters_sealed bytea NOT NULL,
            issued_at timestamptz NOT NULL,
            opened_at timestamptz,
            used_at timestamptz
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute(
        """
        CREATE TABLE once_only (
            key_hash bytea NOT NULL,
            expires_at timestamptz NOT NULL,
            CONSTRAINT pk_once_only PRIMARY KEY (key_hash, expires_at)
        ) PARTITION BY RANGE (expires_at)
        """
    )
    op.execute(
        """
        CREATE TABLE sms_codes (
            id uuid NOT NULL CONSTRAINT pk_sms_codes PRIMARY KEY,
            phone_index bytea NOT NULL,
            address_index bytea NOT NULL,
            purpose text NOT NULL,
            code_hash bytea NOT NULL,
            sent_at timestamptz NOT NULL,
            attempts integer NOT NULL,
            used_at timestamptz
        ) PARTITION BY RANGE (id)
        """
    )
    op.execute("CREATE INDEX ix_sms_codes_address_index_sent_at ON sms_codes (address_index, sent_at)")
    op.execute("CREATE INDEX ix_sms_codes_phone_index_sent_at ON sms_codes (phone_index, sent_at)")
    for table in _TABLES:
        op.execute(f"CREATE TABLE {table}_part_rest PARTITION OF {table} DEFAULT")
