"""REST API of the caller's own record."""

from uuid import UUID

from fastapi import APIRouter

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from authkit.principal import Principal
from contracts.vocabulary import Audience
from identity.accounts.errors import BadName, NameVerified, TooManyCorrections
from identity.clients.dependencies import ClientService
from identity.dependencies import ServiceSettings
from identity.me.dependencies import MyselfService, WaitingService
from identity.me.errors import NoBrowserSession
from identity.me.schemas import (
    ActingUnitIn,
    MeOut,
    OwnNameIn,
    PlatformOut,
    PlatformsOut,
    UnreadOut,
    WaitingOut,
)
from identity.me.service import Me
from identity.me.waiting import NAMES, concerns
from identity.memberships.dependencies import MembershipService
from identity.memberships.errors import MembershipNotFound
from identity.sessions.errors import SessionNotFound
from identity.units.auth import Person
from servicekit import problems

router = APIRouter(
    prefix="/api/v1", tags=["我的账号"], responses=problems.responses(*REFUSALS, InsufficientScope)
)


WAITING = "/me/waiting"


def _sid(person: Principal) -> UUID | None:
    return None if person.sid is None else UUID(person.sid)


def _out(me: Me, settings: ServiceSettings) -> MeOut:
    acting = me.profile.acting is not None
    mine = concerns(me.permissions, me.platform_role, acting=acting)
    href = f"{settings.issuer_url}/api/v1{WAITING}"
    unread = [
        UnreadOut(name=name, audience=Audience.IDENTITY, href=href, pointer=f"/{name}/count")
        for name in NAMES
        if name in mine
    ]
    if acting:
        unread += [
            UnreadOut(name=name, audience=at.audience, href=at.href, pointer=at.pointer)
            for name, at in sorted(settings.unread_counts.items())
        ]
    return MeOut.of(me, unread)


@router.get(
    "/me",
    summary="我的账号",
    description="本人、所属单位、当前单位、角色、权限和授权；按当前状态，不按令牌签发时的状态。",
)
async def my_account(person: Person, myself: MyselfService, settings: ServiceSettings) -> MeOut:
    """Return the caller's own account, units, permissions and entitlements."""
    return _out(await myself.of(UUID(person.sub), _sid(person)), settings)


@router.get(
    WAITING,
    summary="待我处理的数量",
    description="等待本人审核、确认的各类事项数，最多数到 1,000；无权处理的为 0。地址见“我的账号”的 unread。",
)
async def count_waiting(person: Person, waiting: WaitingService) -> WaitingOut:
    """Return the number of things that wait for the caller's decision, by kind."""
    return WaitingOut.of(await waiting.of(person))


@router.get(
    "/me/platforms",
    summary="我可以进入的接入系统",
    description=(
        "当前单位和各级上级单位登记的、在用的接入系统中，登记了首页或发起登录地址的，最多 100 个；"
        "上级单位的在前。进入后由该系统决定是否放行。没有代表任何单位时为空。"
    ),
)
async def list_my_platforms(person: Person, clients: ClientService) -> PlatformsOut:
    """Return the systems that the caller opens from the pages of this one."""
    opened = () if person.acting is None else await clients.openable(person.acting.path)
    return PlatformsOut(items=[PlatformOut.of(one) for one in opened])


@router.patch(
    "/me",
    summary="更正姓名",
    description=(
        "本人更正尚未实名核验的姓名（《个人信息保护法》第四十六条），30 天内最多 3 次；"
        "所在单位的管理员会收到短信。已实名核验的姓名通过重新核验（`POST /api/v1/me/real-name`）更正。"
    ),
    responses=problems.responses(BadName, NameVerified, TooManyCorrections),
)
async def correct_my_name(
    correction: OwnNameIn, person: Person, myself: MyselfService, settings: ServiceSettings
) -> MeOut:
    """Correct the caller's own name while it is not verified."""
    await myself.correct_name(UUID(person.sub), correction.name)
    return _out(await myself.of(UUID(person.sub), _sid(person)), settings)


@router.post(
    "/me/acting-unit",
    summary="切换当前单位",
    description="只影响本次登录；此前的访问令牌立即失效，刷新后得到新单位的令牌。",
    responses=problems.responses(MembershipNotFound, NoBrowserSession, SessionNotFound),
)
async def act_for_unit(
    chosen: ActingUnitIn, person: Person, myself: MyselfService, settings: ServiceSettings
) -> MeOut:
    """Act for another of the caller's units. Access tokens of the session are refused from now on."""
    sid = _sid(person)
    if sid is None:
        raise NoBrowserSession
    return _out(await myself.act_for(UUID(person.sub), sid, chosen.unit_id), settings)


@router.post(
    "/me/primary-unit",
    summary="设定主要单位",
    description="新的登录默认代表主要单位；其他系统的通讯录按主要单位显示。",
    responses=problems.responses(MembershipNotFound),
)
async def set_primary_unit(
    chosen: ActingUnitIn,
    person: Person,
    memberships: MembershipService,
    myself: MyselfService,
    settings: ServiceSettings,
) -> MeOut:
    """Make one of the caller's units the primary one: new sign-ins act for it."""
    await memberships.make_primary(UUID(person.sub), chosen.unit_id)
    return _out(await myself.of(UUID(person.sub), _sid(person)), settings)
