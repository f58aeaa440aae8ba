"""`tasks.needs` has what `tasks.roles` had: permissions, which are not roles.

While an earlier version serves, a trigger keeps both columns alike; the next release drops `roles` and the
trigger.

Revision: 0049
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0049"
down_revision: str | None = "0048"
branch_labels: None = None
depends_on: None = None

_ALIKE = """
CREATE FUNCTION tasks_name_needs() RETURNS trigger LANGUAGE plpgsql AS $_$
BEGIN
    NEW.needs := coalesce(NEW.needs, NEW.roles);
    NEW.roles := NEW.needs;
    RETURN NEW;
END
$_$
"""


def upgrade() -> None:
    """Apply."""
    op.add_column("tasks", sa.Column("needs", ARRAY(sa.Text()), nullable=True))
    op.alter_column("tasks", "roles", nullable=True)
    op.execute(_ALIKE)
    op.execute(
        "CREATE TRIGGER tasks_name_needs BEFORE INSERT OR UPDATE ON tasks"
        " FOR EACH ROW EXECUTE FUNCTION tasks_name_needs()"
    )
    # Rows of before have no value until the next migration, and must be writable meanwhile.
    op.execute("ALTER TABLE tasks ADD CONSTRAINT needs_named CHECK (needs IS NOT NULL) NOT VALID")
