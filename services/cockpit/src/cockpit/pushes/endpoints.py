"""The API of pushes: for clients, and for those who register them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from authkit.errors import PermissionRequired
from cockpit.access.auth import REFUSALS
from cockpit.access.errors import UnitNotFound, UnitOutOfReach
from cockpit.intake.answers import (
    BATCH_ERRORS,
    BODY,
    FILE_ERRORS,
    Feed,
    Key,
    Mode,
    Resubmits,
    Source,
    answered,
    attached,
    detailed,
)
from cockpit.intake.claiming import NewBatch
from cockpit.intake.errors import BatchNotFound, PersonalNumber
from cockpit.intake.files import kind_of
from cockpit.intake.schemas import BatchDetail, BatchOut
from cockpit.pushes.auth import PUSH_REFUSALS, Pusher, Registrar
from cockpit.pushes.dependencies import GrantService, PushService
from cockpit.pushes.errors import AlreadyGranted, GrantNotFound, PushNotGranted
from cockpit.pushes.schemas import GrantIn, GrantOut
from contracts.intake import BatchMode
from replica.errors import UnitNotReplicated
from servicekit import problems
from servicekit.paging import CountedPage, Paging

PUSHES = "/api/v1/intake/pushes"
GRANTS = "/api/v1/intake/push-grants"
router = APIRouter(prefix="/api/v1/intake", tags=["数据接入"])


@router.post(
    "/pushes",
    status_code=201,
    summary="其他系统代单位推送一批数据",
    description=(
        "接入系统以 client_credentials 取得绑定密钥的令牌（DPoP，RFC 9449），"
        "为已登记的单位推送文件；其余与“上传一批数据”相同。每次推送和被拒绝的尝试都有记录。"
    ),
    response_model=BatchOut,
    openapi_extra=BODY,
    responses={
        200: {"model": BatchOut, "description": "此前已接收的同一批次"},
        **problems.responses(*PUSH_REFUSALS, PushNotGranted, *FILE_ERRORS, *BATCH_ERRORS),
    },
)
async def push_batch(
    request: Request,
    response: Response,
    client: Pusher,
    pushes: PushService,
    feed: Feed,
    source: Source,
    unit_code: Annotated[
        str,
        Query(
            min_length=1,
            max_length=32,
            pattern=r"^[A-Za-z0-9]+$",
            description="单位代码",
            examples=["370102"],
        ),
    ],
    batch_id: Annotated[
        UUID | None,
        Query(description="批次号，在单位内唯一；batch_id 与 Idempotency-Key 至少给定一个"),
    ] = None,
    mode: Mode = BatchMode.NEW,
    resubmits: Resubmits = None,
    key: Key = None,
) -> BatchOut:
    """Receive a file from a client that is registered for the unit."""
    kind = kind_of(request.headers.get("content-type"), request.headers.get("content-encoding"))
    new = NewBatch(
        feed=feed,
        unit=None,
        source=source,
        batch_id=batch_id,
        key=key,
        kind=kind,
        mode=mode,
        parent=resubmits,
    )
    found, ours = await pushes.receive(client, unit_code, new, request.stream())
    response.headers["Location"] = f"{PUSHES}/{found.batch.id}"
    return answered(response, found, ours)


@router.get(
    "/pushes/{batch_id}",
    summary="推送的批次",
    description="本系统推送的一个批次及各原因的隔离行数。",
    responses=problems.responses(*PUSH_REFUSALS, BatchNotFound),
)
async def get_push(batch_id: UUID, client: Pusher, pushes: PushService) -> BatchDetail:
    """Return a batch that the client pushed."""
    return detailed(*await pushes.get(client, batch_id))


@router.get(
    "/pushes/{batch_id}/quarantine.csv",
    summary="下载推送中被隔离的行",
    description="与“下载被隔离的行”相同，只限本系统推送的批次；有记录。",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/csv": {"example": "行号,原因代码,原因,...\n"}}, "description": "CSV 文件"},
        **problems.responses(*PUSH_REFUSALS, BatchNotFound),
    },
)
async def download_push_quarantine(batch_id: UUID, client: Pusher, pushes: PushService) -> StreamingResponse:
    """Return the rows as received, with line number and reason."""
    return attached(batch_id, await pushes.quarantined(client, batch_id))


@router.post(
    "/push-grants",
    status_code=201,
    summary="登记代报的系统",
    description="允许一个接入系统为本单位或下级单位推送指定数据源的数据。有记录。",
    responses=problems.responses(
        *(*REFUSALS, PermissionRequired, UnitNotReplicated, UnitOutOfReach, UnitNotFound),
        *(PersonalNumber, AlreadyGranted),
    ),
)
async def create_push_grant(
    given: GrantIn, response: Response, actor: Registrar, grants: GrantService
) -> GrantOut:
    """Let a client push for a unit."""
    grant, unit = await grants.register(actor, given)
    response.headers["Location"] = f"{GRANTS}/{grant.id}"
    return GrantOut.of(grant, unit)


@router.get(
    "/push-grants",
    summary="代报系统的登记",
    description="本单位及下级单位的登记，从新到旧。",
    responses=problems.responses(*REFUSALS, PermissionRequired, UnitNotReplicated),
)
async def list_push_grants(
    actor: Registrar,
    grants: GrantService,
    paging: Paging,
    client_id: Annotated[
        str | None, Query(min_length=1, max_length=128, description="接入系统的标识")
    ] = None,
    in_force: Annotated[bool | None, Query(description="只看有效（或已撤销）的登记")] = None,
) -> CountedPage[GrantOut]:
    """Return the registrations of the caller's subtree."""
    return (await grants.below(actor, client_id, in_force, paging)).page(lambda row: GrantOut.of(*row))


@router.post(
    "/push-grants/{grant_id}/revoke",
    summary="撤销代报登记",
    description="立即生效；已接收的批次不受影响，可用撤回。有记录。",
    responses=problems.responses(*REFUSALS, PermissionRequired, UnitNotReplicated, GrantNotFound),
)
async def revoke_push_grant(grant_id: UUID, actor: Registrar, grants: GrantService) -> GrantOut:
    """Revoke a registration."""
    return GrantOut.of(*await grants.revoke(actor, grant_id))
