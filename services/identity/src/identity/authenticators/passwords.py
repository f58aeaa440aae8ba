"""Passwords: argon2id (RFC 9106 §4), computed in a thread because it takes about 100 ms."""

import asyncio
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from identity.accounts.models import Account
from identity.authenticators import rules
from identity.authenticators.errors import (
    PasswordExpired,
    PasswordIncorrect,
    PasswordReused,
    PasswordUnfit,
)
from identity.authenticators.models import Password
from identity.authenticators.repository import AuthenticatorRepository
from identity.authenticators.tries import Tries
from identity.authenticators.weak_passwords import is_weak
from servicekit.clock import Clock

HASHER = PasswordHasher()
"""RFC 9106 §4, second recommended option: 3 passes over 64 MiB, 4 lanes."""


class Passwords:
    """Passwords service for one request."""

    def __init__(
        self, rows: AuthenticatorRepository, clock: Clock, lifetime: timedelta | None, tries: Tries
    ) -> None:
        """`lifetime`: how long a password is valid; None means for ever."""
        self._rows = rows
        self._clock = clock
        self._lifetime = lifetime
        self._tries = tries

    async def check(self, account: Account, password: str) -> None:
        """Verify a person's password.

        Raises `PasswordIncorrect`, `AuthenticatorLocked`, and `PasswordExpired` for a correct password that
        is too old.
        """
        now = self._clock.now()
        row = await self._rows.password(account.id, lock=True)
        if row is None:
            raise PasswordIncorrect
        await self._tries.begin(row, account.id, "password", now)
        text = rules.normalised(password)
        if len(text) > rules.MAX_LENGTH or not await asyncio.to_thread(_fits, row.hash, text):
            await self._tries.failed(row, account.id, "password", now)
            raise PasswordIncorrect
        await self._tries.succeeded(row, account.id, "password")
        if rules.password_expired(row.changed_at, now, self._lifetime):
            raise PasswordExpired
        if HASHER.check_needs_rehash(row.hash):
            row.hash = await asyncio.to_thread(HASHER.hash, text)

    async def set(self, account: Account, phone: str, password: str) -> bool:
        """Set a person's password. Return whether it is their first.

        Raises `PasswordUnfit`, `PasswordReused`.
        """
        text = rules.normalised(password)
        objection = rules.objection(text, phone=phone, name=account.name)
        if objection is not None:
            raise PasswordUnfit(objection)
        if is_weak(text):
            raise PasswordUnfit("该密码过于常见，容易被猜到，请换一个。")
        now = self._clock.now()
        row = await self._rows.password(account.id, lock=True)
        if row is None:
            new_hash = await asyncio.to_thread(HASHER.hash, text)
            self._rows.add(
                Password(account_id=account.id, hash=new_hash, previous=[], changed_at=now, failures=0)
            )
            return True
        if await asyncio.to_thread(_fits_any, [row.hash, *row.previous], text):
            raise PasswordReused
        row.replace(await asyncio.to_thread(HASHER.hash, text), now)
        row.succeeded()
        return False


def _fits(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except VerificationError:
        return False


def _fits_any(stored: list[str], password: str) -> bool:
    return any(_fits(one, password) for one in stored)
