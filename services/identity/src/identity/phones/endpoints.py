"""REST API of changes of phone numbers, recoveries and recycled numbers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from identity.accounts import errors as account_errors
from identity.accounts.schemas import AccountOut, ReasonIn
from identity.codes import errors as code_errors
from identity.codes.browsers import new_ticket
from identity.codes.captchas import Answer
from identity.codes.dependencies import ChallengeService, CodeSenderService
from identity.codes.schemas import CodeSentOut
from identity.inbound.schemas import TextChallengeOut
from identity.memberships.auth import REFUSED, AccountManager
from identity.memberships.schemas import NamePart
from identity.phones import errors, rules
from identity.phones.dependencies import LostAccountService, PhoneService, RecoveryService
from identity.phones.schemas import (
    CancelIn,
    NewHolderIn,
    PhoneChallengeIn,
    PhoneChangeIn,
    PhoneChangeOut,
    PhoneChangeRequestIn,
    PhoneCodeIn,
    PhoneOut,
    RecoveryApprovalIn,
    RecoveryAskedOut,
    RecoveryIn,
    RecoveryOut,
)
from identity.policies.errors import PolicyOutdated
from identity.sms.errors import SmsUnavailable
from identity.units.auth import Person
from identity.verification import errors as real_name_errors
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(prefix="/api/v1")
_CODES = (
    code_errors.CodeUnreadable,
    code_errors.CodeIncorrect,
    code_errors.CodeExpired,
    code_errors.CodeUsed,
    code_errors.CodeExhausted,
    code_errors.TextNotReceived,
)
_OWN = problems.responses(*REFUSALS, InsufficientScope)
_DECIDE = problems.responses(
    *REFUSALS,
    *REFUSED,
    account_errors.NotYourself,
    errors.ChangeNotFound,
    errors.RecoveryAbove,
    errors.ChangeDecided,
)


@router.post(
    "/me/phone/codes",
    status_code=202,
    tags=["我的账号"],
    summary="获取更换手机号的验证码",
    description="发到新手机号或当前手机号。两个验证码须在同一浏览器（同一 `ticket`）获取。",
    responses=_OWN
    | problems.responses(
        account_errors.BadPhone,
        errors.SamePhone,
        errors.PhoneGone,
        code_errors.CaptchaRequired,
        code_errors.CaptchaIncorrect,
        code_errors.CodeTooSoon,
        code_errors.CodeBudgetSpent,
        SmsUnavailable,
    ),
)
async def send_phone_code(
    asked: PhoneCodeIn, person: Person, phones: PhoneService, sender: CodeSenderService
) -> CodeSentOut:
    """Send a code to the caller's new or current number."""
    ticket = asked.ticket or new_ticket()
    answer = None if asked.captcha is None else Answer(asked.captcha.captcha, asked.captcha.answer)
    await phones.send_code(sender, UUID(person.sub), asked.phone, ticket=ticket, answer=answer)
    return CodeSentOut.to(ticket)


@router.post(
    "/me/phone/text-challenges",
    status_code=201,
    tags=["我的账号"],
    summary="更换手机号的短信上行验证",
    description="由本人用新手机号或当前手机号发送返回的内容，代替验证码。",
    responses=_OWN
    | problems.responses(
        account_errors.BadPhone,
        errors.SamePhone,
        errors.PhoneGone,
        code_errors.CodeBudgetSpent,
        code_errors.TextingOff,
    ),
)
async def open_phone_challenge(
    asked: PhoneChallengeIn,
    person: Person,
    phones: PhoneService,
    challenges: ChallengeService,
    response: Response,
) -> TextChallengeOut:
    """Return what to send from the caller's new or current number."""
    ticket = asked.ticket or new_ticket()
    _, challenge = await phones.open_challenge(challenges, UUID(person.sub), asked.phone, ticket=ticket)
    response.headers["Location"] = f"/api/v1/text-challenges/{challenge.id}"
    return TextChallengeOut.of(challenge, ticket)


@router.post(
    "/me/phone",
    tags=["我的账号"],
    summary="更换手机号",
    description="凭新、旧手机号的验证码立即更换；所有登录随即结束，须用新手机号重新登录。",
    responses=_OWN
    | problems.responses(
        *_CODES,
        account_errors.BadPhone,
        account_errors.PhoneTaken,
        errors.SamePhone,
        errors.PhoneGone,
    ),
)
async def change_phone(change: PhoneChangeIn, person: Person, phones: PhoneService) -> PhoneOut:
    """Change the caller's number at once. All sessions end."""
    account = await phones.change(
        UUID(person.sub),
        change.phone,
        ticket=change.ticket,
        code=change.code,
        old_code=change.current_code,
    )
    return PhoneOut(phone_masked=account.phone_masked, phone_verified_at=account.phone_verified_at)


@router.post(
    "/me/phone-change",
    status_code=201,
    tags=["我的账号"],
    summary="申请更换手机号（原号码不能使用）",
    description="核对公民身份号码后满 7 天生效；其间通知原手机号，本人或原手机号可以取消。",
    responses=_OWN
    | problems.responses(
        *_CODES,
        account_errors.BadPhone,
        account_errors.PhoneTaken,
        real_name_errors.BadIdNumber,
        real_name_errors.RealNameRequired,
        errors.SamePhone,
        errors.IdNumberDifferent,
        errors.ChangePending,
    ),
)
async def request_phone_change(
    asked: PhoneChangeRequestIn, person: Person, phones: PhoneService, response: Response
) -> PhoneChangeOut:
    """Request a change that takes effect in seven days."""
    change = await phones.request(
        UUID(person.sub), asked.phone, ticket=asked.ticket, code=asked.code, id_number=asked.id_number
    )
    response.headers["Location"] = "/api/v1/me/phone-change"
    return PhoneChangeOut.model_validate(change)


@router.get(
    "/me/phone-change",
    tags=["我的账号"],
    summary="我的更换申请",
    description="尚未办结的更换手机号或找回账号申请。",
    responses=_OWN | problems.responses(errors.ChangeNotFound),
)
async def my_phone_change(person: Person, phones: PhoneService) -> PhoneChangeOut:
    """Return the caller's open change."""
    change = await phones.mine(UUID(person.sub))
    if change is None:
        raise errors.ChangeNotFound
    return PhoneChangeOut.model_validate(change)


@router.delete(
    "/me/phone-change",
    status_code=204,
    tags=["我的账号"],
    summary="取消更换申请",
    description="取消本人尚未办结的申请。",
    responses=_OWN | problems.responses(errors.ChangeNotFound),
)
async def cancel_phone_change(person: Person, phones: PhoneService) -> Response:
    """Cancel the caller's open change."""
    await phones.cancel(UUID(person.sub))
    return Response(status_code=204)


@router.post(
    "/phone-changes/cancel",
    status_code=204,
    tags=["账号"],
    summary="用原手机号取消更换申请",
    description="凭发到原手机号的验证码（用途 `cancel_change`），无需登录。",
    responses=problems.responses(*_CODES, account_errors.BadPhone, errors.ChangeNotFound),
)
async def cancel_by_old_number(cancelled: CancelIn, phones: PhoneService) -> Response:
    """Cancel the open change of the account with the number that got the code."""
    await phones.cancel_by_old_number(cancelled.phone, ticket=cancelled.ticket, code=cancelled.code)
    return Response(status_code=204)


@router.post(
    "/phone-recoveries",
    status_code=202,
    tags=["账号"],
    summary="找回账号",
    description="手机号丢失时，凭新手机号的验证码（用途 `recover`）、姓名和公民身份号码申请。"
    "无论账号是否存在，返回相同。",
    responses=problems.responses(
        *_CODES, account_errors.BadPhone, account_errors.BadName, real_name_errors.BadIdNumber
    ),
)
async def request_recovery(asked: RecoveryIn, lost: LostAccountService) -> RecoveryAskedOut:
    """Ask for one's account with a new number."""
    await lost.request(
        asked.phone,
        ticket=asked.ticket,
        code=asked.code,
        name=asked.name,
        id_number=asked.id_number,
        old_phone=asked.old_phone,
    )
    return RecoveryAskedOut(message=rules.ASKED)


@router.get(
    "/phone-recoveries",
    tags=["账号"],
    summary="待审核的找回申请",
    description="主要单位在管辖范围内的人员的申请，从早到晚；不含须由上级单位审核的单位管理员的申请。",
    responses=problems.responses(*REFUSALS, *REFUSED),
)
async def list_recoveries(
    admin: AccountManager,
    paging: Paging,
    recoveries: RecoveryService,
    q: Annotated[NamePart | None, Query(description="姓名包含")] = None,
) -> CountedPage[RecoveryOut]:
    """Return recoveries that the caller may decide about, oldest first."""
    return (await recoveries.pending(admin, q, paging)).page(RecoveryOut.of)


@router.post(
    "/phone-recoveries/{change_id}/approve",
    tags=["账号"],
    summary="通过找回申请",
    description="当面核验的立即生效；否则自申请起满 24 小时生效，其间原手机号可以取消。"
    "单位管理员的申请由上一级单位审核。",
    responses=_DECIDE | problems.responses(errors.InPersonRequired),
)
async def approve_recovery(
    change_id: UUID, approval: RecoveryApprovalIn, admin: AccountManager, recoveries: RecoveryService
) -> PhoneChangeOut:
    """Approve a recovery."""
    change = await recoveries.approve(admin, change_id, in_person=approval.in_person)
    return PhoneChangeOut.model_validate(change)


@router.post(
    "/phone-recoveries/{change_id}/reject",
    tags=["账号"],
    summary="驳回找回申请",
    description="申请人的新手机号收到短信通知。",
    responses=_DECIDE,
)
async def reject_recovery(
    change_id: UUID, why: ReasonIn, admin: AccountManager, recoveries: RecoveryService
) -> PhoneChangeOut:
    """Reject a recovery."""
    return PhoneChangeOut.model_validate(await recoveries.reject(admin, change_id, why.reason))


@router.post(
    "/accounts/new-holder",
    status_code=201,
    tags=["账号"],
    summary="新机主实名注册",
    description="手机号已有账号、但已由运营商另行放号给本人时使用：实名核验通过且身份不同的，原账号失去该号码。",
    responses=problems.responses(
        *_CODES,
        account_errors.BadPhone,
        account_errors.BadName,
        account_errors.PhoneTaken,
        account_errors.IdNumberTaken,
        real_name_errors.BadIdNumber,
        real_name_errors.SeparateConsentRequired,
        real_name_errors.RealNameMismatch,
        real_name_errors.TooManyChecks,
        real_name_errors.RealNameUnavailable,
        errors.NumberInUse,
        PolicyOutdated,
    ),
)
async def register_as_new_holder(
    new: NewHolderIn, recoveries: RecoveryService, response: Response
) -> AccountOut:
    """Register with a number that belongs to another person's account; that account loses it."""
    account = await recoveries.register_as_new_holder(
        new.phone,
        ticket=new.ticket,
        code=new.code,
        name=new.name,
        id_number=new.id_number,
        consent=new.consent,
        agreed=new.agreed.versions(),
    )
    response.headers["Location"] = f"/api/v1/accounts/{account.id}"
    return AccountOut.registered(account)
