"""Queries for delegations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import AccountStatus, UnitStatus
from identity.accounts.models import Account
from identity.delegations.models import Delegation
from identity.memberships.models import Membership
from identity.platform.models import PlatformAdministrator
from identity.units.models import Unit
from servicekit.lists import Listed, by_id, listed
from servicekit.paging import PageRequest

_LATEST = by_id(Delegation.id, latest_first=True)
_FROM, _TO = aliased(Membership), aliased(Membership)
_GIVER, _TAKER = aliased(Account), aliased(Account)
_Whole = Select[Delegation, Account, Account, Membership, UnitStatus]


@dataclass(frozen=True)
class Delegated:
    """A delegation with the two people."""

    delegation: Delegation
    giver: Account
    taker: Account
    giver_roles: list[str]
    """The delegator's roles now; empty after the end of the membership or of the unit, and while the account
    is not active.
    """


@dataclass(frozen=True)
class Running:
    """A filter: the delegations that run at a time, or those that do not."""

    at: datetime
    wanted: bool

    def condition(self) -> ColumnElement[bool]:
        """Return the condition of the query."""
        runs = and_(
            Delegation.revoked_at.is_(None), Delegation.starts_at <= self.at, Delegation.ends_at > self.at
        )
        return runs if self.wanted else not_(runs)


class DelegationRepository:
    """Delegations by person and by unit."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Delegation) -> None:
        """Insert a delegation."""
        self._session.add(row)

    async def whole(self, delegation_id: UUID) -> Delegated | None:
        """Return a delegation with its people."""
        found = await self._all(_whole().where(Delegation.id == delegation_id))
        return found[0] if found else None

    async def lock(self, delegation_id: UUID) -> Delegation | None:
        """Return a delegation, locked and refreshed."""
        return await self._session.get(
            Delegation, delegation_id, with_for_update=True, populate_existing=True
        )

    async def of_person(
        self, sub: UUID, paging: PageRequest, running: Running | None = None
    ) -> Listed[Delegated]:
        """Return the delegations that a person gave or received, latest first."""
        own = select(Membership.id).where(Membership.account_id == sub)
        mine = or_(Delegation.from_membership_id.in_(own), Delegation.to_membership_id.in_(own))
        return await self._page(mine, paging, running)

    async def of_unit(
        self, unit_id: UUID, paging: PageRequest, running: Running | None = None
    ) -> Listed[Delegated]:
        """Return the delegations in a unit, latest first."""
        return await self._page(Delegation.unit_id == unit_id, paging, running)

    async def active_to(self, membership_id: UUID, now: datetime) -> list[Delegated]:
        """Return the delegations that have an effect for a membership now."""
        return await self._all(
            _whole().where(
                Delegation.to_membership_id == membership_id,
                Delegation.revoked_at.is_(None),
                Delegation.starts_at <= now,
                Delegation.ends_at > now,
                _GIVER.status == AccountStatus.ACTIVE,
            )
        )

    async def member(self, sub: UUID, unit_id: UUID) -> tuple[UUID, list[str], str] | None:
        """Return id and roles of an active person's membership in an active unit, and the unit's path; None
        for an administrator of the platform, who acts for no unit.
        """
        found = (
            await self._session.execute(
                select(Membership.id, Membership.roles, Unit.path)
                .join(Account, Account.id == Membership.account_id)
                .join(Unit, Unit.id == Membership.unit_id)
                .where(
                    Membership.account_id == sub,
                    Membership.unit_id == unit_id,
                    Membership.ended_at.is_(None),
                    Account.status == AccountStatus.ACTIVE,
                    Unit.status == UnitStatus.ACTIVE,
                    ~exists().where(PlatformAdministrator.account_id == sub),
                )
            )
        ).one_or_none()
        return None if found is None else (found[0], found[1], found[2])

    async def lock_of(self, membership_id: UUID, now: datetime) -> Sequence[tuple[Delegation, UUID]]:
        """Return the delegations from or to a membership that have not ended, locked, each with the account
        of the delegate.
        """
        statement = (
            select(Delegation, _TO.account_id)
            .join(_TO, _TO.id == Delegation.to_membership_id)
            .where(
                or_(
                    Delegation.from_membership_id == membership_id,
                    Delegation.to_membership_id == membership_id,
                ),
                Delegation.revoked_at.is_(None),
                Delegation.ends_at > now,
            )
            .order_by(Delegation.id)
            .with_for_update(of=Delegation)
        )
        return list((await self._session.execute(statement)).all())

    async def _page(
        self, condition: ColumnElement[bool], paging: PageRequest, running: Running | None
    ) -> Listed[Delegated]:
        statement = _whole().where(condition)
        if running is not None:
            statement = statement.where(running.condition())
        found = await listed(self._session, statement, _LATEST, paging)
        return Listed([_delegated(*row) for row in found.items], found.next, found.total)

    async def _all(self, statement: _Whole) -> list[Delegated]:
        return [_delegated(*row) for row in (await self._session.execute(statement)).all()]


def _whole() -> _Whole:
    return (
        select(Delegation, _GIVER, _TAKER, _FROM, Unit.status)
        .join(Unit, Unit.id == Delegation.unit_id)
        .join(_FROM, _FROM.id == Delegation.from_membership_id)
        .join(_TO, _TO.id == Delegation.to_membership_id)
        .join(_GIVER, _GIVER.id == _FROM.account_id)
        .join(_TAKER, _TAKER.id == _TO.account_id)
    )


def _delegated(
    one: Delegation, giver: Account, taker: Account, held: Membership, status: UnitStatus
) -> Delegated:
    return Delegated(one, giver, taker, _roles(held, giver, status))


def _roles(held: Membership, giver: Account, status: UnitStatus) -> list[str]:
    active = held.ended_at is None and giver.status == AccountStatus.ACTIVE and status == UnitStatus.ACTIVE
    return list(held.roles) if active else []
