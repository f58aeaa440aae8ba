"""Makes exports, closes accounts whose time has come, and deletes old exports."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.vocabulary import ExportStatus
from identity.base import Base
from identity.privacy import content, rules
from identity.privacy.kinds import EXPORT, Which
from identity.privacy.models import SEALED_FOR, DataExport
from identity.privacy.repository import PrivacyRepository
from identity.privacy.service import Privacy
from identity.roles.service import Roles
from identity.sessions.rules import SignInMeans
from identity.vault import Vault
from jobs.job import Job
from jobs.kinds import Handler, Periodic
from servicekit.clock import Clock
from servicekit.db import Database
from servicekit.pruning import delete_in_batches

log = structlog.get_logger("privacy")
_AT_ONCE = 100
_MEANS: dict[str, SignInMeans] = {one.value: one for one in SignInMeans}


class Exporting:
    """Handler of `EXPORT`. The same data in one transaction; a repetition replaces the file."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    async def run(self, job: Job[Which]) -> None:
        """Make the file."""
        async with job.transaction() as session:
            rows = PrivacyRepository(session)
            export = await rows.export(job.payload.id, lock=True)
            if export is None:
                return
            sections = await Sections(session, self._vault).of(export.account_id)
            now = self._clock.now()
            file = base64.b64encode(content.archive(sections, now)).decode()
            export.file_sealed = self._vault.seal(SEALED_FOR, file)
            export.status, export.finished_at = ExportStatus.DONE, now


class Sections:
    """Collects what is stored about a person."""

    def __init__(self, session: AsyncSession, vault: Vault) -> None:
        self._vault = vault
        self._rows = PrivacyRepository(session)
        self._roles = Roles(session)

    async def of(self, sub: UUID) -> dict[str, content.Rows]:
        """Return the sections of an export, with the person's own data unmasked."""
        belonging = await self._rows.memberships(sub)
        roles = await self._roles.named(*(one.roles for one, _ in belonging))
        return {
            "账号": [await self._account(sub)],
            "所属单位": [
                {
                    "单位": unit.name,
                    "角色": named,
                    "职务": one.posts,
                    "分工": one.duties,
                    "开始": one.started_at,
                    "结束": one.ended_at,
                }
                for (one, unit), named in zip(belonging, roles, strict=True)
            ],
            "加入申请": [
                {"单位": unit.name, "状态": one.status, "申请时间": one.requested_at}
                for one, unit in await self._rows.join_requests(sub)
            ],
            "登录方式": await self._authenticators(sub),
            "更换手机号": [
                {
                    "事项": one.kind,
                    "新手机号": one.phone_masked,
                    "状态": one.status,
                    "申请时间": one.requested_at,
                }
                for one in await self._rows.phone_changes(sub)
            ],
            "同意的文件": [
                {"文件": one.kind, "版本": one.version, "时间": one.at, "撤回时间": one.withdrawn_at}
                for one in await self._rows.agreements(sub)
            ],
            "登录记录": [
                {
                    "时间": one.at,
                    "方式": _MEANS.get(one.means, one.means),
                    "设备": one.device,
                    "网络地址": one.address_masked,
                    "地点": one.place,
                    "未能登录的原因": one.refused,
                }
                for one in await self._rows.sign_ins(sub)
            ],
            "操作记录": [{"时间": one.at, "事项": one.action} for one in await self._rows.acts(sub)],
        }

    async def _account(self, sub: UUID) -> dict[str, object]:
        account = await self._rows.account(sub)
        phone = None if account.phone_lost_at else self._vault.open("phone", account.phone_sealed)
        sealed = account.id_number_sealed
        return {
            "账号标识": str(account.id),
            "姓名": account.name,
            "手机号": phone,
            "公民身份号码": None if sealed is None else self._vault.open("id_number", sealed),
            "注册时间": account.registered_at,
            "实名核验时间": account.verified_at,
            "状态": account.status,
        }

    async def _authenticators(self, sub: UUID) -> content.Rows:
        password, totp = await self._rows.password(sub), await self._rows.totp(sub)
        found = [] if password is None else [{"方式": "密码", "名称": None, "设置时间": password.changed_at}]
        if totp is not None:
            found.append({"方式": "动态口令", "名称": None, "设置时间": totp.added_at})
        keys = await self._rows.passkeys(sub)
        return [*found, *({"方式": "通行密钥", "名称": k.name, "设置时间": k.added_at} for k in keys)]


async def complete_due(database: Database, clock: Clock, privacy: Callable[[AsyncSession], Privacy]) -> int:
    """Close the accounts whose time has come. Return their number.

    Each account is closed in a transaction of its own, then its sign-in history is deleted in parts.
    """
    closed = 0
    while True:
        async with database.transaction() as session:
            due = await PrivacyRepository(session).due_closings(clock.now(), _AT_ONCE)
        for sub in due:
            async with database.transaction() as session:
                done = await privacy(session).complete(sub)
            closed += done
            while done:
                async with database.transaction() as session:
                    done = await PrivacyRepository(session).erase_sign_ins(sub) == rules.ERASED_AT_ONCE
        if len(due) < _AT_ONCE:
            return closed


async def prune(database: Database, clock: Clock) -> None:
    """Delete exports after `EXPORT_KEPT`."""
    table = Base.metadata.tables[DataExport.__tablename__]
    await delete_in_batches(database, table, table.c.requested_at <= clock.now() - rules.EXPORT_KEPT)


def handlers(vault: Vault, clock: Clock) -> list[Handler[Any]]:
    """Return the handlers of jobs."""
    return [Handler(EXPORT, Exporting(vault, clock).run)]


def tasks(database: Database, clock: Clock, privacy: Callable[[AsyncSession], Privacy]) -> list[Periodic]:
    """Return the periodic tasks."""

    async def close() -> None:
        closed = await complete_due(database, clock, privacy)
        if closed:
            log.info("accounts closed", count=closed)

    async def clear() -> None:
        await prune(database, clock)

    return [
        Periodic("privacy.close", close, every=timedelta(minutes=10)),
        Periodic("privacy.prune", clear, every=timedelta(hours=1)),
    ]
