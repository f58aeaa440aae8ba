"""Finding the person with a complete phone number."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import OutOfReach
from authkit.principal import Principal
from identity.accounts.service import Accounts, phone_of
from identity.audit.service import AuditLog
from identity.memberships.models import Profile
from identity.memberships.service import Memberships
from identity.search import rules
from identity.search.errors import TooManyLookups
from identity.search.lookup_repository import LOOKED_UP, LookupRepository
from servicekit.clock import Clock


class PhoneLookups:
    """Lookups for one request. Every one is recorded, without the number; also those that find nobody."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        memberships: Memberships,
        audit: AuditLog,
    ) -> None:
        self._clock = clock
        self._accounts = accounts
        self._memberships = memberships
        self._audit = audit
        self._rows = LookupRepository(session)

    async def find(self, reader: Principal, phone_text: str) -> Profile | None:
        """Return the person with a number, with the memberships that the caller may see. None if there is no
        such person, or not in the caller's reach: the caller does not learn which.

        Raises `BadPhone`, `TooManyLookups`.
        """
        phone, by = phone_of(phone_text), UUID(reader.sub)
        # Lookups of one person at a time, so that the limit holds.
        await self._accounts.get(by, lock=True)
        if await self._rows.count(by, self._clock.now() - rules.LOOKUPS_WITHIN) >= rules.LOOKUPS:
            raise TooManyLookups
        found = await self._in_reach(reader, phone)
        target = None if found is None else found.account.id
        self._audit.record(actor=reader.sub, action=LOOKED_UP, target=target, found=found is not None)
        return found

    async def _in_reach(self, reader: Principal, phone: str) -> Profile | None:
        account = await self._accounts.by_phone(phone)
        if account is None:
            return None
        try:
            return await self._memberships.seen(reader, account.id)
        except OutOfReach:
            return None
