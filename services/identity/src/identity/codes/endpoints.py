"""REST API for captchas; codes are requested at `accounts`, which knows who has a number."""

from fastapi import APIRouter

from identity.codes import rules
from identity.codes.browsers import new_ticket
from identity.codes.dependencies import CodeSenderService
from identity.codes.schemas import CaptchaOut, CaptchaRequestIn

router = APIRouter(prefix="/api/v1", tags=["账号"])


@router.post(
    "/captchas",
    status_code=201,
    summary="获取验证问题",
    description="在 `captcha_required` 之后获取一道文字题；回答只能使用一次，随获取验证码的请求提交。",
)
async def ask_captcha(asked: CaptchaRequestIn, sender: CodeSenderService) -> CaptchaOut:
    """Return a question in words for the browser with the ticket."""
    ticket = asked.ticket or new_ticket()
    captcha = sender.captcha(ticket)
    return CaptchaOut(
        captcha=captcha.token,
        question=captcha.question,
        expires_in=int(rules.CAPTCHA_LIFETIME.total_seconds()),
        ticket=ticket,
    )
