"""Client registry: permission to register, allowed metadata, and secret rotation.

`identity.clients.states` disables, enables and deletes clients.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from contracts.vocabulary import Audience, ClientStatus, UnitStatus
from identity.audit.service import AuditLog
from identity.clients import conversion, errors, looks, rules
from identity.clients.cache import ClientCache
from identity.clients.conversion import columns, metadata_of, pkce_change, uses_secrets
from identity.clients.models import Client, ClientSecret, secret_hash
from identity.clients.registrars import Registrar, registrant
from identity.clients.repository import ClientFilter, ClientRepository, ClientSort
from identity.clients.rules import Metadata
from identity.clients.shown import Opened, SystemName, begun_at, secret_id
from identity.settings import Settings
from identity.units.errors import UnitClosed, UnitNotFound
from servicekit.clock import Clock
from servicekit.db import on_commit
from servicekit.etags import SeenVersions
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.ltree import is_under, lineage
from servicekit.paging import PageRequest

MOST_OPENED: Final = 100
"""Systems of one person's first page."""


@dataclass(frozen=True)
class Registered:
    """A client, and its new secret if one was issued, which is stored as a hash and not shown again."""

    client: Client
    secret: str | None


class Clients:
    """Client registry for one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        settings: Settings,
        cache: ClientCache,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._settings = settings
        self._cache = cache
        self._audit = audit
        self._rows = ClientRepository(session)

    async def create(
        self, actor: Registrar, unit_id: UUID, metadata: Metadata, *, registration_token: str | None = None
    ) -> Registered:
        """Register a client for a unit in the caller's subtree.

        Raises `UnitNotFound`, `OutOfReach`, `UnitClosed`, `InvalidRedirectUri`, `InvalidClientMetadata`.
        """
        unit = await self._rows.unit(unit_id)
        if unit is None:
            raise UnitNotFound
        if not is_under(unit.path, actor.path):
            raise OutOfReach
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        await self._check(actor, metadata, None)
        now = self._clock.now()
        client = Client(
            client_id=str(new_id()),
            owner_unit_id=unit.id,
            first_party=False,
            registered_at=now,
            status=ClientStatus.ACTIVE,
            version=1,
            secrets=[],
            registration_token_hash=None if registration_token is None else secret_hash(registration_token),
            **columns(metadata),
        )
        secret = self._new_secret(client) if uses_secrets(client) else None
        await self._rows.add(client)
        self.record(actor, "client.registered", client, unit=str(unit.id), **pkce_change(None, metadata))
        return Registered(client, secret)

    async def list(
        self, actor: Registrar, wanted: ClientFilter, sort: ClientSort, paging: PageRequest
    ) -> Listed[Client]:
        """Return clients of units in the caller's subtree."""
        return await self._rows.under(actor.path, wanted, sort, paging)

    async def owners(self, unit_ids: Collection[UUID | None]) -> dict[UUID | None, str]:
        """Return the names of units that own clients."""
        return await self._rows.owners(unit_ids)

    async def names(self, client_ids: Sequence[str]) -> dict[str, SystemName]:
        """Return the names of active clients by id, for pages that tell people which system is meant."""
        found = await self._rows.names(client_ids)
        return {client_id: SystemName(name, owner or "") for client_id, name, owner in found}

    async def openable(self, path: str) -> Sequence[Opened]:
        """Return the systems that people of the unit at `path` open: active ones of that unit and of those
        above it that say where, the highest unit's first, at most `MOST_OPENED`.
        """
        found = await self._rows.open_below(lineage(path), MOST_OPENED)
        issuer = self._settings.issuer_url
        return [
            Opened(client_id, name, owner, (home or "") if begin is None else begun_at(begin, issuer))
            for client_id, name, owner, begin, home in found
        ]

    async def of_unit(self, unit_id: UUID, limit: int) -> Sequence[Client]:
        """Return the clients of the caller's own unit, newest first; the caller is its administrator."""
        return await self._rows.of_unit(unit_id, limit)

    async def get(
        self, actor: Registrar, client_id: str, *, lock: bool = False, deleted: bool = False
    ) -> Client:
        """Return a client in the caller's subtree, `deleted` ones only if asked for.

        Raises `ClientNotFound`, also for those of others.
        """
        found = await self._rows.owned(client_id, lock=lock, deleted=deleted)
        if found is None or not is_under(found[1].path, actor.path):
            raise errors.ClientNotFound
        return found[0]

    async def update(
        self, actor: Registrar, client_id: str, metadata: Metadata, seen: SeenVersions | None
    ) -> Registered:
        """Replace the metadata. `seen` is None where the protocol has no versions (RFC 7592).

        What the centre granted to a client was granted to the client as it was: if a change by others than
        the centre keeps that and makes it another client (`rules.becomes_another`), the change is kept as
        `proposed` until the centre approves it; under RFC 7592 it is refused.

        Issues a secret if the client changes to authentication by secret. Raises `ClientNotFound`,
        `VersionChanged`, `InvalidRedirectUri`, `InvalidClientMetadata`.
        """
        client = await self.get(actor, client_id, lock=True)
        if seen is not None:
            seen.require(client.version)
        await self._check(actor, metadata, client)
        held = rules.granted_by_centre(metadata) and rules.becomes_another(metadata_of(client), metadata)
        if held and not actor.centre:
            if seen is None:
                raise errors.InvalidClientMetadata(
                    "The centre has to approve this change: ask an administrator of your unit to propose it."
                )
            client.propose(conversion.proposal_of(client, metadata), self._clock.now())
            client.version += 1
            self.record(actor, "client.change_proposed", client, version=client.version)
            return Registered(client, None)
        pkce = pkce_change(client, metadata)
        secret = self._apply(client, metadata)
        self.record(actor, "client.changed", client, version=client.version, **pkce)
        return Registered(client, secret)

    async def approve(self, actor: Registrar, client_id: str, seen: SeenVersions) -> Registered:
        """Carry out the proposed change of a client. Return a new secret if it needs one.
        Raises the errors of `update`, `CentreOnly` and `NothingProposed`.
        """
        client, proposed = await self._proposed(actor, client_id, seen)
        await self._check(actor, proposed, client)
        secret = self._apply(client, proposed)
        self.record(actor, "client.change_approved", client, version=client.version)
        return Registered(client, secret)

    async def reject(self, actor: Registrar, client_id: str, seen: SeenVersions, reason: str) -> Client:
        """Drop the proposed change of a client: the centre, which refuses it, or the unit that proposed it.
        Raises `ClientNotFound`, `VersionChanged`, `NothingProposed`.
        """
        client = await self.get(actor, client_id, lock=True)
        seen.require(client.version)
        if client.proposed is None:
            raise errors.NothingProposed
        client.propose(None, None)
        client.version += 1
        self.record(actor, "client.change_rejected", client, reason=reason)
        return client

    async def _proposed(
        self, actor: Registrar, client_id: str, seen: SeenVersions
    ) -> tuple[Client, Metadata]:
        if not actor.centre:
            raise errors.CentreOnly
        client = await self.get(actor, client_id, lock=True)
        seen.require(client.version)
        proposed = conversion.proposed_for(client)
        if proposed is None:
            raise errors.NothingProposed
        return client, proposed

    def _apply(self, client: Client, metadata: Metadata) -> str | None:
        """Replace the metadata, and what was proposed before. Return a new secret if one is needed."""
        now = self._clock.now()
        client.propose(None, None)
        for name, value in columns(metadata).items():
            setattr(client, name, value)
        client.version += 1
        secret = None
        live = [row for row in client.secrets if row.valid(now)]
        if uses_secrets(client) and not live:
            secret = self._new_secret(client)
        elif not uses_secrets(client):
            for row in live:
                row.expires_at = now
        return secret

    async def rotate_secret(self, actor: Registrar, client_id: str) -> Registered:
        """Issue a new secret; the previous one stays valid for the overlap. Raises `ClientNotFound`,
        `NoSecrets`, `ClientDisabled`.
        """
        client = await self.get(actor, client_id, lock=True)
        if client.status != ClientStatus.ACTIVE:
            raise errors.ClientDisabled
        if not uses_secrets(client):
            raise errors.NoSecrets
        now = self._clock.now()
        until = now + timedelta(hours=self._settings.client_secret_overlap_hours)
        live = [row for row in client.secrets if row.valid(now)]
        last = max(live, key=lambda row: (row.expires_at is None, row.created_at), default=None)
        for row in live:
            # At most two secrets: of the previous ones, all but the latest expire now.
            end = until if row is last else now
            row.expires_at = end if row.expires_at is None else min(row.expires_at, end)
        client.secrets = [row for row in client.secrets if row.valid(now)]
        secret = self._new_secret(client)
        client.version += 1
        self.record(actor, "client.secret_rotated", client)
        return Registered(client, secret)

    async def revoke_secret(self, actor: Registrar, client_id: str, identifier: str) -> Client:
        """Revoke one secret immediately. Raises `ClientNotFound`, `SecretNotFound`."""
        client = await self.get(actor, client_id, lock=True)
        now = self._clock.now()
        for row in client.secrets:
            if secret_id(row) == identifier and row.valid(now):
                row.expires_at = now
                client.version += 1
                self.record(actor, "client.secret_revoked", client, secret=identifier)
                return client
        raise errors.SecretNotFound

    async def registered_with(self, client_id: str, token: str) -> tuple[Client, Registrar] | None:
        """Return the active client of a registration access token, locked (RFC 7592 §2)."""
        found = await self._rows.owned(client_id, lock=True)
        if (
            found is None
            or found[0].registration_token_hash is None
            or found[0].status != ClientStatus.ACTIVE
        ):
            return None
        client, unit = found
        if not secrets.compare_digest(client.registration_token_hash or b"", secret_hash(token)):
            return None
        return client, registrant(unit, f"client:{client.client_id}")

    async def _check(self, actor: Registrar, metadata: Metadata, before: Client | None) -> None:
        """Check a registration: the owner unit can keep, but not extend, what the centre granted.

        Nobody takes the name of a system of this platform. Raises `InvalidRedirectUri`,
        `InvalidClientMetadata`.
        """
        scopes = set(rules.SCOPES if actor.centre else rules.THIRD_PARTY_SCOPES)
        audiences = set(Audience if actor.centre else rules.THIRD_PARTY_AUDIENCES)
        grants = set(rules.GRANT_TYPES if actor.centre else rules.THIRD_PARTY_GRANTS)
        lasting = actor.centre
        if before is not None:
            lasting = lasting or rules.lasts_on_devices(before.grant_types, before.scopes)
            scopes.update(before.scopes)
            audiences.update(before.audiences)
            grants.update(before.grant_types)
        try:
            rules.check(
                metadata,
                scopes=scopes,
                audiences=audiences,
                grants=grants,
                lasting_devices=lasting,
                pkce_optional=actor.centre or (before is not None and not before.require_pkce),
                networks=self._settings.client_networks,
                dev=self._settings.dev,
            )
            if before is None or before.client_name != metadata.client_name:
                looks.check_name(metadata.client_name, await self._rows.first_party_names())
        except rules.BadMetadata as error:
            raise errors.refusal(error.code)(error.description) from error

    def _new_secret(self, client: Client) -> str:
        secret = secrets.token_urlsafe(32)
        client.secrets.append(
            ClientSecret(
                client_id=client.client_id,
                secret_hash=secret_hash(secret),
                created_at=self._clock.now(),
            )
        )
        return secret

    def record(self, actor: Registrar, action: str, client: Client, **details: Any) -> None:
        """Record a change, and forget the client once it is committed."""
        on_commit(self._session, partial(self._cache.evict, client.client_id))
        self._audit.record(actor=actor.name, action=action, target=client.client_id, **details)
