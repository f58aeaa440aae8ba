"""Browser sessions: sign-in, step-up, and ending them with their tokens."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.service import AuditLog
from identity.base import job_queue
from identity.clients.models import Client
from identity.revocations.service import Revocations
from identity.sessions.devices import Device
from identity.sessions.jobs import NOTIFY, LogoutNotice
from identity.sessions.models import BrowserSession, SignInRecord
from identity.sessions.repository import SessionRepository
from identity.sessions.rules import LONGEST_RENEWED, RECENT, hash_of, means_of, parts_of
from identity.settings import Settings
from servicekit.clock import Clock
from servicekit.ids import instant_of, new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest

SIGN_INS = Counter("zhuxue_sign_ins_total", "Sign-ins, and those refused after the first factor", ["outcome"])


class Sessions:
    """Browser sessions for one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        settings: Settings,
        revocations: Revocations,
        audit: AuditLog,
        device: Device | None = None,
    ) -> None:
        self.device = device or Device()
        """The browser of the request."""
        self._session = session
        self._clock = clock
        self._revocations = revocations
        self._audit = audit
        self._idle = timedelta(seconds=settings.session_idle_seconds)
        self._absolute = timedelta(seconds=settings.session_absolute_seconds)
        self._history = timedelta(days=settings.sign_in_days)
        self._rows = SessionRepository(session)

    async def start(self, sub: UUID, *, acr: str, amr: list[str]) -> tuple[BrowserSession, str]:
        """Create a session. Return a copy of it and the value of its cookie."""
        now = self._clock.now()
        secret = secrets.token_urlsafe(32)
        row = BrowserSession(
            id=new_id(),
            account_id=sub,
            secret_hash=hash_of(secret),
            begun_at=now,
            authenticated_at=now,
            last_seen_at=now,
            acr=acr,
            amr=amr,
            device=self.device.name,
            address_masked=self.device.address,
            place=self.device.place or None,
        )
        await self._rows.add(row)
        return row, f"{row.id}.{secret}"

    async def begin(
        self, sub: UUID, browser: BrowserSession | None, *, acr: str, amr: list[str]
    ) -> tuple[BrowserSession, str]:
        """Sign in at a browser, which has one session: a session of the same person continues under a new
        cookie; another person's, or one renewed for longer than `LONGEST_RENEWED`, ends.
        """
        row, cookie = await self._begin(sub, browser, acr=acr, amr=amr)
        means = means_of(amr)
        self._audit.record(actor=sub, action="sign_in", target=sub, sid=str(row.id), means=means)
        await self._remember(sub, means, sid=row.id)
        return row, cookie

    async def _begin(
        self, sub: UUID, browser: BrowserSession | None, *, acr: str, amr: list[str]
    ) -> tuple[BrowserSession, str]:
        row = None if browser is None else await self._rows.lock(browser.id)
        if row is None or row.ended_at is not None:
            return await self.start(sub, acr=acr, amr=amr)
        if row.account_id != sub:
            await self.end(row, "another person signed in")
            return await self.start(sub, acr=acr, amr=amr)
        if self._old(row):
            await self.end(row, "renewed for too long")
            return await self.start(sub, acr=acr, amr=amr)
        row.begun_at = row.authenticated_at = self._clock.now()
        row.device, row.address_masked = self.device.name, self.device.address
        row.place = self.device.place or None
        return row, self._renew(row, acr, amr)

    async def step_up(
        self, browser: BrowserSession, *, acr: str, amr: list[str], authenticated: bool = True
    ) -> str | None:
        """Raise a session to the verified level. Return the new cookie value, or None if the session has
        ended.

        Does not extend the session's lifetime; only `begin` does. With `authenticated=False`, the level comes
        from an authenticator set up just now, which does not prove the person's identity; `auth_time` is then
        unchanged.
        """
        row = await self._rows.lock(browser.id)
        if row is None or row.ended_at is not None:
            return None
        self._audit.record(
            actor=row.account_id,
            action="session.stepped_up",
            target=row.account_id,
            sid=str(row.id),
            acr=acr,
        )
        if authenticated:
            row.authenticated_at = self._clock.now()
        return self._renew(row, acr, amr)

    def _old(self, row: BrowserSession) -> bool:
        return self._clock.now() - instant_of(row.id) > LONGEST_RENEWED

    def _renew(self, row: BrowserSession, acr: str, amr: list[str]) -> str:
        secret = secrets.token_urlsafe(32)
        row.secret_hash = hash_of(secret)
        row.last_seen_at = self._clock.now()
        row.acr, row.amr = acr, amr
        return f"{row.id}.{secret}"

    async def end(self, row: BrowserSession, because: str, *, actor: UUID | str | None = None) -> None:
        """End one session: revoke its grants and tokens, and notify its clients. Idempotent."""
        if await self._close(row, because, actor):
            self._revocations.revoke(row.account_id, sid=str(row.id), reason=because)

    async def get(self, sid: UUID) -> BrowserSession | None:
        """Return a session by `sid`, also an ended one."""
        return await self._rows.get(sid)

    def act_for(self, row: BrowserSession, membership_id: UUID) -> None:
        """Act for another membership in a locked session, and revoke its access tokens."""
        since = row.act_for(membership_id, self._clock.now())
        self._revocations.revoke(
            row.account_id, sid=str(row.id), not_before=since, reason="acting unit changed"
        )

    async def lock(self, sid: UUID) -> BrowserSession | None:
        """Return a session that has not ended, locked."""
        row = await self._rows.lock(sid)
        return None if row is None or row.ended_at is not None else row

    async def live(self, sub: UUID) -> Sequence[BrowserSession]:
        """Return a person's active sessions, latest first."""
        now = self._clock.now()
        return await self._rows.live(sub, now - self._idle, now - self._absolute)

    async def clients(self, row: BrowserSession) -> Sequence[Client]:
        """Return the clients that have grants in the session."""
        return await self._rows.clients(row.id)

    async def used_recently(self, sub: UUID) -> bool:
        """Return whether a person has signed in within `RECENT`."""
        return await self._rows.signed_in_since(sub, self._clock.now() - RECENT)

    async def has_signed_in(self, sub: UUID) -> bool:
        """Return whether a person has signed in before, as far as the history is kept."""
        return await self._rows.signed_in_since(sub, self._clock.now() - self._history)

    async def sign_ins(
        self, sub: UUID, paging: PageRequest, *, refused: bool | None = None
    ) -> Listed[SignInRecord]:
        """Return a person's sign-ins, latest first; with `refused` only those that were, or were not."""
        since = self._clock.now() - self._history
        return await self._rows.sign_ins(sub, since, paging, refused=refused)

    async def refused(self, sub: UUID, means: str, code: str) -> None:
        """Record a refused sign-in of a person in their history."""
        await self._remember(sub, means, refused=code)

    async def _remember(
        self, sub: UUID, means: str, *, refused: str | None = None, sid: UUID | None = None
    ) -> None:
        SIGN_INS.labels(refused or "succeeded").inc()
        await self._rows.add_sign_in(
            SignInRecord(
                id=new_id(),
                account_id=sub,
                at=self._clock.now(),
                means=means,
                refused=refused,
                device=self.device.name or None,
                address_masked=self.device.address or None,
                place=self.device.place or None,
                session_id=sid,
            )
        )

    async def end_others(self, row: BrowserSession, because: str) -> None:
        """End all other sessions of the same person."""
        for other in await self._rows.unended(row.account_id):
            if other.id != row.id:
                await self.end(other, because, actor=row.account_id)

    async def _close(self, row: BrowserSession, because: str, actor: UUID | str | None) -> bool:
        if row.ended_at is not None:
            return False
        now = self._clock.now()
        row.ended_at, row.ended_because = now, because
        await self._rows.revoke_grants(row.id, now)
        for client in await self._rows.clients(row.id):
            if client.backchannel_logout_uri is not None:
                notice = LogoutNotice(
                    client_id=client.client_id, account_id=row.account_id, session_id=row.id
                )
                await job_queue.enqueue(self._session, NOTIFY, notice)
        self._audit.record(
            actor=actor or row.account_id,
            action="session.ended",
            target=row.account_id,
            sid=str(row.id),
            reason=because,
        )
        return True

    async def resume(self, cookie: str | None) -> BrowserSession | None:
        """Return the live session of a cookie, or None."""
        sid, secret = parts_of(cookie)
        row = None if sid is None else await self._rows.get(sid)
        if row is None or not row.opened_by(secret):
            return None
        return row if row.alive(self._clock.now(), self._idle, self._absolute) else None

    def touch(self, row: BrowserSession) -> None:
        """Update `last_seen_at` of an active session."""
        now = self._clock.now()
        if row.stale(now):
            row.last_seen_at = now

    async def end_all(self, sub: UUID, because: str, *, actor: UUID | str | None = None) -> None:
        """End all sessions of a person and revoke their tokens everywhere, including devices' tokens."""
        for row in await self._rows.unended(sub):
            await self._close(row, because, actor)
        await self._rows.revoke_offline_grants(sub, self._clock.now())
        self._revocations.revoke(sub, reason=because)
