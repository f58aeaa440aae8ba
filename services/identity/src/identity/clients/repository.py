"""Queries of the client registry; list queries are restricted to the caller's subtree."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from contracts.vocabulary import ClientStatus
from identity.clients.models import Client, InitialAccessToken
from identity.units.models import Unit
from servicekit.ltree import under


class ClientRepository:
    """Clients owned by units, and initial access tokens."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: Client | InitialAccessToken) -> None:
        """Insert a row."""
        self._session.add(row)
        await self._session.flush()

    async def put(self, client: Client) -> None:
        """Insert a client or replace its registration."""
        await self._session.merge(client)

    async def exists(self, client_id: str) -> bool:
        """Return whether the client is registered, in any state."""
        statement = select(exists().where(Client.client_id == client_id))
        return bool(await self._session.scalar(statement))

    async def owned(self, client_id: str, *, lock: bool) -> tuple[Client, Unit] | None:
        """Return a client owned by a unit, and the unit; None if it was deleted."""
        statement = (
            select(Client, Unit)
            .join(Unit, Unit.id == Client.owner_unit_id)
            .where(Client.client_id == client_id, Client.status != ClientStatus.DELETED)
            .execution_options(populate_existing=True)
        )
        if lock:
            statement = statement.with_for_update(of=Client)
        return (await self._session.execute(statement)).first()

    async def names(self, client_ids: Sequence[str]) -> Sequence[tuple[str, str, str | None]]:
        """Return id, name and the owning unit's name of active clients."""
        statement = (
            select(Client.client_id, Client.client_name, Unit.name)
            .outerjoin(Unit, Unit.id == Client.owner_unit_id)
            .where(Client.client_id.in_(client_ids), Client.status == ClientStatus.ACTIVE)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(statement)]

    async def under(self, path: str, *, after: str | None, limit: int) -> Sequence[Client]:
        """Return clients of a subtree's units by id, one more than `limit`."""
        statement = (
            select(Client)
            .join(Unit, Unit.id == Client.owner_unit_id)
            .where(under(Unit.path, path), Client.status != ClientStatus.DELETED)
            .order_by(Client.client_id)
            .limit(limit + 1)
        )
        if after is not None:
            statement = statement.where(Client.client_id > after)
        return (await self._session.scalars(statement)).all()

    async def of_unit(self, unit_id: UUID, limit: int) -> Sequence[Client]:
        """Return the clients of one unit, newest first."""
        return (
            await self._session.scalars(
                select(Client)
                .where(Client.owner_unit_id == unit_id, Client.status != ClientStatus.DELETED)
                .order_by(Client.registered_at.desc(), Client.client_id)
                .limit(limit)
            )
        ).all()

    async def unit(self, unit_id: UUID) -> Unit | None:
        """Return a unit by id."""
        return await self._session.get(Unit, unit_id)

    async def initial_token(self, token_hash: bytes) -> InitialAccessToken | None:
        """Return an initial access token by its hash, locked so that its uses are counted exactly."""
        found: InitialAccessToken | None = await self._session.scalar(
            select(InitialAccessToken).where(InitialAccessToken.token_hash == token_hash).with_for_update()
        )
        return found

    async def initial_token_by_id(self, token_id: UUID) -> InitialAccessToken | None:
        """Return an initial access token by id, locked."""
        return await self._session.get(InitialAccessToken, token_id, with_for_update=True)

    async def initial_tokens(self, *, after: UUID | None, limit: int) -> Sequence[InitialAccessToken]:
        """Return all initial access tokens by id, one more than `limit`."""
        statement = select(InitialAccessToken).order_by(InitialAccessToken.id).limit(limit + 1)
        if after is not None:
            statement = statement.where(InitialAccessToken.id > after)
        return (await self._session.scalars(statement)).all()


class ActiveClients:
    """Active clients, on the sync interface of the session like the queries of the protocol core."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, client_id: str) -> Client | None:
        """Return a client by id, or None if it does not exist or is disabled."""
        client = self._session.get(Client, client_id)
        return client if client is not None and client.status == ClientStatus.ACTIVE else None
