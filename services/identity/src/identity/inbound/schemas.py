"""Schemas of text messages from phones."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from identity.codes import rules
from identity.codes.challenges import Challenge
from identity.codes.schemas import TICKET


class InboundIn(BaseModel):
    """A text message that somebody sent to the platform's number."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "20261126-000001", "phone": "13800000000", "text": "48213967"}}
    )

    id: str = Field(min_length=1, max_length=200, description="网关给短信的编号；重发时不变")
    phone: str = Field(max_length=40, description="发送短信的号码，来自运营商")
    text: str = Field(max_length=2000, description="短信内容")


class TextChallengeIn(BaseModel):
    """A request for a challenge."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"phone": "13800000000", "purpose": "register"}}
    )

    phone: str = Field(min_length=5, max_length=40)
    purpose: rules.CodePurpose
    ticket: str | None = Field(
        default=None, pattern=rules.TICKET, description="此前返回给本浏览器的 `ticket`；没有则省略"
    )


class TextChallengeOut(BaseModel):
    """What the person sends, and where to. It does not depend on whether the number has an account."""

    id: UUID
    text: str = Field(
        examples=["48213967"], description="短信内容；收到后，在需要 `code` 的请求中作为 `code` 提交"
    )
    send_to: str = Field(examples=["106900001234"], description="平台接收短信的号码")
    expires_in: int = Field(examples=[600], description="多少秒内须收到短信")
    poll_after: int = Field(examples=[5], description="每隔多少秒可查询一次")
    ticket: str = Field(
        examples=[TICKET], description="短信只证明使用该 `ticket` 的浏览器；请只保存在该浏览器中"
    )

    @classmethod
    def of(cls, challenge: Challenge, ticket: str) -> "TextChallengeOut":
        """Return the response for the browser with `ticket`."""
        return cls(
            id=challenge.id,
            text=challenge.text,
            send_to=challenge.number,
            expires_in=int(rules.CHALLENGE_LIFETIME.total_seconds()),
            poll_after=int(rules.POLL_AFTER.total_seconds()),
            ticket=ticket,
        )


class ChallengeStateOut(BaseModel):
    """Whether the text has arrived."""

    state: rules.ChallengeState = Field(
        description="`waiting` 尚未收到；`received` 已收到，可以继续；`expired` 已过期；`used` 已使用过"
    )
    expires_in: int = Field(examples=[300], description="剩余秒数")
