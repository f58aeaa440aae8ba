"""REST API for captchas; codes are requested at `accounts`, which knows who has a number."""

from fastapi import APIRouter

from identity.codes import rules
from identity.codes.browsers import new_ticket
from identity.codes.dependencies import CodeSenderService
from identity.codes.schemas import CaptchaOut, CaptchaRequestIn

router = APIRouter(prefix="/api/v1", tags=["账号"])


@router.post(
    "/captchas",
    summary="获取验证问题",
    description="在 `captcha_required` 之后获取；回答只能使用一次，随获取验证码的请求提交。默认是图片；"
    "看不到图片的人可以改答文字题（`kind` 为 `words`），每小时可回答的次数较少。获取图片过多时返回文字题。",
)
async def ask_captcha(asked: CaptchaRequestIn, sender: CodeSenderService) -> CaptchaOut:
    """Return a picture, or a question in words, for the browser with the ticket."""
    ticket = asked.ticket or new_ticket()
    captcha = await sender.captcha(ticket, asked.kind)
    return CaptchaOut(
        captcha=captcha.token,
        kind=captcha.kind,
        question=captcha.question,
        picture=captcha.picture,
        expires_in=int(rules.CAPTCHA_LIFETIME.total_seconds()),
        ticket=ticket,
    )
