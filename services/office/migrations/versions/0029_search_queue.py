"""All units and people are queued for the indexer, in batches. May run again.

Revision: 0029
"""

from servicekit.migrations import in_batches

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: None = None
depends_on: None = None

_NONE = "'00000000-0000-0000-0000-000000000000'::uuid"
_BATCH = 10_000
_QUEUE = """
DECLARE last uuid;
BEGIN
    WITH batch AS (
        SELECT {key} AS id FROM {table} WHERE {key} > coalesce(after, {none}) ORDER BY 1 LIMIT {batch}
    ),
    queued AS (INSERT INTO search_queue (kind, id) SELECT '{kind}', id FROM batch ORDER BY id)
    SELECT id INTO last FROM batch ORDER BY id DESC LIMIT 1;
    RETURN last;
END
"""


def upgrade() -> None:
    """Apply."""
    for table, kind, key in (("units", "unit", "id"), ("people", "person", "sub")):
        in_batches(_QUEUE.format(table=table, kind=kind, key=key, none=_NONE, batch=_BATCH))
