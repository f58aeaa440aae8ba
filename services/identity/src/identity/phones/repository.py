"""Queries for changes of phone numbers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, Text, cast, exists, func, not_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from contracts.vocabulary import PhoneChangeKind, PhoneChangeStatus
from identity.accounts.models import Account
from identity.memberships.models import Membership
from identity.phones.models import PhoneChange
from identity.units.models import Unit
from servicekit.lists import Listed, by_id, listed
from servicekit.ltree import under
from servicekit.paging import PageRequest
from servicekit.words import inline

_OPEN = PhoneChange.finished_at.is_(None)


class PhoneChangeRepository:
    """Changes by account, by time, and in a subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: PhoneChange) -> None:
        """Insert a change."""
        self._session.add(row)

    async def open_of(self, account_id: UUID, *, lock: bool = False) -> PhoneChange | None:
        """Return the open change of an account."""
        statement = select(PhoneChange).where(PhoneChange.account_id == account_id, _OPEN)
        if lock:
            statement = statement.with_for_update().execution_options(populate_existing=True)
        found: PhoneChange | None = await self._session.scalar(statement)
        return found

    async def get(self, change_id: UUID) -> PhoneChange | None:
        """Return a change by id."""
        return await self._session.get(PhoneChange, change_id)

    async def lock(self, change_id: UUID) -> PhoneChange | None:
        """Return a change by id, locked and refreshed."""
        return await self._session.get(PhoneChange, change_id, with_for_update=True, populate_existing=True)

    async def due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Return changes whose waiting time is over, the oldest first."""
        statement = (
            select(PhoneChange.id).where(_OPEN, PhoneChange.due_at <= now).order_by(PhoneChange.due_at)
        )
        return (await self._session.scalars(statement.limit(limit))).all()

    async def recoveries_under(
        self, path: str, paging: PageRequest, *, administrators: Collection[str], name: str | None
    ) -> Listed[tuple[PhoneChange, Account, Unit]]:
        """Return recoveries to decide of people whose primary unit is in a subtree, oldest first; without
        those of people with one of the roles `administrators` in a unit that is not below `path`, or is not
        the top unit itself. `name` is a part of the person's name.
        """
        statement = _recoveries(path, administrators)
        if name is not None:
            statement = statement.where(Account.name.contains(name, autoescape=True))
        return await listed(self._session, statement, by_id(PhoneChange.id), paging)

    async def count_recoveries_under(self, path: str, *, administrators: Collection[str], most: int) -> int:
        """Return the number of those recoveries, at most `most`."""
        some = _recoveries(path, administrators).with_only_columns(PhoneChange.id).limit(most)
        return await self._session.scalar(select(func.count()).select_from(some.subquery())) or 0


def _recoveries(path: str, administrators: Collection[str]) -> Select[PhoneChange, Account, Unit]:
    held, place = aliased(Membership), aliased(Unit)
    not_below = not_(under(place.path, path))
    if "." in path:
        not_below |= place.path == path
    beside = exists().where(
        held.account_id == PhoneChange.account_id,
        held.ended_at.is_(None),
        held.roles.overlap(cast(list(administrators), ARRAY(Text))),
        place.id == held.unit_id,
        not_below,
    )
    return (
        select(PhoneChange, Account, Unit)
        .join(Account, Account.id == PhoneChange.account_id)
        .join(
            Membership,
            (Membership.account_id == Account.id) & Membership.ended_at.is_(None) & Membership.is_primary,
        )
        .join(Unit, Unit.id == Membership.unit_id)
        .where(
            _OPEN,
            PhoneChange.kind == inline(PhoneChangeKind.RECOVERY),
            PhoneChange.status == inline(PhoneChangeStatus.REQUESTED),
            under(Unit.path, path),
            not_(beside),
        )
    )
