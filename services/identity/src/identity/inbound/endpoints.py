"""REST API of the proof of a number by a text message from it, and the gateway's webhook."""

from uuid import UUID

from fastapi import APIRouter, Response

from identity.accounts import errors as account_errors
from identity.accounts.rules import normalise_phone
from identity.accounts.service import phone_of
from identity.codes import errors as code_errors
from identity.codes.browsers import new_ticket
from identity.codes.dependencies import ChallengeService
from identity.inbound.dependencies import FromGateway
from identity.inbound.errors import NotFromGateway
from identity.inbound.schemas import ChallengeStateOut, InboundIn, TextChallengeIn, TextChallengeOut
from servicekit import problems

router = APIRouter(tags=["账号"])


@router.post(
    "/api/v1/text-challenges",
    status_code=201,
    summary="短信上行验证",
    description="由本人用该手机号把返回的内容发到平台号码，代替短信验证码；收到后用 `text` 作为 `code`。"
    "不占用该号码获取验证码的次数；无论号码是否已注册，返回相同。",
    responses=problems.responses(
        account_errors.BadPhone, code_errors.CodeBudgetSpent, code_errors.TextingOff
    ),
)
async def open_text_challenge(
    asked: TextChallengeIn, challenges: ChallengeService, response: Response
) -> TextChallengeOut:
    """Return what the holder of a number sends from it to prove that it is theirs."""
    ticket = asked.ticket or new_ticket()
    challenge = await challenges.open(phone_of(asked.phone), asked.purpose, ticket)
    response.headers["Location"] = f"/api/v1/text-challenges/{challenge.id}"
    return TextChallengeOut.of(challenge, ticket)


@router.get(
    "/api/v1/text-challenges/{challenge_id}",
    summary="是否已收到短信",
    description="按 `poll_after` 的间隔查询。",
    responses=problems.responses(code_errors.ChallengeNotFound),
)
async def text_challenge_state(challenge_id: UUID, challenges: ChallengeService) -> ChallengeStateOut:
    """Return whether the text has arrived."""
    state, left = await challenges.state(challenge_id)
    return ChallengeStateOut(state=state, expires_in=left)


@router.post(
    "/sms/inbound",
    status_code=204,
    summary="接收上行短信",
    description="由短信网关调用，正文须签名。同一编号的短信只处理一次；无论内容是否有用，返回相同。",
    responses=problems.responses(NotFromGateway, code_errors.TextingOff),
)
async def receive_text(message: InboundIn, _: FromGateway, challenges: ChallengeService) -> Response:
    """Take a text message that somebody sent to the platform's number."""
    await challenges.receive(message.id, normalise_phone(message.phone), message.text)
    return Response(status_code=204)
