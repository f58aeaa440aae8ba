"""Withdrawing access tokens before they expire, at every resource server."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import AccessRevokedV1, ClientRevokedV1
from identity.base import Revocation, outbox
from servicekit.clock import Clock
from servicekit.ids import new_id

_LEEWAY = timedelta(seconds=10)
# Longer than `identity.clients.cache.SECONDS`, and than the clocks of two machines differ.
_OTHER_PROCESSES = timedelta(seconds=3)


class Revocations:
    """Revocations within one request."""

    def __init__(self, session: AsyncSession, clock: Clock, token_seconds: int) -> None:
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
        reason: str,
    ) -> None:
        """Tell every resource server to refuse tokens of a person issued until now.

        Of the person `sub`; where given, only those of the session `sid`, of the grant, or for `audience`.
        """
        now = self._clock.now()
        self._add(
            AccessRevokedV1(
                sub=sub,
                sid=sid,
                grant_id=grant_id,
                audience=audience,
                not_before=now,
                expires_at=self._until(now),
                reason=reason,
            ),
            subject=sub,
        )

    def revoke_client(self, client_id: str, *, reason: str) -> None:
        """Tell every resource server to refuse tokens that came through a client.

        Those of the next moments, too: other processes go on using its registration for a second.
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

    def _add(self, event: AccessRevokedV1 | ClientRevokedV1, *, subject: UUID | str) -> None:
        self._session.add(Revocation(id=new_id(), **event.model_dump(exclude={"reason"})))
        outbox.add(self._session, event, subject=subject)

    def _until(self, not_before: datetime) -> datetime:
        return not_before + timedelta(seconds=self._token_seconds) + _LEEWAY
