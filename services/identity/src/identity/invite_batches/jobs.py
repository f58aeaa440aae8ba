"""Sends the invites of a table, a hundred in each transaction."""

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import InviteBatchStatus, InviteResult, UnitStatus
from identity.accounts.rules import normalise_phone
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.base import Base
from identity.codes.service import Codes
from identity.invite_batches.models import SEALED_FOR, InviteBatch, InviteBatchRow
from identity.invite_batches.repository import InviteBatchRepository
from identity.invites.links import join_link
from identity.invites.service import Invites
from identity.memberships.administrators import Administrators
from identity.roles.service import Roles
from identity.settings import Settings
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from identity.units.models import Unit
from identity.units.service import Units
from identity.vault import Vault
from jobs.job import Job
from jobs.kinds import Handler, Kind, Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

BATCH = 100
KEEP = timedelta(days=30)


class Which(BaseModel):
    """The batch of a job."""

    id: UUID


class Done(BaseModel):
    """The last row that was dealt with."""

    number: int = 0


SEND = Kind("identity.invites.send", Which, concurrency=2)


class Sending:
    """Handler of `SEND`."""

    def __init__(self, settings: Settings, vault: Vault, clock: Clock, dispatcher: SmsDispatcher) -> None:
        self._settings = settings
        self._vault = vault
        self._clock = clock
        self._dispatcher = dispatcher

    async def run(self, job: Job[Which]) -> None:
        """Invite the rest of the people; a cancelled batch stops before the next hundred."""
        at = job.resume(Done) or Done()
        more = True
        while more:
            async with job.transaction() as session:
                rows = InviteBatchRepository(session)
                batch = await rows.get(job.payload.id, lock=True)
                if batch is None or batch.status != InviteBatchStatus.SENDING:
                    return
                waiting = await rows.rows(batch.id, (InviteResult.WAITING,), at.number, BATCH)
                await self._send(session, batch, waiting)
                more = len(waiting) == BATCH
                if not more:
                    batch.complete(self._clock.now())
                at = Done(number=waiting[-1].number if waiting else at.number)
                done, total = batch.sent + batch.refused, batch.total - batch.wrong
                await job.checkpoint(
                    session, at, done=done, total=total, message=f"已发送 {batch.sent} 份邀请"
                )

    async def _send(self, session: AsyncSession, batch: InviteBatch, rows: Sequence[InviteBatchRow]) -> None:
        audit = AuditLog(session, self._clock)
        units = Units(session, self._clock, audit)
        accounts = Accounts(
            session, self._clock, self._vault, Codes(session, self._clock, self._vault), audit
        )
        invites = Invites(session, self._clock, self._vault, units, Roles(session), audit)
        messages = TextMessages(session, self._clock, self._vault, self._dispatcher)
        unit = await units.get(batch.unit_id, share=True)
        for row in rows:
            phone = normalise_phone(json.loads(self._vault.open(SEALED_FOR, row.fields_sealed))[0])
            problem = await self._problem(session, accounts, unit, phone)
            if phone is None or problem is not None:
                row.refuse(problem or "手机号：不是有效的中国大陆手机号码")
                batch.refused += 1
                continue
            invite, code = invites.for_phone(
                unit.id, phone, roles=row.roles, posts=row.posts, by=batch.created_by
            )
            await messages.queue(phone, self._text(unit, code), lifetime=timedelta(days=1))
            row.invited(invite.id)
            batch.sent += 1

    async def _problem(
        self, session: AsyncSession, accounts: Accounts, unit: Unit, phone: str | None
    ) -> str | None:
        if unit.status != UnitStatus.ACTIVE:
            return "单位已撤销"
        account = None if phone is None else await accounts.by_phone(phone)
        if account is None:
            return None
        belongs = await Administrators(session).has_member(unit.id, account.id)
        return "该人员已属于本单位" if belongs else None

    def _text(self, unit: Unit, code: str) -> str:
        link = join_link(self._settings.issuer_url, code)
        return (
            f"【学生资助】{unit.name}邀请您加入学生资助工作平台，邀请码{code}，30天内有效，仅限本号码使用。"
            f"请打开 {link} 办理。"
        )


def handler(sending: Sending) -> Handler[Which]:
    """Return the handler of the job."""
    return Handler(SEND, sending.run)


def pruning(database: Database, clock: Clock) -> Periodic:
    """Return the periodic deletion of old batches; their rows go with them."""

    async def run() -> None:
        table = Base.metadata.tables[InviteBatch.__tablename__]
        await delete_in_batches(database, table, table.c.created_at <= clock.now() - KEEP, batch=20)

    return Periodic("invites.batches.prune", run, every=timedelta(hours=6))
