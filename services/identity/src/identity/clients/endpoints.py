"""REST API of the client registry, for administrators of units."""

from uuid import UUID

from fastapi import APIRouter, Response

from authkit.dependencies import REFUSALS
from authkit.errors import MembershipRequired, OutOfReach, PermissionRequired
from identity.clients import errors
from identity.clients.dependencies import ClientService, RegistrationService
from identity.clients.models import Client, InitialAccessToken
from identity.clients.schemas import (
    ClientCreate,
    ClientIn,
    ClientOut,
    DisableIn,
    InitialTokenIn,
    InitialTokenOut,
)
from identity.clients.service import Registrar
from identity.units.auth import ClientAdmin, ClientChanger
from identity.units.errors import UnitClosed, UnitNotFound
from servicekit.dependencies import ServiceClock
from servicekit.etags import PreconditionRequired, RequiredIfMatch, VersionChanged, etag
from servicekit.paging import Page, Paging, page
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
    return _out(made.client, clock, response, made.secret)


@router.get("/clients", summary="接入系统列表")
async def list_clients(
    admin: ClientAdmin, service: ClientService, clock: ServiceClock, paging: Paging
) -> Page[ClientOut]:
    """本单位及下级单位登记的系统，按标识排列。"""
    key = paging.key(str)
    rows = await service.list(Registrar.of(admin), None if key is None else key[0], paging.limit)
    items = [ClientOut.of(row, clock.now()) for row in rows]
    return page(items, paging.limit, lambda item: [item.client_id])


@router.get("/clients/{client_id}", summary="查看接入系统", responses=responses(errors.ClientNotFound))
async def get_client(
    client_id: str, admin: ClientAdmin, service: ClientService, clock: ServiceClock, response: Response
) -> ClientOut:
    """含当前有效密钥的标识，不含密钥本身。"""
    return _out(await service.get(Registrar.of(admin), client_id), clock, response)


@router.put(
    "/clients/{client_id}",
    summary="修改登记信息",
    responses=responses(*_RULES, errors.ClientNotFound, VersionChanged, PreconditionRequired),
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
    """整体替换；If-Match 必填。改为以密钥认证的系统会得到新密钥。"""
    made = await service.update(Registrar.of(admin), client_id, body.metadata(), seen)
    return _out(made.client, clock, response, made.secret)


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
    return _out(made.client, clock, response, made.secret)


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
    return _out(await service.revoke_secret(Registrar.of(admin), client_id, secret), clock, response)


@router.post(
    "/clients/{client_id}/disable",
    summary="停用接入系统",
    responses=responses(errors.ClientNotFound, errors.ClientDisabled),
)
async def disable_client(
    client_id: str,
    body: DisableIn,
    admin: ClientChanger,
    service: ClientService,
    clock: ServiceClock,
    response: Response,
) -> ClientOut:
    """停用后不能再登录、取令牌；此前的授权一并撤销。"""
    return _out(await service.disable(Registrar.of(admin), client_id, body.reason), clock, response)


@router.post(
    "/clients/{client_id}/enable",
    summary="恢复接入系统",
    responses=responses(errors.ClientNotFound, errors.ClientActive),
)
async def enable_client(
    client_id: str, admin: ClientChanger, service: ClientService, clock: ServiceClock, response: Response
) -> ClientOut:
    """恢复使用；须重新授权。"""
    return _out(await service.enable(Registrar.of(admin), client_id), clock, response)


@router.post(
    "/initial-access-tokens",
    status_code=201,
    summary="签发动态登记初始令牌",
    responses=responses(errors.CentreOnly, UnitNotFound, UnitClosed),
)
async def issue_initial_token(
    new: InitialTokenIn, admin: ClientChanger, registration: RegistrationService, response: Response
) -> InitialTokenOut:
    """仅限全国中心的管理员；令牌只在此处返回一次（RFC 7591）。"""
    row, token = await registration.issue(
        admin, new.owner_unit_id, note=new.note, days=new.days, max_uses=new.max_uses
    )
    response.headers["Location"] = "/api/v1/initial-access-tokens"
    return _token_out(row, token)


@router.get("/initial-access-tokens", summary="动态登记初始令牌列表", responses=responses(errors.CentreOnly))
async def list_initial_tokens(
    admin: ClientAdmin, registration: RegistrationService, paging: Paging
) -> Page[InitialTokenOut]:
    """仅限全国中心的管理员。"""
    key = paging.key(UUID)
    rows = await registration.issued(admin, None if key is None else key[0], paging.limit)
    return page([_token_out(row) for row in rows], paging.limit, lambda item: [item.id])


@router.post(
    "/initial-access-tokens/{token_id}/revoke",
    summary="撤销动态登记初始令牌",
    responses=responses(errors.CentreOnly, errors.InitialTokenNotFound),
)
async def revoke_initial_token(
    token_id: UUID, admin: ClientChanger, registration: RegistrationService
) -> InitialTokenOut:
    """已登记的系统不受影响。"""
    return _token_out(await registration.revoke(admin, token_id))


def _out(client: Client, clock: ServiceClock, response: Response, secret: str | None = None) -> ClientOut:
    out = ClientOut.of(client, clock.now(), secret)
    response.headers["ETag"] = etag(out.version)
    if secret is not None:
        response.headers["Cache-Control"] = "no-store"
    return out


def _token_out(row: InitialAccessToken, token: str | None = None) -> InitialTokenOut:
    return InitialTokenOut(
        id=row.id,
        owner_unit_id=row.owner_unit_id,
        note=row.note,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        max_uses=row.max_uses,
        uses=row.uses,
        token=token,
    )
