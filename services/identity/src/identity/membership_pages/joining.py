"""Pages of joining a unit: with an invite, or by choosing the unit. Work without JavaScript."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from contracts.vocabulary import JoinRequestStatus, Role
from identity.joining.dependencies import JoinService
from identity.joining.schemas import JoinIn
from identity.joining.service import Joining
from identity.membership_pages.dependencies import OwnInUnits
from identity.memberships.dependencies import MembershipService
from identity.memberships.service import Memberships
from identity.pages.dependencies import HOME_PAGE, JOIN_PAGE
from identity.pages.own import OwnForm, OwnPages
from identity.pages.rendering import see_other
from identity.roles.dependencies import RoleService
from identity.roles.service import Roles
from identity.search.dependencies import SearchService
from identity.units.dependencies import UnitViewService
from servicekit.paging import PageRequest, encode
from servicekit.problems import Problem

router = APIRouter(include_in_schema=False)
UNITS_PAGE = f"{HOME_PAGE}/units"
_CHOOSE = f"{JOIN_PAGE}/units"
_SHOWN = 100
_FOUND = 50
ROLES = (Role.HANDLER, Role.REVIEWER, Role.APPROVER, Role.UNIT_ADMIN)
Text = Annotated[str, Form(max_length=300)]


@router.get("/register")
async def register() -> Response:
    """Lead from a short address to the page of registering."""
    return see_other("/login/register")


@router.get(JOIN_PAGE)
async def join(
    own: OwnInUnits,
    joining: JoinService,
    memberships: MembershipService,
    roles: RoleService,
    code: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show what an invite invites to; without one, the ways to join."""
    if not code:
        return _ways(own, code)
    try:
        # Before its dates: whoever has used an invite up is told that they belong to the unit.
        unit_id = (await joining.invite(code)).unit_id
        standing = await _standing(own, joining, memberships, roles, unit_id)
        if standing is not None:
            return standing
        invite, unit, parent = await joining.invited(code)
    except Problem as problem:
        return _ways(own, code, problem)
    (named,) = await roles.named(invite.roles)
    return own.show(
        "membership_pages/invited.html",
        here=UNITS_PAGE,
        code=code,
        unit=unit,
        parent=parent,
        roles=named,
        expires_at=invite.expires_at,
        message="",
        note="",
    )


@router.get(_CHOOSE)
async def choose(
    own: OwnInUnits,
    joining: JoinService,
    views: UnitViewService,
    searches: SearchService,
    parent: Annotated[UUID | None, Query()] = None,
    name: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show the units below one, with the way from the top; with a name, those found anywhere below."""
    wanted = name.strip()
    page = await joining.choices(
        parent, wanted or None, PageRequest(_SHOWN, encode([after]) if after else None)
    )
    found = list(page.items)
    if wanted and not after:
        # Further down, too, by name, pinyin or code.
        known = {unit.id for unit in found}
        below = await searches.units(wanted, within=parent, paging=PageRequest(_FOUND))
        found += [unit for unit in below.items if unit.id not in known]
    return own.show(
        "membership_pages/choose.html",
        here=UNITS_PAGE,
        way=[] if parent is None else await views.ancestors(parent),
        parent=parent,
        units=found[:_SHOWN],
        after=page.items[-1].code if page.next is not None else "",
        name=wanted,
    )


@router.get(f"{JOIN_PAGE}/unit")
async def chosen(
    own: OwnInUnits,
    joining: JoinService,
    memberships: MembershipService,
    roles: RoleService,
    views: UnitViewService,
    id: UUID,  # noqa: A002
) -> Response:
    """Show the form of a request to join the chosen unit."""
    standing = await _standing(own, joining, memberships, roles, id)
    return standing or await _chosen(own, views, id)


@router.post(JOIN_PAGE)
async def request(
    form: OwnForm,
    joining: JoinService,
    views: UnitViewService,
    code: Text = "",
    unit_id: Annotated[UUID | None, Form()] = None,
    role: Annotated[Role, Form()] = Role.HANDLER,
    note: Text = "",
) -> Response:
    """Request to join, and lead to the page that shows how far the request has come."""
    said = note.strip()[:200] or None
    try:
        if unit_id is None:
            wish = JoinIn(invite_code=code, note=said)
        else:
            wish = JoinIn(unit_id=unit_id, roles=[role], note=said)
        _, _, unit = await joining.request(form.account.id, wish)
    except Problem as problem:
        if unit_id is not None:
            return await _chosen(form, views, unit_id, problem, role=role, note=note)
        return _ways(form, code, problem)
    return form.go(UNITS_PAGE, f"已申请加入{unit.name}，请等待审批。")


async def _standing(
    own: OwnPages, joining: Joining, memberships: Memberships, roles: Roles, unit_id: UUID
) -> Response | None:
    """Return a page for somebody who belongs to the unit, or waits for a decision; else None."""
    profile = await memberships.profile(own.account.id, own.browser.acting_membership_id)
    for membership, unit in profile.memberships:
        if unit.id == unit_id:
            (named,) = await roles.named(membership.roles)
            return own.show(
                "membership_pages/member.html",
                here=UNITS_PAGE,
                unit=unit,
                roles=named,
                since=membership.started_at,
                acting=profile.membership is not None and membership.id == profile.membership.id,
            )
    for request, _, unit in (await joining.mine(own.account.id, PageRequest(1))).items:
        if request.status == JoinRequestStatus.PENDING:
            return own.show(
                "membership_pages/pending.html",
                here=UNITS_PAGE,
                unit=unit,
                same=unit.id == unit_id,
                requested_at=request.requested_at,
            )
    return None


def _ways(own: OwnPages, code: str, problem: Problem | None = None) -> Response:
    return own.show(
        "membership_pages/join.html",
        here=UNITS_PAGE,
        status=200 if problem is None else problem.status,
        code=code,
        message="" if problem is None else problem.detail,
    )


async def _chosen(
    own: OwnPages,
    views: UnitViewService,
    unit_id: UUID,
    problem: Problem | None = None,
    *,
    role: Role = Role.HANDLER,
    note: str = "",
) -> Response:
    return own.show(
        "membership_pages/chosen.html",
        here=UNITS_PAGE,
        status=200 if problem is None else problem.status,
        way=await views.ancestors(unit_id),
        roles=ROLES,
        role=role,
        note=note,
        message="" if problem is None else problem.detail,
    )
