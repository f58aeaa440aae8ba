"""Open tasks of Office name permissions in place of roles, as new ones do: so custom roles have them, too.

In batches, by id; other services' tasks keep what they name. May run again.

Revision: 0042
"""

from servicekit.migrations import in_batches

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: None = None
depends_on: None = None

_BATCH = 10_000
_RENAME = f"""
DECLARE last uuid;
BEGIN
    WITH batch AS (
        SELECT id FROM tasks WHERE id > coalesce(after, '00000000-0000-0000-0000-000000000000'::uuid)
        ORDER BY id LIMIT {_BATCH}
    ),
    renamed AS (
        UPDATE tasks SET roles = CASE
            WHEN 'handler' = ANY (roles) THEN '{{notices.receive}}'::text[]
            WHEN 'reviewer' = ANY (roles) THEN '{{notices.review}}'::text[]
            ELSE '{{notices.issue}}'::text[] END
        WHERE id IN (SELECT id FROM batch) AND source = 'office' AND withdrawn_at IS NULL
            AND roles && '{{handler,reviewer,approver}}'::text[]
    )
    SELECT id INTO last FROM batch ORDER BY id DESC LIMIT 1;
    RETURN last;
END
"""  # nosec B608 - our names


def upgrade() -> None:
    """Apply."""
    in_batches(_RENAME)
