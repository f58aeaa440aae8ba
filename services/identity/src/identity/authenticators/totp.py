"""Time-based one-time passwords (RFC 6238), and recovery codes for a lost device."""

import secrets
from datetime import datetime

import pyotp
import segno
from pyotp.exceptions import OTPVerificationError

from identity.accounts.models import Account
from identity.authenticators import rules
from identity.authenticators.errors import OneTimePasswordIncorrect, TotpPresent
from identity.authenticators.models import RecoveryCode, Totp, recovery_purpose, totp_purpose
from identity.authenticators.repository import AuthenticatorRepository
from identity.authenticators.tries import Tries
from identity.vault import Vault
from servicekit.clock import Clock

_ISSUER = "学生资助统一用户认证"
# Excludes letters and digits that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """Return 160 random bits (RFC 4226 §4 R6) in base32."""
    return pyotp.random_base32()


def code_at(secret: str, now: datetime) -> str:
    """Return the code that a device with the secret shows at a time."""
    return pyotp.TOTP(secret).at(now)


def picture(account: Account, secret: str) -> str:
    """Return the QR code for an authenticator app as an SVG element."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=account.phone_masked, issuer_name=_ISSUER)
    return str(segno.make(uri, error="m", micro=False).svg_inline(omitsize=True, light="#fff"))


class Totps:
    """TOTP secrets and recovery codes for one request."""

    def __init__(self, rows: AuthenticatorRepository, clock: Clock, vault: Vault, tries: Tries) -> None:
        self._rows = rows
        self._clock = clock
        self._vault = vault
        self._tries = tries

    async def enrol(self, account: Account, secret: str, code: str) -> list[str]:
        """Set a new secret, confirmed with a code from the person's device. Return the recovery codes.

        Raises `OneTimePasswordIncorrect`, `TotpPresent`.
        """
        if await self._rows.totp(account.id, lock=True) is not None:
            raise TotpPresent
        step = self._step(secret, code)
        if step is None:
            raise OneTimePasswordIncorrect("动态口令不正确，请核对手机时间后输入应用当前显示的口令。")
        row = Totp(
            account_id=account.id,
            secret_sealed=self._vault.seal(totp_purpose(account.id), secret),
            last_step=step,
            added_at=self._clock.now(),
            failures=0,
        )
        self._rows.add(row)
        return await self.renew_recovery_codes(account)

    async def check(self, account: Account, code: str) -> int | None:
        """Verify a code of the device, or redeem a recovery code and return how many are left.

        Raises `OneTimePasswordIncorrect`, `AuthenticatorLocked`.
        """
        now = self._clock.now()
        row = await self._rows.totp(account.id, lock=True)
        if row is None:
            raise OneTimePasswordIncorrect
        await self._tries.begin(row, account.id, "totp", now)
        typed = "".join(code.split())
        step = self._step(self._vault.open(totp_purpose(account.id), row.secret_sealed), typed)
        if step is not None and step > row.last_step:
            row.last_step = step
            await self._tries.succeeded(row, account.id, "totp")
            return None
        hashes = self._vault.indexes(recovery_purpose(account.id), _normal(typed))
        if not await self._rows.use_recovery_code(account.id, hashes):
            await self._tries.failed(row, account.id, "totp", now)
            raise OneTimePasswordIncorrect
        await self._tries.succeeded(row, account.id, "totp")
        return await self._rows.recovery_codes_left(account.id)

    async def renew_recovery_codes(self, account: Account) -> list[str]:
        """Replace the recovery codes. Return the new ones, which are stored encrypted."""
        await self._rows.delete_recovery_codes(account.id)
        codes = ["".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(rules.RECOVERY_CODES)]
        purpose = recovery_purpose(account.id)
        for code in codes:
            self._rows.add(
                RecoveryCode(
                    account_id=account.id,
                    code_hash=self._vault.index(purpose, code),
                    code_sealed=self._vault.seal(purpose, code),
                )
            )
        return [f"{code[:5]}-{code[5:]}" for code in codes]

    def _step(self, secret: str, code: str) -> int | None:
        """Return the time step of a code, or None for a wrong code."""
        try:
            return pyotp.TOTP(secret).verify_and_get_timecode(
                code, for_time=self._clock.now(), valid_window=rules.TOTP_WINDOW
            )
        except OTPVerificationError:
            return None


def _normal(code: str) -> str:
    return code.replace("-", "").lower()
