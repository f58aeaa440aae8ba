"""Returns of notices: by the unit that has one, and what its sender makes of it."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import NoticeKind, ReturnStatus
from contracts.office import NoticeReturnDecidedV1, NoticeReturnedV1
from contracts.vocabulary import Permission, TaskKind
from office.actors import Actor
from office.asking.service import Asking
from office.base import outbox
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.service import Dispatches
from office.notices.service import Notices
from office.returns.errors import NoReceiptNeeded, NoticeReturned, OwnNotice, PassedOn
from office.returns.models import Return
from office.returns.repository import ReturnLine, ReturnRepository
from office.tasks.service import OWN, NewTask, Tasks, ToUnit
from servicekit.clock import Clock
from servicekit.lists import Listed
from servicekit.paging import PageRequest
from servicekit.problems import NotFound


class Returns:
    """Return notices and decide about returns within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        notices: Notices,
        dispatches: Dispatches,
        tasks: Tasks,
        asking: Asking,
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._notices = notices
        self._dispatches = dispatches
        self._tasks = tasks
        self._asking = asking
        self._returns = ReturnRepository(session)

    async def check(self, notice_id: UUID, unit: Unit) -> None:
        """Raise `NoticeReturned` if the unit has returned the notice and has not got it again."""
        if await self._returns.standing(notice_id, unit.id):
            raise NoticeReturned

    async def latest(self, notice_id: UUID, unit: Unit) -> Return | None:
        """Return the unit's latest return of the notice."""
        return await self._returns.latest(notice_id, unit.id)

    async def give_back(self, actor: Actor, notice_id: UUID, reason: str) -> tuple[ReturnLine, bool]:
        """Return the notice to its sender. Return the return, and whether it is new.

        Raises `NotFound`, `OwnNotice`, `NoReceiptNeeded`, `PassedOn`, and as `Notices.circulating` does.
        """
        unit = await self._units.own(actor)
        notice, delivery, _ = await self._notices.circulating(actor, unit, notice_id)
        if delivery is None:
            raise OwnNotice
        if notice.kind is NoticeKind.ANNOUNCEMENT:
            raise NoReceiptNeeded
        await self._dispatches.lock(notice_id, unit)
        latest = await self._returns.latest(notice_id, unit.id)
        if latest is not None and latest.status in {ReturnStatus.OPEN, ReturnStatus.CONFIRMED}:
            return ReturnLine(latest, notice, unit), False
        if await self._dispatches.of_unit(notice_id, unit):
            raise PassedOn
        now = self._clock.now()
        given_back = Return(
            notice_id=notice.id,
            unit_id=unit.id,
            number=1 if latest is None else latest.number + 1,
            to_unit_id=delivery.unit_id,
            forwarding_id=delivery.id,
            reason=reason,
            returned_by=actor.sub,
            returned_at=now,
            status=ReturnStatus.OPEN,
        )
        await self._returns.add(given_back)
        await self._tasks.open(
            NewTask(
                kind=TaskKind.RETURN,
                key=given_back.key,
                subject=f"notice/{notice.id}",
                title=f"{unit.short_name}退回《{notice.title}》",
                link=f"/notices/{notice.id}/returns",
                owner=actor.sub,
                owner_unit_id=unit.id,
            ),
            ToUnit(delivery.unit_id, (Permission.NOTICES_RECEIVE,)),
        )
        await self._asking.returned(notice, unit.id, actor.sub)
        event = NoticeReturnedV1(
            notice_id=notice.id,
            unit_id=unit.id,
            unit_path=unit.path,
            number=given_back.number,
            to_unit_id=delivery.unit_id,
            returned_by=actor.sub,
            returned_at=now,
        )
        outbox.add(self._session, event, subject=notice.id)
        return ReturnLine(given_back, notice, unit), True

    async def cancel(self, actor: Actor, notice_id: UUID) -> ReturnLine:
        """Take the own unit's return back. Raises `NotFound` without one, `ReturnDecided`."""
        unit = await self._units.own(actor)
        notice, delivery, _ = await self._notices.circulating(actor, unit, notice_id)
        latest = await self._returns.latest(notice_id, unit.id, lock=True)
        if latest is None or delivery is None:
            raise NotFound
        latest.cancel(by=actor.sub, now=self._clock.now())
        await self._ended(latest, actor)
        await self._asking.resent(notice, unit.id, latest.number, delivery)
        return ReturnLine(latest, notice, unit)

    async def decide(
        self, actor: Actor, notice_id: UUID, unit_id: UUID, *, confirm: bool, note: str | None
    ) -> ReturnLine:
        """Confirm a return to the own unit, or have the unit handle the notice after all.

        Raises `NotFound`, `ReturnDecided`, and as `Notices.circulating` does.
        """
        own = await self._units.own(actor)
        visible = await self._notices.circulating(actor, own, notice_id)
        latest = await self._returns.latest(notice_id, unit_id, lock=True)
        if latest is None or latest.to_unit_id != own.id:
            raise NotFound
        now = self._clock.now()
        (latest.confirm if confirm else latest.resend)(note, by=actor.sub, now=now)
        await self._ended(latest, actor)
        unit = await self._units.get(unit_id)
        if not confirm and unit is not None:
            delivery = await self._dispatches.delivery(notice_id, unit)
            if delivery is not None:
                await self._asking.resent(visible.notice, unit.id, latest.number, delivery.forwarding)
        return ReturnLine(latest, visible.notice, unit)

    async def list(
        self, actor: Actor, paging: PageRequest, *, status: ReturnStatus | None, notice_id: UUID | None
    ) -> tuple[Listed[ReturnLine], dict[UUID, str]]:
        """Return what was returned to the own unit, the latest first, and the names of the people in it.

        Raises `BadCursor`.
        """
        own = await self._units.own(actor)
        found = await self._returns.to_unit(own.id, paging, status=status, notice_id=notice_id)
        return found, await self.names(found.items)

    async def names(self, lines: Iterable[ReturnLine]) -> dict[UUID, str]:
        """Return the names of the people in `lines`."""
        people = [(line.given_back.returned_by, line.given_back.decided_by) for line in lines]
        return await self._units.names({sub for pair in people for sub in pair if sub is not None})

    async def _ended(self, given_back: Return, actor: Actor) -> None:
        await self._returns.save()
        assert given_back.decided_at is not None
        await self._tasks.done_by_key(OWN, given_back.key, by=actor.sub)
        event = NoticeReturnDecidedV1(
            notice_id=given_back.notice_id,
            unit_id=given_back.unit_id,
            number=given_back.number,
            status=given_back.status,
            decided_by=actor.sub,
            decided_at=given_back.decided_at,
        )
        outbox.add(self._session, event, subject=given_back.notice_id)
