"""The person's units: memberships, the acting one, requests to join. Work without JavaScript."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from contracts.vocabulary import JoinRequestStatus
from identity.directory.dependencies import DirectoryService
from identity.joining.dependencies import JoinService
from identity.member_changes.dependencies import MemberChangesService
from identity.member_changes.schemas import LeaveIn
from identity.membership_pages.joining import UNITS_PAGE
from identity.memberships.dependencies import MembershipService
from identity.pages.own import Own, OwnForm, OwnPages
from identity.platform.dependencies import PlatformService
from identity.roles.dependencies import RoleService
from identity.units.models import Unit
from servicekit.paging import PageRequest
from servicekit.problems import Problem

router = APIRouter(prefix=UNITS_PAGE, include_in_schema=False)
_REQUESTS = 10
_REASON = (2, 200)
Text = Annotated[str, Form(max_length=300)]
UnitId = Annotated[UUID, Form()]


@router.get("")
async def own_units(
    own: Own,
    memberships: MembershipService,
    joining: JoinService,
    directory: DirectoryService,
    roles: RoleService,
    platform: PlatformService,
) -> Response:
    """Show the person's memberships, and how far their requests have come."""
    profile = await memberships.profile(own.account.id, own.browser.acting_membership_id)
    rows = (await joining.mine(own.account.id, PageRequest(_REQUESTS))).items
    asked = {row[0].responsible_unit_id for row in rows} - {None}
    held = await roles.named(*(membership.roles for membership, _ in profile.memberships))
    wished = await roles.named(*(request.roles for request, _, _ in rows))
    here = {unit.id for _, unit in profile.memberships}
    past = {
        unit.id
        for request, _, unit in rows
        if request.status == JoinRequestStatus.APPROVED and unit.id not in here
    }
    ended = await memberships.ended(own.account.id, past)
    names = {one.id: one.name for one in await directory.units([one for one in asked if one])}
    return own.show(
        "membership_pages/units.html",
        platform=await platform.role_of(own.account.id),
        memberships=[
            {
                "unit": unit,
                "roles": named,
                "posts": membership.posts,
                "since": membership.started_at,
                "primary": membership.is_primary,
                "leaving": membership.leaving_at,
                "acting": profile.membership is not None and membership.id == profile.membership.id,
            }
            for (membership, unit), named in zip(profile.memberships, held, strict=True)
        ],
        requests=[
            {
                "id": request.id,
                "unit": unit,
                "roles": named,
                "status": request.status,
                "pending": request.status == JoinRequestStatus.PENDING,
                "approved": request.status == JoinRequestStatus.APPROVED,
                "rejected": request.status == JoinRequestStatus.REJECTED,
                "at": request.requested_at,
                "decided_at": request.decided_at,
                "past": unit.id in past,
                "ended_at": ended.get(unit.id),
                "reason": request.reason,
                "responsible": names.get(request.responsible_unit_id or unit.id, ""),
                "escalate_at": request.escalate_at,
            }
            for (request, _, unit), named in zip(rows, wished, strict=True)
        ],
    )


@router.post("/act")
async def act_for(form: OwnForm, memberships: MembershipService, unit_id: UnitId) -> Response:
    """Choose the unit that the person acts for in this browser."""
    profile = await memberships.act_for(form.account.id, form.browser.id, unit_id)
    name = "" if profile.unit is None else profile.unit.name
    return form.go(UNITS_PAGE, f"已切换到{name}。")


@router.post("/primary")
async def make_primary(form: OwnForm, memberships: MembershipService, unit_id: UnitId) -> Response:
    """Make a membership the primary one."""
    await memberships.make_primary(form.account.id, unit_id)
    return form.go(UNITS_PAGE, "已设为主要单位。")


@router.get("/leave")
async def ask_to_leave(
    own: Own, memberships: MembershipService, unit_id: Annotated[UUID, Query()]
) -> Response:
    """Ask before leaving a unit."""
    _, unit = await memberships.belonging(own.account.id, unit_id)
    return _leave(own, unit)


@router.post("/leave")
async def leave(
    form: OwnForm,
    memberships: MembershipService,
    member_changes: MemberChangesService,
    unit_id: UnitId,
    reason: Text = "",
) -> Response:
    """Leave a unit once the open work is handed over."""
    _, unit = await memberships.belonging(form.account.id, unit_id)
    said = reason.strip()
    if not _REASON[0] <= len(said) <= _REASON[1]:
        return _leave(form, unit, "请填写离开的原因，2 至 200 字。", status=400, reason=reason)
    try:
        await member_changes.leave(form.account.id, unit_id, LeaveIn(reason=said))
    except Problem as problem:
        return _leave(form, unit, problem.detail, status=problem.status, reason=reason)
    return form.go(UNITS_PAGE, f"已申请离开{unit.name}，未办结的工作交接完成后自动离开。")


def _leave(own: OwnPages, unit: Unit, message: str = "", *, status: int = 200, reason: str = "") -> Response:
    return own.show(
        "membership_pages/leave.html",
        here=UNITS_PAGE,
        status=status,
        unit=unit,
        message=message,
        reason=reason,
    )


@router.post("/withdraw")
async def withdraw(form: OwnForm, joining: JoinService, request_id: Annotated[UUID, Form()]) -> Response:
    """Take a request to join back."""
    try:
        await joining.withdraw(form.account.id, request_id)
    except Problem as problem:
        return form.refuse(UNITS_PAGE, problem)
    return form.go(UNITS_PAGE, "已撤回申请。")
