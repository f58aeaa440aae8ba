"""What one unit has done with a notice, within one request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from office.actors import Actor
from office.answers.models import AnswerRevision
from office.coverage.service import Coverage, UnitStanding
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.models import Forwarding
from office.dispatches.service import Dispatches
from office.receipts.models import Read, Signature
from office.reminders.models import Reminder
from office.returns.models import Return
from office.unit_coverage.repository import UnitCoverageRepository


@dataclass(frozen=True)
class UnitView:
    """What a unit has done with a notice; `units` and `names` are those that the facts refer to, by id.

    `dispatch`: the one that reached the unit.
    """

    standing: UnitStanding
    dispatch: Forwarding | None
    deadline: datetime | None
    signature: Signature | None
    readers: int
    reads: Sequence[Read]
    forwardings: Sequence[Forwarding]
    submissions: Sequence[AnswerRevision]
    reminders: Sequence[Reminder]
    returns: Sequence[Return]
    units: dict[UUID, Unit]
    names: dict[UUID, str]


class UnitCoverages:
    """Report what single units have done, within one request."""

    def __init__(
        self, session: AsyncSession, units: Units, coverage: Coverage, dispatches: Dispatches
    ) -> None:
        self._units = units
        self._coverage = coverage
        self._dispatches = dispatches
        self._rows = UnitCoverageRepository(session)

    async def view(self, actor: Actor, notice_id: UUID, unit_id: UUID) -> UnitView:
        """Return what a unit has done that counts in the actor's coverage, or stands in its subtree.

        Raises `NotFound`, `OutOfReach`, `ReceiptsArchived`, as coverage does.
        """
        standing = await self._coverage.unit(actor, notice_id, unit_id)
        notice, unit = standing.notice, standing.unit
        delivery = await self._dispatches.delivery(notice.id, unit)
        signature = await self._rows.signature(notice.id, unit.id)
        readers, reads = await self._rows.reads(notice.id, unit.id)
        forwardings = await self._dispatches.of_unit(notice.id, unit)
        submissions = await self._rows.submissions(notice.id, unit.id)
        returns = await self._rows.returns(notice.id, unit.id)
        dispatch = None if delivery is None else delivery.forwarding
        deadline = None if dispatch is None else dispatch.deadline
        return UnitView(
            standing=standing,
            dispatch=dispatch,
            deadline=notice.deadline if deadline is None else deadline,
            signature=signature,
            readers=readers,
            reads=reads,
            forwardings=forwardings,
            submissions=submissions,
            reminders=await self._rows.reminders(notice.id, unit.id),
            returns=returns,
            units=await self._units.of_ids(
                one
                for one in (
                    None if dispatch is None else dispatch.unit_id,
                    None if signature is None else signature.signing_unit_id,
                )
                if one is not None
            ),
            names=await self._units.names(
                {
                    *(one.sub for one in reads),
                    *(one.forwarded_by for one in forwardings),
                    *(one.submitted_by for one in submissions),
                    *(one.returned_by for one in returns),
                    *(one.decided_by for one in returns if one.decided_by is not None),
                    *(() if signature is None else (signature.signed_by,)),
                }
            ),
        )
