"""Queries for entitlements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import EntitlementRequestStatus, Vocabulary
from identity.accounts.models import Account
from identity.entitlements.models import Entitlement, EntitlementRequest
from identity.units.models import Unit
from servicekit.lists import AgeSort, Listed, Order, by_id, listed
from servicekit.ltree import under
from servicekit.paging import PageRequest, instant
from servicekit.words import inline

_HELD = Entitlement.withdrawn_at.is_(None)
_PENDING = EntitlementRequest.status == inline(EntitlementRequestStatus.PENDING)

Asked = tuple[EntitlementRequest, Account, Unit]
Held = tuple[Entitlement, Account, Unit]
_Rows = TypeVar("_Rows", Select[Entitlement, Account, Unit], Select[EntitlementRequest, Account, Unit])


class ReviewSort(Vocabulary):
    """In which order entitlements to review are listed."""

    SOONEST = "soonest", "到期时间从早到晚"
    LATEST = "latest", "到期时间从晚到早"

    @property
    def order(self) -> Order:
        """The order of the query."""
        columns = (Entitlement.expires_at, Entitlement.id)
        return Order(columns, (instant, UUID), descending=self is ReviewSort.LATEST)


class EntitlementRepository:
    """Entitlements and requests by person; lists are restricted to a subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: Entitlement | EntitlementRequest) -> None:
        """Insert a row."""
        self._session.add(row)

    async def flush(self) -> None:
        """Write what has changed so far."""
        await self._session.flush()

    async def names(self, sub: UUID, now: datetime) -> list[tuple[str, UUID | None]]:
        """Return a person's entitlements, each with its unit."""
        statement = select(Entitlement.name, Entitlement.unit_id).where(
            Entitlement.account_id == sub, _HELD, Entitlement.expires_at > now
        )
        return list((await self._session.execute(statement)).all())

    async def lock(self, sub: UUID, name: str) -> Entitlement | None:
        """Return one entitlement of a person, locked."""
        found: Entitlement | None = await self._session.scalar(
            select(Entitlement)
            .where(Entitlement.account_id == sub, Entitlement.name == name, _HELD)
            .with_for_update()
        )
        return found

    async def lock_all(self, sub: UUID) -> Sequence[Entitlement]:
        """Return all entitlements of a person, locked."""
        return (
            await self._session.scalars(
                select(Entitlement)
                .where(Entitlement.account_id == sub, _HELD)
                .order_by(Entitlement.id)
                .with_for_update()
            )
        ).all()

    async def get(self, entitlement_id: UUID) -> Entitlement | None:
        """Return an entitlement that has not been withdrawn."""
        found = await self._session.get(Entitlement, entitlement_id)
        return None if found is None or found.withdrawn_at is not None else found

    async def due(
        self, above: str | None, until: datetime, name: str | None, sort: ReviewSort, paging: PageRequest
    ) -> Listed[Held]:
        """Return the entitlements for units below the path `above`, or for all units, that end before
        `until`; with `name` only those of people whose names contain it.
        """
        return await listed(self._session, _named(_due(above, until), name), sort.order, paging)

    async def count_due(self, above: str | None, until: datetime, most: int) -> int:
        """Return the number of those entitlements, at most `most`."""
        some = _due(above, until).with_only_columns(Entitlement.id).limit(most)
        return await self._session.scalar(select(func.count()).select_from(some.subquery())) or 0

    async def ended(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Return people with an entitlement whose time is over and that is not withdrawn yet."""
        statement = (
            select(Entitlement.account_id)
            .where(_HELD, Entitlement.expires_at <= now)
            .order_by(Entitlement.expires_at)
            .limit(limit)
        )
        return (await self._session.scalars(statement)).all()

    async def to_remind(self, until: datetime, limit: int) -> Sequence[tuple[Entitlement, Account]]:
        """Return entitlements that end before `until` and whose people do not know yet, locked."""
        statement = (
            select(Entitlement, Account)
            .join(Account, Account.id == Entitlement.account_id)
            .where(_HELD, Entitlement.reminded_at.is_(None), Entitlement.expires_at <= until)
            .order_by(Entitlement.expires_at)
            .limit(limit)
            .with_for_update(of=Entitlement, skip_locked=True)
        )
        return list((await self._session.execute(statement)).all())

    async def request(self, request_id: UUID) -> EntitlementRequest | None:
        """Return a request."""
        return await self._session.get(EntitlementRequest, request_id)

    async def lock_request(self, request_id: UUID) -> EntitlementRequest | None:
        """Return a request, locked and refreshed."""
        return await self._session.get(
            EntitlementRequest, request_id, with_for_update=True, populate_existing=True
        )

    async def to_expire(self, until: datetime, limit: int) -> Sequence[EntitlementRequest]:
        """Return undecided requests that were made before `until`, oldest first, locked."""
        return (
            await self._session.scalars(
                select(EntitlementRequest)
                .where(_PENDING, EntitlementRequest.requested_at <= until)
                .order_by(EntitlementRequest.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        ).all()

    async def pending_of(self, sub: UUID) -> Sequence[EntitlementRequest]:
        """Return a person's undecided requests, locked."""
        return (
            await self._session.scalars(
                select(EntitlementRequest)
                .where(EntitlementRequest.account_id == sub, _PENDING)
                .order_by(EntitlementRequest.id)
                .with_for_update()
            )
        ).all()

    async def pending_below(
        self, path: str, name: str | None, sort: AgeSort, paging: PageRequest, *, and_own: bool
    ) -> Listed[Asked]:
        """Return undecided requests of units below one, with `and_own` also its own; with `name` only those
        for people whose names contain it.
        """
        statement = _named(_pending(path, and_own=and_own), name)
        return await listed(self._session, statement, sort.of(EntitlementRequest.id), paging)

    async def count_pending_below(self, path: str, *, and_own: bool, most: int) -> int:
        """Return the number of those requests, at most `most`."""
        some = _pending(path, and_own=and_own).with_only_columns(EntitlementRequest.id).limit(most)
        return await self._session.scalar(select(func.count()).select_from(some.subquery())) or 0

    async def of_person(self, sub: UUID, paging: PageRequest) -> Listed[Asked]:
        """Return a person's requests, latest first."""
        statement = (
            select(EntitlementRequest, Account, Unit)
            .join(Account, Account.id == EntitlementRequest.account_id)
            .join(Unit, Unit.id == EntitlementRequest.unit_id)
            .where(EntitlementRequest.account_id == sub)
        )
        return await listed(self._session, statement, by_id(EntitlementRequest.id, latest_first=True), paging)

    async def bulk_insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert many rows."""
        await self._session.execute(insert(Entitlement), rows)


def _named(rows: _Rows, name: str | None) -> _Rows:
    return rows if name is None else rows.where(Account.name.contains(name, autoescape=True))


def _due(above: str | None, until: datetime) -> Select[Entitlement, Account, Unit]:
    statement = (
        select(Entitlement, Account, Unit)
        .join(Account, Account.id == Entitlement.account_id)
        .join(Unit, Unit.id == Entitlement.unit_id)
        .where(_HELD, Entitlement.expires_at <= until)
    )
    if above is None:
        return statement
    return statement.where(under(Unit.path, above), Unit.path != above)


def _pending(path: str, *, and_own: bool) -> Select[EntitlementRequest, Account, Unit]:
    statement = (
        select(EntitlementRequest, Account, Unit)
        .join(Account, Account.id == EntitlementRequest.account_id)
        .join(Unit, Unit.id == EntitlementRequest.unit_id)
        .where(_PENDING, under(Unit.path, path))
    )
    return statement if and_own else statement.where(Unit.path != path)
