"""Requests for an account whose number is lost.

The request checks the code of the new number, and stores what was asked for. A job looks for the account: so
the work of a request, and the time it takes, are the same whether there is one or not.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import AccountStatus, Permission, PhoneChangeKind
from identity.accounts.models import Account
from identity.accounts.rules import mask_name
from identity.accounts.service import Accounts, name_of, phone_of
from identity.base import job_queue
from identity.codes.service import Codes
from identity.memberships.service import Memberships
from identity.phones import rules
from identity.phones.errors import ChangePending
from identity.phones.kinds import SEEK, Asked
from identity.phones.service import Phones
from identity.reminders.administrators import AdministratorTexts
from identity.roles.service import Roles
from identity.sealing import seal, unseal
from identity.vault import Vault
from identity.verification.service import id_number_of
from servicekit.clock import Clock
from servicekit.ltree import lineage

RECOVER = "recover"
_SEALED_FOR = "lost account"
_KEPT = timedelta(days=1)
"""A request that no worker has dealt with in a day is void: the person asks again."""


class LostAccounts:
    """Requests for accounts, within one transaction."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        vault: Vault,
        phones: Phones,
        accounts: Accounts,
        memberships: Memberships,
        roles: Roles,
        codes: Codes,
        texts: AdministratorTexts,
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._phones = phones
        self._accounts = accounts
        self._memberships = memberships
        self._roles = roles
        self._codes = codes
        self._texts = texts

    async def request(
        self, phone_text: str, *, ticket: str, code: str, name: str, id_number: str, old_phone: str | None
    ) -> None:
        """Ask for one's account with a new number, which got `code`.

        Nothing tells whether there is such an account, except messages to its old number and to its unit's
        administrators. Raises `BadPhone`, `BadName`, `BadIdNumber` and the errors of `Codes.redeem`.
        """
        phone, full_name = phone_of(phone_text), name_of(name)
        number = id_number_of(id_number, self._clock.now())
        old = phone_of(old_phone) if old_phone else None
        await self._codes.redeem(phone, RECOVER, ticket, code)
        sealed = seal(
            self._vault,
            _SEALED_FOR,
            self._clock.now(),
            phone=phone,
            name=full_name,
            id_number=number,
            old_phone=old,
        )
        await job_queue.enqueue(self._session, SEEK, Asked(sealed=sealed))

    async def seek(self, asked: Asked) -> None:
        """Open a recovery if the account exists, its name and number fit, and nothing forbids it.

        Raises `BadToken` for a request of more than a day ago.
        """
        wanted = unseal(self._vault, _SEALED_FOR, asked.sealed, self._clock.now(), _KEPT)
        phone, number = wanted["phone"], wanted["id_number"]
        found = await self._find(wanted["name"], number, wanted["old_phone"])
        if found is None or await self._accounts.by_phone(phone) is not None:
            return
        account = await self._accounts.get(found.id, lock=True)
        if account.status != AccountStatus.ACTIVE:
            return
        matched = self._accounts.has_id_number(account, number)
        if await self._phones.of_platform_administrator(account.id):
            # Whoever has the number has the role, and no unit gives that one: the operator ends the role.
            return
        without_unit = (await self._memberships.profile(account.id)).unit is None
        if without_unit and not matched:
            return
        # Nobody administers a person without a unit: time takes the place of an approval.
        due = self._clock.now() + rules.WITHOUT_OLD_NUMBER if without_unit else None
        try:
            change = await self._phones.open(
                account, phone, PhoneChangeKind.RECOVERY, due=due, id_matched=matched
            )
        except ChangePending:
            return
        await self._phones.announce(account, change)
        if due is None:
            await self._tell_administrators(account)

    async def _find(self, name: str, number: str, old: str | None) -> Account | None:
        found = await self._accounts.by_id_number(number)
        if found is None and old is not None:
            found = await self._accounts.by_phone(old)
            if found is not None and found.verified_at is not None:
                return None
        return found if found is not None and found.name == name else None

    async def _tell_administrators(self, account: Account) -> None:
        """Tell those nearest who may approve."""
        profile = await self._memberships.profile(account.id)
        if profile.unit is None:
            return
        roles = await self._roles.with_permission(Permission.ACCOUNTS_MANAGE)
        places = [of.path for one, of in profile.memberships if roles.intersection(one.roles)]
        paths = [
            path
            for path in lineage(profile.unit.path)
            if rules.decides_recovery(path, places, in_person=True)
        ]
        text = rules.to_decide_text(mask_name(account.name))
        await self._texts.send(paths, roles, besides=account.id, text=text)
