"""The database refuses to change a unit's code or to delete a unit, so that a code is never used again.

Revision: 0017
"""

from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE FUNCTION unit_code_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'the code of a unit is never changed or used again'; END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER units_code_is_final BEFORE UPDATE OF code ON units FOR EACH ROW
        WHEN (OLD.code IS DISTINCT FROM NEW.code) EXECUTE FUNCTION unit_code_is_final()
        """
    )
    op.execute(
        """
        CREATE TRIGGER units_are_kept BEFORE DELETE ON units FOR EACH ROW
        EXECUTE FUNCTION unit_code_is_final()
        """
    )
