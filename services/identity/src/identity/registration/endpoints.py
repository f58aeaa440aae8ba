"""REST API for registration by phone."""

from fastapi import APIRouter, Response

from identity.accounts import errors
from identity.accounts.dependencies import NumberCodeService
from identity.accounts.schemas import AccountOut
from identity.codes import errors as code_errors
from identity.codes.browsers import new_ticket
from identity.codes.captchas import Answer
from identity.codes.schemas import CodeRequestIn, CodeSentOut
from identity.policies.errors import PolicyOutdated
from identity.registration.dependencies import RegistrationService
from identity.registration.schemas import RegistrationIn
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
async def send_code(asked: CodeRequestIn, numbers: NumberCodeService) -> CodeSentOut:
    """Return the same response for registered and unregistered numbers; only the SMS differs."""
    ticket = asked.ticket or new_ticket()
    answer = None if asked.captcha is None else Answer(asked.captcha.captcha, asked.captcha.answer)
    await numbers.send(asked.purpose, asked.phone, ticket, answer)
    return CodeSentOut.to(ticket)


@router.post(
    "/accounts",
    status_code=201,
    summary="手机号实名注册",
    description="须同意《隐私政策》和《使用条款》的最新版本，同意留有记录。"
    "账号可以立即登录，但在单位审核通过之前不能进入任何系统。",
    responses=problems.responses(
        errors.BadPhone,
        errors.BadName,
        errors.PhoneTaken,
        PolicyOutdated,
        code_errors.CodeUnreadable,
        code_errors.CodeIncorrect,
        code_errors.CodeExpired,
        code_errors.CodeUsed,
        code_errors.CodeExhausted,
        code_errors.TextNotReceived,
    ),
)
async def register_person(
    new: RegistrationIn, registrations: RegistrationService, response: Response
) -> AccountOut:
    """Register an account. It can sign in, but has no access until a unit approves a join request."""
    account = await registrations.register(new.phone, new.ticket, new.code, new.name, new.agreed.versions())
    response.headers["Location"] = f"/api/v1/accounts/{account.id}"
    return AccountOut.registered(account)
