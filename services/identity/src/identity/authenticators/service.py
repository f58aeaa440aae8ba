"""Authenticators of a person: overview, adding, removing, and notification by text message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit import acr
from identity.accounts.errors import NotYourself
from identity.accounts.models import Account
from identity.accounts.service import PHONE
from identity.audit.service import AuditLog
from identity.authenticators import rules
from identity.authenticators.models import Passkey, Password, Totp
from identity.authenticators.passkeys import Passkeys
from identity.authenticators.passwords import Passwords
from identity.authenticators.repository import AuthenticatorRepository
from identity.authenticators.tickets import Tickets
from identity.authenticators.totp import Totps
from identity.authenticators.tries import Tries
from identity.codes.service import Failures
from identity.platform.service import Platform
from identity.sessions.models import BrowserSession
from identity.sessions.service import Sessions
from identity.settings import Settings
from identity.sms.service import TextMessages
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.lane_sessions import keep


@dataclass(frozen=True)
class Overview:
    """Authenticators of a person."""

    password: Password | None
    totp: Totp | None
    passkeys: Sequence[Passkey]
    recovery_codes: int

    @property
    def means(self) -> frozenset[str]:
        """Return the methods by the names in `rules.LEVELS`."""
        present = {"password": self.password, "totp": self.totp, "passkey": self.passkeys}
        return frozenset(name for name, there in present.items() if there)

    @property
    def strong(self) -> bool:
        """Return whether the person can reach the highest level."""
        return rules.highest(self.means) == acr.MFA


class Authenticators:
    """Authenticators service for one person and request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        vault: Vault,
        settings: Settings,
        messages: TextMessages,
        sessions: Sessions,
        platform: Platform,
        audit: AuditLog,
        failures: Failures | None = None,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._settings = settings
        self._messages = messages
        self._sessions = sessions
        self._platform = platform
        self._audit = audit
        self._rows = AuthenticatorRepository(session)
        tries = Tries(failures)
        self.passwords = Passwords(self._rows, clock, rules.lifetime_of(settings.password_days), tries)
        self.totps = Totps(self._rows, clock, vault, tries)

    def tickets(self, binding: str) -> Tickets:
        """Return the tickets of one browser; `binding` is a value that only this browser has."""
        return Tickets(self._vault, self._clock, binding)

    def passkeys(self, binding: str) -> Passkeys:
        """Return the passkeys service with challenges for one browser."""
        return Passkeys(self._rows, self._clock, self.tickets(binding), self._settings.issuer_url)

    async def overview(self, sub: UUID) -> Overview:
        """Return the person's authenticators."""
        return Overview(
            password=await self._rows.password(sub),
            totp=await self._rows.totp(sub),
            passkeys=await self._rows.passkeys(sub),
            recovery_codes=await self._rows.recovery_codes_left(sub),
        )

    def password_expires(self, password: Password | None) -> datetime | None:
        """Return when a password expires; None without one, or if passwords are valid for ever."""
        lifetime = rules.lifetime_of(self._settings.password_days)
        return None if password is None or lifetime is None else password.changed_at + lifetime

    def may_change(self, means: frozenset[str], browser: BrowserSession) -> bool:
        """Return whether the browser's sign-in is recent and strong enough to change authenticators."""
        return rules.may_change(means, browser.acr, browser.authenticated_at, self._clock.now())

    async def set_password(self, account: Account, password: str, browser: BrowserSession) -> None:
        """Set or change the password. A change ends the person's sessions except `browser`.

        Raises the errors of `Passwords.set`.
        """
        first = await self.passwords.set(account, self._vault.open(PHONE, account.phone_sealed), password)
        await self.changed(account, "password.set", "设置了登录密码" if first else "修改了登录密码")
        if not first:
            await self._end_others(browser, "password changed")

    async def enrol_totp(self, account: Account, secret: str, code: str) -> list[str]:
        """Add a TOTP and return the recovery codes. Raises the errors of `Totps.enrol`."""
        codes = await self.totps.enrol(account, secret, code)
        await self.changed(account, "totp.added", "新增了动态口令")
        return codes

    async def renew_recovery_codes(self, account: Account) -> list[str]:
        """Replace the recovery codes and return the new ones."""
        codes = await self.totps.renew_recovery_codes(account)
        await self.changed(account, "recovery_codes.renewed", "重新生成了恢复码")
        return codes

    async def check_totp(self, account: Account, code: str) -> None:
        """Verify a TOTP code or a recovery code; use of a recovery code is notified. Raises the errors of
        `Totps.check`.
        """
        left = await self.totps.check(account, code)
        if left is not None:
            await self.changed(account, "recovery_code.used", f"使用了一个恢复码，还剩 {left} 个")

    async def add_passkey(self, account: Account, binding: str, name: str, ticket: str, answer: str) -> None:
        """Add a passkey. Raises the errors of `Passkeys.register`."""
        row = await self.passkeys(binding).register(account, name, ticket, answer)
        await self.changed(account, "passkey.added", f"新增了通行密钥“{row.name}”", passkey=str(row.id))

    async def remove(
        self, account: Account, what: str, browser: BrowserSession, passkey: UUID | None = None
    ) -> None:
        """Remove the password, the TOTP with its recovery codes, or one passkey, if it exists.

        The authenticator may be compromised, so the person's sessions except `browser` end.
        """
        there = await self.overview(account.id)
        row: Password | Totp | Passkey | None = next(
            (one for one in there.passkeys if what == "passkey" and one.id == passkey), None
        )
        if what != "passkey":
            row = there.password if what == "password" else there.totp
        if row is None:
            return
        if what == "totp":
            await self._rows.delete_recovery_codes(account.id)
        await self._rows.remove(row)
        await self.changed(
            account, f"{what}.removed", f"移除了{rules.WORDS[what]}", passkey=str(passkey or "")
        )
        await self._end_others(browser, f"{what} removed")

    async def reset(self, account: Account, actor: UUID | str) -> None:
        """Remove all authenticators of a person who has lost them. Raises `NotYourself`."""
        if account.id == actor:
            raise NotYourself
        there = await self.overview(account.id)
        await self._rows.delete_recovery_codes(account.id)
        for row in (there.password, there.totp, *there.passkeys):
            if row is not None:
                await self._rows.remove(row)
        await self.changed(account, "authenticators.reset", "的登录方式已由管理员重置", actor=actor)

    async def changed(
        self, account: Account, action: str, what: str, *, actor: UUID | str | None = None, **details: str
    ) -> None:
        """Record a change and notify the person by SMS in the same transaction."""
        self._audit.record(
            actor=actor or account.id,
            action=action,
            target=account.id,
            **{name: value for name, value in details.items() if value},
        )
        text = rules.message(what, await self._platform.helper_of(account.id))
        await self._messages.queue(self._vault.open(PHONE, account.phone_sealed), text)

    async def _end_others(self, browser: BrowserSession, because: str) -> None:
        await self._sessions.end_others(browser, because)

    async def helper_of(self, sub: UUID) -> str:
        """Return whom a person asks about their account."""
        return await self._platform.helper_of(sub)

    async def refused(self, sub: UUID, action: str, code: str) -> None:
        """Record a failed attempt and commit it, so that it counts whatever becomes of the page."""
        self._audit.record(actor=sub, action=action, target=sub, code=code)
        if action.startswith("sign_in"):
            await self._sessions.refused(sub, "passkey", code)
        await keep(self._session)
