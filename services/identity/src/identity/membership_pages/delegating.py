"""Pages of delegations: giving some of one's roles to a colleague for a time. Work without JavaScript."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from contracts.vocabulary import DelegationEnding, label
from identity.delegations.dependencies import DelegationService
from identity.delegations.schemas import MAX_ROLES, DelegationIn, DelegationOut
from identity.directory.dependencies import DirectoryService
from identity.membership_pages.dependencies import OwnInUnits
from identity.memberships.dependencies import MembershipService
from identity.memberships.models import Membership
from identity.memberships.service import Memberships
from identity.pages.dependencies import HOME_PAGE
from identity.pages.own import Own, OwnForm, OwnPages
from identity.platform.dependencies import PlatformService
from identity.roles.dependencies import RoleService
from identity.roles.service import Roles
from identity.units.models import Unit
from servicekit.clock import SHANGHAI
from servicekit.dependencies import ServiceClock
from servicekit.paging import PageRequest, encode
from servicekit.problems import Problem

DELEGATIONS_PAGE = f"{HOME_PAGE}/delegations"
router = APIRouter(prefix=DELEGATIONS_PAGE, include_in_schema=False)
_SHOWN = 20
_REASON = (2, 200)
Text = Annotated[str, Form(max_length=300)]
Day = Annotated[str, Form(max_length=20)]


class Incomplete(Problem):
    """The form lacks something; the detail says what."""

    status = 400
    code = "incomplete"
    title = "请补充"


def period(starts_at: datetime, ends_at: datetime) -> str:
    """Return from when to when a delegation is, in days if it ends with one."""
    start, end = starts_at.astimezone(SHANGHAI), ends_at.astimezone(SHANGHAI)
    if end.time() == time():
        return f"{start:%Y-%m-%d} 至 {end - timedelta(days=1):%Y-%m-%d}"
    return f"{start:%Y-%m-%d %H:%M} 至 {end:%Y-%m-%d %H:%M}"


def status(one: DelegationOut, now: datetime) -> tuple[str, str]:
    """Return what a delegation is now, and the class of its mark."""
    if one.revoked_at is not None:
        early = one.end_cause not in (None, DelegationEnding.REVOKED)
        return (f"已终止：{label(one.end_cause)}" if early and one.end_cause else "已终止"), ""
    if now >= one.ends_at:
        return "已到期", ""
    if now < one.starts_at:
        return "未开始", "wait"
    return ("有效", "good") if one.active else ("未生效：委托人已不具备该角色", "bad")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


@router.get("")
async def own_delegations(
    own: Own,
    delegations: DelegationService,
    memberships: MembershipService,
    directory: DirectoryService,
    roles: RoleService,
    platform: PlatformService,
    clock: ServiceClock,
    before: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Show the delegations that the person gave and received, latest first, a page at a time."""
    paging = PageRequest(_SHOWN, None if before is None else encode([before]))
    found = await delegations.of_person(own.account.id, paging)
    shown, now = found.items, clock.now()
    names = {one.id: one.name for one in await directory.units([row.delegation.unit_id for row in shown])}
    named = await roles.named(*(row.delegation.roles for row in shown))
    items = [
        {
            "id": row.delegation.id,
            "mine": row.giver.id == own.account.id,
            "giver": row.giver.name,
            "taker": row.taker.name,
            "unit": names.get(row.delegation.unit_id, ""),
            "roles": held,
            "reason": row.delegation.reason,
            "period": period(row.delegation.starts_at, row.delegation.ends_at),
            "status": status(DelegationOut.of(row, now), now),
            "open": row.delegation.revoked_at is None and now < row.delegation.ends_at,
        }
        for row, held in zip(shown, named, strict=True)
    ]
    profile = await memberships.profile(own.account.id)
    return own.show(
        "membership_pages/delegations.html",
        platform=await platform.role_of(own.account.id),
        given=[one for one in items if one["mine"]],
        received=[one for one in items if not one["mine"]],
        may_give=any(membership.roles for membership, _ in profile.memberships),
        before=shown[-1].delegation.id if found.next is not None else None,
    )


@router.get("/new")
async def new_delegation(
    own: OwnInUnits,
    memberships: MembershipService,
    roles: RoleService,
    clock: ServiceClock,
    unit_id: Annotated[UUID | None, Query()] = None,
    name: Annotated[str, Query(max_length=50)] = "",
    to: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Let the person choose one of their units, then a colleague there, then roles and days."""
    profile = await memberships.profile(own.account.id)
    if unit_id is None and len(profile.memberships) != 1:
        return own.show(
            "membership_pages/delegate_unit.html", here=DELEGATIONS_PAGE, units=profile.memberships
        )
    chosen = profile.memberships[0][1].id if unit_id is None else unit_id
    membership, unit = await memberships.belonging(own.account.id, chosen)
    if to is not None:
        today = clock.now().astimezone(SHANGHAI).date()
        days = {"starts_on": today.isoformat(), "ends_on": (today + timedelta(days=6)).isoformat()}
        return await _form(
            own, memberships, roles, (membership, unit), to, {**days, "chosen": [], "reason": ""}
        )
    wanted = name.strip()
    rows = await memberships.colleagues(own.account.id, unit.id, query=wanted or None, limit=_SHOWN)
    return own.show(
        "membership_pages/delegate_find.html",
        here=DELEGATIONS_PAGE,
        unit=unit,
        several=len(profile.memberships) > 1,
        people=[
            {"sub": account.id, "name": account.name, "phone": account.phone_masked, "posts": one.posts}
            for account, one in rows[:_SHOWN]
        ],
        more=len(rows) > _SHOWN,
        name=wanted,
    )


async def _form(
    own: OwnPages,
    memberships: Memberships,
    roles: Roles,
    place: tuple[Membership, Unit],
    to: UUID,
    values: dict[str, Any],
    problem: Problem | None = None,
) -> Response:
    membership, unit = place
    profile = await memberships.profile(to)
    taker = await memberships.belonging(to, unit.id)
    codes = sorted(await roles.in_use(membership.roles))
    (named,) = await roles.named(codes)
    return own.show(
        "membership_pages/delegate.html",
        here=DELEGATIONS_PAGE,
        status=200 if problem is None else problem.status,
        unit=unit,
        taker={"sub": to, "name": profile.account.name, "posts": taker[0].posts},
        roles=list(zip(codes, named, strict=True)),
        message="" if problem is None else problem.detail,
        **values,
    )


@router.post("")
async def delegate(
    form: OwnForm,
    delegations: DelegationService,
    memberships: MembershipService,
    roles: RoleService,
    clock: ServiceClock,
    unit_id: Annotated[UUID, Form()],
    to: Annotated[UUID, Form()],
    role: Annotated[list[str] | None, Form()] = None,
    starts_on: Day = "",
    ends_on: Day = "",
    reason: Text = "",
) -> Response:
    """Delegate from the beginning of the first day, or from now, to the end of the last one."""
    place = await memberships.belonging(form.account.id, unit_id)
    chosen = role or []
    try:
        wish = _wish(unit_id, to, chosen, starts_on, ends_on, reason, clock.now())
        made = await delegations.create(form.account.id, wish)
    except Problem as problem:
        values = {"starts_on": starts_on, "ends_on": ends_on, "chosen": chosen, "reason": reason}
        return await _form(form, memberships, roles, place, to, values, problem)
    return form.go(DELEGATIONS_PAGE, f"已委托{made.taker.name}代办。")


def _wish(
    unit_id: UUID, to: UUID, roles: list[str], starts_on: str, ends_on: str, reason: str, now: datetime
) -> DelegationIn:
    if not roles:
        raise Incomplete("请选择所委托的角色。")
    if len(roles) > MAX_ROLES:
        raise Incomplete(f"一次最多委托 {MAX_ROLES} 个角色，请分次委托。")
    try:
        first, last = date.fromisoformat(starts_on.strip()), date.fromisoformat(ends_on.strip())
        ends_at = _midnight(last + timedelta(days=1))
        starts_at = _midnight(first)
    except (ValueError, OverflowError) as error:
        raise Incomplete("请填写开始日期和截止日期，例如 2026-12-01。") from error
    said = reason.strip()
    if not _REASON[0] <= len(said) <= _REASON[1]:
        raise Incomplete("请填写委托的原因，2 至 200 字。")
    if first == now.astimezone(SHANGHAI).date():
        starts_at = now
    return DelegationIn(
        unit_id=unit_id, to=to, roles=roles, starts_at=starts_at, ends_at=ends_at, reason=said
    )


@router.get("/end")
async def ask_to_end(
    own: Own, delegations: DelegationService, roles: RoleService, delegation_id: Annotated[UUID, Query()]
) -> Response:
    """Ask before ending a delegation early."""
    found = await delegations.given(own.account.id, delegation_id)
    (named,) = await roles.named(found.delegation.roles)
    return own.show(
        "membership_pages/delegation_end.html",
        here=DELEGATIONS_PAGE,
        id=delegation_id,
        taker=found.taker.name,
        roles=named,
        period=period(found.delegation.starts_at, found.delegation.ends_at),
    )


@router.post("/end")
async def end(
    form: OwnForm, delegations: DelegationService, delegation_id: Annotated[UUID, Form()]
) -> Response:
    """End a delegation early."""
    found = await delegations.end(form.account.id, delegation_id)
    return form.go(DELEGATIONS_PAGE, f"已终止对{found.taker.name}的委托。")
