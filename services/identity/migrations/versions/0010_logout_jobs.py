"""Logout notices become jobs.

Waiting notices are moved. The release before this one still runs while this one is deployed: what it writes
into `logout_notices` becomes a job at once, and it finds nothing to deliver there. The next release drops the
table, the trigger and the function.

Revision: 0010
"""

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE FUNCTION logout_notice_to_job() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO jobs (id, kind, payload, state, run_at)
            VALUES (
                NEW.id,
                'identity.logout.notify',
                jsonb_build_object(
                    'client_id', NEW.client_id, 'account_id', NEW.account_id, 'session_id', NEW.session_id
                ),
                'queued',
                now()
            );
            INSERT INTO pgqueuer (priority, entrypoint, payload, dedupe_key, status)
            VALUES (0, 'identity.logout.notify', uuid_send(NEW.id), NEW.id::text, 'queued');
            RETURN NULL;
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER logout_notices_to_jobs BEFORE INSERT ON logout_notices "
        "FOR EACH ROW EXECUTE FUNCTION logout_notice_to_job()"
    )
    # Inserting them anew sends them through the trigger.
    op.execute(
        "WITH waiting AS (DELETE FROM logout_notices WHERE dead_at IS NULL RETURNING *) "
        "INSERT INTO logout_notices SELECT * FROM waiting"
    )
