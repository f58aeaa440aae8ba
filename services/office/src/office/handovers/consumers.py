"""Reassigns the open tasks of people who leave a unit, are suspended or close their account."""

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import HandOverRequestedV1, PersonChangedV1
from contracts.office import HandOverCompletedV1
from contracts.vocabulary import AccountStatus
from messaging.envelope import Envelope
from office.assignments.service import Leavers
from office.base import outbox
from office.directory.service import Allowances
from office.tasks.service import Tasks
from servicekit.clock import Clock


class HandOvers:
    """Handles `HandOverRequestedV1` and `PersonChangedV1`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def handle(self, session: AsyncSession, event: HandOverRequestedV1, _: Envelope) -> None:
        """Give the person's open tasks in the unit to the successor or back to the unit; acknowledge it.

        Notices and their drafts belong to units, and any of a unit's people may continue them.
        """
        # What an ended unit had received does not go to the unit that takes its people.
        successor = event.successor if event.successor_unit_id is None else None
        await Leavers(session).relieve(event.sub, event.unit_id, successor)
        items = await Tasks(session, self._clock).hand_over(
            event.sub, event.unit_id, event.successor, into=event.successor_unit_id
        )
        outbox.add(
            session,
            HandOverCompletedV1(
                hand_over_id=event.hand_over_id,
                sub=event.sub,
                unit_id=event.unit_id,
                items=items,
                completed_at=self._clock.now(),
            ),
            subject=event.hand_over_id,
        )

    async def person(self, session: AsyncSession, event: PersonChangedV1, _: Envelope) -> None:
        """Tell the person's browsers which units they belong to now. Give what a suspended person has taken
        back to the units; of a closed account, also the tasks for this person alone. An old event that
        arrives late does the same: colleagues can pass the tasks on again.
        """
        tasks = Tasks(session, self._clock)
        allowances = Allowances(session)
        places = {one.unit_id: await allowances.holdings(one) for one in event.memberships}
        tasks.tell_places(event.sub, places)
        if event.status != AccountStatus.ACTIVE:
            closed = event.status == AccountStatus.CLOSED
            if closed:
                await Leavers(session).relieve(event.sub, None, None)
            await tasks.give_back(event.sub, personal=closed)
