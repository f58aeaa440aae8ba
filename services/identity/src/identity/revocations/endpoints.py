"""REST API by which services learn of revocations while the broker does not deliver their events."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from contracts.revocations import Revoked
from identity.revocations.dependencies import LiveRevocationService
from identity.units.auth import DirectoryReader
from servicekit import problems
from servicekit.paging import Page, Paging, page

router = APIRouter(
    prefix="/api/v1", tags=["副本"], responses=problems.responses(*REFUSALS, InsufficientScope)
)


@router.get(
    "/snapshot/revocations",
    summary="尚未过期的令牌吊销（供其他服务在消息中断时查询）",
    description="内容与三种吊销事件相同，按记录时间排列；`recorded_from` 只返回此时及以后记录的。",
)
async def snapshot_revocations(
    _: DirectoryReader,
    paging: Paging,
    revocations: LiveRevocationService,
    recorded_from: Annotated[AwareDatetime | None, Query(description="此时及以后记录的")] = None,
) -> Page[Revoked]:
    """Return the revocations that still apply to tokens, as in their events, in the order recorded."""
    rows = await revocations.live(recorded_from, paging.key(datetime.fromisoformat, UUID), paging.limit)
    entries = [Revoked.model_validate(row) for row in rows]
    return page(entries, paging.limit, lambda entry: [entry.recorded_at.isoformat(), entry.id])
