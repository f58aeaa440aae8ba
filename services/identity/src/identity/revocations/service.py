"""Revocation of access tokens before they expire, at every resource server."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import AccessRevokedV1, ClientRevokedV1, UnitAccessRevokedV1
from identity.base import Revocation, outbox
from identity.revocations.repository import Key, RevocationRepository
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lanes import Lane

_LEEWAY = timedelta(seconds=10)
# Longer than `identity.clients.cache.SECONDS` and the clock skew between two machines.
_OTHER_PROCESSES = timedelta(seconds=3)
# Longer than the rest of a transaction that moves a large subtree: until it commits, tokens are issued with
# the old path. Tokens with the new path are not affected.
_UNTIL_COMMIT = timedelta(seconds=30)


class LiveRevocations:
    """The revocations that still apply, for one request."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._clock = clock
        self._rows = RevocationRepository(session)

    async def live(
        self, recorded_from: datetime | None, after: Key | None, limit: int
    ) -> Sequence[Revocation]:
        """Return the revocations that still apply, in the order recorded, one more than `limit`."""
        return await self._rows.page(self._clock.now(), recorded_from, after, limit)


class Revocations:
    """Revokes tokens in the transaction of one request: of its session, or of its lane."""

    def __init__(self, session: AsyncSession | Lane, clock: Clock, token_seconds: int) -> None:
        self._session = session
        self._clock = clock
        self._token_seconds = token_seconds

    def revoke(
        self,
        sub: UUID,
        *,
        sid: str | None = None,
        grant_id: str | None = None,
        audience: str | None = None,
        not_before: datetime | None = None,
        reason: str,
    ) -> None:
        """Revoke the tokens of a person issued until now, or before `not_before`, at every resource server.

        Applies to the person `sub`; optionally only to the session `sid`, to the grant, or to `audience`.
        """
        since = not_before or self._clock.now()
        self._add(
            AccessRevokedV1(
                sub=sub,
                sid=sid,
                grant_id=grant_id,
                audience=audience,
                not_before=since,
                expires_at=self._until(since),
                reason=reason,
            ),
            subject=sub,
        )

    def revoke_client(self, client_id: str, *, reason: str) -> None:
        """Revoke the tokens issued through a client, at every resource server.

        Includes tokens of the next seconds, because other processes may use a cached registration for a
        second.
        """
        not_before = self._clock.now() + _OTHER_PROCESSES
        self._add(
            ClientRevokedV1(
                client_id=client_id,
                not_before=not_before,
                expires_at=self._until(not_before),
                reason=reason,
            ),
            subject=client_id,
        )

    def revoke_place(self, path: str, *, unit_id: UUID, reason: str) -> None:
        """Revoke the tokens for acting at `path` or below, a place that no unit has any more.

        Includes tokens of the next half minute, because other transactions see the place until this one
        commits.
        """
        not_before = self._clock.now() + _UNTIL_COMMIT
        self._add(
            UnitAccessRevokedV1(
                path=path, not_before=not_before, expires_at=self._until(not_before), reason=reason
            ),
            subject=unit_id,
        )

    def _add(
        self, event: AccessRevokedV1 | ClientRevokedV1 | UnitAccessRevokedV1, *, subject: UUID | str
    ) -> None:
        values = event.model_dump(exclude={"reason"})
        if isinstance(event, UnitAccessRevokedV1):
            values["unit_path"] = values.pop("path")
        self._session.add(Revocation(id=new_id(), **values))
        outbox.add(self._session, event, subject=subject)

    def _until(self, not_before: datetime) -> datetime:
        return not_before + timedelta(seconds=self._token_seconds) + _LEEWAY
