"""Operations on pushes."""

from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from cockpit.access.service import Access
from cockpit.directory.models import Unit
from cockpit.feeds import personal
from cockpit.intake.claiming import NewBatch
from cockpit.intake.errors import BatchNotFound, PersonalNumber
from cockpit.intake.quarantine import Quarantine
from cockpit.intake.receiving import Receiver
from cockpit.intake.service import FoundBatch
from cockpit.pushes.errors import AlreadyGranted, GrantNotFound, PushNotGranted
from cockpit.pushes.kinds import PushAction
from cockpit.pushes.models import PushGrant, PushRecord
from cockpit.pushes.repository import PushRepository
from cockpit.pushes.schemas import GrantIn
from servicekit.clock import Clock
from servicekit.db import release
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.logs import correlation_id
from servicekit.paging import PageRequest


class PushGrants:
    """Registrations of the caller's subtree."""

    def __init__(self, session: AsyncSession, clock: Clock, access: Access) -> None:
        self._clock = clock
        self._access = access
        self._pushes = PushRepository(session)

    async def register(self, actor: Principal, given: GrantIn) -> tuple[PushGrant, Unit]:
        """Let a client push for a unit. Raises `UnitNotFound`, `UnitOutOfReach`, `PersonalNumber`,
        `AlreadyGranted`.
        """
        if personal.find(given.name):
            raise PersonalNumber
        unit = await self._access.unit(actor, given.unit, "pushes.register")
        grant = await self._pushes.register(
            {
                "id": new_id(),
                "client_id": given.client_id,
                "name": given.name,
                "unit_id": unit.id,
                "feeds": sorted(set(given.feeds)),
                "created_by": actor.sub,
                "created_at": self._clock.now(),
            }
        )
        if grant is None:
            raise AlreadyGranted
        self._record(PushAction.GRANTED, actor, grant, unit)
        return grant, unit

    async def below(
        self, actor: Principal, client_id: str | None, in_force: bool | None, paging: PageRequest
    ) -> Listed[tuple[PushGrant, Unit]]:
        """Return the registrations of the caller's subtree, newest first."""
        own = await self._access.own(actor)
        return await self._pushes.below(own.path, client_id, in_force, paging)

    async def revoke(self, actor: Principal, grant_id: UUID) -> tuple[PushGrant, Unit]:
        """Revoke a registration; idempotent. Raises `GrantNotFound`."""
        own = await self._access.own(actor)
        found = await self._pushes.locked(own.path, grant_id)
        if found is None:
            raise GrantNotFound
        grant, unit = found
        if grant.revoke(actor.sub, self._clock.now()):
            self._record(PushAction.REVOKED, actor, grant, unit)
        return grant, unit

    def _record(self, action: PushAction, actor: Principal, grant: PushGrant, unit: Unit) -> None:
        self._pushes.record(
            PushRecord(
                at=self._clock.now(),
                action=action,
                client_id=grant.client_id,
                sub=actor.sub,
                unit_code=unit.code,
                unit_id=unit.id,
                grant_id=grant.id,
                correlation_id=correlation_id(),
            )
        )


class Pushes:
    """What a client does for the units it is registered for."""

    def __init__(
        self, session: AsyncSession, clock: Clock, receiver: Receiver, quarantine: Quarantine
    ) -> None:
        self._session = session
        self._clock = clock
        self._receiver = receiver
        self._quarantine = quarantine
        self._pushes = PushRepository(session)

    async def receive(
        self, client: Principal, unit_code: str, new: NewBatch, chunks: AsyncIterable[bytes]
    ) -> tuple[FoundBatch, bool]:
        """Receive a file. Return the batch, and whether this call committed it.

        Raises `PushNotGranted`, which is recorded, and as `Contributions.receive`.
        """
        new.check()
        found = await self._pushes.granted(client.client_id, unit_code, new.feed)
        if found is None:
            self._record(PushAction.REFUSED, client, unit_code, None, new.feed, new.batch_id)
            raise PushNotGranted
        grant, unit = found
        self._record(PushAction.PUSHED, client, unit_code, grant, new.feed, new.batch_id)
        # The receiver opens its own transactions, and the duration of an upload is not bounded.
        await release(self._session)
        batch, ours = await self._receiver.receive(client.sub, new, unit, chunks)
        return FoundBatch(batch, unit), ours

    async def get(self, client: Principal, batch_id: UUID) -> tuple[FoundBatch, dict[str, int]]:
        """Return a batch that the client pushed, and the number of its quarantined rows by code.

        Raises `BatchNotFound`.
        """
        found = await self._find(client, batch_id)
        return found, dict(Counter(found.batch.reasons or {}).most_common())

    async def quarantined(self, client: Principal, batch_id: UUID) -> AsyncIterator[str]:
        """Stream the quarantined rows of a batch that the client pushed. Raises `BatchNotFound`."""
        found = await self._find(client, batch_id)
        self._record(PushAction.READ, client, found.unit.code if found.unit else "", None, None, batch_id)
        return self._quarantine.csv(found.batch)

    async def _find(self, client: Principal, batch_id: UUID) -> FoundBatch:
        found = await self._pushes.pushed(client.client_id, batch_id)
        if found is None:
            raise BatchNotFound
        return FoundBatch(*found)

    def _record(
        self,
        action: PushAction,
        client: Principal,
        unit_code: str,
        grant: PushGrant | None,
        feed: str | None,
        batch_id: UUID | None,
    ) -> None:
        self._pushes.record(
            PushRecord(
                at=self._clock.now(),
                action=action,
                client_id=client.client_id,
                sub=client.sub,
                jkt=client.jkt,
                unit_code=unit_code,
                unit_id=None if grant is None else grant.unit_id,
                feed=feed,
                grant_id=None if grant is None else grant.id,
                batch_id=batch_id,
                correlation_id=correlation_id(),
            )
        )
