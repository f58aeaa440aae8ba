"""Lost numbers: recovery with an administrator's approval, and numbers that went to another person."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import Permission, PhoneChangeKind, PolicyKind
from identity.accounts.errors import NotYourself, PhoneTaken
from identity.accounts.models import Account
from identity.accounts.service import Accounts, name_of, phone_of
from identity.audit.service import AuditLog
from identity.codes.service import Codes
from identity.memberships.service import Memberships, path_of
from identity.phones import rules
from identity.phones.errors import (
    ChangeNotFound,
    InPersonRequired,
    NumberInUse,
    RecoveryAbove,
)
from identity.phones.models import PhoneChange
from identity.phones.repository import PhoneChangeRepository
from identity.phones.service import Phones
from identity.policies.service import Policies
from identity.roles.service import Roles
from identity.sessions.service import Sessions
from identity.units.models import Unit
from identity.verification.service import RealNames
from servicekit.clock import Clock
from servicekit.lists import Listed
from servicekit.paging import PageRequest


class Recoveries:
    """Recovery of accounts within one request."""

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        phones: Phones,
        accounts: Accounts,
        memberships: Memberships,
        roles: Roles,
        sessions: Sessions,
        codes: Codes,
        real_names: RealNames,
        policies: Policies,
        audit: AuditLog,
    ) -> None:
        self._clock = clock
        self._phones = phones
        self._accounts = accounts
        self._memberships = memberships
        self._roles = roles
        self._sessions = sessions
        self._codes = codes
        self._real_names = real_names
        self._policies = policies
        self._audit = audit
        self._rows = PhoneChangeRepository(session)

    async def pending(
        self, principal: Principal, name: str | None, paging: PageRequest
    ) -> Listed[tuple[PhoneChange, Account, Unit]]:
        """Return recoveries that the caller may decide about, oldest first; `name` is a part of the person's
        name.
        """
        return await self._rows.recoveries_under(
            path_of(principal), paging, administrators=await self._administering(), name=name
        )

    async def count_waiting(self, principal: Principal, most: int) -> int:
        """Return the number of recoveries that the caller may decide about, at most `most`."""
        return await self._rows.count_recoveries_under(
            path_of(principal), administrators=await self._administering(), most=most
        )

    async def approve(self, principal: Principal, change_id: UUID, *, in_person: bool) -> PhoneChange:
        """Approve a recovery; in person it takes effect at once, else 24 hours after the request.

        Raises `ChangeNotFound`, `OutOfReach`, `NotYourself`, `RecoveryAbove`, `ChangeDecided`,
        `InPersonRequired`.
        """
        account, change = await self._to_decide(principal, change_id, in_person=in_person)
        # Whoever has the number has the role, and no unit gives that one.
        if not change.id_matched and not in_person:
            raise InPersonRequired
        now = self._clock.now()
        due = rules.due_of_recovery(change.requested_at, now, in_person=in_person)
        change.approve(UUID(principal.sub), due, now, in_person=in_person)
        self._audit.record(
            actor=principal.sub, action="phone.recovery_approved", target=account.id, in_person=in_person
        )
        if due <= now:
            await self._phones.complete(change.id)
        else:
            await self._phones.announce(account, change)
        return change

    async def reject(self, principal: Principal, change_id: UUID, why: str) -> PhoneChange:
        """Reject a recovery. Raises the errors of `approve`."""
        account, change = await self._to_decide(principal, change_id, in_person=True)
        await self._phones.tell_new(change, rules.REJECTED)
        change.reject(UUID(principal.sub), why, self._clock.now())
        self._audit.record(
            actor=principal.sub, action="phone.recovery_rejected", target=account.id, reason=why
        )
        return change

    async def register_as_new_holder(
        self,
        phone_text: str,
        *,
        ticket: str,
        code: str,
        name: str,
        id_number: str,
        consent: bool,
        agreed: Mapping[PolicyKind, str],
    ) -> Account:
        """Register with a number that belongs to an account: the number was given to somebody else.

        The real name is verified first, between two transactions; the old account then loses the number and
        has to be recovered. Raises `PolicyOutdated`, `BadPhone`, `BadName`, `BadIdNumber`, `PhoneTaken`,
        `NumberInUse`, `IdNumberTaken`, and the errors of `Codes.redeem` and `RealNames.check`.
        """
        self._policies.check(agreed)
        phone, full_name = phone_of(phone_text), name_of(name)
        number = self._real_names.id_number(id_number)
        await self._codes.redeem(phone, "register", ticket, code)
        await self._real_names.check(full_name, number, consent=consent, subject=f"phone:{phone}")
        holder = await self._accounts.by_phone(phone, lock=True)
        if holder is not None:
            await self._take_from(holder, full_name, number)
        account = await self._accounts.create(phone, full_name)
        await self._policies.agree_to_all(account.id, agreed)
        await self._real_names.verified(account, number)
        return account

    async def _take_from(self, holder: Account, name: str, number: str) -> None:
        same = (
            holder.name == name
            if holder.verified_at is None
            else self._accounts.has_id_number(holder, number)
        )
        if same:
            raise PhoneTaken
        if await self._sessions.used_recently(holder.id):
            raise NumberInUse
        await self._accounts.lose_phone(holder)
        await self._memberships.changed(holder)
        await self._sessions.end_all(holder.id, "phone number lost")
        self._audit.record(actor=None, action="phone.lost", target=holder.id)

    async def _administering(self) -> frozenset[str]:
        """Return the roles whose holders decide about recoveries themselves."""
        return await self._roles.with_permission(Permission.ACCOUNTS_MANAGE)

    async def _to_decide(
        self, principal: Principal, change_id: UUID, *, in_person: bool
    ) -> tuple[Account, PhoneChange]:
        found = await self._rows.get(change_id)
        if found is None or found.kind != PhoneChangeKind.RECOVERY:
            raise ChangeNotFound
        if str(found.account_id) == principal.sub:
            raise NotYourself
        profile = await self._memberships.in_reach(principal, found.account_id, lock=True)
        administering = await self._administering()
        places = [of.path for one, of in profile.memberships if administering.intersection(one.roles)]
        if not rules.decides_recovery(path_of(principal), places, in_person=in_person):
            raise RecoveryAbove
        change = await self._rows.lock(change_id)
        assert change is not None
        return profile.account, change
