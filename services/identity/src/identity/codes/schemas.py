"""Schemas of the codes API."""

from pydantic import BaseModel, ConfigDict, Field

from identity.codes import rules

TICKET = "x3cVt0bQ2o5yYk8l1mN4pR7sU0wZ3aD6gJ9kM2nP5qS"


class CaptchaAnswerIn(BaseModel):
    """The answer to a captcha."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"captcha": "…", "answer": "27"}})

    captcha: str = Field(max_length=1000, description="`POST /captchas` 返回的 `captcha`")
    answer: str = Field(max_length=20, description="对问题的回答：图片中的字符，或一个整数")


class CodeRequestIn(BaseModel):
    """A request for an SMS code."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"phone": "13800000000", "purpose": "register"}}
    )

    phone: str = Field(min_length=5, max_length=40)
    purpose: rules.CodePurpose
    ticket: str | None = Field(
        default=None,
        pattern=rules.TICKET,
        description="此前返回给本浏览器的 `ticket`；重新获取时应一并提交，首次获取时省略",
    )
    captcha: CaptchaAnswerIn | None = Field(
        default=None, description="对验证问题的回答；仅在返回 `captcha_required` 后需要"
    )


class CodeSentOut(BaseModel):
    """The response to any request for a code; it does not depend on the number."""

    expires_in: int = Field(examples=[300], description="有效秒数")
    resend_after: int = Field(examples=[60], description="多少秒后可重新获取")
    ticket: str = Field(
        examples=[TICKET], description="验证码只能与该 `ticket` 一起使用；请只保存在获取验证码的浏览器中"
    )

    @classmethod
    def to(cls, ticket: str) -> "CodeSentOut":
        """Return the response for the browser with `ticket`."""
        return cls(
            expires_in=int(rules.LIFETIME.total_seconds()),
            resend_after=int(rules.RESEND_AFTER.total_seconds()),
            ticket=ticket,
        )


class CaptchaRequestIn(BaseModel):
    """Ask for a captcha."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {}})

    ticket: str | None = Field(
        default=None, pattern=rules.TICKET, description="此前返回给本浏览器的 `ticket`；没有则省略"
    )
    kind: rules.CaptchaKind = Field(
        default=rules.CaptchaKind.PICTURE, description="`picture` 图片，`words` 文字题"
    )


class CaptchaOut(BaseModel):
    """A question for a person."""

    kind: rules.CaptchaKind = Field(description="`picture` 图片，`words` 文字题")
    captcha: str = Field(description="问题的凭据，与回答一起提交；只能使用一次", examples=["…"])
    question: str = Field(
        examples=["十二加七，再减去三，等于多少？"], description="问题；文字题以一个整数回答"
    )
    picture: str | None = Field(
        description="图片的 `data:` 地址（PNG，240×80）；文字题没有", examples=["data:image/png;base64,…"]
    )
    expires_in: int = Field(examples=[600], description="有效秒数")
    ticket: str = Field(examples=[TICKET], description="回答只对使用该 `ticket` 的浏览器有效")
