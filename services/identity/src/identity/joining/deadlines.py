"""Deadlines of requests to join: escalation to administrators further up, and expiry."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.service import AuditLog
from identity.joining.models import JoinRequest
from identity.joining.repository import JoinRepository
from identity.joining.rules import Deadline
from identity.memberships.administrators import Administrators
from identity.units.models import Unit
from identity.units.service import Units
from servicekit.clock import Clock
from servicekit.ltree import is_under
from workdays import Calendar


class Deadlines:
    """Deadlines within one request or batch. A deadline locks requests only."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        calendar: Calendar,
        units: Units,
        administrators: Administrators,
        audit: AuditLog,
    ) -> None:
        self._clock = clock
        self._calendar = calendar
        self._units = units
        self._administrators = administrators
        self._audit = audit
        self._rows = JoinRepository(session)

    async def begin(self, request: JoinRequest, unit: Unit) -> None:
        """Ask the unit's administrators, or those of the nearest unit above that has any."""
        responsible = await self._administrators.responsible_for(unit)
        asked = unit if responsible is None else responsible
        request.ask(asked.id, Deadline.of(self._clock.now(), self._calendar))

    async def settle(self, after: UUID | None, limit: int) -> UUID | None:
        """Compute deadlines again that depend on workdays which were not published when they were set, one
        batch after the request `after`.

        Return the last request of the batch, None after the last batch.
        """
        requests = await self._rows.provisional(after, limit)
        for request in requests:
            if request.provisional_since is not None:
                request.wait(Deadline.of(request.provisional_since, self._calendar))
        return requests[-1].id if len(requests) == limit else None

    async def escalate(self, limit: int) -> int:
        """Pass requests that were not answered for five workdays on to the administrators above, at most
        `limit`. Return how many were due.
        """
        due = await self._rows.to_escalate(self._clock.now(), limit)
        for request in due:
            unit = await self._units.get(request.unit_id)
            if request.responsible_unit_id is None:
                await self.begin(request, unit)
            else:
                await self._pass_on(request, unit, await self._units.get(request.responsible_unit_id))
        return len(due)

    async def expire(self, limit: int) -> int:
        """End requests that nobody decided in time, at most `limit`. Return how many."""
        due = await self._rows.to_expire(self._clock.now(), limit)
        for request in due:
            request.expire(self._clock.now())
            self._audit.record(actor=None, action="join.expired", target=request.id)
        return len(due)

    async def _pass_on(self, request: JoinRequest, unit: Unit, asked: Unit) -> None:
        now = self._clock.now()
        # After a move of the unit, the one that was asked may not be above it any more.
        reached = asked.path if is_under(unit.path, asked.path) else unit.path
        above = await self._administrators.responsible_for(unit, above=reached)
        if above is None:
            request.escalate(None, now, None)
            return
        request.escalate(above.id, now, Deadline.of(now, self._calendar))
        self._audit.record(actor=None, action="join.escalated", target=request.id, unit=str(above.id))
