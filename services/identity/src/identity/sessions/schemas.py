"""Schemas of the sessions API."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from identity.sessions.rules import SignInMeans


class SignInOut(BaseModel):
    """One sign-in of the caller."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="登录记录的标识")
    at: datetime = Field(description="登录时间")
    means: SignInMeans = Field(description="登录方式")
    refused: str | None = Field(description="未能登录的原因代码；成功则为空", examples=[None])
    device: str | None = Field(description="设备和浏览器", examples=["Windows 电脑 · Edge 浏览器"])
    address_masked: str | None = Field(description="网络地址（隐去末段）", examples=["203.0.113.*"])
    place: str | None = Field(
        description="由网络地址推断的大致地区；不能推断的为空", examples=["山东省济南市"]
    )
    session_id: UUID | None = Field(description="登录会话的标识")


class SessionOut(BaseModel):
    """A session: a browser in which the person is signed in."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "sid": "01930000-0000-7000-8000-0000000000bb",
                "authenticated_at": "2026-11-22T02:00:00Z",
                "last_seen_at": "2026-11-22T02:05:00Z",
                "acr": "urn:zhuxue:acr:sms",
                "amr": ["sms", "otp"],
                "device": "Windows 电脑 · Edge 浏览器",
                "address_masked": "203.0.113.*",
                "place": "山东省济南市",
            }
        }
    )

    sid: UUID
    authenticated_at: datetime
    last_seen_at: datetime
    acr: str
    amr: list[str]
    device: str | None = Field(description="设备和浏览器")
    address_masked: str | None = Field(description="最近一次登录的网络地址（隐去末段）")
    place: str | None = Field(description="由网络地址推断的大致地区")
