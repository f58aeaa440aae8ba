"""Custom roles: a security administrator of the platform defines them, a second person confirms."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.principal import Principal
from contracts.vocabulary import ProposalStatus
from identity.audit.service import AuditLog
from identity.base import job_queue, outbox
from identity.platform.service import Platform
from identity.role_changes import rules
from identity.role_changes.errors import PermissionNotForUnits, RoleChangeNotFound, RoleChangePending
from identity.role_changes.jobs import REVOKE, Narrowed
from identity.role_changes.kinds import RoleChangeKind
from identity.role_changes.models import RoleChange
from identity.role_changes.repository import RoleChangeRepository
from identity.role_changes.schemas import NewRoleIn, RoleIn
from identity.roles.errors import RoleExists, RoleNotFound
from identity.roles.events import role_changed
from identity.roles.models import RoleDefinition
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import Listed
from servicekit.paging import PageRequest


class RoleChanges:
    """Changes of roles within one request. One happens at a time."""

    def __init__(self, session: AsyncSession, clock: Clock, platform: Platform, audit: AuditLog) -> None:
        self._session = session
        self._clock = clock
        self._platform = platform
        self._audit = audit
        self._rows = RoleChangeRepository(session)

    async def count_waiting(self, principal: Principal, most: int) -> int:
        """Return the number of proposed changes that the caller may confirm, at most `most`."""
        role = await self._platform.own_role(principal)
        return await self._rows.count_for(UUID(principal.sub), role, most)

    async def create(self, principal: Principal, new: NewRoleIn) -> RoleChange:
        """Propose a new role.

        Raises `PermissionNotForUnits`, `RoleExists`, `RoleChangePending`.
        """
        await self._rows.serialise()
        if await self._rows.role(new.code) is not None:
            raise RoleExists
        return await self._propose(principal, RoleChangeKind.CREATE, new.code, new)

    async def change(self, principal: Principal, code: str, new: RoleIn) -> RoleChange:
        """Propose what a role is to be called and to allow.

        Raises `RoleNotFound`, `BuiltInRole`, `RoleRetired` and the errors of `create`.
        """
        await self._rows.serialise()
        await self._changeable(code)
        return await self._propose(principal, RoleChangeKind.CHANGE, code, new)

    async def retire(self, principal: Principal, code: str, reason: str) -> RoleChange:
        """End a role at once: it only takes away. Those who hold it keep it as history, without permissions;
        their tokens are revoked. A change that waits is refused.

        Raises `RoleNotFound`, `BuiltInRole`, `RoleRetired`.
        """
        await self._rows.serialise()
        role, now, by = await self._changeable(code), self._clock.now(), UUID(principal.sub)
        waiting = await self._rows.pending_of(code)
        if waiting is not None:
            waiting.decide(ProposalStatus.REFUSED, by, now)
        change = await self._row(
            principal, RoleChangeKind.RETIRE, code, role.name, role.permissions, role.may_grant, reason
        )
        change.decide(ProposalStatus.CONFIRMED, by, now)
        role.retire(now)
        self._tell(role)
        await job_queue.enqueue(self._session, REVOKE, Narrowed(code=code))
        self._record(principal, "role.retired", change)
        return change

    async def changes(
        self, code: str | None, status: ProposalStatus | None, paging: PageRequest
    ) -> Listed[RoleChange]:
        """Return changes, of one role if `code` is given, in a status if it is, latest first."""
        return await self._rows.changes(code, status, paging)

    async def confirm(self, principal: Principal, change_id: UUID) -> RoleChange:
        """Carry a change out, as a second administrator of another kind than the proposer.

        Raises `RoleChangeNotFound`, `RoleChangeDecided`, `SecondPersonRequired`, `RoleExists`,
        `RoleNotFound`, `RoleRetired`.
        """
        await self._rows.serialise()
        change = await self._to_decide(change_id)
        await self._platform.check_second(principal, change.proposed_by, change.proposed_role)
        change.decide(ProposalStatus.CONFIRMED, UUID(principal.sub), self._clock.now())
        await self._check_name(change.code, change.name)
        if change.kind == RoleChangeKind.CREATE:
            role = RoleDefinition(
                code=change.code,
                name=change.name,
                permissions=change.permissions,
                may_grant=change.may_grant,
                built_in=False,
                position=await self._rows.next_position(),
                version=1,
            )
            self._rows.add(role)
        else:
            role = await self._changeable(change.code)
            if role.change(change.name, change.permissions, change.may_grant):
                await job_queue.enqueue(self._session, REVOKE, Narrowed(code=change.code))
        self._tell(role)
        self._record(principal, "role.changed", change)
        return change

    async def refuse(self, principal: Principal, change_id: UUID) -> RoleChange:
        """Refuse a change; its proposer may take it back.

        Raises `RoleChangeNotFound`, `RoleChangeDecided`.
        """
        await self._platform.own_role(principal)
        change = await self._to_decide(change_id)
        change.decide(ProposalStatus.REFUSED, UUID(principal.sub), self._clock.now())
        self._record(principal, "role.change_refused", change)
        return change

    async def _propose(
        self, principal: Principal, kind: RoleChangeKind, code: str, new: RoleIn
    ) -> RoleChange:
        if not rules.fit(new.permissions, new.may_grant):
            raise PermissionNotForUnits
        await self._check_name(code, new.name)
        if await self._rows.pending_of(code) is not None:
            raise RoleChangePending
        change = await self._row(principal, kind, code, new.name, new.permissions, new.may_grant, new.reason)
        self._record(principal, "role.change_proposed", change)
        return change

    async def _row(
        self,
        principal: Principal,
        kind: RoleChangeKind,
        code: str,
        name: str,
        permissions: Sequence[str],
        may_grant: Sequence[str],
        reason: str,
    ) -> RoleChange:
        change = RoleChange(
            id=new_id(),
            kind=kind,
            code=code,
            name=name,
            permissions=sorted(set(permissions)),
            may_grant=sorted(set(may_grant)),
            reason=reason,
            proposed_by=UUID(principal.sub),
            proposed_role=await self._platform.own_role(principal),
            proposed_at=self._clock.now(),
            status=ProposalStatus.PENDING,
        )
        self._rows.add(change)
        return change

    async def _check_name(self, code: str, name: str) -> None:
        same = await self._rows.named(name)
        if same is not None and same.code != code:
            raise RoleExists

    async def _changeable(self, code: str) -> RoleDefinition:
        role = await self._rows.role(code)
        if role is None:
            raise RoleNotFound
        role.check_changeable()
        return role

    async def _to_decide(self, change_id: UUID) -> RoleChange:
        change = await self._rows.change(change_id)
        if change is None:
            raise RoleChangeNotFound
        return change

    def _tell(self, role: RoleDefinition) -> None:
        outbox.add(self._session, role_changed(role), subject=role.code, sequence=role.version)

    def _record(self, principal: Principal, action: str, change: RoleChange) -> None:
        self._audit.record(
            actor=principal.sub,
            action=action,
            target=change.code,
            kind=change.kind,
            name=change.name,
            permissions=change.permissions,
            may_grant=change.may_grant,
            reason=change.reason,
        )
