"""Withdrawing access tokens before they expire, at every resource server."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.identity import AccessRevokedV1
from identity.base import Revocation, outbox
from servicekit.clock import Clock
from servicekit.ids import new_id

_LEEWAY = timedelta(seconds=10)


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
        """Tell every resource server to refuse tokens issued until now.

        Of the person `sub`; where given, only those of the session `sid`, of the grant, or for `audience`.
        """
        now = self._clock.now()
        until = now + timedelta(seconds=self._token_seconds) + _LEEWAY
        self._session.add(
            Revocation(
                id=new_id(),
                sub=sub,
                sid=sid,
                grant_id=grant_id,
                audience=audience,
                not_before=now,
                expires_at=until,
            )
        )
        outbox.add(
            self._session,
            AccessRevokedV1(
                sub=sub,
                sid=sid,
                grant_id=grant_id,
                audience=audience,
                not_before=now,
                expires_at=until,
                reason=reason,
            ),
            subject=sub,
        )
