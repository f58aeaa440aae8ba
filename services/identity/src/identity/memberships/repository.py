"""Queries for memberships."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, any_, cast, exists, func, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus, Role, UnitStatus, Vocabulary
from identity.accounts.models import Account
from identity.memberships.models import Belonging, Membership
from identity.units.models import Unit
from servicekit.lists import Listed, Order, by_id, listed
from servicekit.ltree import LTree
from servicekit.paging import PageRequest, instant
from servicekit.words import inline

_ACTIVE = Membership.ended_at.is_(None)
_ADMINISTERS = Membership.roles.contains([Role.UNIT_ADMIN])
_OPEN_UNIT = Unit.status == inline(UnitStatus.ACTIVE)
_PRIMARY_FIRST = (Membership.is_primary.desc(), Membership.started_at, Membership.id)


@dataclass(frozen=True)
class MemberFilter:
    """Which people of a unit are wanted; None is no filter."""

    role: str | None = None
    name: str | None = None
    """A part of the name."""
    status: AccountStatus | None = None


class MemberSort(Vocabulary):
    """In which order a unit's people are listed."""

    REGISTERED_AT = "registered_at", "注册时间从早到晚"
    NAME = "name", "姓名"
    JOINED_AT = "joined_at", "加入单位的时间从新到旧"

    @property
    def order(self) -> Order:
        """The order of the query."""
        match self:
            case MemberSort.REGISTERED_AT:
                return by_id(Account.id)
            case MemberSort.NAME:
                return Order((Account.name, Account.id), (str, UUID))
            case MemberSort.JOINED_AT:
                return Order((Membership.started_at, Membership.id), (instant, UUID), descending=True)


class MembershipRepository:
    """Rows of this feature; list queries are restricted to one unit or person."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Membership) -> None:
        """Insert a row."""
        self._session.add(row)

    async def active(self, sub: UUID) -> list[Belonging]:
        """Return a person's active memberships and their units, the primary one first.

        Those in a closed unit have no effect any more; a job ends them (`identity.reorganisation.jobs`).
        """
        statement = (
            select(Membership, Unit)
            .join(Unit, Unit.id == Membership.unit_id)
            .where(Membership.account_id == sub, _ACTIVE, _OPEN_UNIT)
            .order_by(*_PRIMARY_FIRST)
        )
        return list((await self._session.execute(statement)).all())

    async def has_any(self, sub: UUID) -> bool:
        """Return whether a person has a membership that has not ended, also in a closed unit."""
        statement = select(exists().where(Membership.account_id == sub, _ACTIVE))
        return bool(await self._session.scalar(statement))

    async def no_primary(self, sub: UUID) -> None:
        """Let a person have no primary membership until the caller chooses one; the account is locked."""
        primary = select(Membership).where(Membership.account_id == sub, _ACTIVE, Membership.is_primary)
        for one in await self._session.scalars(primary):
            one.is_primary = False
        # Written first, because two primary memberships are not allowed, not even for a moment.
        await self._session.flush()

    async def of(self, sub: UUID, unit_id: UUID) -> Membership | None:
        """Return a person's membership in a unit that has not ended, also in a closed one, locked."""
        found: Membership | None = await self._session.scalar(
            select(Membership)
            .where(Membership.account_id == sub, Membership.unit_id == unit_id, _ACTIVE)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return found

    async def ended(self, sub: UUID, unit_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """Return when a person's last membership in each of these units ended, where one has."""
        statement = (
            select(Membership.unit_id, func.max(Membership.ended_at))
            .where(
                Membership.account_id == sub,
                Membership.unit_id == any_(literal(list(unit_ids), ARRAY(Uuid))),
                Membership.ended_at.is_not(None),
            )
            .group_by(Membership.unit_id)
        )
        rows = await self._session.execute(statement)
        return {unit_id: ended_at for unit_id, ended_at in rows if ended_at is not None}

    async def unit_of(self, membership_id: UUID) -> Unit | None:
        """Return the unit of a membership."""
        found: Unit | None = await self._session.scalar(
            select(Unit).join(Membership, Membership.unit_id == Unit.id).where(Membership.id == membership_id)
        )
        return found

    async def lock(self, membership_id: UUID) -> Membership | None:
        """Return a membership by id, locked and refreshed."""
        return await self._session.get(
            Membership, membership_id, with_for_update=True, populate_existing=True
        )

    async def people_after(
        self, after: tuple[Any, ...] | None, limit: int
    ) -> list[tuple[Account, list[Belonging]]]:
        """Return all accounts with their active memberships by id, one more than `limit`: the snapshot."""
        statement = select(Account).order_by(Account.id).limit(limit + 1)
        if after:
            statement = statement.where(Account.id > after[0])
        accounts = (await self._session.scalars(statement)).all()
        belonging: dict[UUID, list[Belonging]] = {account.id: [] for account in accounts}
        rows = await self._session.execute(
            select(Membership, Unit)
            .join(Unit, Unit.id == Membership.unit_id)
            .where(Membership.account_id == any_(literal(list(belonging), ARRAY(Uuid))), _ACTIVE, _OPEN_UNIT)
            .order_by(*_PRIMARY_FIRST)
        )
        for membership, unit in rows:
            belonging[membership.account_id].append((membership, unit))
        return [(account, belonging[account.id]) for account in accounts]

    async def members(
        self, unit_id: UUID, wanted: MemberFilter, sort: MemberSort, paging: PageRequest
    ) -> Listed[tuple[Account, Membership]]:
        """Return a unit's people. One unit has some thousand at most, which are sorted in memory."""
        statement = (
            select(Account, Membership)
            .join(Membership, (Membership.account_id == Account.id) & _ACTIVE)
            .where(Membership.unit_id == unit_id)
        )
        if wanted.role is not None:
            statement = statement.where(Membership.roles.contains([wanted.role]))
        if wanted.name is not None:
            statement = statement.where(Account.name.contains(wanted.name, autoescape=True))
        if wanted.status is not None:
            statement = statement.where(Account.status == wanted.status)
        return await listed(self._session, statement, sort.order, paging)

    async def count(self, unit_id: UUID) -> int:
        """Return the number of a unit's people."""
        return (
            await self._session.scalar(
                select(func.count()).select_from(Membership).where(Membership.unit_id == unit_id, _ACTIVE)
            )
        ) or 0

    async def accounts_of(self, unit_id: UUID, limit: int) -> Sequence[UUID]:
        """Return the first accounts of a unit's people, in the order in which they are locked."""
        statement = (
            select(Membership.account_id)
            .where(Membership.unit_id == unit_id, _ACTIVE)
            .order_by(Membership.account_id)
            .limit(limit)
        )
        return (await self._session.scalars(statement)).all()

    async def nearest_administered(self, paths: Sequence[str]) -> Unit | None:
        """Return the lowest of these units that has an active administrator."""
        found: Unit | None = await self._session.scalar(
            select(Unit)
            .where(
                Unit.path == any_(cast(literal(list(paths), ARRAY(Text)), ARRAY(LTree))),
                Unit.status == UnitStatus.ACTIVE,
                exists().where(
                    Membership.unit_id == Unit.id,
                    _ACTIVE,
                    _ADMINISTERS,
                    Account.id == Membership.account_id,
                    Account.status == AccountStatus.ACTIVE,
                ),
            )
            .order_by(func.nlevel(Unit.path).desc())
            .limit(1)
        )
        return found

    async def nearest_with_roles(
        self, paths: Sequence[str], roles: Collection[str], *, besides: UUID, limit: int
    ) -> list[tuple[Unit, Account]]:
        """Return active people who have one of the roles in one of these units and have a number, except one
        person; the lowest units first, and in each those who have been there longest.
        """
        statement = (
            select(Unit, Account)
            .join(Membership, (Membership.unit_id == Unit.id) & _ACTIVE)
            .join(Account, Account.id == Membership.account_id)
            .where(
                Unit.path == any_(cast(literal(list(paths), ARRAY(Text)), ARRAY(LTree))),
                _OPEN_UNIT,
                Membership.roles.overlap(cast(list(roles), ARRAY(Text))),
                Account.status == AccountStatus.ACTIVE,
                Account.phone_lost_at.is_(None),
                Account.id != besides,
            )
            .order_by(func.nlevel(Unit.path).desc(), Membership.started_at, Membership.id)
            .limit(limit)
        )
        return [(row[0], row[1]) for row in await self._session.execute(statement)]

    async def administrators(self, unit_id: UUID, *, besides: UUID | None = None) -> int:
        """Return the number of active administrators of a unit who stay, except one person."""
        statement = (
            select(func.count())
            .select_from(Membership)
            .join(Account, Account.id == Membership.account_id)
            .where(
                Membership.unit_id == unit_id,
                _ACTIVE,
                _ADMINISTERS,
                Membership.leaving_at.is_(None),
                Account.status == AccountStatus.ACTIVE,
            )
        )
        if besides is not None:
            statement = statement.where(Membership.account_id != besides)
        return await self._session.scalar(statement) or 0

    async def bulk_insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert many rows."""
        await self._session.execute(insert(Membership), rows)
