"""Invites to units."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import MembershipRequired
from authkit.principal import Principal
from contracts.vocabulary import UnitStatus
from identity.audit.service import AuditLog
from identity.invites import rules
from identity.invites.errors import InviteInvalid, InviteNotFound
from identity.invites.models import SEALED_FOR, Invite
from identity.invites.repository import InviteRepository
from identity.invites.schemas import InviteIn
from identity.roles.service import Roles
from identity.units.errors import UnitClosed
from identity.units.service import Units
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import AgeSort, Listed
from servicekit.paging import PageRequest

_INVITE = "invite"


class Invites:
    """Invites for one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, vault: Vault, units: Units, roles: Roles, audit: AuditLog
    ) -> None:
        self._clock = clock
        self._vault = vault
        self._units = units
        self._roles = roles
        self._audit = audit
        self._rows = InviteRepository(session)

    async def create(self, principal: Principal, unit_id: UUID, new: InviteIn) -> tuple[Invite, str]:
        """Create an invite. Return it with its code, stored only as a hash.

        Raises `UnitNotFound`, `OutOfReach`, `UnitClosed`, `RoleNotGrantable`.
        """
        if principal.acting is None:
            raise MembershipRequired
        unit = await self._units.within_reach(principal, unit_id)
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        roles = await self._roles.check_grant(principal.acting.roles, new.roles)
        now = self._clock.now()
        code = rules.new_invite_code()
        invite = Invite(
            id=new_id(),
            unit_id=unit.id,
            code_hash=self._vault.index(_INVITE, rules.normalise_invite_code(code) or code),
            roles=roles,
            posts=new.posts,
            note=new.note,
            created_by=UUID(principal.sub),
            created_at=now,
            expires_at=now + timedelta(days=new.days),
            max_uses=new.max_uses,
            uses=0,
        )
        self._rows.add(invite)
        self._audit.record(
            actor=principal.sub, action="invite.created", target=invite.id, unit=str(unit.id), roles=roles
        )
        return invite, code

    async def of_unit(
        self, principal: Principal, unit_id: UUID, sort: AgeSort, paging: PageRequest, *, usable: bool
    ) -> Listed[Invite]:
        """Return the invites of a unit in the caller's subtree.

        `usable`: only those that somebody can still use. Raises `UnitNotFound`, `OutOfReach`.
        """
        unit = await self._units.within_reach(principal, unit_id)
        usable_at = self._clock.now() if usable else None
        return await self._rows.of_unit(unit.id, sort, paging, usable_at=usable_at)

    async def revoke(self, principal: Principal, invite_id: UUID) -> Invite:
        """Revoke an invite of a unit in the caller's subtree. Raises `InviteNotFound`, `OutOfReach`."""
        invite = await self._rows.lock(invite_id)
        if invite is None:
            raise InviteNotFound
        await self._units.within_reach(principal, invite.unit_id)
        invite.revoke(self._clock.now())
        self._audit.record(actor=principal.sub, action="invite.revoked", target=invite.id)
        return invite

    async def find(self, code_text: str) -> Invite:
        """Return the invite of a typed code, without a lock. Raises `InviteInvalid`."""
        code = rules.normalise_invite_code(code_text)
        hashes = [] if code is None else self._vault.indexes(_INVITE, code)
        invite = await self._rows.by_hash(hashes) if hashes else None
        if invite is None:
            raise InviteInvalid
        return invite

    def for_phone(
        self, unit_id: UUID, phone: str, *, roles: Sequence[str], posts: Sequence[str], by: UUID
    ) -> tuple[Invite, str]:
        """Create an invite that only the holder of a number can use, once, within 30 days; with its code."""
        now, code = self._clock.now(), rules.new_invite_code()
        invite = Invite(
            id=new_id(),
            unit_id=unit_id,
            code_hash=self._vault.index(_INVITE, rules.normalise_invite_code(code) or code),
            roles=sorted(roles),
            posts=list(posts),
            phone_sealed=self._vault.seal(SEALED_FOR, phone),
            created_by=by,
            created_at=now,
            expires_at=now + timedelta(days=30),
            max_uses=1,
            uses=0,
        )
        self._rows.add(invite)
        return invite, code

    async def use(self, invite_id: UUID, phone: str | None) -> Invite:
        """Count one use of an invite by the holder of a number, and lock it; unit and account are locked
        before.

        Raises `InviteInvalid`, also for another number, `InviteExpired`, `InviteRevoked`, `InviteUsedUp`.
        """
        invite = await self._rows.lock(invite_id)
        if invite is None:
            raise InviteInvalid
        if invite.phone_sealed is not None and self._vault.open(SEALED_FOR, invite.phone_sealed) != phone:
            raise InviteInvalid
        invite.use(self._clock.now())
        return invite
