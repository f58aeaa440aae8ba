"""Requests, stores and withdraws consent."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from identity.audit.service import AuditLog
from identity.clients.models import Client
from identity.consents.models import Consent
from identity.consents.repository import ConsentRepository
from identity.revocations.service import Revocations
from servicekit.clock import Clock

# Descriptions of scopes for the consent page.
WORDS = {
    "openid": "确认您的身份",
    "profile": "读取您的姓名",
    "phone": "读取您的手机号",
    "office": "以您的身份使用办公系统（公文收发与办理）",
    "cockpit:read": "以您的身份查看资助工作驾驶舱",
    "cockpit:write": "以您的身份向驾驶舱报送数据",
    "cockpit:wall": "在大屏上显示您所在单位的驾驶舱专题页面（不含个体信息，不能查询和导出）",
    "identity": "查看您的账号与所在单位，并以您的身份办理单位管理事项",
    "offline_access": "在您离开后继续使用以上授权",
}


def words(scopes: Sequence[str]) -> list[str]:
    """Return the Chinese descriptions of scopes, or the scope name if there is none."""
    return [WORDS.get(name, name) for name in scopes]


class Consents:
    """Consents for one request."""

    def __init__(
        self, session: AsyncSession, clock: Clock, revocations: Revocations, audit: AuditLog
    ) -> None:
        self._clock = clock
        self._revocations = revocations
        self._audit = audit
        self._rows = ConsentRepository(session)

    async def give(self, account_id: UUID, client_id: str, scopes: set[str], resources: set[str]) -> None:
        """Store the consent, added to previously granted scopes."""
        now = self._clock.now()
        if not await self._rows.insert(account_id, client_id, sorted(scopes), sorted(resources), now):
            row = await self._rows.live(account_id, client_id, lock=True)
            if row is not None:
                row.scopes = sorted(scopes | set(row.scopes))
                row.resources = sorted(resources | set(row.resources))
                row.granted_at = now
        self._audit.record(
            actor=account_id,
            action="consent.given",
            target=account_id,
            client=client_id,
            scopes=sorted(scopes),
        )

    async def of(self, account_id: UUID) -> Sequence[tuple[Consent, Client]]:
        """Return the person's active consents."""
        return await self._rows.of(account_id)

    async def withdraw(self, account_id: UUID, client_id: str) -> bool:
        """Withdraw a consent and revoke the client's grants. Return False if there was none."""
        now = self._clock.now()
        row = await self._rows.live(account_id, client_id, lock=True)
        if row is None:
            return False
        row.withdrawn_at = now
        for grant_id in await self._rows.revoke_grants(account_id, client_id, now):
            self._revocations.revoke(account_id, grant_id=str(grant_id), reason="consent withdrawn")
        self._audit.record(
            actor=account_id,
            action="consent.withdrawn",
            target=account_id,
            client=client_id,
        )
        return True
