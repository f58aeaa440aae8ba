"""REST API of proposals about the platform's administrators (三员)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, PermissionRequired
from contracts.vocabulary import ProposalStatus
from identity.accounts.errors import AccountNotFound, AccountSuspended
from identity.appointments import errors
from identity.appointments.dependencies import AppointmentService
from identity.appointments.schemas import ProposalIn, ProposalOut
from identity.directory.dependencies import DirectoryService
from identity.platform.auth import PlatformAdmin, StrongPlatformAdmin, StrongSecurityAdmin
from identity.platform.errors import HasPlatformRole, LastOfItsKind, SecondPersonRequired
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(
    prefix="/api/v1/platform",
    tags=["平台三员"],
    responses=problems.responses(*REFUSALS, InsufficientScope, PermissionRequired),
)


@router.get("/proposals", summary="任免提议", description="从新到旧。")
async def list_proposals(
    _: PlatformAdmin,
    appointments: AppointmentService,
    directory: DirectoryService,
    paging: Paging,
    status: Annotated[ProposalStatus | None, Query(description="状态")] = None,
) -> CountedPage[ProposalOut]:
    """Return proposals, latest first."""
    found = await appointments.proposals(status, paging)
    return await directory.named_page(found.page(ProposalOut.of))


@router.post(
    "/proposals",
    status_code=201,
    summary="提议任免平台管理员",
    description="由安全管理员提议，另一类平台管理员确认后生效。三员不得兼任，也不得属于任何单位。",
    responses=problems.responses(
        SecondPersonRequired,
        AccountNotFound,
        AccountSuspended,
        HasPlatformRole,
        errors.NoPlatformRole,
        errors.BelongsToUnit,
        errors.ProposalPending,
    ),
)
async def propose_admin(
    new: ProposalIn,
    admin: StrongSecurityAdmin,
    appointments: AppointmentService,
    directory: DirectoryService,
    response: Response,
) -> ProposalOut:
    """Propose to appoint or dismiss an administrator of the platform."""
    response.headers["Location"] = "/api/v1/platform/proposals"
    made = await appointments.propose(admin, new.sub, new.role, new.reason)
    return await directory.named(ProposalOut.of(made))


_DECIDE = (
    errors.ProposalNotFound,
    errors.ProposalDecided,
    SecondPersonRequired,
)


@router.post(
    "/proposals/{proposal_id}/confirm",
    summary="确认任免",
    description="须由提议人以外、与提议人不同类的平台管理员确认。",
    responses=problems.responses(
        *_DECIDE,
        HasPlatformRole,
        errors.NoPlatformRole,
        errors.BelongsToUnit,
        LastOfItsKind,
        AccountSuspended,
    ),
)
async def confirm_proposal(
    proposal_id: UUID,
    admin: StrongPlatformAdmin,
    appointments: AppointmentService,
    directory: DirectoryService,
) -> ProposalOut:
    """Carry a proposal out, as a second person."""
    return await directory.named(ProposalOut.of(await appointments.confirm(admin, proposal_id)))


@router.post(
    "/proposals/{proposal_id}/refuse",
    summary="否决任免",
    description="任一平台管理员可以否决，提议人可以收回；不能对本人操作。",
    responses=problems.responses(*_DECIDE),
)
async def refuse_proposal(
    proposal_id: UUID,
    admin: StrongPlatformAdmin,
    appointments: AppointmentService,
    directory: DirectoryService,
) -> ProposalOut:
    """Refuse a proposal."""
    return await directory.named(ProposalOut.of(await appointments.refuse(admin, proposal_id)))
