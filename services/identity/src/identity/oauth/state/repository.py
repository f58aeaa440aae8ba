"""Queries of the issuer. Authlib's core is synchronous: they run on the sync interface of the request's async
session (`AsyncSession.run_sync`), so that protocol and data share one transaction.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Select, Uuid, and_, any_, bindparam, func, or_, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from contracts.vocabulary import AccountStatus, UnitStatus
from identity.accounts.models import Account
from identity.base import Base
from identity.delegations.models import Delegation
from identity.entitlements.models import Entitlement
from identity.grants.models import Grant
from identity.memberships.models import Membership
from identity.oauth.state.subject import Subject
from identity.platform.models import PlatformAdministrator
from identity.roles.models import RoleDefinition
from identity.sessions.models import BrowserSession
from identity.units.models import Unit
from servicekit.words import inline

# One of a person's memberships: the session's, else the primary one.
_ACTING = (
    select(
        Unit.id.label("unit_id"),
        Unit.path.label("unit_path"),
        Unit.level.label("unit_level"),
        Unit.kind.label("unit_kind"),
        Membership.id.label("membership_id"),
        Membership.roles,
    )
    .join(Unit, and_(Unit.id == Membership.unit_id, Unit.status == UnitStatus.ACTIVE))
    .where(Membership.account_id == Account.id, Membership.ended_at.is_(None))
    .order_by(
        (Membership.id == BrowserSession.acting_membership_id).desc().nulls_last(),
        Membership.is_primary.desc(),
        Membership.started_at,
    )
    .limit(1)
    .correlate(Account, BrowserSession)
    .lateral("acting")
)
# Roles that others delegated to the acting membership and still hold, and when the first of them ends.
_GIVER, _GIVING = aliased(Membership), aliased(Account)
_PASSED = func.unnest(Delegation.roles).table_valued("role", name="passed").render_derived()
_DELEGATED = (
    select(
        func.array_agg(_PASSED.c.role).label("delegated_roles"),
        func.min(Delegation.ends_at).label("delegated_until"),
    )
    .select_from(Delegation)
    .join(_GIVER, and_(_GIVER.id == Delegation.from_membership_id, _GIVER.ended_at.is_(None)))
    .join(_GIVING, and_(_GIVING.id == _GIVER.account_id, _GIVING.status == inline(AccountStatus.ACTIVE)))
    .join(_PASSED, _PASSED.c.role == any_(_GIVER.roles))
    .where(
        Delegation.to_membership_id == _ACTING.c.membership_id,
        Delegation.revoked_at.is_(None),
        Delegation.starts_at <= bindparam("at", type_=DateTime(timezone=True)),
        Delegation.ends_at > bindparam("at", type_=DateTime(timezone=True)),
    )
    .correlate(_ACTING)
    .lateral("delegated")
)
_GRANTED = func.unnest(RoleDefinition.permissions).table_valued("permission", name="granted").render_derived()

STANDING: tuple[Any, ...] = (
    Account.id.label("person_id"),
    Account.status.label("account_status"),
    BrowserSession.ended_at.label("session_ended_at"),
    BrowserSession.begun_at.label("session_begun_at"),
)
"""Columns for `Subject.standing`."""
SUBJECT: tuple[Any, ...] = (
    *STANDING,
    BrowserSession.acting_since.label("session_acting_since"),
    *_ACTING.c,
    *_DELEGATED.c,
    select(func.array_agg(_GRANTED.c.permission))
    .select_from(RoleDefinition)
    .join(_GRANTED, true())
    .where(
        RoleDefinition.retired_at.is_(None),
        or_(
            RoleDefinition.code == any_(_ACTING.c.roles),
            RoleDefinition.code == any_(_DELEGATED.c.delegated_roles),
        ),
    )
    .correlate(_ACTING, _DELEGATED)
    .scalar_subquery()
    .label("permissions"),
    PlatformAdministrator.role.label("platform_role"),
    select(func.array_agg(aggregate_order_by(Entitlement.name, Entitlement.name)))
    .where(
        Entitlement.account_id == Account.id,
        Entitlement.withdrawn_at.is_(None),
        Entitlement.expires_at > bindparam("at", type_=DateTime(timezone=True)),
        or_(Entitlement.unit_id.is_(None), Entitlement.unit_id == _ACTING.c.unit_id),
    )
    .correlate(Account, _ACTING)
    .scalar_subquery()
    .label("entitlements"),
)
"""Columns for `Subject.of`, read in one statement, because round trips are half of the cost of a token.

The parameter `at` is the present.
"""


def with_subject(
    statement: Select[Any], *, sid: ColumnElement[UUID | None] | InstrumentedAttribute[UUID | None]
) -> Select[Any]:
    """Join the statement's Account to the other tables of `SUBJECT`."""
    return (
        statement.outerjoin(BrowserSession, BrowserSession.id == sid)
        .outerjoin(_ACTING, true())
        .outerjoin(_DELEGATED, true())
        .outerjoin(PlatformAdministrator, PlatformAdministrator.account_id == Account.id)
    )


# Built once.
_PERSON = (
    with_subject(select(*SUBJECT).select_from(Account), sid=bindparam("sid", type_=Uuid()))
    .where(Account.id == bindparam("sub"))
    .execution_options(populate_existing=True)
)


class OAuthRepository:
    """Codes, grants, and the data of a person for tokens."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: Base) -> None:
        """Insert a row."""
        self._session.add(row)

    def grant(self, grant_id: UUID) -> Grant | None:
        """Return a grant by id."""
        return self._session.get(Grant, grant_id)

    def account(self, sub: UUID) -> Account | None:
        """Return an account, share-locked, so that it cannot be suspended before the token is committed."""
        found: Account | None = self._session.scalar(
            select(Account)
            .where(Account.id == sub)
            .with_for_update(read=True)
            .execution_options(autoflush=False)
        )
        return found

    def person(self, sub: UUID, sid: UUID | None, now: datetime) -> Subject | None:
        """Return a person's data for tokens now, in a session or (None) outside of any."""
        row = self._session.execute(_PERSON, {"sub": sub, "sid": sid, "at": now}).one_or_none()
        return None if row is None else Subject.of(row)
