"""Changes of the authority tree with all that follows: people, tokens, suspensions, the audit log."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.entitlements.rules import may_enter_cockpit
from identity.entitlements.service import Entitlements
from identity.joining.service import Joining
from identity.memberships.models import Membership
from identity.memberships.service import Memberships
from identity.reorganisation.following import Following
from identity.reorganisation.repository import ReorganisationRepository
from identity.revocations.service import Revocations
from identity.units.models import Unit
from identity.units.schemas import ChangeIn, MergeIn, MoveIn, SplitIn
from identity.units.structure import Relocation, UnitTree
from servicekit.etags import SeenVersions


class Reorganisation:
    """Changes of the tree for one request.

    Whoever acts at a place that moves gets a new token: the path in the old one no longer says what they
    reach.
    """

    def __init__(
        self,
        session: AsyncSession,
        tree: UnitTree,
        accounts: Accounts,
        memberships: Memberships,
        entitlements: Entitlements,
        joining: Joining,
        revocations: Revocations,
        audit: AuditLog,
    ) -> None:
        self._tree = tree
        self._accounts = accounts
        self._memberships = memberships
        self._entitlements = entitlements
        self._joining = joining
        self._revocations = revocations
        self._audit = audit
        self._rows = ReorganisationRepository(session)
        self._following = Following(session, revocations)

    async def move(self, principal: Principal, unit_id: UUID, asked: MoveIn, seen: SeenVersions) -> Unit:
        """Move a unit, with all below it, to another parent. Raises the errors of `UnitTree.move`."""
        unit, moved = await self._tree.move(principal, unit_id, asked, seen)
        await self._following.moved(unit, moved, "unit moved")
        self._record(
            principal, "unit.moved", unit, asked, former=moved.left[0], path=unit.path, units=moved.units
        )
        return unit

    async def merge(self, principal: Principal, unit_id: UUID, asked: MergeIn, seen: SeenVersions) -> Unit:
        """Merge a unit into another one of its level: children and people move there, and it is closed.

        Returns the closed unit. Raises the errors of `UnitTree.absorb`.
        """
        unit, into, moved = await self._tree.absorb(principal, unit_id, asked, seen)
        for sub in await self._memberships.accounts_of(unit.id):
            await self._hand_over(UUID(principal.sub), sub, unit, into)
        await self._joining.reject_all(unit.id, UUID(principal.sub), f"单位已并入{into.name}"[:200])
        await self._tree.close(unit, self._tree.occasion(principal, asked), into.id)
        await self._rows.follow_suspensions(unit.path, into.path)
        self._following.revoke(unit, moved, "unit merged")
        self._record(principal, "unit.merged", unit, asked, into=str(into.id), units=moved.units)
        return unit

    async def split(self, principal: Principal, unit_id: UUID, asked: SplitIn, seen: SeenVersions) -> Unit:
        """Open a unit beside another one and move some of its children there.

        Returns the new unit. Raises the errors of `UnitTree.split`.
        """
        unit, moved = await self._tree.split(principal, unit_id, asked, seen)
        for former in moved.left:
            await self._rows.follow_suspensions(former, f"{unit.path}.{former.rpartition('.')[2]}")
        self._following.revoke(unit, moved, "unit moved")
        self._record(principal, "unit.split", unit, asked, split_from=str(unit_id), units=moved.units)
        return unit

    async def close(self, principal: Principal, unit_id: UUID, asked: ChangeIn, seen: SeenVersions) -> Unit:
        """Close a unit below the caller's own, without active units below it.

        Its people lose their membership there; those whose primary unit it was also lose their entitlements.
        Tokens for acting there are revoked, and pending join requests are rejected. Raises `UnitNotFound`,
        `OutOfReach`, `OwnUnit`, `VersionChanged`, `UnitNotEmpty`, `UnitClosed`, `EffectiveInFuture`,
        `EffectiveTooEarly`.
        """
        occasion = self._tree.occasion(principal, asked)
        unit = await self._tree.to_close(principal, unit_id)
        unit.require_active()
        seen.require(unit.version)
        await self._tree.close(unit, occasion)
        for sub in await self._memberships.accounts_of(unit.id):
            account, membership = await self._belonging(sub, unit)
            await self._lose_entitlements(UUID(principal.sub), sub, unit)
            await self._memberships.end(account, membership, "unit closed")
        await self._joining.reject_all(unit.id, UUID(principal.sub), "单位已撤销")
        self._following.revoke(unit, Relocation([unit.path], 1), "unit closed")
        self._record(principal, "unit.closed", unit, asked)
        return unit

    async def _hand_over(self, by: UUID, sub: UUID, unit: Unit, into: Unit) -> None:
        """Give a person of `unit` the same roles in `into`, in addition to those that they have there."""
        account, former = await self._belonging(sub, unit)
        profile = await self._memberships.profile(sub)
        there = next((one for one, of in profile.memberships if of.id == into.id), None)
        if there is None:
            there = await self._memberships.begin(
                account, into, roles=former.roles, posts=former.posts, approved_by=by
            )
            there.duties = former.duties
        else:
            there.roles = sorted({*there.roles, *former.roles})
        if former.is_primary:
            # One after the other, because two primary memberships are not allowed, not even for a moment.
            former.is_primary = False
            await self._rows.flush()
            there.is_primary = True
        if may_enter_cockpit(into.level, into.kind):
            await self._entitlements.follow(sub, unit.id, into.id)
        else:
            await self._lose_entitlements(by, sub, unit)
        await self._memberships.end(account, former, "unit merged")

    async def _belonging(self, sub: UUID, unit: Unit) -> tuple[Account, Membership]:
        account = await self._accounts.get(sub, lock=True)
        membership, _ = await self._memberships.belonging(sub, unit.id, lock=True)
        return account, membership

    async def _lose_entitlements(self, by: UUID, sub: UUID, unit: Unit) -> None:
        if await self._entitlements.withdraw_all(sub, by, unit.id):
            self._revocations.revoke(sub, reason="entitlements withdrawn")

    def _record(
        self, principal: Principal, action: str, unit: Unit, asked: ChangeIn, **details: str | int
    ) -> None:
        self._audit.record(
            actor=principal.sub,
            action=action,
            target=unit.id,
            code=unit.code,
            reason=asked.reason,
            document_number=asked.document_number,
            **details,
        )
