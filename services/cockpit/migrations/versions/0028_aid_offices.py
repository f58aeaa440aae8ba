"""The aid offices of a region are found without reading all units of it.

Revision: 0028
"""

from servicekit.migrations import create_index_concurrently

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    create_index_concurrently(
        "ix_units_aid_offices",
        "ON units (region_code text_pattern_ops) WHERE kind = 'student_aid' AND status = 'active'",
    )
