"""The API of addresses."""

from fastapi import APIRouter

from authkit.errors import PermissionRequired
from office.addressing.auth import Sender
from office.addressing.dependencies import AddressingService
from office.addressing.errors import RecipientsOutOfReach
from office.addressing.schemas import PreviewIn, PreviewOut
from office.directory.dependencies import UnitService
from office.directory.errors import REFUSALS
from servicekit.problems import responses

router = APIRouter(prefix="/api/v1/recipients", tags=["通知公告"])


@router.post(
    "/preview",
    summary="预览收文单位数",
    responses=responses(*REFUSALS, PermissionRequired, RecipientsOutOfReach),
)
async def preview_recipients(
    actor: Sender, body: PreviewIn, units: UnitService, addressing: AddressingService
) -> PreviewOut:
    """按层级和直接下级分支给出准确的收文单位数，不写入任何内容；没有收文单位时为 0。"""
    unit = await units.own(actor)
    return PreviewOut.of(await addressing.preview(unit, body.recipients.address()))
