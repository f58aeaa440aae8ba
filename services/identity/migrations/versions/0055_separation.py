"""Administrators of the platform belong to no unit (三员分立).

The service refuses it with an answer for people; these triggers refuse it whoever writes. Each of the two
locks the account before it looks, the one so that it waits for the other: of an appointment and a membership
that begin at once, the later one sees the earlier one. Rows from before are left as they are; tokens of such
people carry nothing of their units (docs/operators.md says how to find them).

Revision: 0055
"""

from alembic import op

revision: str = "0055"
down_revision: str | None = "0054"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        CREATE FUNCTION membership_is_separate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM accounts WHERE id = NEW.account_id FOR KEY SHARE;
            IF EXISTS (SELECT 1 FROM platform_roles WHERE account_id = NEW.account_id) THEN
                RAISE EXCEPTION 'an administrator of the platform belongs to no unit'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'tr_memberships_separate';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION platform_role_is_separate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM accounts WHERE id = NEW.account_id FOR UPDATE;
            IF EXISTS (SELECT 1 FROM memberships WHERE account_id = NEW.account_id AND ended_at IS NULL) THEN
                RAISE EXCEPTION 'whoever belongs to a unit is not an administrator of the platform'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'tr_platform_roles_separate';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER tr_memberships_separate
        BEFORE INSERT ON memberships FOR EACH ROW
        WHEN (NEW.ended_at IS NULL) EXECUTE FUNCTION membership_is_separate()
        """
    )
    op.execute(
        """
        CREATE TRIGGER tr_memberships_separate_again
        BEFORE UPDATE OF ended_at, account_id ON memberships FOR EACH ROW
        WHEN (NEW.ended_at IS NULL AND (OLD.ended_at IS NOT NULL OR OLD.account_id <> NEW.account_id))
        EXECUTE FUNCTION membership_is_separate()
        """
    )
    op.execute(
        """
        CREATE TRIGGER tr_platform_roles_separate
        BEFORE INSERT OR UPDATE OF account_id ON platform_roles FOR EACH ROW
        EXECUTE FUNCTION platform_role_is_separate()
        """
    )
