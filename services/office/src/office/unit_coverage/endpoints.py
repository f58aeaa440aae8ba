"""The API of what one unit has done with a notice."""

from uuid import UUID

from fastapi import APIRouter

from authkit.errors import OutOfReach
from office.actors import Member
from office.coverage.errors import ReceiptsArchived
from office.directory.errors import REFUSALS
from office.unit_coverage.dependencies import UnitCoverageService
from office.unit_coverage.schemas import UnitCoverageOut
from servicekit.problems import NotFound, responses

router = APIRouter(prefix="/api/v1/notices", tags=["通知公告"])


@router.get(
    "/{notice_id}/coverage/units/{unit_id}",
    summary="一个单位的办理经过",
    responses=responses(*REFUSALS, OutOfReach, NotFound, ReceiptsArchived),
)
async def get_unit_coverage(
    notice_id: UUID, unit_id: UUID, actor: Member, coverages: UnitCoverageService
) -> UnitCoverageOut:
    """何时送达、由谁阅读和签收、转发、答复、催办和退回。

    可查本单位范围内的单位，和发布后划出、仍计入本单位的单位。人员只显示姓名。
    """
    return UnitCoverageOut.of(await coverages.view(actor, notice_id, unit_id))
