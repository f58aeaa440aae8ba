"""The API of coverage."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.errors import OutOfReach
from office.actors import Member
from office.coverage.dependencies import CoverageService
from office.coverage.schemas import CoverageOut
from office.directory.errors import REFUSALS
from servicekit.paging import Paging
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])


@router.get(
    "/{notice_id}/coverage",
    summary="通知覆盖情况",
    responses=responses(*REFUSALS, OutOfReach, NotFound),
)
async def get_coverage(
    notice_id: UUID,
    actor: Member,
    coverage: CoverageService,
    paging: Paging,
    under: Annotated[UUID | None, Query(description="统计该单位及其下级；默认本单位")] = None,
) -> CoverageOut:
    """发文单位和已收到通知的各级单位可查本单位范围内的情况：送达、签收、谁未转发、谁未签收。

    按通知送达时的隶属关系统计：此后新设的单位可以查看，但不计入；此后划转的单位仍计入送达时所在的上级；
    未签收即撤销的单位不再计入。limit 和 cursor 用于 missing。
    """
    return CoverageOut.of(await coverage.report(actor, notice_id, under, paging))
