"""Admits wall displays, lists and stops them."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import PermissionRequired
from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.walls.errors import WallNotFound, WallRefused
from cockpit.walls.repository import Found, WallRepository
from contracts.vocabulary import Permission
from jobs.kinds import Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.lists import Listed
from servicekit.paging import PageRequest

NOTED_EVERY: Final = timedelta(minutes=1)
KEEP: Final = timedelta(days=180)
"""Of a wall display that has expired."""
_AT_ONCE: Final = 100


class WallGate:
    """Lets wall displays in. Uses transactions of its own: the request's reads figures at one moment."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def admit(self, actor: Principal) -> None:
        """Verify that a token is of a wall display of the unit that it acts for, and note that it was here.

        Raises `WallRefused`.
        """
        now = self._clock.now()
        assert actor.acting is not None
        try:
            grant_id = UUID(actor.grant_id or "")
        except ValueError as error:
            raise WallRefused from error
        async with self._database.transaction() as session:
            walls = WallRepository(session)
            wall = await walls.get(grant_id)
            if wall is None or not wall.live(now) or wall.unit_id != actor.acting.unit:
                raise WallRefused
            if wall.last_seen_at is None or wall.last_seen_at < now - NOTED_EVERY:
                await walls.seen(grant_id, now, now - NOTED_EVERY)

    def forgetting(self) -> Periodic:
        """Return the deletion of wall displays half a year after they expired, as a periodic task."""
        return Periodic("cockpit.walls.prune", self.forget, every=timedelta(hours=24))

    async def forget(self) -> None:
        """Delete them."""
        gone = _AT_ONCE
        while gone == _AT_ONCE:
            async with self._database.transaction() as session:
                gone = await WallRepository(session).forget(self._clock.now() - KEEP, _AT_ONCE)


class Walls:
    """Wall displays within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, access: Access) -> None:
        self._clock = clock
        self._access = access
        self._walls = WallRepository(session)

    async def list(
        self, actor: Principal, unit_id: UUID | None, paging: PageRequest, *, ended: bool
    ) -> Listed[Found]:
        """Return the wall displays of a unit (None: of the caller's and all below it).

        Raises `BadCursor`, and as `Access.unit` does.
        """
        if unit_id is not None:
            await self._access.unit(actor, unit_id, "walls")
        assert actor.acting is not None
        return await self._walls.below(actor.acting.path, unit_id, self._clock.now(), paging, ended=ended)

    async def stop(self, actor: Principal, grant_id: UUID) -> Found:
        """End a wall display for good: whoever allowed it may, and whoever manages entitlements here.

        Raises `WallNotFound`, `PermissionRequired`, `WallEnded`.
        """
        assert actor.acting is not None
        found = await self._walls.found(grant_id, actor.acting.path)
        if found is None:
            raise WallNotFound
        wall, _ = found
        if actor.sub != str(wall.approved_by) and not actor.may(Permission.ENTITLEMENTS_GRANT):
            raise PermissionRequired
        wall.stop(actor.sub, self._clock.now())
        return found
