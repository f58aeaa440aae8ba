"""People of a unit that has ended: their memberships end, their open work goes to another unit."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import UnitStatus
from identity.accounts.models import Account
from identity.accounts.service import Accounts
from identity.base import job_queue
from identity.entitlements.rules import may_enter_cockpit
from identity.entitlements.service import Entitlements
from identity.joining.rejections import Rejections
from identity.member_changes.service import MemberChanges
from identity.memberships.models import Membership
from identity.memberships.service import Memberships
from identity.reorganisation.kinds import AT_ONCE, END, Reached, Which
from identity.reorganisation.models import UnitEnding
from identity.reorganisation.repository import ReorganisationRepository
from identity.revocations.service import Revocations
from identity.units.models import Unit
from identity.units.service import Units
from servicekit.clock import Clock


class Settling:
    """Deals with the people of a unit that has ended, within one transaction.

    A closed unit gives nothing to its people from the moment of its closing: tokens for it are refused, and
    memberships in it have no effect. So it does not matter that a job needs a while for a large one.
    """

    def __init__(
        self,
        session: AsyncSession,
        clock: Clock,
        accounts: Accounts,
        units: Units,
        memberships: Memberships,
        entitlements: Entitlements,
        member_changes: MemberChanges,
        rejections: Rejections,
        revocations: Revocations,
    ) -> None:
        self._session = session
        self._clock = clock
        self._accounts = accounts
        self._units = units
        self._memberships = memberships
        self._entitlements = entitlements
        self._member_changes = member_changes
        self._rejections = rejections
        self._revocations = revocations
        self._rows = ReorganisationRepository(session)

    async def begin(self, unit: Unit, by: UUID) -> UnitEnding:
        """Deal with all people of a unit that has just ended: now, or by a job if they are many."""
        ending = UnitEnding(
            unit_id=unit.id,
            merged_into_id=unit.merged_into_id,
            started_by=by,
            started_at=self._clock.now(),
            people=await self._memberships.count(unit.id),
            settled=0,
        )
        self._rows.add(ending)
        waiting = await self._rejections.reject(unit.id, by, await self._reason(unit), AT_ONCE + 1)
        if ending.people > AT_ONCE or waiting > AT_ONCE:
            ending.job_id = (await job_queue.enqueue(self._session, END, Which(unit_id=unit.id))).id
        else:
            await self._settle(ending, unit, AT_ONCE)
            ending.finish(self._clock.now())
        return ending

    async def go_on(self, unit_id: UUID, at: Reached, limit: int) -> tuple[UnitEnding, Reached] | None:
        """Deal with at most `limit` more people and requests to join. Return the unit's ending, which
        is finished if nothing is left; None if it was finished before.
        """
        ending = await self._rows.ending(unit_id, lock=True)
        if ending is None or ending.finished_at is not None:
            return None
        unit = await self._units.get(unit_id)
        rejected = await self._rejections.reject(unit_id, ending.started_by, await self._reason(unit), limit)
        settled = await self._settle(ending, unit, limit)
        if settled < limit and rejected < limit:
            ending.finish(self._clock.now())
        return ending, Reached(settled=at.settled + settled, rejected=at.rejected + rejected)

    async def _settle(self, ending: UnitEnding, unit: Unit, limit: int) -> int:
        heir, merged = await self._heir(unit)
        subs = await self._memberships.accounts_of(unit.id, limit)
        # All accounts before anything of theirs (docs/architecture.md).
        accounts = [await self._accounts.get(sub, lock=True) for sub in subs]
        ended = 0
        for account in accounts:
            membership = await self._memberships.left_in(account.id, unit.id)
            if membership is not None:
                await self._end(ending.started_by, account, membership, unit, heir, merged=merged)
                ended += 1
        ending.settle(ended)
        return len(subs)

    async def _end(
        self,
        by: UUID,
        account: Account,
        membership: Membership,
        unit: Unit,
        heir: Unit | None,
        *,
        merged: bool,
    ) -> None:
        if merged and heir is not None:
            await self._memberships.succeed(account, membership, heir, by)
        if merged and heir is not None and may_enter_cockpit(heir.level, heir.kind):
            await self._entitlements.follow(account.id, unit.id, heir.id)
        elif await self._entitlements.withdraw_all(account.id, by, unit.id):
            self._revocations.revoke(account.id, reason="entitlements withdrawn")
        await self._member_changes.dissolve(account, membership, unit, heir, by, merged=merged)

    async def _heir(self, unit: Unit) -> tuple[Unit | None, bool]:
        """Return the active unit that the work goes to, and whether the people go there, too.

        That is what the unit was merged into, or what that was merged into later, locked against closing;
        without such a one the nearest active unit above. None if no unit is left.
        """
        here = unit
        while here.status == UnitStatus.CLOSED and here.merged_into_id is not None:
            here = await self._units.get(here.merged_into_id)
            if here.status == UnitStatus.ACTIVE:
                # Nobody is locked for the units in between; this one may have been closed a moment ago.
                here = await self._units.get(here.id, share=True)
        if here.status == UnitStatus.ACTIVE:
            return here, True
        while here.parent_id is not None:
            here = await self._units.get(here.parent_id)
            if here.status == UnitStatus.ACTIVE:
                return here, False
        return None, False

    async def _reason(self, unit: Unit) -> str:
        if unit.merged_into_id is None:
            return "单位已撤销"
        return f"单位已并入{(await self._units.get(unit.merged_into_id)).name}"[:200]
