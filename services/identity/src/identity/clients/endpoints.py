"""REST API of the client registry, for administrators of units."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.dependencies import REFUSALS
from authkit.errors import MembershipRequired, OutOfReach, PermissionRequired
from contracts.vocabulary import ClientStatus
from identity.clients import errors
from identity.clients.dependencies import ClientService, ClientStateService, RegistrationService
from identity.clients.models import Client
from identity.clients.registrars import Registrar
from identity.clients.repository import ClientFilter, ClientSort
from identity.clients.schemas import (
    ClientCreate,
    ClientIn,
    ClientOut,
    DisableIn,
    InitialTokenIn,
    InitialTokenOut,
    RejectIn,
)
from identity.clients.service import Clients
from identity.units.auth import ClientAdmin, ClientChanger
from identity.units.errors import UnitClosed, UnitNotFound
from servicekit.clock import Clock
from servicekit.dependencies import ServiceClock
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.paging import CountedPage, Paging
from servicekit.problems import responses

_ADMIN = (*REFUSALS, MembershipRequired, PermissionRequired)
router = APIRouter(prefix="/api/v1", tags=["接入系统"], responses=responses(*_ADMIN))
_RULES = (errors.InvalidRedirectUri, errors.InvalidClientMetadata)
_UNIT = (OutOfReach, UnitNotFound, UnitClosed)


# No Idempotency-Key: the stored response would contain the secret in clear.
@router.post(
    "/clients", status_code=201, summary="登记接入系统", responses=responses(*_ADMIN, *_UNIT, *_RULES)
)
async def create_client(
    new: ClientCreate, admin: ClientChanger, service: ClientService, clock: ServiceClock, response: Response
) -> ClientOut:
    """密钥只在此处返回一次。"""
    made = await service.create(Registrar.of(admin), new.owner_unit_id, new.metadata())
    response.headers["Location"] = f"/api/v1/clients/{made.client.client_id}"
    return await _out(made.client, service, clock, response, made.secret)


@router.get("/clients", summary="接入系统列表")
async def list_clients(
    admin: ClientAdmin,
    service: ClientService,
    clock: ServiceClock,
    paging: Paging,
    q: Annotated[str | None, Query(min_length=1, max_length=50, description="名称包含")] = None,
    status: Annotated[ClientStatus | None, Query(description="状态")] = None,
    unit_id: Annotated[UUID | None, Query(description="登记单位")] = None,
    proposed: Annotated[bool | None, Query(description="是否有待批准的修改")] = None,
    sort: Annotated[ClientSort, Query(description="排列")] = ClientSort.ID,
) -> CountedPage[ClientOut]:
    """本单位及下级单位登记的系统。"""
    found = await service.list(Registrar.of(admin), ClientFilter(q, status, unit_id, proposed), sort, paging)
    owners = await service.owners({one for row in found.items for one in _units(row)})
    return found.page(lambda row: ClientOut.of(row, clock.now(), owners))


@router.get("/clients/{client_id}", summary="查看接入系统", responses=responses(errors.ClientNotFound))
async def get_client(
    client_id: str, admin: ClientAdmin, service: ClientService, clock: ServiceClock, response: Response
) -> ClientOut:
    """含当前有效密钥的标识，不含密钥本身。"""
    return await _out(await service.get(Registrar.of(admin), client_id), service, clock, response)


@router.put(
    "/clients/{client_id}",
    summary="修改登记信息",
    responses={
        **responses(*_RULES, errors.ClientNotFound, VersionChanged, PreconditionRequired),
        202: {"model": ClientOut, "description": "已提出，待全国中心批准"},
    },
)
async def update_client(
    client_id: str,
    body: ClientIn,
    admin: ClientChanger,
    service: ClientService,
    clock: ServiceClock,
    response: Response,
    seen: RequiredIfMatch,
) -> ClientOut:
    """整体替换；If-Match 必填。改为以密钥认证的系统会得到新密钥。

    全国中心授予过权限的系统，由其单位修改名称、增加回调地址、更换认证方式等时不立即生效（202），须经全国中心批准。
    """
    made = await service.update(Registrar.of(admin), client_id, body.metadata(), seen)
    if made.client.proposed is not None:
        response.status_code = 202
    return await _out(made.client, service, clock, response, made.secret)


@router.post(
    "/clients/{client_id}/proposed/approve",
    summary="批准修改登记信息",
    responses=responses(
        *_RULES,
        errors.CentreOnly,
        errors.ClientNotFound,
        errors.NothingProposed,
        VersionChanged,
        PreconditionRequired,
    ),
)
async def approve_client_change(
    client_id: str,
    admin: ClientChanger,
    service: ClientService,
    clock: ServiceClock,
    response: Response,
    seen: RequiredIfMatch,
) -> ClientOut:
    """仅限全国中心；If-Match 必填，批准的就是所看到的内容。"""
    made = await service.approve(Registrar.of(admin), client_id, seen)
    return await _out(made.client, service, clock, response, made.secret)


@router.post(
    "/clients/{client_id}/proposed/reject",
    summary="退回或撤回修改登记信息",
    responses=responses(errors.ClientNotFound, errors.NothingProposed, VersionChanged, PreconditionRequired),
)
async def reject_client_change(
    client_id: str,
    body: RejectIn,
    admin: ClientChanger,
    service: ClientService,
    clock: ServiceClock,
    response: Response,
    seen: RequiredIfMatch,
) -> ClientOut:
    """全国中心退回，或本单位撤回；现登记信息不变。"""
    client = await service.reject(Registrar.of(admin), client_id, seen, body.reason)
    return await _out(client, service, clock, response)


@router.post(
    "/clients/{client_id}/secrets",
    status_code=201,
    summary="更换密钥",
    responses=responses(errors.ClientNotFound, errors.NoSecrets, errors.ClientDisabled),
)
async def rotate_secret(
    client_id: str, admin: ClientChanger, service: ClientService, clock: ServiceClock, response: Response
) -> ClientOut:
    """新密钥只在此处返回一次；原密钥在重叠期内仍可使用。"""
    made = await service.rotate_secret(Registrar.of(admin), client_id)
    response.headers["Location"] = f"/api/v1/clients/{client_id}"
    return await _out(made.client, service, clock, response, made.secret)


@router.delete(
    "/clients/{client_id}/secrets/{secret}",
    summary="立即作废密钥",
    responses=responses(errors.ClientNotFound, errors.SecretNotFound),
)
async def revoke_secret(
    client_id: str,
    secret: str,
    admin: ClientChanger,
    service: ClientService,
    clock: ServiceClock,
    response: Response,
) -> ClientOut:
    """`secret` 是密钥的标识。"""
    return await _out(
        await service.revoke_secret(Registrar.of(admin), client_id, secret), service, clock, response
    )


@router.post(
    "/clients/{client_id}/disable",
    summary="停用接入系统",
    responses=responses(errors.ClientNotFound, errors.ClientDisabled),
)
async def disable_client(
    client_id: str,
    body: DisableIn,
    admin: ClientChanger,
    states: ClientStateService,
    service: ClientService,
    clock: ServiceClock,
    response: Response,
) -> ClientOut:
    """停用后不能再登录、取令牌；此前的授权一并撤销。

    已停用的系统可以由全国中心或上级单位再次停用，此后只有其可以恢复。
    """
    client = await states.disable(Registrar.of(admin), client_id, body.reason)
    return await _out(client, service, clock, response)


@router.post(
    "/clients/{client_id}/enable",
    summary="恢复接入系统",
    responses=responses(
        *(errors.ClientNotFound, errors.ClientActive, UnitClosed),
        *(errors.DisabledByCentre, errors.DisabledAbove, *_ADMIN),
    ),
)
async def enable_client(
    client_id: str,
    admin: ClientChanger,
    states: ClientStateService,
    service: ClientService,
    clock: ServiceClock,
    response: Response,
) -> ClientOut:
    """恢复使用；须重新授权。由全国中心停用的只有全国中心可以恢复，由上级单位停用的只有该单位及其上级可以恢复。"""
    return await _out(await states.enable(Registrar.of(admin), client_id), service, clock, response)


@router.delete(
    "/clients/{client_id}",
    status_code=204,
    summary="删除接入系统",
    responses=responses(errors.ClientNotFound, VersionChanged, PreconditionRequired),
)
async def remove_client(
    client_id: str, admin: ClientChanger, states: ClientStateService, seen: RequiredIfMatch
) -> None:
    """不能恢复；If-Match 必填。此前的授权和登记令牌一并撤销；已删除的再次删除也返回 204。"""
    await states.delete(Registrar.of(admin), client_id, seen)


@router.post(
    "/initial-access-tokens",
    status_code=201,
    summary="签发动态登记初始令牌",
    responses=responses(errors.CentreOnly, UnitNotFound, UnitClosed),
)
async def issue_initial_token(
    new: InitialTokenIn,
    admin: ClientChanger,
    registration: RegistrationService,
    service: ClientService,
    response: Response,
) -> InitialTokenOut:
    """仅限全国中心的管理员；令牌只在此处返回一次（RFC 7591）。"""
    row, token = await registration.issue(
        admin, new.owner_unit_id, note=new.note, days=new.days, max_uses=new.max_uses
    )
    response.headers["Location"] = "/api/v1/initial-access-tokens"
    return InitialTokenOut.of(row, await service.owners([row.owner_unit_id]), token)


@router.get("/initial-access-tokens", summary="动态登记初始令牌列表", responses=responses(errors.CentreOnly))
async def list_initial_tokens(
    admin: ClientAdmin,
    registration: RegistrationService,
    service: ClientService,
    paging: Paging,
    usable: Annotated[bool, Query(description="只列仍可使用的")] = False,
) -> CountedPage[InitialTokenOut]:
    """仅限全国中心的管理员。"""
    found = await registration.issued(admin, paging, usable=usable)
    owners = await service.owners({row.owner_unit_id for row in found.items})
    return found.page(lambda row: InitialTokenOut.of(row, owners))


@router.post(
    "/initial-access-tokens/{token_id}/revoke",
    summary="撤销动态登记初始令牌",
    responses=responses(errors.CentreOnly, errors.InitialTokenNotFound),
)
async def revoke_initial_token(
    token_id: UUID, admin: ClientChanger, registration: RegistrationService, service: ClientService
) -> InitialTokenOut:
    """已登记的系统不受影响。"""
    row = await registration.revoke(admin, token_id)
    return InitialTokenOut.of(row, await service.owners([row.owner_unit_id]))


def _units(client: Client) -> tuple[UUID | None, ...]:
    return client.owner_unit_id, client.disabled_by_unit_id


async def _out(
    client: Client, service: Clients, clock: Clock, response: Response, secret: str | None = None
) -> ClientOut:
    out = ClientOut.of(client, clock.now(), await service.owners(_units(client)), secret)
    response.headers["ETag"] = etag(out.version)
    if secret is not None:
        response.headers["Cache-Control"] = "no-store"
    return out
