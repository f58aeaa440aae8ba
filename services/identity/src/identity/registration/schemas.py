"""Schemas of the API of registering."""

from pydantic import BaseModel, ConfigDict, Field

from identity.codes import rules as code_rules
from identity.codes.schemas import TICKET
from identity.policies.schemas import AGREED, AgreedIn


class RegistrationIn(BaseModel):
    """A registration: the phone number, the SMS code sent to it with its ticket, the legal name, and the
    documents agreed to.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "phone": "13800000000",
                "ticket": TICKET,
                "code": "123456",
                "name": "王小明",
                "agreed": {"privacy_policy": "1.3", "terms": "1.0"},
            }
        },
    )

    phone: str = Field(min_length=5, max_length=40)
    ticket: str = Field(pattern=code_rules.TICKET, description="获取验证码时返回的 `ticket`")
    code: str = Field(
        min_length=6, max_length=500, description="短信中的 6 位数字；可以粘贴整条短信，或含空格的验证码"
    )
    name: str = Field(min_length=1, max_length=100)
    agreed: AgreedIn = AGREED
