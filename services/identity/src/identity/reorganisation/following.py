"""What follows a unit to its new place: suspensions, and new tokens for those who act there."""

from sqlalchemy.ext.asyncio import AsyncSession

from identity.reorganisation.repository import ReorganisationRepository
from identity.revocations.service import Revocations
from identity.units.models import Unit
from identity.units.structure import Relocation


class Following:
    """Consequences of moves for one transaction."""

    def __init__(self, session: AsyncSession, revocations: Revocations) -> None:
        self._rows = ReorganisationRepository(session)
        self._revocations = revocations

    async def moved(self, unit: Unit, moved: Relocation, reason: str) -> None:
        """Let suspensions follow a unit that has left its only former place, and refuse tokens for it."""
        await self._rows.follow_suspensions(moved.left[0], unit.path)
        self.revoke(unit, moved, reason)

    def revoke(self, unit: Unit, moved: Relocation, reason: str) -> None:
        """Refuse the tokens for acting at the places that were left."""
        for path in moved.left:
            self._revocations.revoke_place(path, unit_id=unit.id, reason=reason)
