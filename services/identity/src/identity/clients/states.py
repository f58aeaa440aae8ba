"""What ends the use of a client, and what lets it go on."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import ClientStatus, UnitStatus
from identity.clients import errors
from identity.clients.kinds import DisabledBy
from identity.clients.models import Client
from identity.clients.registrars import Registrar
from identity.clients.repository import ClientRepository
from identity.clients.service import Clients
from identity.revocations.service import Revocations
from identity.units.errors import UnitClosed
from servicekit.clock import Clock
from servicekit.etags import SeenVersions
from servicekit.ltree import is_under

_UNIT_CLOSED: Final = "所属单位已撤销"


class ClientStates:
    """The states of clients for one request. Whoever is above the one who disabled a client decides."""

    def __init__(
        self, session: AsyncSession, clock: Clock, clients: Clients, revocations: Revocations
    ) -> None:
        self._clock = clock
        self._clients = clients
        self._revocations = revocations
        self._rows = ClientRepository(session)

    async def disable(self, actor: Registrar, client_id: str, reason: str) -> Client:
        """Disable the client and revoke all of its grants. Whoever is above the one who disabled it does so
        again in their place: then the other cannot enable it.

        Raises `ClientNotFound`, `ClientDisabled`.
        """
        client = await self._clients.get(actor, client_id, lock=True)
        if client.status != ClientStatus.ACTIVE and not await self._outranks(actor, client):
            raise errors.ClientDisabled
        self._disable(client, DisabledBy.CENTRE if actor.centre else DisabledBy.UNIT, actor.unit_id, reason)
        self._clients.record(actor, "client.disabled", client, reason=reason)
        return client

    async def enable(self, actor: Registrar, client_id: str) -> Client:
        """Enable a disabled client; earlier grants stay revoked.

        Raises `ClientNotFound`, `ClientActive`, `DisabledByCentre`, `DisabledAbove`, `UnitClosed`.
        """
        client = await self._clients.get(actor, client_id, lock=True)
        if client.status == ClientStatus.ACTIVE:
            raise errors.ClientActive
        await self._require_rank(actor, client)
        unit = None if client.owner_unit_id is None else await self._rows.unit(client.owner_unit_id)
        if unit is not None and unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        client.status = ClientStatus.ACTIVE
        client.disabled_by = client.disabled_by_unit_id = None
        client.disabled_at = client.disabled_reason = None
        client.version += 1
        self._clients.record(actor, "client.enabled", client)
        return client

    async def may_enable(self, actor: Registrar, client: Client) -> bool:
        """Return whether the caller is entitled to enable this client, which is disabled."""
        try:
            await self._require_rank(actor, client)
        except (errors.DisabledByCentre, errors.DisabledAbove):
            return False
        return True

    async def delete(self, actor: Registrar, client_id: str, seen: SeenVersions | None = None) -> None:
        """Deprovision the client (RFC 7592 §2.3); again, this does nothing. The row is kept: audit log and
        grants refer to it.

        `seen` is None where the protocol has no versions. Raises `ClientNotFound`, `VersionChanged`.
        """
        client = await self._clients.get(actor, client_id, lock=True, deleted=True)
        if client.status == ClientStatus.DELETED:
            return
        if seen is not None:
            seen.require(client.version)
        client.registration_token_hash = None
        self._end(client, ClientStatus.DELETED, "client deleted")
        self._clients.record(actor, "client.deleted", client)

    async def unit_ended(self, actor: Registrar, unit_id: UUID, heir: UUID | None) -> int:
        """Deal with the clients of a unit that ends in this transaction. Return their number.

        Nobody answers for the clients of a closed unit: they are disabled, with all that they were granted.
        Those of a unit that was merged go on with the unit that it was merged into; what the one had
        disabled, whoever owns it, the other can enable.
        """
        if heir is not None:
            await self._rows.pass_on_disabled(unit_id, heir)
        rows = await self._rows.all_of(unit_id)
        for client in rows:
            if heir is not None:
                client.owner_unit_id = heir
                client.version += 1
                self._clients.record(actor, "client.moved", client, unit=str(heir))
            elif client.status == ClientStatus.ACTIVE:
                self._disable(client, DisabledBy.CLOSING, None, _UNIT_CLOSED)
                self._clients.record(actor, "client.disabled", client, reason=_UNIT_CLOSED)
        return len(rows)

    async def _require_rank(self, actor: Registrar, client: Client) -> None:
        """Raise `DisabledByCentre` or `DisabledAbove` unless the caller is who disabled the client, or above
        them.
        """
        if actor.centre:
            return
        if client.disabled_by == DisabledBy.CENTRE:
            raise errors.DisabledByCentre
        if client.disabled_by is None and not await self._is_above_owner(actor, client):
            raise errors.DisabledAbove("该系统停用时未记录停用单位，只有所属单位的上级单位可以恢复。")
        by = None if client.disabled_by_unit_id is None else await self._rows.unit(client.disabled_by_unit_id)
        if by is not None and not is_under(by.path, actor.path):
            raise errors.DisabledAbove(f"该系统由{by.name}停用，只有该单位及其上级单位可以恢复。")

    async def _outranks(self, actor: Registrar, client: Client) -> bool:
        """Return whether the caller is above who disabled the client."""
        if actor.centre:
            return client.disabled_by != DisabledBy.CENTRE
        if client.disabled_by is None:
            return await self._is_above_owner(actor, client)
        return await self._is_above(actor, client.disabled_by_unit_id)

    async def _is_above_owner(self, actor: Registrar, client: Client) -> bool:
        """Return whether the caller is above the owner. Only they decide about what somebody unknown
        disabled, because that may have been a unit above: nobody was recorded before migration 0064.
        """
        return await self._is_above(actor, client.owner_unit_id)

    async def _is_above(self, actor: Registrar, unit_id: UUID | None) -> bool:
        unit = None if unit_id is None else await self._rows.unit(unit_id)
        return unit is not None and unit.path != actor.path and is_under(unit.path, actor.path)

    def _disable(self, client: Client, by: DisabledBy, unit_id: UUID | None, reason: str) -> None:
        client.disabled_by, client.disabled_by_unit_id = by, unit_id
        client.disabled_at, client.disabled_reason = self._clock.now(), reason
        why = "unit closed" if by == DisabledBy.CLOSING else "client disabled"
        self._end(client, ClientStatus.DISABLED, why)

    def _end(self, client: Client, status: ClientStatus, why: str) -> None:
        """Revoke all grants of the client, with one event for any number of people."""
        client.status = status
        client.version += 1
        client.grant_generation += 1
        self._revocations.revoke_client(client.client_id, reason=why)
