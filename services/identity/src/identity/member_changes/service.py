"""Changes of a unit's people: roles and posts, leaving, removal, and the hand-over of open work."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import MembershipRequired
from authkit.principal import Principal
from contracts.vocabulary import DelegationEnding, Role
from identity.accounts.errors import NotYourself
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.base import outbox
from identity.delegations.service import Delegations
from identity.entitlements.service import Entitlements
from identity.member_changes import events
from identity.member_changes.errors import AlreadyLeaving, BadSuccessor
from identity.member_changes.models import HandOver
from identity.member_changes.repository import HandOverRepository
from identity.member_changes.schemas import LeaveIn, MemberChangeIn
from identity.memberships.administrators import Administrators
from identity.memberships.errors import LastAdministrator, MembershipNotFound
from identity.memberships.models import Belonging, Membership, Profile
from identity.memberships.service import Memberships
from identity.revocations.service import Revocations
from identity.roles.service import Roles
from identity.units.models import Unit
from identity.units.service import Units
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest


class MemberChanges:
    """Changes of a unit's people for one request.

    The unit is locked first, so that two administrators cannot take each other's role away at once.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        units: Units,
        roles: Roles,
        memberships: Memberships,
        administrators: Administrators,
        delegations: Delegations,
        entitlements: Entitlements,
        revocations: Revocations,
        audit: AuditLog,
    ) -> None:
        self._session = session
        self._clock = clock
        self._accounts = accounts
        self._units = units
        self._roles = roles
        self._memberships = memberships
        self._administrators = administrators
        self._delegations = delegations
        self._entitlements = entitlements
        self._revocations = revocations
        self._audit = audit
        self._rows = HandOverRepository(session)

    async def change(self, principal: Principal, unit_id: UUID, sub: UUID, new: MemberChangeIn) -> Profile:
        """Change a member's roles, posts or duties, with roles that the caller may grant.

        Raises `UnitNotFound`, `OutOfReach`, `NotYourself`, `MembershipNotFound`, `RoleNotGrantable`,
        `LastAdministrator`, `NoUnitForAdministrators`.
        """
        account, membership, unit = await self._of_another(principal, unit_id, sub)
        await self._memberships.check_may_belong(sub)
        if new.roles is not None and set(new.roles) != set(membership.roles):
            await self._change_roles(principal, membership, unit, new.roles)
        if new.posts is not None:
            membership.posts = list(new.posts)
        if new.duties is not None:
            membership.duties = new.duties or None
        await self._memberships.changed(account)
        self._audit.record(
            actor=principal.sub,
            action="membership.changed",
            target=sub,
            unit=str(unit.id),
            roles=membership.roles,
            reason=new.reason,
        )
        return Profile(account, ((membership, unit),), (membership, unit))

    async def leave(self, sub: UUID, unit_id: UUID, why: LeaveIn) -> HandOver:
        """Leave a unit by oneself, once the other services have handed over the open work.

        Raises `MembershipNotFound`, `AlreadyLeaving`, `LastAdministrator`, `BadSuccessor`.
        """
        unit = await self._units.get(unit_id, lock=True)
        await self._accounts.get(sub, lock=True)
        membership, _ = await self._memberships.belonging(sub, unit_id, lock=True)
        if membership.leaving_at is not None:
            raise AlreadyLeaving
        await self._keep_administered(None, membership, unit)
        membership.leaving_at = self._clock.now()
        row = await self._hand_over(membership, unit, why, by=sub)
        self._audit.record(actor=sub, action="membership.leaving", target=sub, unit=str(unit.id))
        return row

    async def remove(self, principal: Principal, unit_id: UUID, sub: UUID, why: LeaveIn) -> HandOver | None:
        """End a member's membership at once; the open work is handed over afterwards.

        Returns None if the person's own hand-over is under way. Raises `UnitNotFound`, `OutOfReach`,
        `NotYourself`, `MembershipNotFound`, `LastAdministrator`, `BadSuccessor`.
        """
        account, membership, unit = await self._of_another(principal, unit_id, sub)
        await self._keep_administered(principal, membership, unit)
        leaving = membership.leaving_at is not None
        row = None if leaving else await self._hand_over(membership, unit, why, by=UUID(principal.sub))
        await self._end(account, membership, UUID(principal.sub), "removed")
        self._audit.record(
            actor=principal.sub, action="membership.removed", target=sub, unit=str(unit.id), reason=why.reason
        )
        return row

    async def transfer_away(
        self, principal: Principal, account: Account, membership: Membership, unit: Unit
    ) -> None:
        """End a membership because the person has been transferred; unit and account are locked.

        Raises `LastAdministrator`, `MembershipNotFound`.
        """
        if membership.ended_at is not None:
            raise MembershipNotFound
        await self._keep_administered(principal, membership, unit)
        if membership.leaving_at is None:
            await self._hand_over(membership, unit, LeaveIn(reason="调动"), by=UUID(principal.sub))
        await self._end(account, membership, UUID(principal.sub), "transferred")

    async def dissolve(
        self,
        account: Account,
        membership: Membership,
        unit: Unit,
        heir: Unit | None,
        by: UUID,
        *,
        merged: bool,
    ) -> None:
        """End a membership because its unit has ended; open work goes to the unit `heir`. In a merger the
        person goes there as well, and keeps the work. The account is locked; the caller ends entitlements.
        """
        reason = "单位并入其他单位" if merged else "单位撤销"
        row = await self._rows.open_of(membership.id)
        # A successor who was chosen before goes to the other unit, too.
        successor = membership.account_id if row is None else row.successor_id
        if row is None:
            row = self._begin(membership, unit, reason, by=by)
        row.redirect(None if heir is None else heir.id, successor if merged else None)
        self._ask(row, unit, heir)
        cause = DelegationEnding.UNIT_MERGED if merged else DelegationEnding.UNIT_CLOSED
        await self._delegations.end_all(membership.id, by, cause)
        await self._memberships.end(account, membership, "unit merged" if merged else "unit closed")
        self._audit.record(
            actor=by, action="membership.ended", target=account.id, unit=str(unit.id), cause=cause.value
        )

    async def complete(self, hand_over_id: UUID, items: int) -> None:
        """Record that the open work is handed over; whoever leaves by themselves has left now. Idempotent."""
        found = await self._rows.get(hand_over_id)
        if found is None:
            return
        await self._units.get(found.unit_id, lock=True)
        account = await self._accounts.get(found.account_id, lock=True)
        membership = await self._memberships.lock(found.membership_id)
        row = await self._rows.lock(hand_over_id)
        if row is None or not row.complete(items, self._clock.now()):
            return
        if membership is not None and membership.ended_at is None and membership.leaving_at is not None:
            await self._end(account, membership, account.id, "left")
            self._audit.record(
                actor=account.id, action="membership.left", target=account.id, unit=str(row.unit_id)
            )

    async def hand_overs(
        self, principal: Principal, unit_id: UUID, completed: bool | None, paging: PageRequest
    ) -> Listed[tuple[HandOver, Account]]:
        """Return the hand-overs of a unit in the caller's subtree, latest first; with `completed` only those
        that are, or are not.

        Raises `UnitNotFound`, `OutOfReach`.
        """
        unit = await self._units.within_reach(principal, unit_id)
        return await self._rows.of_unit(unit.id, completed, paging)

    async def _of_another(
        self, principal: Principal, unit_id: UUID, sub: UUID
    ) -> tuple[Account, Membership, Unit]:
        unit = await self._units.within_reach(principal, unit_id, lock=True)
        if str(sub) == principal.sub:
            raise NotYourself
        account = await self._accounts.get(sub, lock=True)
        membership, _ = await self._memberships.belonging(sub, unit_id, lock=True)
        return account, membership, unit

    async def _change_roles(
        self, principal: Principal, membership: Membership, unit: Unit, roles: Sequence[str]
    ) -> None:
        if principal.acting is None:
            raise MembershipRequired
        # Nobody takes away what they could not give.
        lost, gained = set(membership.roles) - set(roles), set(roles) - set(membership.roles)
        # A retired one gives nothing: whoever may change the member takes it away.
        taken = await self._roles.in_use(lost)
        await self._roles.check_grant(principal.acting.roles, gained | taken)
        if Role.UNIT_ADMIN in lost:
            await self._keep_administered(principal, membership, unit)
        membership.roles = sorted(set(roles))
        if lost:
            self._revocations.revoke(membership.account_id, reason="roles changed")
            await self._delegations.narrowed(membership.id)

    async def _keep_administered(
        self, principal: Principal | None, membership: Membership, unit: Unit
    ) -> None:
        """Raise `LastAdministrator` if the locked unit would be without, unless somebody above decides."""
        if Role.UNIT_ADMIN not in membership.roles:
            return
        acting = None if principal is None else principal.acting
        if acting is not None and unit.path.startswith(f"{acting.path}."):
            return
        if not await self._administrators.others(unit.id, membership.account_id):
            raise LastAdministrator

    async def _hand_over(self, membership: Membership, unit: Unit, why: LeaveIn, *, by: UUID) -> HandOver:
        if why.successor is not None:
            await self._check_successor(membership, unit, why.successor)
        row = self._begin(membership, unit, why.reason, by=by)
        row.successor_id = why.successor
        self._ask(row, unit, None)
        return row

    def _begin(self, membership: Membership, unit: Unit, reason: str, *, by: UUID) -> HandOver:
        row = HandOver(
            id=new_id(),
            membership_id=membership.id,
            account_id=membership.account_id,
            unit_id=unit.id,
            reason=reason,
            requested_by=by,
            requested_at=self._clock.now(),
        )
        self._rows.add(row)
        return row

    def _ask(self, row: HandOver, unit: Unit, heir: Unit | None) -> None:
        """Ask the other services to hand over the work: within the unit, or to the unit `heir`."""
        outbox.add(self._session, events.requested(row, unit, heir), subject=row.id)

    async def _check_successor(self, membership: Membership, unit: Unit, successor: UUID) -> Belonging:
        if successor == membership.account_id:
            raise BadSuccessor
        try:
            return await self._memberships.belonging(successor, unit.id)
        except MembershipNotFound as error:
            raise BadSuccessor from error

    async def _end(self, account: Account, membership: Membership, by: UUID, reason: str) -> None:
        await self._entitlements.withdraw_all(account.id, by, membership.unit_id)
        await self._delegations.end_all(membership.id, by, DelegationEnding.LEFT)
        await self._memberships.end(account, membership, reason)
        self._revocations.revoke(account.id, reason=f"membership {reason}")
