"""Invitation of many people by a table: checked first, sent after a confirmation."""

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from authkit.errors import MembershipRequired
from authkit.principal import Principal
from contracts.vocabulary import InviteBatchStatus, InviteResult, UnitStatus
from identity.accounts.rules import is_real_name, mask_phone, normalise_phone
from identity.audit.service import AuditLog
from identity.base import job_queue
from identity.invite_batches import rules
from identity.invite_batches.errors import BatchNotFound
from identity.invite_batches.jobs import SEND, Which
from identity.invite_batches.models import SEALED_FOR, InviteBatch, InviteBatchRow
from identity.invite_batches.repository import InviteBatchRepository
from identity.invite_batches.rules import Person
from identity.roles.service import Roles
from identity.units.errors import UnitClosed
from identity.units.service import Units
from identity.vault import Vault
from servicekit.clock import Clock
from servicekit.ids import new_id
from servicekit.lists import AgeSort, Listed
from servicekit.paging import PageRequest

_FAILED = (InviteResult.WRONG, InviteResult.REFUSED)


class InviteBatches:
    """Invitations by a table for one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, vault: Vault, units: Units, roles: Roles, audit: AuditLog
    ) -> None:
        self._session = session
        self._clock = clock
        self._vault = vault
        self._units = units
        self._roles = roles
        self._audit = audit
        self._rows = InviteBatchRepository(session)

    async def upload(
        self, principal: Principal, unit_id: UUID, people: Sequence[Person], file_name: str
    ) -> InviteBatch:
        """Judge the rows of a table and keep them; nobody is invited yet.

        Raises `UnitNotFound`, `OutOfReach`, `UnitClosed`.
        """
        if principal.acting is None:
            raise MembershipRequired
        unit = await self._units.within_reach(principal, unit_id)
        if unit.status != UnitStatus.ACTIVE:
            raise UnitClosed
        grantable = await self._roles.grantable_by(principal.acting.roles)
        for person in people:
            self._judge(person, grantable)
        rules.repeated(people)
        batch = InviteBatch(
            id=new_id(),
            unit_id=unit.id,
            created_by=UUID(principal.sub),
            created_at=self._clock.now(),
            file_name=file_name,
            status=InviteBatchStatus.CHECKED,
            total=len(people),
            wrong=sum(1 for person in people if person.errors),
            sent=0,
            refused=0,
            postponed=0,
        )
        await self._rows.add(batch, [self._row(batch.id, person) for person in people])
        self._record(principal, "invites.uploaded", batch, rows=batch.total)
        return batch

    async def of_unit(
        self,
        principal: Principal,
        unit_id: UUID,
        status: InviteBatchStatus | None,
        sort: AgeSort,
        paging: PageRequest,
    ) -> Listed[InviteBatch]:
        """Return the batches of a unit in the caller's subtree; with `status` only those in it.

        Raises `UnitNotFound`, `OutOfReach`.
        """
        unit = await self._units.within_reach(principal, unit_id)
        return await self._rows.of_unit(unit.id, status, sort, paging)

    async def get(self, principal: Principal, batch_id: UUID, *, lock: bool = False) -> InviteBatch:
        """Return a batch of a unit in the caller's subtree. Raises `BatchNotFound`, `OutOfReach`."""
        batch = await self._rows.get(batch_id, lock=lock)
        if batch is None:
            raise BatchNotFound
        await self._units.within_reach(principal, batch.unit_id)
        return batch

    async def rows(
        self,
        principal: Principal,
        batch_id: UUID,
        result: InviteResult | None,
        name: str | None,
        paging: PageRequest,
    ) -> Listed[InviteBatchRow]:
        """Return rows in the order of the file; `name` is a part of the name. Raises the errors of `get`."""
        batch = await self.get(principal, batch_id)
        return await self._rows.listed_rows(batch.id, result, name, paging)

    async def failed(self, principal: Principal, batch_id: UUID) -> list[list[str]]:
        """Return the fields of the rows that were wrong or refused, each with its reasons.

        Raises the errors of `get`.
        """
        batch = await self.get(principal, batch_id)
        rows = await self._rows.rows(batch.id, _FAILED, 0, rules.MOST_ROWS)
        self._record(principal, "invites.failed_rows_read", batch, rows=len(rows))
        return [
            [*json.loads(self._vault.open(SEALED_FOR, row.fields_sealed)), "；".join(row.errors)]
            for row in rows
        ]

    async def send(self, principal: Principal, batch_id: UUID) -> InviteBatch:
        """Invite the people of all rows without errors, or of those that were postponed, in the background.

        Raises the errors of `get`, and `BatchNotReady`, `NobodyToInvite`.
        """
        if principal.acting is None:
            raise MembershipRequired
        batch = await self.get(principal, batch_id, lock=True)
        job = await job_queue.enqueue(self._session, SEND, Which(id=batch.id))
        batch.send(job.id, UUID(principal.sub), principal.acting.unit)
        self._record(principal, "invites.sent", batch, rows=batch.total - batch.wrong)
        return batch

    async def cancel(self, principal: Principal, batch_id: UUID) -> InviteBatch:
        """Stop sending; codes that were sent stay valid. Raises the errors of `get`, and `BatchNotReady`."""
        batch = await self.get(principal, batch_id, lock=True)
        batch.cancel(self._clock.now())
        self._record(principal, "invites.cancelled", batch)
        return batch

    def _judge(self, person: Person, grantable: frozenset[str]) -> None:
        phone, name = person.fields[:2]
        person.phone = normalise_phone(phone) if phone else None
        person.name = name if is_real_name(name) else None
        if phone and person.phone is None and "手机号" not in person.unusable:
            person.errors.append("手机号：不是有效的中国大陆手机号码")
        if name and person.name is None and "姓名" not in person.unusable:
            person.errors.append("姓名：请填写真实姓名")
        if not set(person.roles) <= grantable:
            person.errors.append("角色：您不能授予其中的角色")

    def _row(self, batch_id: UUID, person: Person) -> InviteBatchRow:
        return InviteBatchRow(
            id=new_id(),
            batch_id=batch_id,
            number=person.number,
            fields_sealed=self._vault.seal(SEALED_FOR, json.dumps(person.fields, ensure_ascii=False)),
            name=person.name,
            phone_masked=None if person.phone is None else mask_phone(person.phone),
            roles=sorted(person.roles),
            posts=person.posts,
            errors=person.errors,
            result=InviteResult.WRONG if person.errors else InviteResult.WAITING,
        )

    def _record(self, principal: Principal, action: str, batch: InviteBatch, **details: int) -> None:
        self._audit.record(
            actor=principal.sub, action=action, target=batch.id, unit=str(batch.unit_id), **details
        )
