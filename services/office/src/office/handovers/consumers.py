"""Reassigns the open work of a person who leaves a unit."""

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import HandOverRequestedV1
from contracts.office import HandOverCompletedV1
from messaging.envelope import Envelope
from office.base import outbox
from servicekit.clock import Clock


class HandOvers:
    """Handles `HandOverRequestedV1`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def handle(self, session: AsyncSession, event: HandOverRequestedV1, _: Envelope) -> None:
        """Acknowledge the hand-over.

        Notices and their drafts belong to units, and any of a unit's people may continue them: there is no
        work of a person to reassign yet.
        """
        outbox.add(
            session,
            HandOverCompletedV1(
                hand_over_id=event.hand_over_id,
                sub=event.sub,
                unit_id=event.unit_id,
                items=0,
                completed_at=self._clock.now(),
            ),
            subject=event.hand_over_id,
        )
