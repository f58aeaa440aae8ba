"""REST API for registration by phone."""

from fastapi import APIRouter

from contracts.vocabulary import AccountStatus
from identity.accounts import errors
from identity.accounts.dependencies import AccountService
from identity.accounts.schemas import AccountOut, RegistrationIn
from identity.accounts.service import phone_of
from identity.codes import errors as code_errors
from identity.codes import rules as code_rules
from identity.codes.browsers import new_ticket
from identity.codes.captchas import Answer
from identity.codes.dependencies import CodeSenderService
from identity.codes.schemas import CodeRequestIn, CodeSentOut
from identity.sms.errors import SmsUnavailable
from servicekit import problems

router = APIRouter(prefix="/api/v1", tags=["账号"])


@router.post(
    "/sms-codes",
    status_code=202,
    summary="获取短信验证码",
    description="无论号码是否已注册，返回相同；结果由短信告知本人。验证码只能与返回的 `ticket` 一起使用。",
    responses=problems.responses(
        errors.BadPhone,
        code_errors.CaptchaIncorrect,
        code_errors.CaptchaRequired,
        code_errors.CodeTooSoon,
        code_errors.CodeBudgetSpent,
        SmsUnavailable,
    ),
)
async def send_code(asked: CodeRequestIn, accounts: AccountService, sender: CodeSenderService) -> CodeSentOut:
    """Return the same response for registered and unregistered numbers; only the SMS differs."""
    phone = phone_of(asked.phone)
    account = await accounts.by_phone(phone)
    ticket = asked.ticket or new_ticket()
    await sender.send(
        phone,
        asked.purpose,
        holder=None if account is None else account.id,
        ticket=ticket,
        answer=None if asked.captcha is None else Answer(asked.captcha.captcha, asked.captcha.answer),
    )
    return CodeSentOut(
        expires_in=int(code_rules.LIFETIME.total_seconds()),
        resend_after=int(code_rules.RESEND_AFTER.total_seconds()),
        ticket=ticket,
    )


@router.post(
    "/accounts",
    status_code=201,
    summary="手机号实名注册",
    description="账号可以立即登录，但在单位审核通过之前不能进入任何系统。",
    responses=problems.responses(
        errors.BadPhone,
        errors.BadName,
        errors.PhoneTaken,
        code_errors.CodeUnreadable,
        code_errors.CodeIncorrect,
        code_errors.CodeExpired,
        code_errors.CodeUsed,
        code_errors.CodeExhausted,
    ),
)
async def register(new: RegistrationIn, accounts: AccountService) -> AccountOut:
    """Register an account. It can sign in, but has no access until a unit approves a join request."""
    account = await accounts.register(new.phone, new.ticket, new.code, new.name)
    return AccountOut(
        sub=account.id,
        name=account.name,
        phone_masked=account.phone_masked,
        status=AccountStatus.ACTIVE,
        registered_at=account.registered_at,
    )
