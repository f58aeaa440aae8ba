"""Forward a notice that the unit has (转发), and send it to further units later (补充转发)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.office import NoticeForwardedV1
from office.actors import Actor
from office.addressing.rules import Address
from office.addressing.service import Addressing, Preview
from office.asking.service import Asking
from office.base import outbox
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.service import Dispatches, Sent
from office.forwarding.errors import DeadlineAfterParents
from office.notices import rules
from office.notices.errors import BadDeadline, ClassifiedDocumentRefused
from office.notices.service import Notices
from office.returns.service import Returns
from servicekit.clock import Clock


@dataclass(frozen=True)
class Forwarded:
    """A dispatch by `unit`, and the names of the people in it."""

    sent: Sent
    unit: Unit
    names: dict[UUID, str]


class Forwardings:
    """Forward notices within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        units: Units,
        notices: Notices,
        addressing: Addressing,
        dispatches: Dispatches,
        returns: Returns,
        asking: Asking,
    ) -> None:
        self._session = session
        self._clock = clock
        self._units = units
        self._notices = notices
        self._addressing = addressing
        self._dispatches = dispatches
        self._returns = returns
        self._asking = asking

    async def preview(self, actor: Actor, notice_id: UUID, address: Address) -> tuple[Preview, int]:
        """Return whom a forwarding would reach, and how many of them the unit has not addressed yet.

        Raises `NotFound`, `RecipientsOutOfReach`.
        """
        unit = await self._units.own(actor)
        await self._notices.visible(actor, unit, notice_id)
        preview = await self._addressing.preview(unit, address)
        return preview, await self._dispatches.count_new(notice_id, unit, address, preview.total)

    async def forward(
        self,
        actor: Actor,
        notice_id: UUID,
        address: Address,
        cover_text: str | None,
        deadline: datetime | None,
    ) -> Forwarded:
        """Send a notice to units below, due no later than the unit itself.

        The publisher sends it to further units in the same way. Raises `NotFound`, `NotPublished`,
        `NoticeWithdrawn`, `AlreadyForwarded` if every recipient has been addressed before, `NothingBelow`,
        `RecipientsOutOfReach`, `GroupUnknown`, `TooManyPicked`, `NoticeReturned`,
        `DeadlineAfterParents`, `BadDeadline`, `ClassifiedDocumentRefused`.
        """
        unit = await self._units.own(actor)
        notice, delivery, _ = await self._notices.circulating(actor, unit, notice_id)
        if cover_text is not None and rules.is_classified(rules.UNCLASSIFIED, [cover_text]):
            raise ClassifiedDocumentRefused
        await self._dispatches.lock(notice_id, unit)
        await self._returns.check(notice_id, unit)
        now = self._clock.now()
        due = notice.deadline if delivery is None else delivery.deadline
        assert due is not None
        if deadline is not None:
            if deadline > due:
                raise DeadlineAfterParents
            _check_deadline(deadline, now)
        sent = await self._dispatches.send(
            notice.id,
            unit,
            address,
            cover_text=cover_text,
            deadline=deadline or due,
            by=actor.sub,
            now=now,
        )
        await self._asking.dispatched(notice, sent.forwarding, sent.address)
        event = NoticeForwardedV1(
            notice_id=notice.id,
            unit_id=unit.id,
            unit_path=unit.path,
            forwarded_by=actor.sub,
            forwarded_at=now,
            forwarding_id=sent.forwarding.id,
        )
        outbox.add(self._session, event, subject=notice.id)
        return Forwarded(sent, unit, await self._units.names([actor.sub]))


def _check_deadline(deadline: datetime, now: datetime) -> None:
    try:
        rules.check_deadline(deadline, now)
    except rules.DeadlineOutOfRangeError as error:
        raise BadDeadline from error
