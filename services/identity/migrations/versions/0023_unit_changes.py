"""Units have a duty phone, an address and a successor; their changes have a date, a reason and a place.

`unit_changes` gets the period in which each state is in force, so that the tree of any day can be read. A
trigger dates the rows that running processes of the previous release insert; the next migration dates those
that are there. Revocations can name a place.

Revision: 0023
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: None = None
depends_on: None = None

_KINDS = (
    "opened",
    "renamed",
    "amended",
    "moved",
    "moved_with",
    "absorbed",
    "split",
    "merged",
    "closed",
)


def upgrade() -> None:
    """Apply."""
    for name in ("duty_phone", "address"):
        op.add_column("units", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("units", sa.Column("merged_into_id", sa.Uuid(), nullable=True))
    op.execute(
        "ALTER TABLE units ADD CONSTRAINT fk_units_merged_into_id_units "
        "FOREIGN KEY (merged_into_id) REFERENCES units (id) NOT VALID"
    )
    for column in (
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("document_number", sa.Text(), nullable=True),
        sa.Column("related_unit_id", sa.Uuid(), nullable=True),
    ):
        op.add_column("unit_changes", column)
    op.execute(
        r"""
        CREATE FUNCTION unit_change_is_dated() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.code := NEW.state->>'code';
            NEW.parent_id := (SELECT id FROM units WHERE code = substring(
                NEW.state->>'path' FROM '([^.]+)\.[^.]+$'));
            NEW.kind := CASE WHEN NEW.state->>'status' = 'closed' THEN 'closed'
                             WHEN NEW.version = 1 THEN 'opened' ELSE 'amended' END;
            NEW.effective_on := (NEW.changed_at AT TIME ZONE 'Asia/Shanghai')::date;
            UPDATE unit_changes SET valid_to = NEW.effective_on
            WHERE unit_id = NEW.unit_id AND valid_to IS NULL AND kind <> 'moved_with';
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER unit_changes_are_dated BEFORE INSERT ON unit_changes FOR EACH ROW
        WHEN (NEW.kind IS NULL) EXECUTE FUNCTION unit_change_is_dated()
        """
    )
    kinds = ", ".join(f"'{kind}'" for kind in _KINDS)
    for name, condition in (("kind_known", f"kind IN ({kinds})"), ("ends_later", "valid_to >= effective_on")):
        op.execute(
            f"ALTER TABLE unit_changes ADD CONSTRAINT ck_unit_changes_{name} CHECK ({condition}) NOT VALID"
        )
    op.add_column("revocations", sa.Column("unit_path", sa.Text(), nullable=True))
    # The table holds some minutes of revocations: checked and indexed at once.
    op.create_check_constraint(
        op.f("ck_revocations_names_one"), "revocations", "num_nonnulls(sub, client_id, unit_path) = 1"
    )
    op.drop_constraint(op.f("ck_revocations_person_or_client"), "revocations", type_="check")
    op.create_index(
        "ix_revocations_unit_path",
        "revocations",
        ["unit_path"],
        unique=False,
        postgresql_where=sa.text("unit_path IS NOT NULL"),
    )
