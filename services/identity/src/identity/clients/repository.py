"""Queries of the client registry; list queries are restricted to the caller's subtree."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from contracts.vocabulary import ClientStatus, UnitStatus, Vocabulary
from identity.clients.models import Client, InitialAccessToken
from identity.units.models import Unit
from servicekit.lists import Listed, Order, by_id, listed_one
from servicekit.ltree import under
from servicekit.paging import PageRequest, instant


@dataclass(frozen=True)
class ClientFilter:
    """Which clients are wanted; None is no filter."""

    name: str | None = None
    """A part of the name."""
    status: ClientStatus | None = None
    unit_id: UUID | None = None
    proposed: bool | None = None
    """Whether a change waits for the centre's approval."""


class ClientSort(Vocabulary):
    """In which order clients are listed."""

    ID = "client_id", "标识"
    NAME = "name", "名称"
    REGISTERED_AT = "registered_at", "登记时间从新到旧"

    @property
    def order(self) -> Order:
        """The order of the query."""
        match self:
            case ClientSort.ID:
                return Order((Client.client_id,), (str,))
            case ClientSort.NAME:
                return Order((Client.client_name, Client.client_id), (str, str))
            case ClientSort.REGISTERED_AT:
                return Order((Client.registered_at, Client.client_id), (instant, str), descending=True)


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

    async def owned(self, client_id: str, *, lock: bool, deleted: bool = False) -> tuple[Client, Unit] | None:
        """Return a client owned by a unit, and the unit; one that was deleted only if asked for."""
        statement = (
            select(Client, Unit)
            .join(Unit, Unit.id == Client.owner_unit_id)
            .where(Client.client_id == client_id)
            .execution_options(populate_existing=True)
        )
        if not deleted:
            statement = statement.where(Client.status != ClientStatus.DELETED)
        if lock:
            statement = statement.with_for_update(of=Client)
        return (await self._session.execute(statement)).first()

    async def first_party_names(self) -> Sequence[str]:
        """Return the names of the systems of this platform, of which there are a few."""
        return (await self._session.scalars(select(Client.client_name).where(Client.first_party))).all()

    async def names(self, client_ids: Sequence[str]) -> Sequence[tuple[str, str, str | None]]:
        """Return id, name and the owning unit's name of active clients."""
        statement = (
            select(Client.client_id, Client.client_name, Unit.name)
            .outerjoin(Unit, Unit.id == Client.owner_unit_id)
            .where(Client.client_id.in_(client_ids), Client.status == ClientStatus.ACTIVE)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(statement)]

    async def open_below(
        self, paths: Collection[str], limit: int
    ) -> Sequence[tuple[str, str, str, str | None, str | None]]:
        """Return id, name, the owning unit's name, `initiate_login_uri` and `client_uri` of active clients of
        the units at these paths that people can open, those of the highest unit first.
        """
        statement = (
            select(
                Client.client_id, Client.client_name, Unit.name, Client.initiate_login_uri, Client.client_uri
            )
            .join(Unit, Unit.id == Client.owner_unit_id)
            .where(
                Unit.path.in_(paths),
                Unit.status == UnitStatus.ACTIVE,
                Client.status == ClientStatus.ACTIVE,
                Client.grant_types.contains(["authorization_code"]),
                or_(Client.initiate_login_uri.is_not(None), Client.client_uri.is_not(None)),
            )
            .order_by(Unit.path, Client.client_name, Client.client_id)
            .limit(limit)
        )
        rows = await self._session.execute(statement)
        return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

    async def under(
        self, path: str, wanted: ClientFilter, sort: ClientSort, paging: PageRequest
    ) -> Listed[Client]:
        """Return clients of a subtree's units."""
        statement = (
            select(Client)
            .join(Unit, Unit.id == Client.owner_unit_id)
            .where(under(Unit.path, path), Client.status != ClientStatus.DELETED)
        )
        if wanted.name is not None:
            statement = statement.where(Client.client_name.icontains(wanted.name, autoescape=True))
        if wanted.status is not None:
            statement = statement.where(Client.status == wanted.status)
        if wanted.proposed is not None:
            waits = Client.proposed_at.is_not(None)
            statement = statement.where(waits if wanted.proposed else ~waits)
        if wanted.unit_id is not None:
            statement = statement.where(Client.owner_unit_id == wanted.unit_id)
        return await listed_one(self._session, statement, sort.order, paging)

    async def owners(self, unit_ids: Collection[UUID | None]) -> dict[UUID | None, str]:
        """Return the names of units that own clients."""
        statement = select(Unit.id, Unit.name).where(Unit.id.in_(unit_ids))
        return {row[0]: row[1] for row in await self._session.execute(statement)}

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

    async def all_of(self, unit_id: UUID) -> Sequence[Client]:
        """Return all clients of one unit that were not deleted, locked, by id."""
        return (
            await self._session.scalars(
                select(Client)
                .where(Client.owner_unit_id == unit_id, Client.status != ClientStatus.DELETED)
                .order_by(Client.client_id)
                .with_for_update()
                .execution_options(populate_existing=True)
            )
        ).all()

    async def pass_on_disabled(self, unit_id: UUID, heir: UUID) -> None:
        """Let the clients that one unit disabled count as disabled by another one, in one statement."""
        await self._session.execute(
            update(Client)
            .where(Client.disabled_by_unit_id == unit_id)
            .values(disabled_by_unit_id=heir, version=Client.version + 1)
            .execution_options(synchronize_session=False)
        )

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

    async def initial_tokens(
        self, usable_at: datetime | None, paging: PageRequest
    ) -> Listed[InitialAccessToken]:
        """Return initial access tokens by id; with `usable_at` only those that can be used then."""
        row, statement = InitialAccessToken, select(InitialAccessToken)
        if usable_at is not None:
            statement = statement.where(
                row.revoked_at.is_(None), row.expires_at > usable_at, row.uses < row.max_uses
            )
        return await listed_one(self._session, statement, by_id(row.id), paging)


async def allowed_origins(session: AsyncSession, limit: int) -> Sequence[str]:
    """Return the registered origins of active clients."""
    statement = (
        select(func.unnest(Client.allowed_origins))
        .distinct()
        .outerjoin(Unit, Unit.id == Client.owner_unit_id)
        .where(
            Client.allowed_origins != [],
            Client.status == ClientStatus.ACTIVE,
            or_(Client.owner_unit_id.is_(None), Unit.status == UnitStatus.ACTIVE),
        )
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


_ACTIVE = (
    select(Client)
    .outerjoin(Unit, Unit.id == Client.owner_unit_id)
    .where(
        Client.client_id == bindparam("wanted"),
        Client.status == ClientStatus.ACTIVE,
        or_(Client.owner_unit_id.is_(None), Unit.status == UnitStatus.ACTIVE),
    )
    .execution_options(populate_existing=True)
)


class ActiveClients:
    """Active clients, on the sync interface of the session like the queries of the protocol core."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, client_id: str) -> Client | None:
        """Return a client by id, or None if it does not exist, is disabled, or its unit is closed."""
        # Without a flush: it would write a modified session before the account is locked.
        found: Client | None = self._session.scalar(
            _ACTIVE, {"wanted": client_id}, execution_options={"autoflush": False}
        )
        return found
