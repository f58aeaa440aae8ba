"""Schemas of changes of phone numbers."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.vocabulary import PhoneChangeKind, PhoneChangeStatus
from identity.accounts.models import Account
from identity.codes import rules as code_rules
from identity.codes.schemas import CaptchaAnswerIn
from identity.phones.models import PhoneChange
from identity.policies.schemas import AGREED, AgreedIn
from identity.units.models import Unit
from identity.verification.schemas import CONSENT, ID_NUMBER

_PHONE = Field(min_length=5, max_length=40, examples=["13800000000"])
_NEW = Field(min_length=5, max_length=40, description="新手机号", examples=["13900000000"])
_TICKET = Field(pattern=code_rules.TICKET, description="获取验证码时返回的 `ticket`")
_CODE = Field(min_length=6, max_length=500, description="发到新手机号的验证码", examples=["123456"])
_NAME = Field(min_length=1, max_length=100, description="姓名", examples=["王小明"])


class PhoneCodeIn(BaseModel):
    """Ask for a code to change the number."""

    model_config = ConfigDict(extra="forbid")

    phone: str | None = Field(
        default=None, min_length=5, max_length=40, description="新手机号；省略则发到当前手机号"
    )
    ticket: str | None = Field(
        default=None,
        pattern=code_rules.TICKET,
        description="此前返回给本浏览器的 `ticket`；两个验证码须用同一个",
    )
    captcha: CaptchaAnswerIn | None = Field(default=None, description="对验证问题的回答")


class PhoneChallengeIn(BaseModel):
    """Ask for what to send from a number, in place of a code."""

    model_config = ConfigDict(extra="forbid")

    phone: str | None = Field(
        default=None, min_length=5, max_length=40, description="新手机号；省略则用当前手机号发送"
    )
    ticket: str | None = Field(
        default=None,
        pattern=code_rules.TICKET,
        description="此前返回给本浏览器的 `ticket`；两个号码须用同一个",
    )


class PhoneChangeIn(BaseModel):
    """A change with the codes of both numbers."""

    model_config = ConfigDict(extra="forbid")

    phone: str = _NEW
    ticket: str = _TICKET
    code: str = _CODE
    current_code: str = Field(
        min_length=6, max_length=500, description="发到当前手机号的验证码", examples=["654321"]
    )


class PhoneChangeRequestIn(BaseModel):
    """A change without the old number."""

    model_config = ConfigDict(extra="forbid")

    phone: str = _NEW
    ticket: str = _TICKET
    code: str = _CODE
    id_number: str = ID_NUMBER


class PhoneOut(BaseModel):
    """The account's number after a change."""

    phone_masked: str = Field(examples=["139****0000"])
    phone_verified_at: datetime = Field(description="手机号验证时间")


class PhoneChangeOut(BaseModel):
    """A change that waits or has ended."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="申请的标识")
    kind: PhoneChangeKind = Field(description="更换手机号或找回账号")
    status: PhoneChangeStatus = Field(description="办理情况")
    phone_masked: str = Field(description="新手机号（隐去中间四位）", examples=["139****0000"])
    requested_at: datetime
    due_at: datetime | None = Field(description="生效时间；须审核的，审核通过后才有")
    decided_at: datetime | None
    in_person: bool = Field(description="是否当面核验")
    outcome: str | None = Field(description="未通过、取消或未能生效的原因")


class RecoveryOut(PhoneChangeOut):
    """A recovery as the administrator sees it."""

    sub: UUID
    name: str = Field(description="姓名")
    unit_id: UUID = Field(description="主要单位的标识")
    unit_name: str
    current_phone_masked: str = Field(description="当前手机号（隐去中间四位）", examples=["138****0000"])
    id_matched: bool = Field(description="所填公民身份号码是否与实名核验的一致；不一致或未核验的须当面核验")

    @classmethod
    def of(cls, row: tuple[PhoneChange, Account, Unit]) -> "RecoveryOut":
        """Return a row of the list."""
        change, account, unit = row
        return cls(
            **PhoneChangeOut.model_validate(change).model_dump(),
            sub=account.id,
            name=account.name,
            unit_id=unit.id,
            unit_name=unit.name,
            current_phone_masked=account.phone_masked,
            id_matched=change.id_matched,
        )


class CancelIn(BaseModel):
    """A cancellation from the old number."""

    model_config = ConfigDict(extra="forbid")

    phone: str = Field(min_length=5, max_length=40, description="原手机号", examples=["13800000000"])
    ticket: str = _TICKET
    code: str = Field(min_length=6, max_length=500, description="发到原手机号的验证码", examples=["123456"])


class RecoveryIn(BaseModel):
    """A request for one's account when the number is lost."""

    model_config = ConfigDict(extra="forbid")

    phone: str = _NEW
    ticket: str = _TICKET
    code: str = _CODE
    name: str = _NAME
    id_number: str = ID_NUMBER
    old_phone: str | None = Field(
        default=None, min_length=5, max_length=40, description="原手机号；账号未完成实名核验时必填"
    )


class RecoveryAskedOut(BaseModel):
    """The answer to every request for a recovery; it does not depend on whether there is such an account."""

    message: str = Field(description="提示")


class RecoveryApprovalIn(BaseModel):
    """An administrator's approval."""

    model_config = ConfigDict(extra="forbid")

    in_person: bool = Field(description="是否已当面核验本人身份证件；当面核验的立即生效，否则满 24 小时生效")


class NewHolderIn(BaseModel):
    """A registration with a number that somebody else had before."""

    model_config = ConfigDict(extra="forbid")

    phone: str = _PHONE
    ticket: str = _TICKET
    code: str = Field(min_length=6, max_length=500, description="短信验证码", examples=["123456"])
    name: str = _NAME
    id_number: str = ID_NUMBER
    consent: bool = CONSENT
    agreed: AgreedIn = AGREED
