"""Belonging to units: memberships, the acting one, and accounts within an administrator's reach."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import MembershipRequired, OutOfReach
from authkit.principal import Principal
from contracts.identity import PersonChangedV1
from contracts.vocabulary import Permission, UnitStatus
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.base import outbox
from identity.memberships.errors import AlreadyMember, MembershipNotFound
from identity.memberships.events import person_changed
from identity.memberships.models import Belonging, Membership, Profile
from identity.memberships.repository import MemberFilter, MembershipRepository, MemberSort
from identity.platform.service import Platform
from identity.sessions.errors import SessionNotFound
from identity.sessions.service import Sessions
from identity.units.models import Unit
from identity.units.rules import PersonSeed
from identity.units.service import Units
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest, Total


def path_of(principal: Principal) -> str:
    """Return the path of the caller's unit. Raises `MembershipRequired`."""
    if principal.acting is None:
        raise MembershipRequired
    return principal.acting.path


class Memberships:
    """Memberships for one request.

    Locks are taken in the order of docs/architecture.md: unit, account, then memberships and the rest.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        units: Units,
        platform: Platform,
        sessions: Sessions,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._accounts = accounts
        self._units = units
        self._platform = platform
        self._sessions = sessions
        self._audit = audit
        self._rows = MembershipRepository(session)

    async def profile(self, sub: UUID, acting_id: UUID | None = None) -> Profile:
        """Return a person and their memberships, acting for the one with `acting_id` while it is active. An
        administrator of the platform acts for no unit, whatever is recorded.

        Raises `AccountNotFound`.
        """
        account = await self._accounts.get(sub)
        memberships = tuple(await self._rows.active(sub))
        if memberships and await self._platform.role_of(sub) is not None:
            return Profile(account, memberships, None)
        chosen = [one for one in memberships if one[0].id == acting_id]
        return Profile(account, memberships, next(iter([*chosen, *memberships]), None))

    async def own(self, sub: UUID, sid: UUID | None) -> Profile:
        """Return a person as they act in the browser session `sid`. Raises `AccountNotFound`."""
        browser = None if sid is None else await self._sessions.get(sid)
        mine = browser is not None and browser.account_id == sub
        return await self.profile(sub, browser.acting_membership_id if browser and mine else None)

    async def in_reach(self, principal: Principal, sub: UUID, *, lock: bool = False) -> Profile:
        """Return a person whose primary unit is in the caller's subtree: such an administrator decides about
        the account. No unit decides about that of an administrator of the platform.

        Raises `AccountNotFound`, `OutOfReach`.
        """
        if lock:
            await self._accounts.get(sub, lock=True)
        profile = await self.profile(sub)
        if profile.unit is None or not principal.reaches(profile.unit.path):
            raise OutOfReach
        return profile

    async def lock_account(self, sub: UUID) -> Account:
        """Return a person's account, locked before anything of the person. Raises `AccountNotFound`."""
        return await self._accounts.get(sub, lock=True)

    async def seen(self, principal: Principal, sub: UUID) -> Profile:
        """Return a person with those memberships that are in the caller's subtree, at least one; with all of
        them for a security administrator of the platform.

        Raises `AccountNotFound`, `OutOfReach`.
        """
        whole = await self.profile(sub)
        if principal.may(Permission.PLATFORM_ACCOUNTS):
            return whole
        visible = tuple(one for one in whole.memberships if principal.reaches(one[1].path))
        if not visible:
            raise OutOfReach
        return Profile(whole.account, visible, visible[0])

    async def members(
        self,
        principal: Principal,
        unit_id: UUID,
        wanted: MemberFilter,
        sort: MemberSort,
        paging: PageRequest,
    ) -> Listed[Profile]:
        """Return people of a unit in the caller's subtree, each with the membership there.

        Raises `UnitNotFound`, `OutOfReach`.
        """
        unit = await self._units.within_reach(principal, unit_id)
        if unit.status == UnitStatus.CLOSED:
            return Listed([], None, Total.of(0))
        found = await self._rows.members(unit.id, wanted, sort, paging)
        people = [Profile(account, ((one, unit),), (one, unit)) for account, one in found.items]
        return Listed(people, found.next, found.total)

    async def colleagues(
        self, sub: UUID, unit_id: UUID, *, query: str | None, limit: int
    ) -> Sequence[tuple[Account, Membership]]:
        """Return the people of one of a person's own units, without the person, one more than `limit`.

        Raises `MembershipNotFound`.
        """
        await self.belonging(sub, unit_id)
        paging = PageRequest(limit + 2)
        rows = await self._rows.members(unit_id, MemberFilter(name=query), MemberSort.REGISTERED_AT, paging)
        return [row for row in rows.items if row[0].id != sub][: limit + 1]

    async def belonging(self, sub: UUID, unit_id: UUID, *, lock: bool = False) -> Belonging:
        """Return a person's active membership in a unit. Raises `MembershipNotFound`.

        For `lock`, the account is already locked.
        """
        found = [one for one in await self._rows.active(sub) if one[1].id == unit_id]
        if not found:
            raise MembershipNotFound
        if lock:
            await self._rows.lock(found[0][0].id)
        return found[0]

    async def ended(self, sub: UUID, unit_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """Return when a person's last membership in each of these units ended, where one has."""
        return await self._rows.ended(sub, unit_ids)

    async def unit_of(self, membership_id: UUID) -> Unit | None:
        """Return the unit of a membership, also of an ended one."""
        return await self._rows.unit_of(membership_id)

    async def lock(self, membership_id: UUID) -> Membership | None:
        """Return a membership, also an ended one, locked; its account is locked before."""
        return await self._rows.lock(membership_id)

    async def belongs(self, sub: UUID) -> bool:
        """Return whether a person has a membership that has not ended, also in a closed unit."""
        return await self._rows.has_any(sub)

    async def check_may_belong(self, sub: UUID) -> None:
        """Check that a person may belong to a unit and get roles there: an administrator of the platform may
        not (三员分立). The account is locked.

        Raises `NoUnitForAdministrators`.
        """
        await self._platform.refuse_in_units(sub)

    async def begin(
        self,
        account: Account,
        unit: Unit,
        *,
        roles: Sequence[str],
        posts: Sequence[str] = (),
        approved_by: UUID | None,
    ) -> Membership:
        """Add a membership; it is the primary one if the person has no other. The account is locked.

        Raises `AlreadyMember`, `NoUnitForAdministrators`.
        """
        await self.check_may_belong(account.id)
        first = not await self._rows.active(account.id)
        if first:
            await self._rows.no_primary(account.id)
        membership = Membership(
            id=new_id(),
            account_id=account.id,
            unit_id=unit.id,
            is_primary=first,
            roles=sorted(set(roles)),
            posts=list(posts),
            started_at=self._clock.now(),
            approved_by=approved_by,
        )
        try:
            async with self._session.begin_nested():
                self._rows.add(membership)
        except IntegrityError as error:
            raise AlreadyMember from error
        await self.changed(account)
        return membership

    async def end(self, account: Account, membership: Membership, reason: str) -> None:
        """End a membership; another one of the person becomes the primary one. The account is locked."""
        was_primary = membership.is_primary
        membership.end(self._clock.now(), reason)
        # Written first, because two primary memberships are not allowed, not even for a moment.
        await self._session.flush()
        if was_primary:
            for other, _ in (await self._rows.active(account.id))[:1]:
                other.is_primary = True
        await self.changed(account)

    async def changed(self, account: Account) -> None:
        """Count a change of the person and tell the other services. The account is locked."""
        account.version += 1
        await self.publish(account)

    async def make_primary(self, sub: UUID, unit_id: UUID) -> Profile:
        """Make the membership in a unit the person's primary one; idempotent. Raises `MembershipNotFound`."""
        account = await self._accounts.get(sub, lock=True)
        chosen, _ = await self.belonging(sub, unit_id, lock=True)
        if not chosen.is_primary:
            await self._rows.no_primary(sub)
            chosen.is_primary = True
            await self._session.flush()
            await self.changed(account)
            self._audit.record(actor=sub, action="membership.primary", target=sub, unit=str(unit_id))
        return await self.profile(sub)

    async def act_for(self, sub: UUID, sid: UUID, unit_id: UUID) -> Profile:
        """Choose the unit that a person acts for in a browser session.

        The session's access tokens are refused from now on; a refresh gives one for the new unit.
        Raises `MembershipNotFound`, `SessionNotFound`.
        """
        await self._accounts.get(sub, lock=True)
        membership, unit = await self.belonging(sub, unit_id)
        browser = await self._sessions.lock(sid)
        if browser is None or browser.account_id != sub:
            raise SessionNotFound
        if browser.acting_membership_id != membership.id:
            self._sessions.act_for(browser, membership.id)
            self._audit.record(
                actor=sub, action="session.acting_unit", target=sub, sid=str(sid), unit=str(unit.id)
            )
        return await self.profile(sub, membership.id)

    async def accounts_of(self, unit_id: UUID, limit: int) -> Sequence[UUID]:
        """Return the first accounts of a unit's people, in the order in which they are locked."""
        return await self._rows.accounts_of(unit_id, limit)

    async def count(self, unit_id: UUID) -> int:
        """Return the number of memberships in a unit that have not ended."""
        return await self._rows.count(unit_id)

    async def left_in(self, sub: UUID, unit_id: UUID) -> Membership | None:
        """Return a membership that has not ended, also one in a closed unit, locked; the account is locked
        before.
        """
        return await self._rows.of(sub, unit_id)

    async def succeed(self, account: Account, former: Membership, into: Unit, by: UUID) -> None:
        """Give a person the same roles in the unit that takes theirs over, beside those that they have
        there. The account is locked; the caller ends the former membership. An administrator of the platform
        who belonged to a unit before the separation (三员分立) just leaves it.
        """
        if await self._platform.role_of(account.id) is not None:
            return
        there = await self._rows.of(account.id, into.id)
        was_primary = former.is_primary
        if was_primary:
            await self._rows.no_primary(account.id)
        if there is None:
            there = await self.begin(account, into, roles=former.roles, posts=former.posts, approved_by=by)
            there.duties = former.duties
        else:
            there.roles = sorted({*there.roles, *former.roles})
        if was_primary:
            there.is_primary = True

    async def snapshot(self, after: tuple[Any, ...] | None, limit: int) -> list[PersonChangedV1]:
        """Return all people, one more than `limit`."""
        return [person_changed(*row) for row in await self._rows.people_after(after, limit)]

    async def load(
        self, seeds: Sequence[PersonSeed], units: dict[str, tuple[UUID, str]], now: datetime
    ) -> list[UUID]:
        """Insert many people into their units. Return their accounts in order."""
        subs = await self._accounts.load(seeds, now)
        await self._rows.bulk_insert(
            [
                {
                    "id": new_id(),
                    "account_id": sub,
                    "unit_id": units[seed.unit_code][0],
                    "is_primary": True,
                    "roles": list(seed.roles),
                    "posts": [],
                    "started_at": now,
                }
                for sub, seed in zip(subs, seeds, strict=True)
            ]
        )
        return subs

    async def publish(self, account: Account) -> None:
        """Tell the other services of a person, whose account has a new version."""
        event = person_changed(account, await self._rows.active(account.id))
        outbox.add(self._session, event, subject=account.id, sequence=account.version)
