"""The API of individual records."""

from fastapi import APIRouter

from authkit.errors import InsufficientUserAuthentication
from cockpit.access.auth import REFUSALS, Viewer
from cockpit.access.errors import CountyRequired
from cockpit.analytics import errors as analytics
from cockpit.individuals.auth import InCharge
from cockpit.individuals.dependencies import RecordService
from cockpit.individuals.errors import NotListed
from cockpit.individuals.schemas import Individuals, IndividualsIn, UseOut
from cockpit.intake.errors import PersonalNumber
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.paging import BadCursor, CountedPage, Paging

router = APIRouter(
    prefix="/api/v1/individuals", tags=["个体记录"], responses=problems.responses(*REFUSALS, BadCursor)
)


@router.post(
    "",
    summary="查看个体记录",
    description=(
        "数值背后的个体记录，仅供主管的县级学生资助管理部门查看：须在五分钟内以密码或更高级别验证身份，"
        "并填写事由；每次查看（每一页）都先记入使用记录。人员标识只显示首尾，每页至多 100 条。"
    ),
    responses=problems.responses(
        *(CountyRequired, InsufficientUserAuthentication, NotListed, UnitNotReplicated, PersonalNumber),
        *analytics.REFUSALS,
    ),
)
async def search_individuals(
    given: IndividualsIn, actor: InCharge, records: RecordService, paging: Paging
) -> Individuals:
    """Return a page of individual records."""
    return await records.list(actor, given, paging)


@router.get(
    "/uses",
    summary="个体记录的使用记录",
    description="本单位及下级单位何人在何时、因何事由查看过个体记录，从新到旧。",
)
async def list_individual_uses(actor: Viewer, records: RecordService, paging: Paging) -> CountedPage[UseOut]:
    """Return who looked at individual records."""
    return (await records.uses(actor, paging)).page(UseOut.of)
