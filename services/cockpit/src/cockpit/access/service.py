"""Reach: a viewer sees its own unit and what is below it; asking for more is refused and recorded."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.errors import OutOfReach, UnitNotFound
from cockpit.access.models import AccessRefusal
from cockpit.directory.models import Unit
from cockpit.directory.service import Directory
from servicekit.clock import Clock
from servicekit.logs import correlation_id


class Access:
    """Judges reach."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def unit(self, who: Principal, unit_id: UUID | None, action: str) -> Unit:
        """The unit, or the caller's own when `unit_id` is None. Raises `UnitNotFound`, `OutOfReach`."""
        assert who.acting is not None
        unit = await Directory(self._session).find(unit_id or who.acting.unit)
        if unit is None:
            raise UnitNotFound
        if not who.reaches(unit.path):
            self._refuse(who, unit.id, unit.path, action)
        return unit

    def path(self, who: Principal, unit_id: UUID, path: str, action: str) -> None:
        """Let pass what lies at `path` in the caller's subtree. Raises `OutOfReach`."""
        if not who.reaches(path):
            self._refuse(who, unit_id, path, action)

    def _refuse(self, who: Principal, unit_id: UUID, path: str, action: str) -> None:
        assert who.acting is not None
        refusal = OutOfReach()
        self._session.add(
            AccessRefusal(
                at=self._clock.now(),
                sub=who.sub,
                client_id=who.client_id,
                acting_unit_id=who.acting.unit,
                acting_path=who.acting.path,
                unit_id=unit_id,
                unit_path=path,
                action=action,
                code=refusal.code,
                correlation_id=correlation_id(),
            )
        )
        raise refusal
