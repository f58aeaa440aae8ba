"""Wall displays that are allowed at Identity, and the end of their grants."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cockpit.walls.repository import WallRepository
from contracts.identity import AccessRevokedV1, ClientRevokedV1, WallAllowedV1
from messaging.envelope import Envelope
from servicekit.clock import Clock

Event = WallAllowedV1 | AccessRevokedV1 | ClientRevokedV1
EVENTS = (WallAllowedV1, AccessRevokedV1, ClientRevokedV1)


class WallEvents:
    """Handles `EVENTS`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def handle(self, session: AsyncSession, event: Event, _: Envelope) -> None:
        """Write a wall display, or end it.

        The revocation of all tokens of a person ends none: tokens are refused for what they say, and a grant
        that goes on gives new ones.
        """
        walls = WallRepository(session)
        if isinstance(event, WallAllowedV1):
            await walls.add(event)
        elif isinstance(event, ClientRevokedV1):
            await walls.end_client(event.client_id, event.not_before, self._clock.now())
        elif event.grant_id is not None:
            await walls.end_grant(UUID(event.grant_id), self._clock.now())
