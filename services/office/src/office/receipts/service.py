"""A received notice as one unit and one person see it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import AnswerStatus
from office.actors import Actor
from office.assignments.service import Assigned, Assignments
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.models import Cover, Forwarding
from office.dispatches.service import Dispatches
from office.notices.models import Notice
from office.notices.service import Notices, Related
from office.receipts.models import Signature
from office.receipts.receiving import SignedNotice
from office.receipts.repository import ReceiptRepository
from office.returns.models import Return
from office.returns.service import Returns


@dataclass(frozen=True)
class NoticeView:
    """A notice with everything visible to one `unit` and one person in it; `names`: of its people."""

    notice: Notice
    unit: Unit
    names: dict[UUID, str]
    publisher: Unit | None
    delivery: Forwarding | None
    sender: Unit | None
    covers: list[Cover]
    signature: SignedNotice | None
    given_back: Return | None
    assigned: Assigned | None
    forwardings: list[Forwarding]
    read_at: datetime | None
    replaces: Related | None
    replaced_by: Related | None
    asks_answer: bool
    answer: AnswerStatus | None


class Receipts:
    """Show received notices within one request."""

    def __init__(
        self,
        session: AsyncSession,
        units: Units,
        notices: Notices,
        dispatches: Dispatches,
        returns: Returns,
        assignments: Assignments,
    ) -> None:
        self._units = units
        self._notices = notices
        self._dispatches = dispatches
        self._returns = returns
        self._assignments = assignments
        self._receipts = ReceiptRepository(session)

    async def view(self, actor: Actor, notice_id: UUID) -> NoticeView:
        """Return the notice as seen by the actor. Raises `NotFound`."""
        unit = await self._units.own(actor)
        notice, delivery, path = await self._notices.visible(actor, unit, notice_id)
        read = await self._receipts.read(notice.id, actor.sub)
        signature = await self._receipts.signature(notice.id, unit)
        asks, answer = await self._receipts.asked(notice.id, unit)
        given_back = await self._returns.latest(notice.id, unit)
        forwardings = await self._dispatches.of_unit(notice.id, unit)
        people = {one.forwarded_by for one in forwardings}
        if signature is not None:
            people.add(signature.signed_by)
        if given_back is not None:
            people |= {sub for sub in (given_back.returned_by, given_back.decided_by) if sub is not None}
        names = await self._units.names(people) if people else {}
        return NoticeView(
            notice=notice,
            unit=unit,
            names=names,
            publisher=await self._units.get(notice.publisher_id),
            delivery=delivery,
            sender=None if delivery is None else await self._units.get(delivery.unit_id),
            covers=[] if delivery is None else await self._dispatches.covers(notice.id, path),
            signature=None if signature is None else await self._signed(signature, unit, names),
            given_back=given_back,
            assigned=await self._assignments.current(notice.id, unit),
            forwardings=forwardings,
            read_at=None if read is None else read.read_at,
            replaces=await self._notices.related(unit, notice.supersedes_id),
            replaced_by=await self._notices.related(unit, notice.superseded_by_id),
            asks_answer=asks,
            answer=answer,
        )

    async def _signed(self, signature: Signature, unit: Unit, names: dict[UUID, str]) -> SignedNotice:
        by_unit = None
        if signature.signing_unit_id is not None:
            by_unit = await self._units.get(signature.signing_unit_id)
        return SignedNotice(signature, unit.name, names.get(signature.signed_by), by_unit)
