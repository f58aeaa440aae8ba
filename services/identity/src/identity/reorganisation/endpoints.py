"""REST API for changes of the authority tree."""

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from authkit.dependencies import REFUSALS
from authkit.errors import MembershipRequired, OutOfReach, PermissionRequired
from authkit.idempotency import Idempotent
from identity.reorganisation.dependencies import ReorganisationService
from identity.reorganisation.errors import EndingNotFound
from identity.reorganisation.schemas import UnitEndingOut
from identity.units import errors
from identity.units.auth import UnitAdmin
from identity.units.models import Unit
from identity.units.schemas import ChangeIn, MergeIn, MoveIn, SplitIn, UnitOut
from servicekit import problems
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag

router = APIRouter(prefix="/api/v1", tags=["单位"], responses=problems.responses(*REFUSALS))
_CHANGE = (
    MembershipRequired,
    PermissionRequired,
    OutOfReach,
    errors.OwnUnit,
    errors.UnitNotFound,
    errors.UnitClosed,
    errors.EffectiveInFuture,
    errors.EffectiveTooEarly,
    VersionChanged,
    PreconditionRequired,
)


@router.post(
    "/units/{unit_id}/move",
    summary="变更隶属关系",
    description="连同所有下级单位移到新的上级单位；原上级和新上级都须在管辖范围内。有关人员须重新取得令牌。",
    responses=problems.responses(
        *_CHANGE, errors.AlreadyBelow, errors.MoveIntoOwnSubtree, errors.LevelNotBelow
    ),
)
async def move_unit(
    unit_id: UUID,
    asked: MoveIn,
    admin: UnitAdmin,
    work: ReorganisationService,
    seen: RequiredIfMatch,
    response: Response,
) -> UnitOut:
    """Move a unit with all below it."""
    return _out(await work.move(admin, unit_id, asked, seen), response)


@router.post(
    "/units/{unit_id}/merge",
    summary="并入其他单位",
    description=(
        "下级单位和人员转到同一层级的另一个单位，未办事项随人员移交，该单位撤销。返回被撤销的单位。"
        "人员较多时在后台分批办理，进度见 /units/{unit_id}/ending。"
    ),
    responses=problems.responses(
        *_CHANGE, errors.MergeLevelDiffers, errors.MoveIntoOwnSubtree, errors.LevelNotBelow
    ),
)
async def merge_unit(
    unit_id: UUID,
    asked: MergeIn,
    admin: UnitAdmin,
    work: ReorganisationService,
    seen: RequiredIfMatch,
    response: Response,
) -> UnitOut:
    """Merge a unit into another one."""
    return _out(await work.merge(admin, unit_id, asked, seen), response)


@router.post(
    "/units/{unit_id}/split",
    status_code=201,
    summary="分设单位",
    description="在同一上级之下设立同层级、同类别的新单位，并划入所选的直接下级单位。返回新单位。",
    response_model=UnitOut,
    responses=problems.responses(*_CHANGE, errors.NotAChild, errors.UnknownDivision, errors.UnitCodeTaken),
)
async def split_unit(
    unit_id: UUID,
    asked: SplitIn,
    admin: UnitAdmin,
    work: ReorganisationService,
    seen: RequiredIfMatch,
    idempotency: Idempotent,
) -> JSONResponse:
    """Open a unit beside another one with some of its children."""
    unit = await work.split(admin, unit_id, asked, seen)
    headers = {"ETag": etag(unit.version), "Location": f"/api/v1/units/{unit.id}"}
    return await idempotency.keep(UnitOut.model_validate(unit), headers=headers)


@router.post(
    "/units/{unit_id}/close",
    summary="撤销单位",
    description=(
        "须已没有正常状态的下级单位。所属人员自此不属于该单位，未办事项移交上级单位，历史保留。"
        "人员较多时在后台分批办理，进度见 /units/{unit_id}/ending。"
    ),
    responses=problems.responses(*_CHANGE, errors.UnitNotEmpty),
)
async def close_unit(
    unit_id: UUID,
    asked: ChangeIn,
    admin: UnitAdmin,
    work: ReorganisationService,
    seen: RequiredIfMatch,
    response: Response,
) -> UnitOut:
    """Close a unit without active units below. Its people lose their membership; history is kept."""
    return _out(await work.close(admin, unit_id, asked, seen), response)


@router.get(
    "/units/{unit_id}/ending",
    summary="撤销或并入的办理进度",
    description="一个已撤销或已并入其他单位的单位，其人员和未办事项的办理进度。",
    responses=problems.responses(
        MembershipRequired, PermissionRequired, OutOfReach, errors.UnitNotFound, EndingNotFound
    ),
)
async def get_unit_ending(unit_id: UUID, admin: UnitAdmin, work: ReorganisationService) -> UnitEndingOut:
    """Return how far the people of a closed or merged unit have been dealt with."""
    return UnitEndingOut.of(*await work.ending(admin, unit_id))


def _out(unit: Unit, response: Response) -> UnitOut:
    response.headers["ETag"] = etag(unit.version)
    return UnitOut.model_validate(unit)
