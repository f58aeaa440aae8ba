"""Sends the invites of a table, a hundred in each transaction."""

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import InviteBatchStatus, InviteResult, Permission, Role, UnitStatus
from identity.accounts.rules import normalise_phone
from identity.accounts.service import Accounts
from identity.audit.service import AuditLog
from identity.base import Base
from identity.codes.service import Codes
from identity.delegations.dependencies import standings_for
from identity.invite_batches.models import SEALED_FOR, InviteBatch, InviteBatchRow, InviteBudget
from identity.invite_batches.repository import InviteBatchRepository
from identity.invites.links import join_link
from identity.invites.service import Invites
from identity.memberships.administrators import Administrators
from identity.roles.service import Roles
from identity.settings import Settings
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.service import TextMessages
from identity.units.changes import day_of
from identity.units.models import Unit
from identity.units.service import Units
from identity.vault import Vault
from jobs.job import Job
from jobs.kinds import Handler, Kind, Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.ltree import is_under
from servicekit.pruning import delete_in_batches

BATCH = 100
KEEP = timedelta(days=30)
TOTAL = "total"
"""The scope of the budget of all units."""


class Which(BaseModel):
    """The batch of a job."""

    id: UUID


class Done(BaseModel):
    """The last row that was dealt with."""

    number: int = 0


_UNSENT = (InviteResult.WAITING, InviteResult.POSTPONED)
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
                waiting = await rows.rows(batch.id, _UNSENT, at.number, BATCH)
                await self._deal_with(session, batch, waiting)
                more = len(waiting) == BATCH
                if not more:
                    batch.complete(self._clock.now())
                at = Done(number=waiting[-1].number if waiting else at.number)
                await job.checkpoint(
                    session,
                    at,
                    done=batch.sent + batch.refused + batch.postponed,
                    total=batch.total - batch.wrong,
                    message=f"已发送 {batch.sent} 份邀请",
                )

    async def _deal_with(
        self, session: AsyncSession, batch: InviteBatch, rows: Sequence[InviteBatchRow]
    ) -> None:
        """Invite, refuse or postpone each of a few rows."""
        audit = AuditLog(session, self._clock)
        units = Units(session, self._clock, audit)
        unit = await units.get(batch.unit_id, share=True)
        # Whoever confirmed may have lost the role or the unit since.
        grantable = await self._grantable(session, batch, unit)
        accounts = Accounts(
            session, self._clock, self._vault, Codes(session, self._clock, self._vault), audit
        )
        fine: list[tuple[InviteBatchRow, str]] = []
        for row in rows:
            phone = normalise_phone(json.loads(self._vault.open(SEALED_FOR, row.fields_sealed))[0])
            problem = self._forbidden(unit, row, grantable)
            if problem is None:
                problem = await self._unneeded(session, accounts, unit, phone)
            if phone is None or problem is not None:
                row.refuse(problem or "手机号：不是有效的中国大陆手机号码")
                batch.refused += 1
            else:
                fine.append((row, phone))
        granted, reason = await self._take(session, unit, len(fine))
        invites = Invites(session, self._clock, self._vault, units, Roles(session), audit)
        messages = TextMessages(session, self._clock, self._vault, self._dispatcher)
        for row, phone in fine[:granted]:
            invite, code = invites.for_phone(
                unit.id, phone, roles=row.roles, posts=row.posts, by=batch.sent_by or batch.created_by
            )
            await messages.queue(phone, self._text(unit, code), lifetime=timedelta(days=1))
            row.invited(invite.id)
            batch.sent += 1
        for row, _ in fine[granted:]:
            row.postpone(reason)
            batch.postponed += 1

    async def _grantable(
        self, session: AsyncSession, batch: InviteBatch, unit: Unit
    ) -> frozenset[str] | None:
        """Return the roles that whoever confirmed may still grant in the unit; None if they cannot invite."""
        if batch.sent_by is None or batch.acting_unit_id is None:
            # Confirmed with an earlier release, which did not record it.
            return frozenset(Role)
        standing = await standings_for(session, self._clock).of(batch.sent_by, batch.acting_unit_id)
        if standing is None or not standing.may(Permission.MEMBERS_ADMIT):
            return None
        if not is_under(unit.path, standing.path):
            return None
        return await Roles(session).grantable_by(standing.roles)

    def _forbidden(self, unit: Unit, row: InviteBatchRow, grantable: frozenset[str] | None) -> str | None:
        if unit.status != UnitStatus.ACTIVE:
            return "单位已撤销"
        if grantable is None:
            return "确认发送的管理员已不再有权为该单位邀请人员"
        return None if set(row.roles) <= grantable else "角色：确认发送的管理员已不能授予其中的角色"

    async def _unneeded(
        self, session: AsyncSession, accounts: Accounts, unit: Unit, phone: str | None
    ) -> str | None:
        account = None if phone is None else await accounts.by_phone(phone)
        if account is None:
            return None
        belongs = await Administrators(session).has_member(unit.id, account.id)
        return "该人员已属于本单位" if belongs else None

    async def _take(self, session: AsyncSession, unit: Unit, wanted: int) -> tuple[int, str]:
        """Use the day's budgets for texts. Return for how many they suffice, and what to say to the others.

        Both rows stay locked until the transaction ends, so that jobs at once cannot exceed a budget.
        """
        rows, today = InviteBatchRepository(session), day_of(self._clock.now())
        per_unit, in_total = self._settings.invite_budget_per_unit, self._settings.invite_budget_total
        own = await rows.budget(str(unit.id), today)
        first = own.take(wanted, per_unit)
        granted = (await rows.budget(TOTAL, today)).take(first, in_total)
        own.give_back(first - granted)
        if granted < first:
            return granted, "全国今日的邀请短信已达上限，可于次日继续发送"
        return granted, f"本单位今日的邀请短信已达上限（{per_unit} 条），可于次日继续发送"

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
        budgets = Base.metadata.tables[InviteBudget.__tablename__]
        await delete_in_batches(database, budgets, budgets.c.day <= day_of(clock.now() - KEEP))

    return Periodic("invites.batches.prune", run, every=timedelta(hours=6))
