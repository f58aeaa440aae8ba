"""Queries for the audit log, its seals and its exports."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Text,
    Uuid,
    any_,
    delete,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.models import AuditRecord, AuditSeal
from identity.audit_review.models import AuditExport, AuditExportPart
from identity.audit_review.rules import FREQUENT
from identity.clients.models import Client
from identity.invites.models import Invite
from identity.units.models import Unit
from servicekit.ids import first_id
from servicekit.lists import Listed, Order, by_id, listed_one, total_of
from servicekit.paging import PageRequest, Total, whole_number
from servicekit.partitions import ByMonth, drop_part

PAGE = 2000
_COLUMNS = tuple(AuditRecord.__table__.columns)
_LOCK = 0x5A58_5345_414C
_NOT_FREQUENT = AuditRecord.action != literal_column("'oauth.token_issued'")


@dataclass(frozen=True)
class Filters:
    """What to look for: rows with an id of the time in [`since`, `until`), of all that are given."""

    since: datetime
    until: datetime
    actor: str | None = None
    action: str | None = None
    target: str | None = None
    correlation_id: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions of a query."""
        equal = {
            AuditRecord.actor: self.actor,
            AuditRecord.action: self.action,
            AuditRecord.target_id: self.target,
            AuditRecord.correlation_id: self.correlation_id,
        }
        found = [AuditRecord.id >= first_id(self.since), AuditRecord.id < first_id(self.until)]
        found += [column == value for column, value in equal.items() if value is not None]
        if self.action not in (None, FREQUENT):
            # The predicate of the index by action, as PostgreSQL plans without the value of the parameter.
            found.append(_NOT_FREQUENT)
        return found


class AuditReader:
    """Reads rows and seals."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def limit_time(self, seconds: int) -> None:
        """End statements of this transaction that take longer."""
        await self._session.execute(select(func.set_config("statement_timeout", f"{seconds}s", True)))

    async def search(
        self, filters: Filters, order: Order, after: tuple[UUID, ...] | None, limit: int
    ) -> Sequence[AuditRecord]:
        """Return rows that come after an id, one more than `limit`."""
        statement = select(AuditRecord).where(*filters.conditions())
        if after is not None:
            statement = statement.where(order.behind(after))
        return (await self._session.scalars(statement.order_by(*order.clauses()).limit(limit + 1))).all()

    async def invites(self, ids: Sequence[UUID]) -> Sequence[tuple[UUID, str]]:
        """Return the invites among some ids, each with the name of its unit."""
        statement = (
            select(Invite.id, Unit.name)
            .join(Unit, Unit.id == Invite.unit_id)
            .where(Invite.id == any_(literal(list(ids), ARRAY(Uuid))))
        )
        return list((await self._session.execute(statement)).all())

    async def clients(self, ids: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Return the clients among some ids, each with its name."""
        statement = select(Client.client_id, Client.client_name).where(
            Client.client_id == any_(literal(list(ids), ARRAY(Text)))
        )
        return list((await self._session.execute(statement)).all())

    async def total(self, filters: Filters) -> Total:
        """Return the number of rows."""
        return await total_of(self._session, select(AuditRecord.id).where(*filters.conditions()))

    async def page(self, filters: Filters, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
        """Return rows after an id, in the order of ids."""
        statement = select(*_COLUMNS).where(*filters.conditions())
        if after is not None:
            statement = statement.where(AuditRecord.id > after)
        return (await self._session.execute(statement.order_by(AuditRecord.id).limit(limit))).all()

    async def rows(self, from_id: UUID, until_id: UUID) -> AsyncIterator[Row[Any]]:
        """Iterate over the rows of a range of ids, in their order; some thousands are in memory at once."""
        inside = AuditRecord.id >= from_id
        while True:
            statement = select(*_COLUMNS).where(inside, AuditRecord.id < until_id)
            found = (await self._session.execute(statement.order_by(AuditRecord.id).limit(PAGE))).all()
            for row in found:
                yield row
            if len(found) < PAGE:
                return
            inside = AuditRecord.id > found[-1].id

    async def first_from(self, from_id: UUID) -> UUID | None:
        """Return the first id from `from_id` on."""
        found: UUID | None = await self._session.scalar(
            select(AuditRecord.id).where(AuditRecord.id >= from_id).order_by(AuditRecord.id).limit(1)
        )
        return found

    async def count(self, from_id: UUID) -> int:
        """Return the number of rows from `from_id` on."""
        statement = select(func.count()).select_from(AuditRecord).where(AuditRecord.id >= from_id)
        return await self._session.scalar(statement) or 0

    async def any_before(self, until_id: UUID) -> bool:
        """Return whether there is a row before `until_id`."""
        statement = select(AuditRecord.id).where(AuditRecord.id < until_id).limit(1)
        return await self._session.scalar(statement) is not None

    async def dropped(self) -> set[str]:
        """Return the months (`YYYYMM`) of which the log records that they were dropped."""
        found = await self._session.scalars(
            select(AuditRecord.target_id).where(AuditRecord.action == "audit.month_dropped", _NOT_FREQUENT)
        )
        return {month for month in found if month is not None}

    async def try_lock(self) -> bool:
        """Return whether this transaction is the only one that seals."""
        return bool(await self._session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))

    async def oldest_transaction(self) -> datetime | None:
        """Return when the oldest transaction on this database began that may still write rows."""
        found: datetime | None = await self._session.scalar(
            text(
                "SELECT min(xact_start) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
        )
        return found

    async def last_seal(self) -> AuditSeal | None:
        """Return the newest seal."""
        found: AuditSeal | None = await self._session.scalar(
            select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)
        )
        return found

    async def seals(self, after: int, limit: int) -> Sequence[AuditSeal]:
        """Return seals after a number, in order."""
        return (
            await self._session.scalars(
                select(AuditSeal).where(AuditSeal.number > after).order_by(AuditSeal.number).limit(limit)
            )
        ).all()

    async def latest_seals(self, paging: PageRequest) -> Listed[AuditSeal]:
        """Return seals, latest first."""
        order = Order((AuditSeal.number,), (whole_number,), descending=True)
        return await listed_one(self._session, select(AuditSeal), order, paging)

    def add(self, seal: AuditSeal) -> None:
        """Insert a seal."""
        self._session.add(seal)

    async def partitions(self) -> list[str]:
        """Return the names of the partitions, sorted."""
        found = await self._session.scalars(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_log'::regclass"
                " ORDER BY 1"
            )
        )
        return list(found)

    async def drop(self, month: datetime) -> None:
        """Remove the partition of the month that begins at `month`, and its rows."""
        await drop_part(self._session, ByMonth("audit_log", "id", keep=None, ids=True), month)


class ExportRepository:
    """Exports and their files."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, row: AuditExport | AuditExportPart) -> None:
        """Insert a row."""
        self._session.add(row)

    async def get(self, export_id: UUID) -> AuditExport | None:
        """Return an export."""
        return await self._session.get(AuditExport, export_id)

    async def latest(self, paging: PageRequest) -> Listed[AuditExport]:
        """Return exports, latest first."""
        order = by_id(AuditExport.id, latest_first=True)
        return await listed_one(self._session, select(AuditExport), order, paging)

    async def part(self, export_id: UUID, number: int) -> bytes | None:
        """Return a part of the file, or None after the last one."""
        found: bytes | None = await self._session.scalar(
            select(AuditExportPart.content).where(
                AuditExportPart.export_id == export_id, AuditExportPart.number == number
            )
        )
        return found

    async def delete_expired(self, now: datetime) -> None:
        """Delete exports whose time is over."""
        await self._session.execute(delete(AuditExport).where(AuditExport.expires_at <= now))
