"""REST API of entitlements to other systems."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope, PermissionRequired
from contracts.vocabulary import Permission
from identity.accounts.errors import AccountNotFound, NotYourself
from identity.accounts.schemas import ReasonIn
from identity.directory.dependencies import DirectoryService
from identity.entitlements import errors
from identity.entitlements.dependencies import EntitlementRequestService, EntitlementService
from identity.entitlements.repository import ReviewSort
from identity.entitlements.schemas import (
    EntitlementIn,
    EntitlementRequestOut,
    EntitlementWishIn,
    KeptOut,
    ReviewOut,
)
from identity.memberships.auth import (
    REFUSED,
    EntitlementGranter,
    EntitlementReviewer,
    StrongEntitlementReviewer,
)
from identity.memberships.schemas import MemberOut, NamePart
from identity.units.auth import Member, Person
from servicekit import problems
from servicekit.lists import AgeSort
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1", tags=["系统授权"], responses=problems.responses(*REFUSALS))


@router.post(
    "/accounts/{sub}/entitlements",
    summary="授权进入其他系统",
    description="驾驶舱只授权给部省市县四级学生资助部门的人员，由上级单位的管理员授权；部级单位可以授权给本单位人员。",
    responses=problems.responses(
        *REFUSED,
        NotYourself,
        AccountNotFound,
        errors.NotEligible,
        errors.OneLevelAbove,
        errors.UnknownEntitlement,
    ),
)
async def grant_entitlement(
    sub: UUID, new: EntitlementIn, admin: EntitlementGranter, service: EntitlementService
) -> MemberOut:
    """Grant an entitlement to the cockpit, only to people of student-aid departments of the four levels."""
    profile = await service.entitle(admin, sub, new.name)
    return MemberOut.from_profile(profile, await service.names(sub))


@router.delete(
    "/accounts/{sub}/entitlements/{name}",
    status_code=204,
    summary="撤回授权",
    description="已签发的该系统令牌在一秒内失效。",
    responses=problems.responses(*REFUSED, AccountNotFound, errors.EntitlementNotFound),
)
async def withdraw_entitlement(
    sub: UUID, name: str, admin: EntitlementGranter, service: EntitlementService
) -> None:
    """Withdraw an entitlement. Tokens issued for that system are rejected within a second."""
    await service.withdraw(admin, sub, name)


@router.post(
    "/entitlement-requests",
    status_code=201,
    summary="申请系统授权",
    description="由本人或其管理员提出，由上一级单位审批；部级单位由本单位审批。",
    responses=problems.responses(
        *REFUSED,
        AccountNotFound,
        errors.UnknownEntitlement,
        errors.NotEligible,
        errors.AlreadyEntitled,
        errors.EntitlementRequested,
    ),
)
async def request_entitlement(
    wish: EntitlementWishIn,
    member: Member,
    requests: EntitlementRequestService,
    directory: DirectoryService,
    response: Response,
) -> EntitlementRequestOut:
    """Request an entitlement for the caller, or for a person of the caller's subtree."""
    mine = UUID(member.sub)
    if wish.sub in (None, mine):
        response.headers["Location"] = "/api/v1/me/entitlement-requests"
        return await directory.named(
            EntitlementRequestOut.of(await requests.ask(mine, mine, wish.name, wish.reason))
        )
    if not member.may(Permission.ENTITLEMENTS_GRANT):
        raise PermissionRequired
    assert wish.sub is not None
    response.headers["Location"] = "/api/v1/entitlement-requests"
    return await directory.named(
        EntitlementRequestOut.of(await requests.ask_for(member, wish.sub, wish.name, wish.reason))
    )


@router.get(
    "/me/entitlement-requests",
    summary="我的授权申请",
    description="从新到旧。",
    responses=problems.responses(InsufficientScope),
)
async def list_own_wishes(
    person: Person, requests: EntitlementRequestService, directory: DirectoryService, paging: Paging
) -> CountedPage[EntitlementRequestOut]:
    """Return the requests for the caller, latest first."""
    found = await requests.mine(UUID(person.sub), paging)
    return await directory.named_page(found.page(EntitlementRequestOut.of))


@router.get(
    "/entitlement-requests",
    summary="待审批的授权申请",
    description="下级单位的申请，部级单位还包括本单位的。",
    responses=problems.responses(*REFUSED),
)
async def list_wishes(
    admin: EntitlementGranter,
    requests: EntitlementRequestService,
    directory: DirectoryService,
    paging: Paging,
    q: Annotated[NamePart | None, Query(description="姓名包含")] = None,
    sort: Annotated[AgeSort, Query(description="排列")] = AgeSort.OLDEST,
) -> CountedPage[EntitlementRequestOut]:
    """Return the requests that the caller may decide."""
    found = await requests.pending(admin, q, sort, paging)
    return await directory.named_page(found.page(EntitlementRequestOut.of))


_DECIDE = problems.responses(
    *REFUSED,
    NotYourself,
    errors.EntitlementRequestNotFound,
    errors.EntitlementRequestDecided,
    errors.OneLevelAbove,
    errors.NotEligible,
)


@router.post(
    "/entitlement-requests/{request_id}/approve",
    summary="批准授权申请",
    description="有效期一年，到期前复核。",
    responses=_DECIDE,
)
async def approve_wish(
    request_id: UUID,
    admin: EntitlementGranter,
    requests: EntitlementRequestService,
    directory: DirectoryService,
) -> EntitlementRequestOut:
    """Approve a request."""
    return await directory.named(EntitlementRequestOut.of(await requests.approve(admin, request_id)))


@router.post(
    "/entitlement-requests/{request_id}/reject",
    summary="不批准授权申请",
    description="申请人可以看到原因。",
    responses=_DECIDE,
)
async def reject_wish(
    request_id: UUID,
    why: ReasonIn,
    admin: EntitlementGranter,
    requests: EntitlementRequestService,
    directory: DirectoryService,
) -> EntitlementRequestOut:
    """Reject a request."""
    return await directory.named(
        EntitlementRequestOut.of(await requests.reject(admin, request_id, why.reason))
    )


@router.post(
    "/entitlement-requests/{request_id}/withdraw",
    summary="撤回授权申请",
    description="本人或提出申请的管理员可以撤回。",
    responses=problems.responses(
        InsufficientScope, errors.EntitlementRequestNotFound, errors.EntitlementRequestDecided
    ),
)
async def withdraw_wish(
    request_id: UUID, person: Person, requests: EntitlementRequestService, directory: DirectoryService
) -> EntitlementRequestOut:
    """Withdraw a request."""
    return await directory.named(
        EntitlementRequestOut.of(await requests.take_back(UUID(person.sub), request_id))
    )


@router.get(
    "/entitlement-reviews",
    summary="待复核的系统授权",
    description="下级单位 30 天内到期的授权，默认按到期时间从早到晚；到期未复核即失效。"
    "本单位的由上一级单位复核，部级单位的由安全管理员复核；安全管理员可以看到全部。",
    responses=problems.responses(*REFUSED),
)
async def list_reviews(
    admin: EntitlementReviewer,
    service: EntitlementService,
    paging: Paging,
    q: Annotated[NamePart | None, Query(description="姓名包含")] = None,
    sort: Annotated[ReviewSort, Query(description="排列")] = ReviewSort.SOONEST,
) -> CountedPage[ReviewOut]:
    """Return the entitlements that are due for review."""
    return (await service.due(admin, q, sort, paging)).page(ReviewOut.of)


_REVIEW = (*REFUSED, NotYourself, errors.EntitlementNotFound, errors.ReviewedAbove)


@router.post(
    "/entitlements/{entitlement_id}/keep",
    summary="复核后保留授权",
    description="有效期自现在起延长一年。",
    responses=problems.responses(*_REVIEW, errors.NotEligible),
)
async def keep_entitlement(
    entitlement_id: UUID, admin: StrongEntitlementReviewer, service: EntitlementService
) -> KeptOut:
    """Keep an entitlement for another year."""
    return KeptOut(expires_at=await service.keep(admin, entitlement_id))


@router.post(
    "/entitlements/{entitlement_id}/withdraw",
    status_code=204,
    summary="复核后撤回授权",
    description="已签发的该系统令牌在一秒内失效。",
    responses=problems.responses(*_REVIEW),
)
async def drop_entitlement(
    entitlement_id: UUID, admin: StrongEntitlementReviewer, service: EntitlementService
) -> None:
    """Withdraw an entitlement after its review."""
    await service.drop(admin, entitlement_id)
