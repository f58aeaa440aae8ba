"""Registration and lookup of accounts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import AccountStatus
from identity.accounts import rules
from identity.accounts.errors import (
    AccountNotFound,
    BadName,
    BadPhone,
    IdNumberTaken,
    PhoneTaken,
    TooManyCorrections,
)
from identity.accounts.models import Account
from identity.accounts.repository import NAME_CORRECTED, AccountRepository, Holder
from identity.accounts.rules import PhoneFault
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.units.rules import PersonSeed
from identity.vault import Slots, Vault
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.problems import Problem

PHONE, ID_NUMBER = "phone", "id_number"


def phone_of(text: str) -> str:
    """Return the 11 digits of a mobile number. Raises `BadPhone`."""
    phone = rules.read_phone(text)
    if isinstance(phone, PhoneFault):
        raise BadPhone(phone.value)
    return phone


def name_of(text: str) -> str:
    """Return a legal name as it is stored. Raises `BadName`."""
    name = rules.normalise_name(text)
    if not rules.is_real_name(name):
        raise BadName
    return name


class Accounts:
    """Accounts service for one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, vault: Vault, codes: Codes, audit: AuditLog
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._codes = codes
        self._audit = audit
        self._accounts = AccountRepository(session)

    async def register(self, phone_text: str, ticket: str, code: str, name_text: str) -> Account:
        """Register an account for the holder of a phone number; `code` was sent for the browser with
        `ticket`.

        Raises `BadPhone`, `BadName`, `PhoneTaken`, and the errors of `Codes.redeem`.
        """
        phone = phone_of(phone_text)
        name = name_of(name_text)
        await self._codes.redeem(phone, "register", ticket, code)
        return await self.create(phone, name)

    async def create(self, phone: str, name: str) -> Account:
        """Create an account with a normalized number that was verified just now. Raises `PhoneTaken`."""
        account = Account(**self._row(phone, name, self._clock.now()))
        await self._unique(PhoneTaken, lambda: self._accounts.add(account))
        self._audit.record(actor=account.id, action="account.registered", target=account.id)
        return account

    async def correct_name(self, account: Account, name: str) -> None:
        """Correct a name to a normalized one; the account is locked. The audit log keeps both names.

        Raises `TooManyCorrections`.
        """
        since = self._clock.now() - rules.CORRECTIONS_WITHIN
        if await self._accounts.corrections(account.id, since) >= rules.CORRECTIONS:
            raise TooManyCorrections
        former = account.name
        account.rename(name)
        self._audit.record(
            actor=account.id, action=NAME_CORRECTED, target=account.id, former=former, name=name
        )

    async def change_phone(self, account: Account, phone: str) -> None:
        """Set a normalized number that was verified just now; the account is locked. Raises `PhoneTaken`."""
        sealed, slots = self._vault.seal(PHONE, phone), self._vault.slots(PHONE, phone)
        masked, now = rules.mask_phone(phone), self._clock.now()
        await self._unique(PhoneTaken, lambda: account.change_phone(sealed, slots, masked, now))

    async def lose_phone(self, account: Account) -> None:
        """Take the number away from an account, because another person has it now; the account is locked."""
        account.lose_phone(*self._placeholder(account), self._clock.now())
        await self._session.flush()

    async def close(self, account: Account, name: str) -> None:
        """End an account and erase its personal data; the account is locked."""
        account.close(name, *self._placeholder(account), self._clock.now())
        await self._session.flush()

    def _placeholder(self, account: Account) -> tuple[bytes, Slots]:
        text = f"lost:{account.id}"
        return self._vault.seal(PHONE, text), self._vault.slots(PHONE, text)

    async def verified(self, account: Account, id_number: str, by: str) -> None:
        """Record a verified identity number; the account is locked. Raises `IdNumberTaken`."""
        sealed, slots = self._vault.seal(ID_NUMBER, id_number), self._vault.slots(ID_NUMBER, id_number)
        masked, now = rules.mask_id_number(id_number), self._clock.now()
        await self._unique(IdNumberTaken, lambda: account.verify(sealed, slots, masked, by, now))

    def phone(self, account: Account) -> str | None:
        """Return an account's number; None if it went to another person."""
        return None if account.phone_lost_at else self._vault.open(PHONE, account.phone_sealed)

    def has_id_number(self, account: Account, id_number: str) -> bool:
        """Return whether this is the verified identity number of an account."""
        sealed = account.id_number_sealed
        return sealed is not None and self._vault.open(ID_NUMBER, sealed) == id_number

    async def by_id_number(self, id_number: str) -> Account | None:
        """Return the account with a verified identity number unless it is closed."""
        return await self._accounts.by_id_number(self._vault.slots(ID_NUMBER, id_number))

    async def _unique(self, taken: type[Problem], change: Callable[[], object]) -> None:
        """Write a change. Raises `taken` if another account has the value."""
        try:
            async with self._session.begin_nested():
                change()
        except IntegrityError as error:
            raise taken from error

    async def get(self, sub: UUID, *, lock: bool = False) -> Account:
        """Return the account `sub`. Raises `AccountNotFound`."""
        account = await self._accounts.get(sub, lock=lock)
        if account is None:
            raise AccountNotFound
        return account

    async def by_phone(self, phone: str, *, share: bool = False, lock: bool = False) -> Account | None:
        """Return the account with a normalized phone number unless it is closed.

        `share` prevents its suspension until the transaction ends, `lock` any change by others.
        """
        return await self._accounts.by_phone(self._vault.slots(PHONE, phone), share=share, lock=lock)

    async def holder(self, phone: str, *, share: bool = False) -> Holder | None:
        """Return who has a normalized phone number, unless the account is closed.

        `share` prevents a suspension until the transaction ends.
        """
        return await self._accounts.holder(self._vault.slots(PHONE, phone), share=share)

    def unmask(self, reader: Principal, account: Account, reason: str) -> tuple[str | None, str | None]:
        """Return the complete phone and ID number of a person in the caller's reach; recorded in the audit
        log.
        """
        sealed = account.id_number_sealed
        fields = ["phone"] if sealed is None else ["phone", "id_number"]
        self._audit.record(
            actor=reader.sub, action="account.unmasked", target=account.id, fields=fields, reason=reason
        )
        number = None if sealed is None else self._vault.open(ID_NUMBER, sealed)
        return self.phone(account), number

    async def load(self, seeds: Sequence[PersonSeed], now: datetime) -> list[UUID]:
        """Insert many accounts at once. Return their `sub`s in order."""
        rows = [self._row(seed.phone, seed.name, now) for seed in seeds]
        await self._accounts.bulk_insert(rows)
        return [row["id"] for row in rows]

    def _row(self, phone: str, name: str, now: datetime) -> dict[str, Any]:
        slots = self._vault.slots(PHONE, phone)
        return {
            "id": new_id(),
            "name": name,
            "phone_sealed": self._vault.seal(PHONE, phone),
            "phone_index": slots.odd,
            "phone_index_even": slots.even,
            "phone_masked": rules.mask_phone(phone),
            "phone_verified_at": now,
            "status": AccountStatus.ACTIVE,
            "version": 1,
            "registered_at": now,
        }
